//! WatchPeers and WatchEvents: streams that go on when the sidecar restarts.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{BoxStream, Stream, StreamExt as _, unfold};
use tokio::time::sleep;
use tonic::{Status, Streaming};

use crate::call::retry_wait;
use crate::errors::{Error, ErrorKind, Result};
use crate::messages::Gap;
use crate::overlay::v1 as pb;
use crate::sidecar::Sidecar;

/// What a watch of peers tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PeerUpdate {
    /// Every peer known, when a watch begins or has to begin anew; what is not in it is forgotten.
    Snapshot(Vec<pb::Peer>),
    /// A peer as it is now.
    Changed(pb::Peer),
    /// A peer that is forgotten: only its id is set.
    Removed(pb::Peer),
}

/// What a watch of events tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventUpdate {
    /// Something that happened.
    Event(pb::Event),
    /// Events in between are not known.
    Gap(Gap),
}

macro_rules! watch {
    ($(#[$doc:meta])* $name:ident, $item:ty) => {
        $(#[$doc])*
        pub struct $name(BoxStream<'static, Result<$item>>);

        impl $name {
            /// The next step; None once the watch has ended by an error.
            pub async fn next(&mut self) -> Option<Result<$item>> {
                self.0.next().await
            }
        }

        impl Stream for $name {
            type Item = Result<$item>;

            fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<$item>>> {
                self.0.poll_next_unpin(context)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

watch! {
    /// A watch of peers: an async stream (`futures::Stream`) of [`PeerUpdate`]. Dropping it ends it.
    PeerUpdates, PeerUpdate
}

watch! {
    /// A watch of events: an async stream (`futures::Stream`) of [`EventUpdate`]. Dropping it ends it.
    Events, EventUpdate
}

impl PeerUpdates {
    pub(crate) fn new(sidecar: Sidecar) -> PeerUpdates {
        PeerUpdates(watched(sidecar, PeerWatch { cursor: None, snapshot: None }))
    }
}

impl Events {
    pub(crate) fn new(sidecar: Sidecar, cursor: Option<pb::Cursor>) -> Events {
        Events(watched(sidecar, EventWatch { cursor }))
    }
}

/// Folds the responses of a watch, and knows where to resume.
trait Watch: Send + 'static {
    type Response: Send + 'static;
    type Item: Send + 'static;

    fn begin(&mut self, sidecar: &Sidecar) -> impl Future<Output = Result<Streaming<Self::Response>, Status>> + Send;

    fn take(&mut self, response: Self::Response) -> Vec<Self::Item>;

    /// The cursor is void: what the app is told of it.
    fn expired(&mut self) -> Vec<Self::Item>;
}

struct PeerWatch {
    cursor: Option<pb::Cursor>,
    /// What has come of a snapshot that is not complete.
    snapshot: Option<Vec<pb::Peer>>,
}

impl Watch for PeerWatch {
    type Response = pb::WatchPeersResponse;
    type Item = PeerUpdate;

    async fn begin(&mut self, sidecar: &Sidecar) -> Result<Streaming<pb::WatchPeersResponse>, Status> {
        self.snapshot = self.cursor.is_none().then(Vec::new);
        let request = pb::WatchPeersRequest { cursor: self.cursor };
        Ok(sidecar.shared_stubs().peers.clone().watch_peers(request).await?.into_inner())
    }

    fn take(&mut self, response: pb::WatchPeersResponse) -> Vec<PeerUpdate> {
        let changes = response.changes.into_iter();
        if let Some(mut snapshot) = self.snapshot.take() {
            snapshot.extend(changes.filter(|change| !change.removed).filter_map(|change| change.peer));
            if !response.snapshot_complete {
                self.snapshot = Some(snapshot);
                return Vec::new();
            }
            self.cursor = response.cursor;
            return vec![PeerUpdate::Snapshot(snapshot)];
        }
        self.cursor = response.cursor;
        let update = |change: pb::PeerChange| {
            let peer = change.peer.unwrap_or_default();
            if change.removed { PeerUpdate::Removed(peer) } else { PeerUpdate::Changed(peer) }
        };
        changes.map(update).collect()
    }

    fn expired(&mut self) -> Vec<PeerUpdate> {
        self.cursor = None;
        Vec::new()
    }
}

struct EventWatch {
    cursor: Option<pb::Cursor>,
}

impl Watch for EventWatch {
    type Response = pb::WatchEventsResponse;
    type Item = EventUpdate;

    async fn begin(&mut self, sidecar: &Sidecar) -> Result<Streaming<pb::WatchEventsResponse>, Status> {
        let request = pb::WatchEventsRequest { cursor: self.cursor };
        Ok(sidecar.shared_stubs().node.clone().watch_events(request).await?.into_inner())
    }

    fn take(&mut self, response: pb::WatchEventsResponse) -> Vec<EventUpdate> {
        self.cursor = response.cursor;
        response.events.into_iter().map(EventUpdate::Event).collect()
    }

    fn expired(&mut self) -> Vec<EventUpdate> {
        self.cursor = None;
        let detail = "events between the end of the former watch and now are not known".to_string();
        vec![EventUpdate::Gap(Gap { detail, restarted: true })]
    }
}

struct Watching<W: Watch> {
    sidecar: Sidecar,
    watch: W,
    call: Option<Streaming<W::Response>>,
    ready: std::vec::IntoIter<W::Item>,
    attempt: usize,
    failed: bool,
}

fn watched<W: Watch>(sidecar: Sidecar, watch: W) -> BoxStream<'static, Result<W::Item>> {
    let ready = Vec::new().into_iter();
    let watching = Watching { sidecar, watch, call: None, ready, attempt: 0, failed: false };
    let items = unfold(Box::new(watching), |mut watching| async move {
        let item = watching.next().await?;
        Some((item, watching))
    });
    // Fused: who asks behind the end is told of it again.
    items.fuse().boxed()
}

impl<W: Watch> Watching<W> {
    async fn next(&mut self) -> Option<Result<W::Item>> {
        while !self.failed {
            if let Some(item) = self.ready.next() {
                return Some(Ok(item));
            }
            let broken = match self.step().await {
                Ok(Some(response)) => {
                    self.attempt = 0;
                    self.ready = self.watch.take(response).into_iter();
                    continue;
                }
                Ok(None) => Error::new(ErrorKind::SidecarUnavailable, "the sidecar ended the watch"),
                Err(status) => Error::from(status),
            };
            self.call = None;
            if self.sidecar.closed() {
                return None;
            }
            if broken.kind() == ErrorKind::CursorExpired {
                self.ready = self.watch.expired().into_iter();
            } else if broken.kind().is_unavailable() {
                sleep(retry_wait(self.attempt)).await;
                self.attempt += 1;
            } else {
                self.failed = true;
                return Some(Err(broken));
            }
        }
        None
    }

    async fn step(&mut self) -> Result<Option<W::Response>, Status> {
        let mut call = match self.call.take() {
            Some(call) => call,
            None => self.watch.begin(&self.sidecar).await?,
        };
        let response = call.message().await;
        self.call = Some(call);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: &str, removed: bool) -> pb::PeerChange {
        pb::PeerChange { peer: Some(pb::Peer { peer_id: id.into(), ..pb::Peer::default() }), removed }
    }

    #[test]
    fn a_snapshot_is_told_when_it_is_complete() {
        let mut watch = PeerWatch { cursor: None, snapshot: Some(Vec::new()) };
        let part = pb::WatchPeersResponse { changes: vec![change("a", false)], ..Default::default() };
        assert!(watch.take(part).is_empty());
        assert_eq!(watch.cursor, None);
        let cursor = Some(pb::Cursor { instance: 1, revision: 2 });
        let last = pb::WatchPeersResponse { changes: vec![change("b", false)], cursor, snapshot_complete: true };
        match watch.take(last).as_slice() {
            [PeerUpdate::Snapshot(peers)] => assert_eq!(peers.len(), 2),
            other => panic!("{other:?}"),
        }
        assert_eq!(watch.cursor, cursor);
        let later = pb::WatchPeersResponse { changes: vec![change("a", true)], cursor, ..Default::default() };
        assert!(matches!(watch.take(later).as_slice(), [PeerUpdate::Removed(_)]));
        watch.expired();
        assert_eq!(watch.cursor, None);
    }
}
