//! Requests: asking another app, and answering others.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use futures_channel::mpsc::{UnboundedSender, unbounded};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::timeout;

use crate::call::{std_duration, unary};
use crate::errors::{Error, ErrorKind, Result};
use crate::messages::Message;
use crate::overlay::v1 as pb;
use crate::overlay::v1::reply_request::Frame;
use crate::retry::Method;
use crate::sidecar::Sidecar;
use crate::subscriptions::CLOSE_TIMEOUT;
use crate::verbs::awaited;

const REQUEST: Method = Method { service: "overlay.v1.MessageService", name: "Request" };

/// The longest words of an answering app's error, in bytes.
const ERROR_BYTES: usize = 1024;

/// The longest code of an answering app's error, in bytes.
const CODE_BYTES: usize = 128;

/// The longest headers of a reply, names and values together, in bytes.
const HEADERS_BYTES: usize = 8 << 10;

/// Asks an app beside a peer: see [`Sidecar::request`].
#[derive(Clone, Debug)]
#[must_use = "nothing is asked until it is awaited"]
pub struct Ask {
    sidecar: Sidecar,
    peer_id: String,
    channel: String,
    message: Message,
    timeout: Duration,
}

impl Ask {
    pub(crate) fn new(sidecar: &Sidecar, peer_id: &str, message: Message) -> Ask {
        let timeout = sidecar.timeout();
        Ask { sidecar: sidecar.clone(), peer_id: peer_id.into(), channel: String::new(), message, timeout }
    }

    /// The channel; the empty one where nothing is said.
    pub fn channel(mut self, channel: impl Into<String>) -> Ask {
        self.channel = channel.into();
        self
    }

    /// One more header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Ask {
        self.message = self.message.header(name, value);
        self
    }

    /// Its headers, in place of those given before.
    pub fn headers<N: Into<String>, V: Into<String>>(mut self, headers: impl IntoIterator<Item = (N, V)>) -> Ask {
        self.message = self.message.headers(headers);
        self
    }

    /// How long to wait; the app that is asked is told.
    pub fn timeout(mut self, timeout: Duration) -> Ask {
        self.timeout = timeout;
        self
    }

    async fn run(self) -> Result<Replied> {
        let limits = self.sidecar.limits_for(&self.message.payload, self.timeout).await?;
        let size = self.message.payload.len();
        if size > limits.grpc_bytes {
            return Err(Error::too_large("payload", size as u64, limits.grpc_bytes as u64, "use a byte stream"));
        }
        let request = pb::RequestRequest {
            peer_id: self.peer_id,
            channel: self.channel,
            headers: self.message.headers,
            payload: self.message.payload,
        };
        let told = unary(&self.sidecar, REQUEST, self.timeout, request, |stubs, request| {
            let mut stub = stubs.messages.clone();
            async move { stub.request(request).await }
        })
        .await?;
        Ok(Replied { payload: told.payload, headers: told.headers })
    }
}

awaited!(Ask -> Replied);

/// A reply. Whatever becomes [`Bytes`] becomes one, and text does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replied {
    /// Its bytes.
    pub payload: Bytes,
    /// What it says beside them.
    pub headers: HashMap<String, String>,
}

macro_rules! replied_from {
    ($($kind:ty),*) => {
        $(impl From<$kind> for Replied {
            fn from(payload: $kind) -> Replied {
                Replied { payload: payload.into(), headers: HashMap::new() }
            }
        })*
    };
}

replied_from!(Bytes, Vec<u8>, String, &'static [u8], &'static str);

/// What another app asks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IncomingRequest {
    /// Who asks, proven by its key.
    pub peer_id: String,
    /// The channel.
    pub channel: String,
    /// Its bytes.
    pub payload: Bytes,
    /// What it says beside them.
    pub headers: HashMap<String, String>,
    /// How long the requester waits, from when it came; None where it did not say.
    pub time_left: Option<Duration>,
}

/// Given by an app that answers, in place of a reply: the requester gets
/// [`RequestFailed`](ErrorKind::RequestFailed) with this code, a short word, and these words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AnswerError {
    code: String,
    message: String,
}

impl AnswerError {
    /// An error with this code and these words.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> AnswerError {
        AnswerError { code: code.into(), message: message.into() }
    }

    fn internal(message: impl Into<String>) -> AnswerError {
        AnswerError::new("internal", message)
    }
}

/// Answers the requests of a channel: see [`Sidecar::reply`].
#[derive(Clone, Debug)]
#[must_use = "nothing is answered until `serve` is awaited"]
pub struct Reply {
    sidecar: Sidecar,
    opening: pb::ReplyOpen,
}

impl Reply {
    pub(crate) fn new(sidecar: &Sidecar, channel: &str) -> Reply {
        let opening = pb::ReplyOpen { channel: channel.into(), credits: 16, peer_ids: Vec::new() };
        Reply { sidecar: sidecar.clone(), opening }
    }

    /// How many requests are worked on at once; 16 where nothing is said.
    pub fn credits(mut self, credits: u32) -> Reply {
        self.opening.credits = credits;
        self
    }

    /// One more peer whose requests are taken; any peer's are where none is named.
    pub fn peer(mut self, peer_id: impl AsRef<str>) -> Reply {
        self.opening.peer_ids.push(peer_id.as_ref().into());
        self
    }

    /// Answers until the call ends, which its error tells, or the future is dropped.
    ///
    /// Each request is answered in a task of its own, which is dropped when nobody waits for the answer any longer. A
    /// panic of `answer` or there is the requester's error (code `internal`) and ends nothing else.
    pub async fn serve<F, A, R>(self, answer: F) -> Result<()>
    where
        F: Fn(IncomingRequest) -> A,
        A: Future<Output = Result<R, AnswerError>> + Send + 'static,
        R: Into<Replied>,
    {
        self.open().await?.serve(answer).await
    }

    /// Returns once the sidecar hands requests to this app; they wait until [`Serving::serve`] is awaited.
    pub async fn open(self) -> Result<Serving> {
        if self.opening.credits == 0 {
            return Err(Error::invalid("credits", "at least 1"));
        }
        let limits = self.sidecar.limits(self.sidecar.timeout()).await?;
        // Never more than `credits` answers: a request comes when the answer to a former one was taken.
        let (frames, written) = unbounded();
        write(&frames, Frame::Open(self.opening));
        let opened = self.sidecar.shared_stubs().messages.clone().reply(written).await;
        let call = opened.map_err(|status| self.sidecar.error(&status))?.into_inner();
        Ok(Serving { call, frames, most: limits.grpc_bytes })
    }
}

/// A channel whose requests come to this app.
#[derive(Debug)]
#[must_use = "nothing is answered until `serve` is awaited"]
pub struct Serving {
    call: tonic::Streaming<pb::ReplyResponse>,
    frames: UnboundedSender<pb::ReplyRequest>,
    most: usize,
}

impl Serving {
    /// See [`Reply::serve`].
    pub async fn serve<F, A, R>(self, answer: F) -> Result<()>
    where
        F: Fn(IncomingRequest) -> A,
        A: Future<Output = Result<R, AnswerError>> + Send + 'static,
        R: Into<Replied>,
    {
        self.serve_until(answer, std::future::pending()).await
    }

    /// The same until `end` is done: then it takes no more requests, and returns once the answers to those in hand are
    /// given.
    pub async fn serve_until<F, A, R>(mut self, answer: F, end: impl Future<Output = ()>) -> Result<()>
    where
        F: Fn(IncomingRequest) -> A,
        A: Future<Output = Result<R, AnswerError>> + Send + 'static,
        R: Into<Replied>,
    {
        let mut tasks: JoinSet<Result<Replied, AnswerError>> = JoinSet::new();
        let mut working = Working::default();
        let mut ending = false;
        let mut end = std::pin::pin!(end);
        while !ending || !working.numbers.is_empty() {
            tokio::select! {
                () = &mut end, if !ending => ending = true,
                response = self.call.message() => {
                    let Some(response) = response? else {
                        return Err(Error::new(ErrorKind::SidecarUnavailable, "the sidecar ended the call"));
                    };
                    for asked in response.requests {
                        if ending {
                            continue;
                        }
                        let number = asked.request_id;
                        // The app's code before its first `await` is as likely to panic as the rest.
                        let begun = catch_unwind(AssertUnwindSafe(|| answer(taken(asked))));
                        let task = tasks.spawn(async move {
                            match begun {
                                Ok(answered) => answered.await.map(Into::into),
                                Err(_) => Err(AnswerError::internal(PANICKED)),
                            }
                        });
                        working.begin(number, task);
                    }
                    for number in response.cancelled {
                        working.cancel(number);
                    }
                }
                Some(done) = tasks.join_next_with_id() => {
                    let (id, outcome) = match done {
                        Ok((id, outcome)) => (id, outcome),
                        Err(error) => (error.id(), Err(panicked(&error))),
                    };
                    if let Some(number) = working.end(id) {
                        let answers = vec![answered(number, outcome, self.most)];
                        write(&self.frames, Frame::Answers(pb::ReplyAnswers { answers }));
                    }
                }
            }
        }
        self.frames.close_channel();
        // The answers are with the sidecar when it has ended the call.
        let ended = async { while let Ok(Some(_)) = self.call.message().await {} };
        let _ = timeout(CLOSE_TIMEOUT, ended).await;
        Ok(())
    }
}

/// The requests that are worked on. One that was cancelled is not among them: its task may end as it likes.
#[derive(Default)]
struct Working {
    tasks: HashMap<u64, AbortHandle>,
    numbers: HashMap<tokio::task::Id, u64>,
}

impl Working {
    fn begin(&mut self, number: u64, task: AbortHandle) {
        self.numbers.insert(task.id(), number);
        self.tasks.insert(number, task);
    }

    fn cancel(&mut self, number: u64) {
        if let Some(task) = self.tasks.remove(&number) {
            self.numbers.remove(&task.id());
            task.abort();
        }
    }

    fn end(&mut self, id: tokio::task::Id) -> Option<u64> {
        let number = self.numbers.remove(&id)?;
        self.tasks.remove(&number);
        Some(number)
    }
}

fn write(frames: &UnboundedSender<pb::ReplyRequest>, frame: Frame) {
    // It fails when the call is over, which reading tells.
    let _ = frames.unbounded_send(pb::ReplyRequest { frame: Some(frame) });
}

const PANICKED: &str = "the app panicked";

fn panicked(error: &JoinError) -> AnswerError {
    AnswerError::internal(if error.is_panic() { PANICKED } else { "the app gave up" })
}

fn taken(asked: pb::IncomingRequest) -> IncomingRequest {
    IncomingRequest {
        time_left: std_duration(asked.time_left),
        peer_id: asked.peer_id,
        channel: asked.channel,
        payload: asked.payload,
        headers: asked.headers,
    }
}

/// An answer as the sidecar takes it: one that it refused would end the call, and all others.
fn answered(number: u64, outcome: Result<Replied, AnswerError>, most: usize) -> pb::Answer {
    let mut answer = pb::Answer { request_id: number, ..pb::Answer::default() };
    match outcome.and_then(|replied| checked(replied, most)) {
        Ok(replied) => {
            answer.payload = replied.payload;
            answer.headers = replied.headers;
        }
        Err(error) => {
            let told = !error.code.is_empty() && error.code.len() <= CODE_BYTES;
            let AnswerError { code, message } = if told { error } else { AnswerError::internal(error.to_string()) };
            answer.error = Some(pb::AnswerError { code, message: cut(&message, ERROR_BYTES) });
        }
    }
    answer
}

fn checked(replied: Replied, most: usize) -> Result<Replied, AnswerError> {
    let size = replied.payload.len();
    if size > most {
        return Err(AnswerError::internal(format!("the reply has {size} bytes, more than {most}: use a byte stream")));
    }
    let size: usize = replied.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > HEADERS_BYTES {
        let words = format!("the headers of the reply have {size} bytes, more than {HEADERS_BYTES}");
        return Err(AnswerError::internal(words));
    }
    Ok(replied)
}

/// The longest beginning of `text` that has at most so many bytes.
fn cut(text: &str, bytes: usize) -> String {
    let fits = |(start, character): &(usize, char)| start + character.len_utf8() <= bytes;
    text.char_indices().take_while(fits).map(|(_, character)| character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_between_characters() {
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("", 2), "");
    }

    #[test]
    fn a_reply_that_is_too_large_is_an_error() {
        let answer = answered(1, Ok(Replied::from(vec![0; 9])), 8);
        assert_eq!(answer.error.map(|error| error.code), Some("internal".into()));
        assert!(answered(1, Ok(Replied::from(vec![0; 8])), 8).error.is_none());
        let headers = |size| HashMap::from([("n".to_string(), "v".repeat(size - 1))]);
        let answer = answered(1, Ok(Replied { headers: headers(HEADERS_BYTES + 1), ..Replied::default() }), 8);
        assert_eq!(answer.error.map(|error| error.code), Some("internal".into()));
        let answer = answered(1, Ok(Replied { headers: headers(HEADERS_BYTES), ..Replied::default() }), 8);
        assert!(answer.error.is_none());
    }

    #[test]
    fn an_error_without_a_code_that_is_one_is_internal() {
        for code in [String::new(), "c".repeat(CODE_BYTES + 1)] {
            let error = answered(1, Err(AnswerError::new(code, "why")), 8).error.unwrap();
            assert_eq!(error.code, "internal");
            assert!(error.message.ends_with("why"));
        }
        let error =
            answered(1, Err(AnswerError::new("c".repeat(CODE_BYTES), "é".repeat(ERROR_BYTES))), 8).error.unwrap();
        assert_eq!((error.code.len(), error.message.len()), (CODE_BYTES, ERROR_BYTES));
    }
}
