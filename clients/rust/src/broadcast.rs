//! Broadcast and datagrams.

use std::collections::HashMap;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt as _};
use tonic::Streaming;

use crate::call::{proto_duration, unary};
use crate::errors::{Error, Result};
use crate::messages::Message;
use crate::overlay::v1 as pb;
use crate::retry::Method;
use crate::sidecar::Sidecar;
use crate::verbs::awaited;

const BROADCAST: Method = Method { service: "overlay.v1.MessageService", name: "Broadcast" };
const SEND_DATAGRAM: Method = Method { service: "overlay.v1.MessageService", name: "SendDatagram" };

/// Sends one message to many peers: see [`Sidecar::broadcast`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Broadcast {
    sidecar: Sidecar,
    message: Message,
    channel: String,
    labels: HashMap<String, String>,
    timeout: Duration,
}

impl Broadcast {
    pub(crate) fn new(sidecar: &Sidecar, message: Message) -> Broadcast {
        let timeout = sidecar.timeout();
        Broadcast { sidecar: sidecar.clone(), message, channel: String::new(), labels: HashMap::new(), timeout }
    }

    /// The channel; the empty one where nothing is said.
    pub fn channel(mut self, channel: impl Into<String>) -> Broadcast {
        self.channel = channel.into();
        self
    }

    /// One more header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Broadcast {
        self.message = self.message.header(name, value);
        self
    }

    /// One more label that a peer must carry to be sent the message.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Broadcast {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// How long the call may take.
    pub fn timeout(mut self, timeout: Duration) -> Broadcast {
        self.timeout = timeout;
        self
    }

    async fn run(self) -> Result<Vec<pb::BroadcastResult>> {
        let limits = self.sidecar.limits_for(&self.message.payload, self.timeout).await?;
        let size = self.message.payload.len();
        if size > limits.grpc_bytes {
            let way = "send less, or to each peer by a sender";
            return Err(Error::too_large("payload", size as u64, limits.grpc_bytes as u64, way));
        }
        let request = pb::BroadcastRequest {
            channel: self.channel,
            payload: self.message.payload,
            headers: self.message.headers,
            labels: self.labels,
        };
        let told = unary(&self.sidecar, BROADCAST, self.timeout, request, |stubs, request| {
            let mut stub = stubs.messages.clone();
            async move { stub.broadcast(request).await }
        })
        .await?;
        Ok(told.results)
    }
}

awaited!(Broadcast -> Vec<pb::BroadcastResult>);

/// Sends one unreliable message: see [`Sidecar::send_datagram`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct SendDatagram {
    sidecar: Sidecar,
    request: pb::SendDatagramRequest,
}

impl SendDatagram {
    pub(crate) fn new(sidecar: &Sidecar, peer_id: &str, payload: Bytes) -> SendDatagram {
        let request =
            pb::SendDatagramRequest { peer_id: peer_id.into(), payload, ..pb::SendDatagramRequest::default() };
        SendDatagram { sidecar: sidecar.clone(), request }
    }

    /// The channel; the empty one where nothing is said.
    pub fn channel(mut self, channel: impl Into<String>) -> SendDatagram {
        self.request.channel = channel.into();
        self
    }

    /// How long it may wait in this sidecar for its turn; 100 ms where nothing is said.
    pub fn ttl(mut self, ttl: Duration) -> SendDatagram {
        self.request.ttl = Some(proto_duration(ttl));
        self
    }

    async fn run(self) -> Result<()> {
        let timeout = self.sidecar.timeout();
        unary(&self.sidecar, SEND_DATAGRAM, timeout, self.request, |stubs, request| {
            let mut stub = stubs.messages.clone();
            async move { stub.send_datagram(request).await }
        })
        .await
        .map(drop)
    }
}

awaited!(SendDatagram -> ());

/// A datagram that came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Datagram {
    /// The sender, proven by its key.
    pub peer_id: String,
    /// Its bytes.
    pub payload: Bytes,
}

/// The datagrams of a channel: an async stream (`futures::Stream`) of [`Datagram`]. Dropping it ends it; it ends by an
/// error when the sidecar goes away, and without one when its client is closed.
#[derive(Debug)]
pub struct Datagrams {
    sidecar: Sidecar,
    call: Streaming<pb::ReceiveDatagramsResponse>,
    ready: std::vec::IntoIter<pb::IncomingDatagram>,
    dropped: u64,
}

impl Datagrams {
    pub(crate) async fn open(sidecar: &Sidecar, channel: String) -> Result<Datagrams> {
        let request = pb::ReceiveDatagramsRequest { channel };
        let opened = sidecar.shared_stubs().messages.clone().receive_datagrams(request).await;
        let call = opened.map_err(|status| sidecar.error(&status))?.into_inner();
        Ok(Datagrams { sidecar: sidecar.clone(), call, ready: Vec::new().into_iter(), dropped: 0 })
    }

    /// The next datagram; None once the subscription has ended.
    pub async fn next(&mut self) -> Option<Result<Datagram>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// How many the sidecar has dropped so far because this app was slower than they came.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl Stream for Datagrams {
    type Item = Result<Datagram>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Datagram>>> {
        loop {
            if let Some(came) = self.ready.next() {
                return Poll::Ready(Some(Ok(Datagram { peer_id: came.peer_id, payload: came.payload })));
            }
            match std::task::ready!(self.call.poll_next_unpin(context)) {
                Some(Ok(response)) => {
                    self.dropped = self.dropped.saturating_add(response.dropped);
                    self.ready = response.datagrams.into_iter();
                }
                Some(Err(_)) if self.sidecar.closed() => return Poll::Ready(None),
                Some(Err(status)) => return Poll::Ready(Some(Err(status.into()))),
                None => return Poll::Ready(None),
            }
        }
    }
}
