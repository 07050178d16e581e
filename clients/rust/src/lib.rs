#![doc = include_str!("../README.md")]
#![warn(missing_docs, unreachable_pub)]

mod acks;
mod broadcast;
mod byte_stream;
mod call;
mod endpoint;
mod errors;
mod incoming;
mod messages;
mod outgoing;
mod replies;
mod retry;
mod send;
mod sender;
mod sidecar;
mod stubs;
mod subscriptions;
mod tasks;
mod watches;

pub mod verbs;

/// The generated code of `proto/overlay`.
pub mod overlay {
    /// Messages and client stubs of the package `overlay.v1`, as prost and tonic print them.
    #[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, rustdoc::all)]
    pub mod v1 {
        include!("gen/overlay.v1.rs");
    }
}

pub use broadcast::{Datagram, Datagrams};
pub use byte_stream::ByteStream;
pub use endpoint::{ConfigError, DEFAULT_ENDPOINT, Tls};
pub use errors::{Error, ErrorKind, FieldViolation, Result};
pub use messages::{Gap, Incoming, Message, Priority, Queue, Readiness, Received, Sent, Wait};
pub use outgoing::Failure;
pub use replies::{AnswerError, IncomingRequest, Replied, Serving};
pub use sender::Sender;
pub use sidecar::{Builder, Sidecar};
pub use stubs::{Stubs, Token, Transport};
pub use subscriptions::{Acker, Consumer, Receiver};
pub use watches::{EventUpdate, Events, PeerUpdate, PeerUpdates};
