//! Receive and Consume: messages from calls that follow each other.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::stream::{BoxStream, Stream, StreamExt as _, unfold};
use tokio::time::{sleep, timeout};
use tonic::{Status, Streaming};

use crate::acks::{Acks, Verdict};
use crate::call::{passed, proto_duration, retry_wait};
use crate::errors::{Error, ErrorKind, Result};
use crate::incoming::Assembly;
use crate::messages::{Gap, Incoming, Received};
use crate::overlay::v1 as pb;
use crate::sidecar::Sidecar;
use crate::verbs::awaited;

/// How long what is closed waits for the sidecar to take its last words.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the sidecar may take to answer that a call is open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// What comes to a channel: an async stream (`futures::Stream`) of [`Incoming`].
///
/// A message counts as taken once it is written to this app. Where the sidecar went away, the subscription is taken up
/// again as soon as it is back, and says so with a [`Gap`]. After an error it ends. Dropping it ends the subscription.
pub struct Receiver {
    batches: BoxStream<'static, Result<Vec<Incoming>>>,
    ready: std::vec::IntoIter<Incoming>,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Receiver").field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}

impl Receiver {
    pub(crate) async fn open(sidecar: Sidecar, channel: String) -> Result<Receiver> {
        let source = Receive(pb::ReceiveRequest { channel });
        Ok(Receiver { batches: opened(sidecar, source).await?, ready: Vec::new().into_iter() })
    }

    /// The next thing that comes; None once the subscription has ended.
    pub async fn next(&mut self) -> Option<Result<Incoming>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Receiver {
    type Item = Result<Incoming>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Incoming>>> {
        loop {
            if let Some(item) = self.ready.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match std::task::ready!(self.batches.poll_next_unpin(context)) {
                Some(Ok(batch)) => self.ready = batch.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Subscribes with acknowledgements: see [`Sidecar::consume`].
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until it is awaited"]
pub struct Consume {
    sidecar: Sidecar,
    opening: pb::ConsumeOpen,
}

impl Consume {
    pub(crate) fn new(sidecar: &Sidecar, channel: &str) -> Consume {
        let opening = pb::ConsumeOpen { channel: channel.into(), credits: 64, ack_deadline: None, max_deliveries: 0 };
        Consume { sidecar: sidecar.clone(), opening }
    }

    /// How many messages may be handed out and not yet acked or nacked; 64 where nothing is said.
    pub fn credits(mut self, credits: u32) -> Consume {
        self.opening.credits = credits;
        self
    }

    /// How long a message may be unacknowledged before it is handed out again; for as long as the consumer lives where
    /// nothing is said.
    pub fn ack_deadline(mut self, deadline: Duration) -> Consume {
        self.opening.ack_deadline = Some(proto_duration(deadline));
        self
    }

    /// A message that comes back so many times becomes a dead letter; 0, the default, is never.
    pub fn max_deliveries(mut self, most: u32) -> Consume {
        self.opening.max_deliveries = most;
        self
    }

    async fn run(self) -> Result<Consumer> {
        if self.opening.credits == 0 {
            return Err(Error::invalid("credits", "at least 1"));
        }
        let ledger = Arc::new(Ledger(Mutex::default()));
        let source = Consumption { opening: self.opening, ledger: ledger.clone() };
        let batches = opened(self.sidecar, source).await?;
        Ok(Consumer { receiver: Receiver { batches, ready: Vec::new().into_iter() }, acker: Acker { ledger } })
    }
}

awaited!(Consume -> Consumer);

/// What comes to a channel, with acknowledgements: an async stream (`futures::Stream`) of [`Incoming`].
///
/// What is not acked when it is closed or dropped goes to another subscriber. Acknowledgements are written in the
/// background; [`close`](Consumer::close) hands over the last ones, which dropping it may lose.
#[derive(Debug)]
pub struct Consumer {
    receiver: Receiver,
    acker: Acker,
}

impl Consumer {
    /// The next thing that comes; None once the subscription has ended.
    pub async fn next(&mut self) -> Option<Result<Incoming>> {
        self.receiver.next().await
    }

    /// This message is done. One from before the last [`Gap`] is passed over: the sidecar no longer waits for it.
    pub fn ack(&self, message: &Received) {
        self.acker.ack(message);
    }

    /// Hands this message out again, to any subscriber.
    pub fn nack(&self, message: &Received) {
        self.acker.nack(message, Duration::ZERO);
    }

    /// Hands this message out again after `delay`, at most a day; others pass it meanwhile.
    pub fn nack_after(&self, message: &Received, delay: Duration) {
        self.acker.nack(message, delay);
    }

    /// This message takes longer: it comes back `time` from now if it is not acked.
    pub fn extend(&self, message: &Received, time: Duration) {
        self.acker.extend(message, time);
    }

    /// What acknowledges from other tasks, while this one waits for messages.
    pub fn acker(&self) -> Acker {
        self.acker.clone()
    }

    /// How many acknowledgements came for messages that the sidecar no longer held for this consumer.
    pub fn unknown(&self) -> u64 {
        self.acker.ledger.state().unknown
    }

    /// Hands over the last acknowledgements and ends the subscription.
    pub async fn close(mut self) {
        self.acker.ledger.close();
        // The status comes behind what was not read; what was not taken is handed out again.
        let ended = async { while let Some(Ok(_)) = self.receiver.batches.next().await {} };
        let _ = timeout(CLOSE_TIMEOUT, ended).await;
    }
}

impl Stream for Consumer {
    type Item = Result<Incoming>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Incoming>>> {
        self.receiver.poll_next_unpin(context)
    }
}

/// Acknowledges the messages of a [`Consumer`] from wherever they were worked on.
#[derive(Clone, Debug)]
pub struct Acker {
    ledger: Arc<Ledger>,
}

impl Acker {
    /// See [`Consumer::ack`].
    pub fn ack(&self, message: &Received) {
        self.ledger.add(Verdict::Ack, message);
    }

    /// See [`Consumer::nack_after`].
    pub fn nack(&self, message: &Received, delay: Duration) {
        self.ledger.add(Verdict::Nack(delay), message);
    }

    /// See [`Consumer::extend`].
    pub fn extend(&self, message: &Received, time: Duration) {
        self.ledger.add(Verdict::Extend(time), message);
    }
}

/// What a consumer, its ackers and its calls share.
#[derive(Debug)]
struct Ledger(Mutex<LedgerState>);

#[derive(Debug, Default)]
struct LedgerState {
    acks: Acks,
    opening: u64,
    closed: bool,
    unknown: u64,
    writer: Option<Waker>,
}

impl Ledger {
    fn state(&self) -> MutexGuard<'_, LedgerState> {
        // Nothing below panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, verdict: Verdict, message: &Received) {
        self.changed(|state| {
            if message.opening == state.opening {
                state.acks.add(verdict, message.delivery_id);
            }
        });
    }

    fn close(&self) {
        self.changed(|state| state.closed = true);
    }

    fn begin(&self, opening: u64) {
        self.changed(|state| {
            state.acks.clear();
            state.opening = opening;
        });
    }

    fn changed(&self, change: impl FnOnce(&mut LedgerState)) {
        let writer = {
            let mut state = self.state();
            change(&mut state);
            state.writer.take()
        };
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}

/// What one Consume call writes: its opening, then acknowledgements as they come.
struct AckFrames {
    opening: Option<pb::ConsumeOpen>,
    number: u64,
    ledger: Arc<Ledger>,
}

impl Stream for AckFrames {
    type Item = pb::ConsumeRequest;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<pb::ConsumeRequest>> {
        if let Some(open) = self.opening.take() {
            let frame = pb::consume_request::Frame::Open(open);
            return Poll::Ready(Some(pb::ConsumeRequest { frame: Some(frame) }));
        }
        let mut state = self.ledger.state();
        if state.opening != self.number {
            return Poll::Ready(None);
        }
        if let Some(request) = state.acks.next_request() {
            return Poll::Ready(Some(request));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }
}

/// The two kinds of subscription.
trait Source: Send + Sync + 'static {
    type Response: Send + 'static;

    /// Starts call number `opening`.
    fn begin(
        &self,
        sidecar: &Sidecar,
        opening: u64,
    ) -> impl Future<Output = Result<Streaming<Self::Response>, Status>> + Send;

    fn deliveries(&self, response: Self::Response) -> Vec<pb::Delivery>;

    /// Whether the app has closed it.
    fn closed(&self) -> bool;
}

struct Receive(pb::ReceiveRequest);

impl Source for Receive {
    type Response = pb::ReceiveResponse;

    async fn begin(&self, sidecar: &Sidecar, _: u64) -> Result<Streaming<pb::ReceiveResponse>, Status> {
        Ok(sidecar.shared_stubs().messages.clone().receive(self.0.clone()).await?.into_inner())
    }

    fn deliveries(&self, response: pb::ReceiveResponse) -> Vec<pb::Delivery> {
        response.deliveries
    }

    fn closed(&self) -> bool {
        false
    }
}

struct Consumption {
    opening: pb::ConsumeOpen,
    ledger: Arc<Ledger>,
}

impl Source for Consumption {
    type Response = pb::ConsumeResponse;

    async fn begin(&self, sidecar: &Sidecar, opening: u64) -> Result<Streaming<pb::ConsumeResponse>, Status> {
        self.ledger.begin(opening);
        let frames = AckFrames { opening: Some(self.opening.clone()), number: opening, ledger: self.ledger.clone() };
        Ok(sidecar.shared_stubs().messages.clone().consume(frames).await?.into_inner())
    }

    fn deliveries(&self, response: pb::ConsumeResponse) -> Vec<pb::Delivery> {
        if !response.unknown.is_empty() {
            let count = |range: &pb::DeliveryRange| range.last.saturating_sub(range.first).saturating_add(1);
            let unknown = response.unknown.iter().map(count).fold(0, u64::saturating_add);
            let mut state = self.ledger.state();
            state.unknown = state.unknown.saturating_add(unknown);
        }
        response.deliveries
    }

    fn closed(&self) -> bool {
        self.ledger.state().closed
    }
}

/// A subscription: its call, and what it takes to open the next one.
struct Feed<S: Source> {
    sidecar: Sidecar,
    source: S,
    assembly: Assembly,
    call: Streaming<S::Response>,
    /// Which run of the sidecar the call is with.
    instance: u64,
    failed: bool,
}

/// Opens the first call, so that what is sent from then on is not missed.
async fn opened<S: Source>(sidecar: Sidecar, source: S) -> Result<BoxStream<'static, Result<Vec<Incoming>>>> {
    sidecar.limits(sidecar.timeout()).await?;
    let (call, instance) = begin(&sidecar, &source, 0).await?;
    let feed = Feed { sidecar, source, assembly: Assembly::default(), call, instance, failed: false };
    let batches = unfold(Box::new(feed), |mut feed| async move {
        let batch = feed.next().await?;
        Some((batch, feed))
    });
    // Fused: who asks behind the end is told of it again.
    Ok(batches.fuse().boxed())
}

async fn begin<S: Source>(sidecar: &Sidecar, source: &S, opening: u64) -> Result<(Streaming<S::Response>, u64)> {
    // The sidecar answers a call it has taken with headers at once.
    let call = match timeout(OPEN_TIMEOUT, source.begin(sidecar, opening)).await {
        Ok(call) => call.map_err(|status| sidecar.error(&status))?,
        Err(_) => return Err(passed("the subscription", OPEN_TIMEOUT)),
    };
    Ok((call, sidecar.clone().with_timeout(OPEN_TIMEOUT).node().await?.instance))
}

impl<S: Source> Feed<S> {
    /// The next messages; None when the subscription is over.
    async fn next(&mut self) -> Option<Result<Vec<Incoming>>> {
        while !self.failed {
            let broken = match self.call.message().await {
                Ok(Some(response)) => {
                    let mut messages = Vec::new();
                    let deliveries = self.source.deliveries(response);
                    if let Err(error) = self.assembly.take(deliveries, &mut messages) {
                        return self.fail(error);
                    }
                    if messages.is_empty() {
                        continue;
                    }
                    return Some(Ok(messages));
                }
                Ok(None) => Error::new(ErrorKind::SidecarUnavailable, "the sidecar ended the subscription"),
                Err(status) => Error::from(status),
            };
            if self.source.closed() || self.sidecar.closed() {
                return None;
            }
            if !broken.kind().is_unavailable() {
                return self.fail(broken);
            }
            return match self.resume(broken).await {
                Ok(Some(gap)) => Some(Ok(vec![Incoming::Gap(gap)])),
                Ok(None) => None,
                Err(error) => self.fail(error),
            };
        }
        None
    }

    fn fail(&mut self, error: Error) -> Option<Result<Vec<Incoming>>> {
        self.failed = true;
        Some(Err(error))
    }

    /// Opens the next call where the last one ended for a reason that may pass; None when it was closed meanwhile.
    async fn resume(&mut self, broken: Error) -> Result<Option<Gap>> {
        let former = self.instance;
        let mut attempt = 0;
        loop {
            sleep(retry_wait(attempt)).await;
            if self.source.closed() || self.sidecar.closed() {
                return Ok(None);
            }
            self.assembly.restart();
            match begin(&self.sidecar, &self.source, self.assembly.opening()).await {
                Ok((call, instance)) => {
                    self.call = call;
                    self.instance = instance;
                    let detail = broken.detail().to_string();
                    return Ok(Some(Gap { detail, restarted: instance != former }));
                }
                Err(error) if error.kind().is_unavailable() || error.kind().is_deadline() => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}
