//! One unary call: its deadline, its repeats, its errors.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::{Request, Response, Status};

use crate::errors::{Error, ErrorKind, Result};
use crate::overlay::v1 as pb;
use crate::retry::Method;
use crate::sidecar::Sidecar;
use crate::stubs::Stubs;

/// No time is longer: a century, which neither clocks nor gRPC's header choke on.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Waits between attempts to take up a broken call; the last one repeats.
const RETRY_WAITS: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_millis(1000),
];

/// How long to wait before attempt number `attempt`, from 0 on, to take up a broken call.
pub(crate) fn retry_wait(attempt: usize) -> Duration {
    RETRY_WAITS.get(attempt).copied().unwrap_or(Duration::from_secs(1))
}

pub(crate) fn bounded(time: Duration) -> Duration {
    time.min(LONGEST)
}

pub(crate) fn proto_duration(time: Duration) -> prost_types::Duration {
    prost_types::Duration { seconds: bounded(time).as_secs() as i64, nanos: time.subsec_nanos() as i32 }
}

pub(crate) fn std_duration(time: Option<prost_types::Duration>) -> Option<Duration> {
    time.and_then(|time| Duration::try_from(time).ok())
}

/// Runs `call` for `timeout` at most, again where the shared policy says so.
pub(crate) async fn unary<Q, A, F>(
    sidecar: &Sidecar,
    method: Method,
    timeout: Duration,
    message: Q,
    call: impl Fn(&Stubs, Request<Q>) -> F,
) -> Result<A>
where
    Q: Clone,
    F: Future<Output = Result<Response<A>, Status>>,
{
    let deadline = Instant::now() + bounded(timeout);
    let policy = sidecar.retry_policy(method);
    let mut attempt = 1;
    loop {
        let mut request = Request::new(message.clone());
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        let error = match timeout_at(deadline, call(&sidecar.shared_stubs(), request)).await {
            Ok(Ok(response)) => return Ok(response.into_inner()),
            Ok(Err(status)) => sidecar.error(&status),
            Err(_) => return Err(passed(method.name, timeout)),
        };
        if sidecar.closed() {
            return Err(error);
        }
        match policy.and_then(|policy| policy.wait(attempt, &error)) {
            Some(wait) if Instant::now() + wait < deadline => sleep(wait).await,
            _ => return Err(error),
        }
        attempt += 1;
    }
}

pub(crate) fn passed(what: &str, timeout: Duration) -> Error {
    Error::new(ErrorKind::DeadlinePassed, format!("{what} was not done within {timeout:?}"))
}

/// What the sidecar takes, as GetNode tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Bytes of payload in one gRPC message; what is larger goes in chunks.
    pub(crate) grpc_bytes: usize,
    /// Bytes of a message's payload.
    pub(crate) message_bytes: u64,
}

/// Room around the largest payload: headers, ids, tags.
const ENVELOPE_BYTES: usize = 64 << 10;

/// Room that the transport leaves around the largest payload: a response may envelop several.
const TRANSPORT_ROOM: usize = 1 << 20;

impl Limits {
    /// Until the sidecar has told.
    pub(crate) const USUAL: Limits = Limits { grpc_bytes: 16 << 20, message_bytes: 64 << 20 };

    pub(crate) fn told(limits: Option<&pb::Limits>) -> Limits {
        let Some(limits) = limits else { return Limits::USUAL };
        let grpc = usize::try_from(limits.max_grpc_bytes).unwrap_or(Limits::USUAL.grpc_bytes);
        Limits {
            grpc_bytes: if grpc > 0 { grpc } else { Limits::USUAL.grpc_bytes },
            message_bytes: limits.max_message_bytes,
        }
    }

    /// The largest payload that is sent in one frame.
    pub(crate) fn whole_bytes(self) -> usize {
        self.grpc_bytes.saturating_sub(ENVELOPE_BYTES).max(1)
    }

    /// MessageTooLarge for a payload that the sidecar does not take in any way.
    pub(crate) fn check(self, payload: &Bytes) -> Result<()> {
        let size = payload.len() as u64;
        if self.message_bytes > 0 && size > self.message_bytes {
            return Err(Error::too_large("payload", size, self.message_bytes, "send it as a byte stream"));
        }
        Ok(())
    }

    /// What the transport lets through.
    pub(crate) fn transport_bytes(self) -> usize {
        self.grpc_bytes.saturating_add(TRANSPORT_ROOM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_follow_the_sidecar() {
        let told = pb::Limits { max_grpc_bytes: 4 << 20, max_message_bytes: 9, ..pb::Limits::default() };
        let limits = Limits::told(Some(&told));
        assert_eq!(limits.grpc_bytes, 4 << 20);
        assert_eq!(limits.whole_bytes(), (4 << 20) - ENVELOPE_BYTES);
        assert!(limits.transport_bytes() > 4 << 20);
        assert_eq!(Limits::told(None), Limits::USUAL);
        assert_eq!(Limits::told(Some(&pb::Limits::default())).grpc_bytes, Limits::USUAL.grpc_bytes);
    }

    #[test]
    fn no_time_is_too_long() {
        assert_eq!(bounded(Duration::MAX), LONGEST);
        assert_eq!(proto_duration(Duration::from_millis(1500)).nanos, 500_000_000);
        Request::new(()).set_timeout(LONGEST);
    }
}
