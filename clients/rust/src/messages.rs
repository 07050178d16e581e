//! What passes between an app and its sidecar.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::overlay::v1 as pb;

/// How far a message is to come before its sender is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wait {
    /// It left this sidecar, or is in its journal where it is durable.
    Sent,
    /// It is in the other sidecar's inbox, or journal.
    #[default]
    Delivered,
    /// An app over there has acknowledged it.
    Processed,
}

impl Wait {
    pub(crate) fn level(self) -> pb::DeliveryLevel {
        match self {
            Wait::Sent => pb::DeliveryLevel::Sent,
            Wait::Delivered => pb::DeliveryLevel::Delivered,
            Wait::Processed => pb::DeliveryLevel::Processed,
        }
    }

    pub(crate) fn of_level(level: pb::DeliveryLevel) -> Wait {
        match level {
            pb::DeliveryLevel::Sent => Wait::Sent,
            pb::DeliveryLevel::Processed => Wait::Processed,
            pb::DeliveryLevel::Delivered | pb::DeliveryLevel::Unspecified => Wait::Delivered,
        }
    }
}

/// The order of messages that wait for the same link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Before everything else.
    High,
    /// The default.
    #[default]
    Normal,
    /// When nothing else waits, and a small share otherwise.
    Low,
}

impl Priority {
    pub(crate) fn number(self) -> pb::Priority {
        match self {
            Priority::High => pb::Priority::High,
            Priority::Normal => pb::Priority::Normal,
            Priority::Low => pb::Priority::Low,
        }
    }

    pub(crate) fn of_number(priority: pb::Priority) -> Priority {
        match priority {
            pb::Priority::High => Priority::High,
            pb::Priority::Low => Priority::Low,
            pb::Priority::Normal | pb::Priority::Unspecified => Priority::Normal,
        }
    }
}

/// How far a sidecar is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Readiness {
    /// The process answers.
    Live,
    /// It takes calls.
    #[default]
    Api,
    /// It is linked to at least one peer.
    Overlay,
}

impl Readiness {
    pub(crate) fn service(self) -> &'static str {
        match self {
            Readiness::Live => "live",
            Readiness::Api => "api",
            Readiness::Overlay => "overlay",
        }
    }
}

/// What a sidecar keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Durable messages on their way to peers.
    Outgoing,
    /// Durable messages that have come and that no app has settled.
    Incoming,
    /// Messages that no app would acknowledge.
    DeadIncoming,
    /// Messages that their peer would not take.
    DeadOutgoing,
}

impl Queue {
    pub(crate) fn number(self) -> pb::Queue {
        match self {
            Queue::Outgoing => pb::Queue::Outgoing,
            Queue::Incoming => pb::Queue::Incoming,
            Queue::DeadIncoming => pb::Queue::DeadIncoming,
            Queue::DeadOutgoing => pb::Queue::DeadOutgoing,
        }
    }
}

/// A message to send: a payload, and what goes with it. Whatever becomes [`Bytes`] becomes a message, and text does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub(crate) payload: Bytes,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) message_id: String,
}

impl Message {
    /// A message with this payload.
    pub fn new(payload: impl Into<Bytes>) -> Message {
        Message { payload: payload.into(), ..Message::default() }
    }

    /// One more header; at most 8 KiB in all.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Message {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Its headers, in place of those given before.
    pub fn headers<N: Into<String>, V: Into<String>>(mut self, headers: impl IntoIterator<Item = (N, V)>) -> Message {
        self.headers = headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self
    }

    /// A name for it, at most 128 bytes.
    pub fn id(mut self, message_id: impl Into<String>) -> Message {
        self.message_id = message_id.into();
        self
    }
}

impl From<Message> for pb::Message {
    fn from(message: Message) -> pb::Message {
        pb::Message { message_id: message.message_id, headers: message.headers, payload: message.payload }
    }
}

macro_rules! message_from {
    ($($kind:ty),*) => {
        $(impl From<$kind> for Message {
            fn from(payload: $kind) -> Message {
                Message::new(payload)
            }
        })*
    };
}

message_from!(Bytes, Vec<u8>, String, &'static [u8], &'static str);

impl<const N: usize> From<&'static [u8; N]> for Message {
    fn from(payload: &'static [u8; N]) -> Message {
        Message::new(payload.as_slice())
    }
}

/// What became of a message that reached the level asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The caller's, or the one the sidecar made; empty for one that went in chunks without an id.
    pub message_id: String,
    /// The level reached.
    pub level: Wait,
    /// When it left the sidecar; None where it is not known.
    pub sent_at: Option<SystemTime>,
    /// When the other sidecar's acknowledgement came; None below [`Wait::Delivered`].
    pub delivered_at: Option<SystemTime>,
    /// When the other app's came; None below [`Wait::Processed`].
    pub processed_at: Option<SystemTime>,
}

/// A message from a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// A slice of what was read from the sidecar: whoever keeps it for long copies it (`to_vec`), so as not to keep its
    /// neighbours too.
    pub payload: Bytes,
    /// What the sender said beside it.
    pub headers: HashMap<String, String>,
    /// The sender's name for it.
    pub message_id: String,
    /// The sender, proven by its key.
    pub peer_id: Arc<str>,
    /// The channel.
    pub channel: Arc<str>,
    /// The priority it was sent with.
    pub priority: Priority,
    /// Which run of the sender's sidecar numbered it; (peer_id, instance, priority, bulk, sequence) names a message.
    pub instance: u64,
    /// Whether the sequence is that of large messages.
    pub bulk: bool,
    /// Its number in its sender's order.
    pub sequence: u64,
    /// How often it was handed to a subscriber before.
    pub redelivery_count: u32,
    /// When the sidecar received the run of messages that it came in.
    pub received_at: Option<SystemTime>,
    /// In `consume`, what it is acknowledged by; else 0.
    pub delivery_id: u64,
    /// Whether it is durable.
    pub durable: bool,
    /// Which opening of its subscription handed it out: 0 for the first, more after each [`Gap`].
    pub opening: u64,
}

/// A subscription or watch was broken off and is taken up again: what the sidecar held for it then may be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// Why it was broken off.
    pub detail: String,
    /// Whether it is another run of the sidecar now: what was not durable died with the former one.
    pub restarted: bool,
}

/// What a subscription gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A message.
    Message(Received),
    /// The subscription was taken up again.
    Gap(Gap),
}

impl Incoming {
    /// The message; None for a gap.
    pub fn message(self) -> Option<Received> {
        match self {
            Incoming::Message(message) => Some(message),
            Incoming::Gap(_) => None,
        }
    }
}

pub(crate) fn system_time(time: Option<prost_types::Timestamp>) -> Option<SystemTime> {
    time.and_then(|time| SystemTime::try_from(time).ok())
}
