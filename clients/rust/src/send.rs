//! The verbs that send: one message, or many through a sender.

use std::time::Duration;

use crate::call::{proto_duration, unary};
use crate::errors::{Error, Result};
use crate::messages::{Message, Priority, Sent, Wait, system_time};
use crate::outgoing::Outgoing;
use crate::overlay::v1 as pb;
use crate::retry::Method;
use crate::sender::Sender;
use crate::sidecar::Sidecar;
use crate::verbs::awaited;

const SEND: Method = Method { service: "overlay.v1.MessageService", name: "Send" };

/// Where messages go and what is asked of them.
#[derive(Clone, Debug, Default)]
struct Way {
    peer_id: String,
    channel: String,
    priority: Priority,
    wait: Wait,
    durable: bool,
    ttl: Option<Duration>,
}

impl Way {
    fn opening(self) -> pb::SendStreamOpen {
        pb::SendStreamOpen {
            peer_id: self.peer_id,
            channel: self.channel,
            priority: self.priority.number() as i32,
            level: self.wait.level() as i32,
            durable: self.durable,
            ttl: self.ttl.map(proto_duration),
        }
    }
}

macro_rules! way_options {
    () => {
        /// The channel; the empty one where nothing is said.
        pub fn channel(mut self, channel: impl Into<String>) -> Self {
            self.way.channel = channel.into();
            self
        }

        /// The priority.
        pub fn priority(mut self, priority: Priority) -> Self {
            self.way.priority = priority;
            self
        }

        /// How far it is to come; [`Wait::Delivered`] where nothing is said.
        pub fn wait(mut self, wait: Wait) -> Self {
            self.way.wait = wait;
            self
        }

        /// Keeps it in the journals of both sidecars, so that it outlives them and waits for a peer that is not there.
        pub fn durable(mut self, durable: bool) -> Self {
            self.way.durable = durable;
            self
        }

        /// How long a durable one is worth delivering; the sidecar's `queue_time` where nothing is said.
        pub fn ttl(mut self, ttl: Duration) -> Self {
            self.way.ttl = Some(ttl);
            self
        }
    };
}

/// Sends one message of any size and waits for its level: see [`Sidecar::send`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Send {
    sidecar: Sidecar,
    way: Way,
    message: Message,
    request_id: String,
    timeout: Duration,
}

impl Send {
    pub(crate) fn new(sidecar: &Sidecar, peer_id: &str, message: Message) -> Send {
        Send {
            sidecar: sidecar.clone(),
            way: Way { peer_id: peer_id.into(), ..Way::default() },
            message,
            request_id: String::new(),
            timeout: sidecar.timeout(),
        }
    }

    way_options!();

    /// One more header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.message = self.message.header(name, value);
        self
    }

    /// Its headers, in place of those given before.
    pub fn headers<N: Into<String>, V: Into<String>>(mut self, headers: impl IntoIterator<Item = (N, V)>) -> Self {
        self.message = self.message.headers(headers);
        self
    }

    /// A name for the message; the sidecar makes one where none is given.
    pub fn message_id(mut self, message_id: impl Into<String>) -> Self {
        self.message = self.message.id(message_id);
        self
    }

    /// A name for the call: called again with it, nothing is sent twice. A message in chunks has none.
    pub fn request_id(mut self, request_id: impl Into<String>) -> Self {
        self.request_id = request_id.into();
        self
    }

    /// How long the call may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn run(self) -> Result<Sent> {
        let limits = self.sidecar.limits_for(&self.message.payload, self.timeout).await?;
        let wait = self.way.wait;
        if self.message.payload.len() > limits.whole_bytes() {
            limits.check(&self.message.payload)?;
            if !self.request_id.is_empty() {
                return Err(Error::invalid("request_id", "a message that goes in chunks has none"));
            }
            let book = Outgoing::new(wait, limits);
            let message_id = self.message.message_id.clone();
            let sender = Sender::open(
                self.sidecar.shared_stubs().messages.clone(),
                self.way.opening(),
                book,
                Some(self.timeout),
            );
            let number = sender.send(self.message).await?;
            sender.result(number).await?;
            return Ok(Sent { message_id, level: wait, sent_at: None, delivered_at: None, processed_at: None });
        }
        let opening = self.way.opening();
        let request = pb::SendRequest {
            peer_id: opening.peer_id,
            channel: opening.channel,
            priority: opening.priority,
            level: opening.level,
            message: Some(self.message.into()),
            token: String::new(),
            durable: opening.durable,
            ttl: opening.ttl,
            request_id: self.request_id,
        };
        let told = unary(&self.sidecar, SEND, self.timeout, request, |stubs, request| {
            let mut stub = stubs.messages.clone();
            async move { stub.send(request).await }
        })
        .await?;
        Ok(Sent {
            level: Wait::of_level(told.level()),
            sent_at: system_time(told.sent_at),
            delivered_at: system_time(told.delivered_at),
            processed_at: system_time(told.processed_at),
            message_id: told.message_id,
        })
    }
}

awaited!(Send -> Sent);

/// Opens a pipelined way to one peer and channel: see [`Sidecar::sender`].
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until it is awaited"]
pub struct OpenSender {
    sidecar: Sidecar,
    way: Way,
    timeout: Option<Duration>,
}

impl OpenSender {
    pub(crate) fn new(sidecar: &Sidecar, peer_id: &str) -> OpenSender {
        OpenSender { sidecar: sidecar.clone(), way: Way { peer_id: peer_id.into(), ..Way::default() }, timeout: None }
    }

    way_options!();

    /// How long the sender may live, all its messages included; for ever where nothing is said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    async fn run(self) -> Result<Sender> {
        let limits = self.sidecar.limits(self.sidecar.timeout()).await?;
        let book = Outgoing::new(self.way.wait, limits);
        Ok(Sender::open(self.sidecar.shared_stubs().messages.clone(), self.way.opening(), book, self.timeout))
    }
}

awaited!(OpenSender -> Sender);
