//! Many messages to one peer and channel over one call, pipelined.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tonic::Request;

use crate::call::{bounded, passed};
use crate::errors::{Error, Result};
use crate::messages::Message;
use crate::outgoing::Outgoing;
use crate::overlay::v1 as pb;
use crate::overlay::v1::message_service_client::MessageServiceClient;
use crate::stubs::Transport;

/// A pipelined way to one peer and channel.
///
/// [`send`](Sender::send) returns as soon as there is room (16 MiB may be without an outcome) and gives the message's
/// number; [`result`](Sender::result) waits for one message, [`flush`](Sender::flush) for all so far, and
/// [`close`](Sender::close) ends it well. Dropping it cancels what has no outcome. When the sidecar goes away, what was
/// handed over fails as [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) and the sender is of no more use: open a
/// new one. Several tasks may use one together.
#[derive(Debug)]
pub struct Sender {
    shared: Arc<Shared>,
    call: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told whenever there are new outcomes.
    progress: Notify,
}

#[derive(Debug)]
struct State {
    book: Outgoing,
    opening: Option<pb::SendStreamOpen>,
    closing: bool,
    writer: Option<Waker>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing below panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) -> Option<Waker> {
        self.writer.take()
    }
}

impl Sender {
    /// Opens the call; `timeout` is for all of it.
    pub(crate) fn open(
        stub: MessageServiceClient<Transport>,
        opening: pb::SendStreamOpen,
        book: Outgoing,
        timeout: Option<Duration>,
    ) -> Sender {
        let state = State { book, opening: Some(opening), closing: false, writer: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), progress: Notify::new() });
        let call = tokio::spawn(run(stub, shared.clone(), timeout));
        Sender { shared, call }
    }

    /// Takes a message of any size; gives its number, from 1 on. Waits while too much has no outcome. Fails with what
    /// ended the call, once it has ended.
    pub async fn send(&self, message: impl Into<Message>) -> Result<u64> {
        let mut message = Some(message.into());
        loop {
            if let Some(added) = self.add(&mut message) {
                return added;
            }
            // Only who has to wait costs the others a look at whom to wake.
            let mut progress = std::pin::pin!(self.shared.progress.notified());
            progress.as_mut().enable();
            if let Some(added) = self.add(&mut message) {
                return added;
            }
            progress.await;
        }
    }

    /// Takes the message, where there is room; None where there is not.
    fn add(&self, message: &mut Option<Message>) -> Option<Result<u64>> {
        let mut state = self.shared.state();
        if state.book.full() && state.book.ended().is_none() {
            return None;
        }
        let added = state.book.add(message.take()?);
        let writer = state.wake();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        Some(added)
    }

    /// Returns once message `number` has reached its level; fails with why it did not.
    pub async fn result(&self, number: u64) -> Result<()> {
        if number == 0 || number > self.shared.state().book.count() {
            return Err(Error::invalid("number", "no message of this sender has it"));
        }
        self.outcomes(number).await;
        self.shared.state().book.error_of(number).map_or(Ok(()), Err)
    }

    /// Returns once every message so far has reached its level.
    /// [`SendFailed`](crate::ErrorKind::SendFailed) names those that did not and were not named before.
    pub async fn flush(&self) -> Result<()> {
        let number = self.shared.state().book.count();
        self.outcomes(number).await;
        self.shared.state().book.new_failures()
    }

    /// Sends no more, waits for what was sent, and ends the call. Fails as [`flush`](Sender::flush) does.
    pub async fn close(self) -> Result<()> {
        let writer = {
            let mut state = self.shared.state();
            state.closing = true;
            state.wake()
        };
        if let Some(writer) = writer {
            writer.wake();
        }
        self.until(|book| book.ended().is_some()).await;
        self.shared.state().book.new_failures()
    }

    async fn outcomes(&self, number: u64) {
        self.until(|book| book.through() >= number).await;
    }

    async fn until(&self, done: impl Fn(&Outgoing) -> bool) {
        while !done(&self.shared.state().book) {
            let mut progress = std::pin::pin!(self.shared.progress.notified());
            progress.as_mut().enable();
            if done(&self.shared.state().book) {
                return;
            }
            progress.await;
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.call.abort();
    }
}

/// The call, from its begin to its end.
async fn run(mut stub: MessageServiceClient<Transport>, shared: Arc<Shared>, timeout: Option<Duration>) {
    let mut request = Request::new(Frames(shared.clone()));
    if let Some(timeout) = timeout {
        request.set_timeout(bounded(timeout));
    }
    let call = async {
        let mut responses = stub.send_stream(request).await?.into_inner();
        while let Some(response) = responses.message().await? {
            shared.state().book.receipts(&response);
            shared.progress.notify_waiters();
        }
        Ok::<(), tonic::Status>(())
    };
    let ended = match timeout {
        None => call.await.map_err(|status| Error::of_status(&status)),
        Some(timeout) => match tokio::time::timeout(bounded(timeout), call).await {
            Ok(ended) => ended.map_err(|status| Error::of_status(&status)),
            Err(_) => Err(passed("SendStream", timeout)),
        },
    };
    shared.state().book.end(ended.err());
    shared.progress.notify_waiters();
}

/// What is written to the call: gRPC asks for the next frame when the last one is on its way.
struct Frames(Arc<Shared>);

impl Stream for Frames {
    type Item = pb::SendStreamRequest;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<pb::SendStreamRequest>> {
        let mut state = self.0.state();
        if let Some(open) = state.opening.take() {
            return Poll::Ready(Some(pb::SendStreamRequest { open: Some(open), ..pb::SendStreamRequest::default() }));
        }
        if let Some(frame) = state.book.next_frame() {
            return Poll::Ready(Some(frame));
        }
        if state.closing || state.book.ended().is_some() {
            return Poll::Ready(None);
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }
}
