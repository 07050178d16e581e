//! The sender's end of SendStream, without any I/O: messages in, frames out, receipts in, outcomes out.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::call::Limits;
use crate::errors::{Error, ErrorKind, Result};
use crate::messages::{Message, Wait};
use crate::overlay::v1 as pb;

/// Messages are gathered into frames of about this size; one that is larger alone makes its own.
const FRAME_BYTES: usize = 1 << 20;

/// The size of the parts of a message that no frame can hold.
const CHUNK_BYTES: usize = 2 << 20;

/// How many bytes may be without an outcome before `full` says to wait.
const WINDOW_BYTES: usize = 16 << 20;

/// What a message is counted for beside its payload and headers, so that empty ones are bounded too.
const MESSAGE_COST: usize = 64;

/// Messages of a [`Sender`](crate::Sender) that did not reach their level, by number, both inclusive.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// Why.
    pub error: Error,
}

/// The book of one SendStream.
///
/// Numbers run from 1. `through` is the number up to which every message has an outcome; those that failed are in
/// `failures`. A message stays counted in `pending_bytes` until it has one.
#[derive(Debug)]
pub(crate) struct Outgoing {
    level: pb::DeliveryLevel,
    limits: Limits,
    count: u64,
    through: u64,
    pending_bytes: usize,
    failures: Vec<Failure>,
    ended: Option<Error>,
    frames: VecDeque<Frame>,
    /// (number, cost) of what has no outcome.
    costs: VecDeque<(u64, usize)>,
    /// The last message that was handed to gRPC, in part at least.
    taken: u64,
    /// How many of the failures `new_failures` has told.
    reported: usize,
}

#[derive(Debug)]
enum Frame {
    Batch { last: u64, messages: Vec<pb::Message>, bytes: usize },
    Large { number: u64, message: pb::Message, offset: usize },
}

impl Outgoing {
    pub(crate) fn new(wait: Wait, limits: Limits) -> Outgoing {
        Outgoing {
            level: wait.level(),
            limits,
            count: 0,
            through: 0,
            pending_bytes: 0,
            failures: Vec::new(),
            ended: None,
            frames: VecDeque::new(),
            costs: VecDeque::new(),
            taken: 0,
            reported: 0,
        }
    }

    /// The number of the last message.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The number up to which every message has an outcome.
    pub(crate) fn through(&self) -> u64 {
        self.through
    }

    /// Whether to wait for outcomes before adding more.
    pub(crate) fn full(&self) -> bool {
        self.pending_bytes >= WINDOW_BYTES
    }

    /// Why the call is over, once it is.
    pub(crate) fn ended(&self) -> Option<&Error> {
        self.ended.as_ref()
    }

    /// Takes a message and gives its number. Fails with what ended the call, once it has ended.
    pub(crate) fn add(&mut self, message: Message) -> Result<u64> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        self.limits.check(&message.payload)?;
        let headers: usize = message.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let cost = message.payload.len() + headers + message.message_id.len() + MESSAGE_COST;
        self.count += 1;
        let number = self.count;
        let large = message.payload.len() > self.limits.whole_bytes();
        let message = pb::Message::from(message);
        match self.frames.back_mut() {
            Some(Frame::Batch { last, messages, bytes }) if !large && *bytes + cost <= FRAME_BYTES => {
                messages.push(message);
                *last = number;
                *bytes += cost;
            }
            _ if large => self.frames.push_back(Frame::Large { number, message, offset: 0 }),
            _ => self.frames.push_back(Frame::Batch { last: number, messages: vec![message], bytes: cost }),
        }
        self.costs.push_back((number, cost));
        self.pending_bytes += cost;
        Ok(number)
    }

    /// The next frame; None when nothing waits.
    pub(crate) fn next_frame(&mut self) -> Option<pb::SendStreamRequest> {
        match self.frames.pop_front()? {
            Frame::Batch { last, messages, .. } => {
                self.taken = last;
                Some(pb::SendStreamRequest { messages, ..pb::SendStreamRequest::default() })
            }
            Frame::Large { number, mut message, offset } => {
                self.taken = number;
                let total = message.payload.len();
                let end = total.min(offset + CHUNK_BYTES);
                let chunk = pb::Chunk {
                    message_id: message.message_id.clone(),
                    offset: offset as u64,
                    total: total as u64,
                    data: part(&message.payload, offset, end),
                    headers: if offset == 0 { std::mem::take(&mut message.headers) } else { HashMap::new() },
                };
                if end < total {
                    self.frames.push_front(Frame::Large { number, message, offset: end });
                }
                Some(pb::SendStreamRequest { chunk: Some(chunk), ..pb::SendStreamRequest::default() })
            }
        }
    }

    /// Takes what the sidecar tells.
    pub(crate) fn receipts(&mut self, response: &pb::SendStreamResponse) {
        for receipt in &response.receipts {
            for exception in &receipt.exceptions {
                let reason = exception.reason().as_str_name().trim_start_matches("ERROR_REASON_");
                let error = Error::of_reason(reason, &exception.detail);
                self.failed(exception.first, exception.last, error);
            }
            if receipt.level() == self.level {
                self.outcomes_through(receipt.through_sequence);
            }
        }
    }

    /// The call is over: what has no outcome gets one.
    pub(crate) fn end(&mut self, error: Option<Error>) {
        if self.ended.is_some() {
            return;
        }
        let gone = |detail: &str| Error::new(ErrorKind::SidecarUnavailable, detail);
        let cause = error.clone().unwrap_or_else(|| gone("the sidecar ended the call early"));
        self.ended = Some(error.unwrap_or_else(|| gone("the sender is closed")));
        if self.through < self.taken {
            // The sidecar has taken nothing of a call that it refused.
            let refused = cause.kind().is_request() || cause.kind().is_not_found();
            let detail = format!("the call ended before the sidecar told what became of it: {cause}");
            let unknown = Error::new(ErrorKind::OutcomeUnknown, detail).with_code(cause.code());
            self.failed(self.through + 1, self.taken, if refused { cause.clone() } else { unknown });
        }
        let handed = self.taken.max(self.through);
        if handed < self.count {
            self.failed(handed + 1, self.count, cause);
        }
        self.outcomes_through(self.count);
        self.frames.clear();
    }

    /// Why message `number` failed; None when it reached its level (ask only once it has an outcome).
    pub(crate) fn error_of(&self, number: u64) -> Option<Error> {
        let named = self.failures.iter().find(|failure| (failure.first..=failure.last).contains(&number));
        named.map(|failure| failure.error.clone())
    }

    /// SendFailed with the failures that this has not told before.
    pub(crate) fn new_failures(&mut self) -> Result<()> {
        let new = self.failures.get(self.reported..).unwrap_or_default().to_vec();
        self.reported = self.failures.len();
        Error::send_failed(new).map_or(Ok(()), Err)
    }

    /// Neighbours that failed for the same reason are one entry: a peer that is gone does not cost one a message.
    fn failed(&mut self, first: u64, last: u64, error: Error) {
        let told = self.failures.len() <= self.reported;
        match self.failures.last_mut().filter(|_| !told) {
            Some(before)
                if before.last.checked_add(1) == Some(first)
                    && (before.error.kind(), before.error.detail()) == (error.kind(), error.detail()) =>
            {
                before.last = last;
            }
            _ => self.failures.push(Failure { first, last, error }),
        }
    }

    fn outcomes_through(&mut self, number: u64) {
        self.through = self.through.max(number.min(self.count));
        while let Some((number, cost)) = self.costs.front().copied() {
            if number > self.through {
                return;
            }
            self.pending_bytes -= cost;
            self.costs.pop_front();
        }
    }
}

fn part(payload: &Bytes, from: usize, to: usize) -> Bytes {
    // `from <= to <= len`, so that this cannot panic.
    payload.slice(from.min(to)..to.min(payload.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    const LIMITS: Limits = Limits { grpc_bytes: 3 << 20, message_bytes: 32 << 20 };

    fn book() -> Outgoing {
        Outgoing::new(Wait::Delivered, LIMITS)
    }

    fn receipt(level: Wait, through: u64, exceptions: Vec<pb::DeliveryException>) -> pb::SendStreamResponse {
        let receipt = pb::Receipt { level: level.level() as i32, through_sequence: through, exceptions, time: None };
        pb::SendStreamResponse { receipts: vec![receipt] }
    }

    fn exception(first: u64, last: u64) -> pb::DeliveryException {
        let reason = pb::ErrorReason::PeerUnreachable as i32;
        pb::DeliveryException { first, last, reason, detail: "no answer".into() }
    }

    #[test]
    fn small_messages_share_a_frame() {
        let mut book = book();
        for text in ["a", "b", "c"] {
            book.add(text.into()).unwrap();
        }
        let frame = book.next_frame().unwrap();
        assert_eq!(frame.messages.len(), 3);
        assert!(book.next_frame().is_none());
        assert_eq!(book.add("d".into()).unwrap(), 4);
        assert_eq!(book.next_frame().unwrap().messages.len(), 1);
    }

    #[test]
    fn a_frame_has_a_size() {
        let mut book = book();
        for _ in 0..3 {
            book.add(vec![0; 600 << 10].into()).unwrap();
        }
        let mut frames = 0;
        while let Some(frame) = book.next_frame() {
            assert_eq!(frame.messages.len(), 1);
            frames += 1;
        }
        assert_eq!(frames, 3);
    }

    #[test]
    fn a_large_message_goes_in_chunks_that_nothing_comes_between() {
        let mut book = book();
        let payload: Vec<u8> = (0..5u32 << 20).map(|i| i as u8).collect();
        book.add(Message::new(payload.clone()).id("large").header("k", "v")).unwrap();
        book.add("behind".into()).unwrap();
        let mut joined = Vec::new();
        let mut frame = book.next_frame().unwrap();
        while let Some(chunk) = frame.chunk {
            assert_eq!((chunk.offset, chunk.total), (joined.len() as u64, payload.len() as u64));
            assert_eq!((chunk.message_id.as_str(), chunk.headers.len()), ("large", usize::from(joined.is_empty())));
            joined.extend_from_slice(&chunk.data);
            frame = book.next_frame().unwrap();
        }
        assert!(joined == payload);
        assert_eq!(frame.messages.len(), 1);
    }

    #[test]
    fn what_no_sidecar_takes_costs_nothing_else() {
        let mut book = book();
        let error = book.add(vec![0; (32 << 20) + 1].into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MessageTooLarge);
        assert_eq!(error.metadata().get("limit"), Some(&(32u32 << 20).to_string()));
        assert_eq!(book.count(), 0);
        assert!(book.add("x".into()).is_ok());
    }

    #[test]
    fn the_window_closes_and_opens_by_receipts() {
        let mut book = book();
        book.add(vec![0; WINDOW_BYTES / 2].into()).unwrap();
        assert!(!book.full());
        book.add(vec![0; WINDOW_BYTES / 2].into()).unwrap();
        assert!(book.full());
        book.receipts(&receipt(Wait::Sent, 2, vec![]));
        assert!(book.full(), "another level is not the one asked for");
        book.receipts(&receipt(Wait::Delivered, 1, vec![]));
        assert!(!book.full());
        assert_eq!((book.through(), book.count()), (1, 2));
    }

    #[test]
    fn empty_messages_fill_the_window_too() {
        let mut book = book();
        let mut count = 0;
        while !book.full() {
            book.add(Message::default()).unwrap();
            count += 1;
        }
        assert_eq!(count, WINDOW_BYTES / MESSAGE_COST);
    }

    #[test]
    fn failures_are_named_once() {
        let mut book = book();
        for _ in 0..4 {
            book.add("x".into()).unwrap();
        }
        while book.next_frame().is_some() {}
        book.receipts(&receipt(Wait::Delivered, 3, vec![exception(2, 2), exception(3, 3)]));
        assert!(book.error_of(1).is_none());
        assert_eq!(book.error_of(3).unwrap().kind(), ErrorKind::PeerUnreachable);
        let error = book.new_failures().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SendFailed);
        assert_eq!(error.failures().iter().map(|it| (it.first, it.last)).collect::<Vec<_>>(), [(2, 3)]);
        assert!(error.to_string().contains("2 messages failed, the first being number 2"), "{error}");
        assert!(book.new_failures().is_ok());
        book.receipts(&receipt(Wait::Delivered, 4, vec![exception(4, 4)]));
        assert_eq!(book.new_failures().unwrap_err().failures().len(), 1);
    }

    #[test]
    fn what_has_no_outcome_when_the_call_ends_gets_one() {
        let mut book = book();
        book.add("told".into()).unwrap();
        book.add("handed over".into()).unwrap();
        assert_eq!(book.next_frame().unwrap().messages.len(), 2);
        book.receipts(&receipt(Wait::Delivered, 1, vec![]));
        book.add("kept".into()).unwrap();
        book.end(Some(Error::new(ErrorKind::SidecarUnavailable, "gone")));
        assert_eq!(book.through(), 3);
        assert!(!book.full());
        assert!(book.error_of(1).is_none());
        let unknown = book.error_of(2).unwrap();
        assert_eq!((unknown.kind(), unknown.code()), (ErrorKind::OutcomeUnknown, Code::Unavailable));
        assert_eq!(book.error_of(3).unwrap().kind(), ErrorKind::SidecarUnavailable);
        assert_eq!(book.add("late".into()).unwrap_err().kind(), ErrorKind::SidecarUnavailable);
        assert!(book.next_frame().is_none());
    }

    #[test]
    fn what_a_refused_call_held_failed_for_its_reason() {
        let mut book = book();
        book.add("handed over".into()).unwrap();
        book.next_frame().unwrap();
        book.end(Some(Error::new(ErrorKind::PeerUnknown, "who?")));
        assert_eq!(book.error_of(1).unwrap().kind(), ErrorKind::PeerUnknown);
    }

    #[test]
    fn a_receipt_beyond_the_last_message_counts_to_it() {
        let mut book = book();
        book.add("x".into()).unwrap();
        book.receipts(&receipt(Wait::Delivered, u64::MAX, vec![]));
        assert_eq!(book.through(), 1);
        book.end(None);
        assert!(book.new_failures().is_ok());
    }
}
