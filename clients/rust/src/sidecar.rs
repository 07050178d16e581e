//! The client, and the verbs that are answered at once.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::broadcast::{Broadcast, Datagrams, SendDatagram};
use crate::byte_stream::{AcceptStream, OpenStream};
use crate::call::{Limits, bounded, proto_duration, retry_wait, std_duration, unary};
use crate::endpoint::{ConfigError, DEFAULT_ENDPOINT, Endpoint, Tls};
use crate::errors::{Error, ErrorKind, Result};
use crate::messages::{Message, Queue, Readiness};
use crate::overlay::v1 as pb;
use crate::replies::{Ask, Reply};
use crate::retry::{Method, RetryPolicies, RetryPolicy};
use crate::send::{OpenSender, Send};
use crate::stubs::{Stubs, Token};
use crate::subscriptions::{Consume, Receiver};
use crate::tasks::Tasks;
use crate::verbs::awaited;
use crate::watches::{Events, PeerUpdates};

/// How long a call may take where its caller says nothing.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Peers, contacts or letters asked for at a time.
const PAGE: u32 = 500;

/// What a drain's call may take beyond its wait: room for the answer.
const DRAIN_ROOM: Duration = Duration::from_secs(2);

/// A payload of at most so many bytes is within every sidecar's limits.
const SMALL_BYTES: usize = 1 << 20;

/// One look of `wait_ready`.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

/// The sidecar beside this app.
///
/// Cloning it is cheap, and clones share one connection, which is made when it is needed and again whenever it broke.
/// It belongs to the tokio runtime it is made in. Dropping the future of a verb cancels its call; dropping the last clone, and
/// what it opened, closes the connection, which [`close`](Sidecar::close) does at once.
#[derive(Clone)]
pub struct Sidecar {
    inner: Arc<Inner>,
    timeout: Duration,
}

struct Inner {
    address: String,
    channel: Channel,
    token: Token,
    tasks: Tasks,
    policies: RetryPolicies,
    learned: Mutex<Learned>,
}

struct Learned {
    limits: Option<Limits>,
    stubs: Arc<Stubs>,
}

impl fmt::Debug for Sidecar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sidecar").field("endpoint", &self.inner.address).finish_non_exhaustive()
    }
}

/// The settings of a [`Sidecar`]; the environment says what is not given.
#[derive(Clone, Default)]
pub struct Builder {
    endpoint: Endpoint,
    timeout: Option<Duration>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Builder").field("endpoint", &self.endpoint.address).finish_non_exhaustive()
    }
}

impl Builder {
    /// `host:port` or `unix:/path`; else SIDECAR_ENDPOINT, or 127.0.0.1:7401.
    pub fn endpoint(mut self, address: impl Into<String>) -> Builder {
        self.endpoint.address = Some(address.into());
        self
    }

    /// The token, where the sidecar asks for one; else SIDECAR_TOKEN.
    pub fn token(mut self, token: impl Into<String>) -> Builder {
        self.endpoint.token = Some(token.into());
        self
    }

    /// How the way to the sidecar is encrypted; else SIDECAR_TLS_CA and its neighbours.
    pub fn tls(mut self, tls: Tls) -> Builder {
        self.endpoint.tls = Some(tls);
        self
    }

    /// How long a call may take where its caller says nothing; else 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Builder {
        self.timeout = Some(timeout);
        self
    }

    /// The client. It connects when it is used.
    pub fn build(self) -> Result<Sidecar, ConfigError> {
        let endpoint = self.endpoint.completed(|name| std::env::var(name).ok())?;
        let token = Token::new(endpoint.token.as_deref()).ok_or(ConfigError::Token)?;
        let tasks = Tasks::default();
        let channel = endpoint.channel(tasks.clone())?;
        let policies = RetryPolicies::shared().map_err(ConfigError::ServiceConfig)?;
        let stubs = Stubs::new(channel.clone(), token.clone(), Limits::USUAL.transport_bytes());
        let inner = Inner {
            address: endpoint.address.unwrap_or_else(|| DEFAULT_ENDPOINT.into()),
            channel,
            token,
            tasks,
            policies,
            learned: Mutex::new(Learned { limits: None, stubs: Arc::new(stubs) }),
        };
        Ok(Sidecar { inner: Arc::new(inner), timeout: bounded(self.timeout.unwrap_or(DEFAULT_TIMEOUT)) })
    }
}

macro_rules! methods {
    ($($name:ident = $service:literal / $method:literal;)*) => {
        $(const $name: Method = Method { service: $service, name: $method };)*
    };
}

methods! {
    GET_NODE = "overlay.v1.NodeService" / "GetNode";
    CHECK_REACHABILITY = "overlay.v1.NodeService" / "CheckReachability";
    DRAIN = "overlay.v1.NodeService" / "Drain";
    LIST_PEERS = "overlay.v1.PeerService" / "ListPeers";
    GET_PEER = "overlay.v1.PeerService" / "GetPeer";
    CONNECT = "overlay.v1.PeerService" / "Connect";
    DISCONNECT = "overlay.v1.PeerService" / "Disconnect";
    BLOCK_PEER = "overlay.v1.PeerService" / "BlockPeer";
    UNBLOCK_PEER = "overlay.v1.PeerService" / "UnblockPeer";
    PING = "overlay.v1.PeerService" / "Ping";
    BOOTSTRAP = "overlay.v1.BootstrapService" / "Bootstrap";
    LIST_CONTACTS = "overlay.v1.BootstrapService" / "ListContacts";
    ADD_CONTACTS = "overlay.v1.BootstrapService" / "AddContacts";
    REMOVE_CONTACT = "overlay.v1.BootstrapService" / "RemoveContact";
    LIST_QUEUES = "overlay.v1.QueueService" / "ListQueues";
    LIST_LETTERS = "overlay.v1.QueueService" / "ListLetters";
    GET_LETTER = "overlay.v1.QueueService" / "GetLetter";
    PURGE_LETTERS = "overlay.v1.QueueService" / "PurgeLetters";
    REPLAY_LETTERS = "overlay.v1.QueueService" / "ReplayLetters";
}

/// Calls a unary method by its stub.
macro_rules! ask {
    ($sidecar:expr, $timeout:expr, $method:ident, $service:ident.$call:ident, $message:expr) => {
        unary($sidecar, $method, $timeout, $message, |stubs, request| {
            let mut stub = stubs.$service.clone();
            async move { stub.$call(request).await }
        })
    };
}

impl Sidecar {
    /// The sidecar that the environment names: SIDECAR_ENDPOINT, or 127.0.0.1:7401.
    pub fn from_env() -> Result<Sidecar, ConfigError> {
        Sidecar::builder().build()
    }

    /// A client with settings of its own.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The same client with another time that calls may take where nothing is said.
    pub fn with_timeout(mut self, timeout: Duration) -> Sidecar {
        self.timeout = bounded(timeout);
        self
    }

    /// How long calls may take where nothing is said.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Ends whatever this client and its clones have open, and the connection: subscriptions and watches end without an
    /// error, senders fail what has no outcome. Close senders and consumers first.
    pub fn close(&self) {
        self.inner.tasks.close();
    }

    pub(crate) fn closed(&self) -> bool {
        self.inner.tasks.closed()
    }

    /// A status as an error: that of a client that is closed, where it is.
    pub(crate) fn error(&self, status: &Status) -> Error {
        if self.closed() {
            return Error::new(ErrorKind::SidecarUnavailable, "this client is closed");
        }
        Error::of_status(status)
    }

    /// The generated stubs.
    pub fn stubs(&self) -> Stubs {
        self.shared_stubs().as_ref().clone()
    }

    pub(crate) fn shared_stubs(&self) -> Arc<Stubs> {
        self.inner.learned.lock().unwrap_or_else(PoisonError::into_inner).stubs.clone()
    }

    pub(crate) fn retry_policy(&self, method: Method) -> Option<&RetryPolicy> {
        self.inner.policies.of(method)
    }

    /// What the sidecar takes; asks it once.
    pub(crate) async fn limits(&self, timeout: Duration) -> Result<Limits> {
        let known = self.inner.learned.lock().unwrap_or_else(PoisonError::into_inner).limits;
        match known {
            Some(limits) => Ok(limits),
            None => Ok(Limits::told(self.clone().with_timeout(timeout).node().await?.limits.as_ref())),
        }
    }

    /// What is known of the limits; asks for them once there is a payload that they may be about.
    pub(crate) async fn limits_for(&self, payload: &Bytes, timeout: Duration) -> Result<Limits> {
        if payload.len() > SMALL_BYTES {
            return self.limits(timeout).await;
        }
        Ok(self.inner.learned.lock().unwrap_or_else(PoisonError::into_inner).limits.unwrap_or(Limits::USUAL))
    }

    fn learn(&self, limits: Limits) {
        let mut learned = self.inner.learned.lock().unwrap_or_else(PoisonError::into_inner);
        if learned.limits != Some(limits) {
            learned.limits = Some(limits);
            let (channel, token) = (self.inner.channel.clone(), self.inner.token.clone());
            learned.stubs = Arc::new(Stubs::new(channel, token, limits.transport_bytes()));
        }
    }

    /// Returns once the sidecar is ready, at [`Readiness::Api`] where nothing is said.
    pub fn wait_ready(&self) -> WaitReady {
        WaitReady { sidecar: self.clone(), level: Readiness::default(), timeout: DEFAULT_TIMEOUT }
    }

    // messages

    /// Sends one message of any size and waits for its level.
    pub fn send(&self, peer_id: impl AsRef<str>, message: impl Into<Message>) -> Send {
        Send::new(self, peer_id.as_ref(), message.into())
    }

    /// Opens a pipelined way to one peer and channel, for many messages.
    pub fn sender(&self, peer_id: impl AsRef<str>) -> OpenSender {
        OpenSender::new(self, peer_id.as_ref())
    }

    /// Subscribes to a channel. What is sent once this has returned is not missed. The empty name is one channel, not all.
    pub async fn receive(&self, channel: impl AsRef<str>) -> Result<Receiver> {
        Receiver::open(self.clone(), channel.as_ref().into()).await
    }

    /// Subscribes to a channel with credits and acknowledgements.
    pub fn consume(&self, channel: impl AsRef<str>) -> Consume {
        Consume::new(self, channel.as_ref())
    }

    /// Asks an app beside a peer, one that answers on the channel; [`RequestFailed`](ErrorKind::RequestFailed) when it
    /// answered with an error.
    pub fn request(&self, peer_id: impl AsRef<str>, message: impl Into<Message>) -> Ask {
        Ask::new(self, peer_id.as_ref(), message.into())
    }

    /// Answers the requests of a channel.
    pub fn reply(&self, channel: impl AsRef<str>) -> Reply {
        Reply::new(self, channel.as_ref())
    }

    /// Opens a byte stream to an app beside a peer that accepts that name; it may be written at once.
    pub fn open_stream(&self, peer_id: impl AsRef<str>, name: impl AsRef<str>) -> OpenStream {
        OpenStream::new(self, peer_id.as_ref(), name.as_ref())
    }

    /// Waits for the next byte stream of that name.
    pub fn accept_stream(&self, name: impl AsRef<str>) -> AcceptStream {
        AcceptStream::new(self, name.as_ref())
    }

    /// Sends a message to every linked peer, or to those with some labels, and tells what became of it at each.
    pub fn broadcast(&self, message: impl Into<Message>) -> Broadcast {
        Broadcast::new(self, message.into())
    }

    /// Sends an unreliable message to a linked peer.
    pub fn send_datagram(&self, peer_id: impl AsRef<str>, payload: impl Into<Bytes>) -> SendDatagram {
        SendDatagram::new(self, peer_id.as_ref(), payload.into())
    }

    /// Subscribes to the datagrams of a channel.
    pub async fn datagrams(&self, channel: impl AsRef<str>) -> Result<Datagrams> {
        Datagrams::open(self, channel.as_ref().into()).await
    }

    // what is kept

    /// What the sidecar keeps, summed by queue, peer and channel.
    pub async fn queues(&self) -> Result<pb::ListQueuesResponse> {
        ask!(self, self.timeout, LIST_QUEUES, queues.list_queues, pb::ListQueuesRequest {}).await
    }

    /// What a queue holds: narrowed down, then listed, purged or replayed.
    pub fn letters(&self, queue: Queue) -> ChooseLetters {
        let filter = pb::LetterFilter { queue: queue.number() as i32, ..pb::LetterFilter::default() };
        ChooseLetters { sidecar: self.clone(), filter, limit: PAGE as usize }
    }

    /// One letter with its messages.
    pub async fn letter(&self, queue: Queue, id: u64) -> Result<pb::GetLetterResponse> {
        let request = pb::GetLetterRequest { queue: queue.number() as i32, id };
        ask!(self, self.timeout, GET_LETTER, queues.get_letter, request).await
    }

    // peers

    /// Every peer the sidecar knows, by id.
    pub async fn peers(&self) -> Result<Vec<pb::Peer>> {
        self.list_peers(false).await
    }

    /// The peers that are linked, by id.
    pub async fn linked_peers(&self) -> Result<Vec<pb::Peer>> {
        self.list_peers(true).await
    }

    async fn list_peers(&self, linked_only: bool) -> Result<Vec<pb::Peer>> {
        let mut peers = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListPeersRequest { page_size: PAGE as i32, page_token, linked_only };
            let page = ask!(self, self.timeout, LIST_PEERS, peers.list_peers, request).await?;
            peers.extend(page.peers);
            if page.next_page_token.is_empty() {
                return Ok(peers);
            }
            page_token = page.next_page_token;
        }
    }

    /// One peer; [`PeerUnknown`](ErrorKind::PeerUnknown) when there is no such.
    pub async fn peer(&self, peer_id: impl AsRef<str>) -> Result<pb::Peer> {
        let request = pb::GetPeerRequest { peer_id: peer_id.as_ref().into() };
        let told = ask!(self, self.timeout, GET_PEER, peers.get_peer, request).await?;
        Ok(told.peer.unwrap_or_default())
    }

    /// A snapshot of the peers, then every change. When the sidecar restarts the watch goes on, with a new snapshot
    /// where the changes in between are not known.
    pub fn watch_peers(&self) -> PeerUpdates {
        PeerUpdates::new(self.clone())
    }

    /// Links to a peer id or contact `[peer-id@]host:port`.
    pub async fn connect(&self, target: impl AsRef<str>) -> Result<pb::Peer> {
        let request = pb::ConnectRequest { target: target.as_ref().into() };
        let told = ask!(self, self.timeout, CONNECT, peers.connect, request).await?;
        Ok(told.peer.unwrap_or_default())
    }

    /// Ends the link to a peer; gives the number of messages that were lost by it.
    pub async fn disconnect(&self, peer_id: impl AsRef<str>) -> Result<u64> {
        let request = pb::DisconnectRequest { peer_id: peer_id.as_ref().into() };
        Ok(ask!(self, self.timeout, DISCONNECT, peers.disconnect, request).await?.messages_lost)
    }

    /// Keeps a peer out from now on, over restarts too, and cuts its link at once.
    pub async fn block_peer(&self, peer_id: impl AsRef<str>) -> Result<()> {
        let request = pb::BlockPeerRequest { peer_id: peer_id.as_ref().into() };
        ask!(self, self.timeout, BLOCK_PEER, peers.block_peer, request).await.map(drop)
    }

    /// Keeps a peer out no longer; [`PeerUnknown`](ErrorKind::PeerUnknown) when it was not blocked.
    pub async fn unblock_peer(&self, peer_id: impl AsRef<str>) -> Result<()> {
        let request = pb::UnblockPeerRequest { peer_id: peer_id.as_ref().into() };
        ask!(self, self.timeout, UNBLOCK_PEER, peers.unblock_peer, request).await.map(drop)
    }

    /// The time to a peer's sidecar and back.
    pub async fn ping(&self, peer_id: impl AsRef<str>) -> Result<Duration> {
        let request = pb::PingRequest { peer_id: peer_id.as_ref().into() };
        let told = ask!(self, self.timeout, PING, peers.ping, request).await?;
        Ok(std_duration(told.rtt).unwrap_or_default())
    }

    // the way in

    /// Dials the contacts given, or the remembered and known ones where none is, until the first is linked.
    pub async fn bootstrap<C: Into<String>>(
        &self,
        contacts: impl IntoIterator<Item = C>,
    ) -> Result<Vec<pb::ContactResult>> {
        let request = pb::BootstrapRequest { contacts: contacts.into_iter().map(Into::into).collect() };
        Ok(ask!(self, self.timeout, BOOTSTRAP, bootstrap.bootstrap, request).await?.results)
    }

    /// The contacts, configured and added.
    pub async fn contacts(&self) -> Result<Vec<pb::Contact>> {
        self.list_contacts(false).await
    }

    /// The contacts and the nodes that the sidecar remembers.
    pub async fn contacts_and_cached(&self) -> Result<Vec<pb::Contact>> {
        self.list_contacts(true).await
    }

    async fn list_contacts(&self, cached: bool) -> Result<Vec<pb::Contact>> {
        let mut contacts = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListContactsRequest { page_size: PAGE as i32, page_token, cached };
            let page = ask!(self, self.timeout, LIST_CONTACTS, bootstrap.list_contacts, request).await?;
            contacts.extend(page.contacts);
            if page.next_page_token.is_empty() {
                return Ok(contacts);
            }
            page_token = page.next_page_token;
        }
    }

    /// Adds contacts, which outlast a restart of the sidecar.
    pub async fn add_contacts<C: Into<String>>(
        &self,
        contacts: impl IntoIterator<Item = C>,
    ) -> Result<Vec<pb::Contact>> {
        let request = pb::AddContactsRequest { contacts: contacts.into_iter().map(Into::into).collect() };
        Ok(ask!(self, self.timeout, ADD_CONTACTS, bootstrap.add_contacts, request).await?.contacts)
    }

    /// Removes an added contact, or forgets a remembered one; [`ContactUnknown`](ErrorKind::ContactUnknown) when there
    /// is no such.
    pub async fn remove_contact(&self, contact: impl AsRef<str>) -> Result<()> {
        let request = pb::RemoveContactRequest { contact: contact.as_ref().into() };
        ask!(self, self.timeout, REMOVE_CONTACT, bootstrap.remove_contact, request).await.map(drop)
    }

    // the sidecar itself

    /// Who this sidecar is, where it listens, what its limits are.
    pub async fn node(&self) -> Result<pb::GetNodeResponse> {
        let node = ask!(self, self.timeout, GET_NODE, node.get_node, pb::GetNodeRequest {}).await?;
        self.learn(Limits::told(node.limits.as_ref()));
        Ok(node)
    }

    /// Has linked peers dial this sidecar back, where each sees it or at the addresses given (numeric host:port).
    pub async fn check_reachability<A: Into<String>>(
        &self,
        addresses: impl IntoIterator<Item = A>,
    ) -> Result<pb::CheckReachabilityResponse> {
        let request = pb::CheckReachabilityRequest { addresses: addresses.into_iter().map(Into::into).collect() };
        ask!(self, self.timeout, CHECK_REACHABILITY, node.check_reachability, request).await
    }

    /// What happens from now on, or after a cursor.
    pub fn events(&self, after: Option<pb::Cursor>) -> Events {
        Events::new(self.clone(), after)
    }

    /// Asks the sidecar to leave and stop; gives the number of messages that had no outcome by then.
    pub fn drain(&self) -> Drain {
        Drain { sidecar: self.clone(), request: pb::DrainRequest::default(), timeout: self.timeout }
    }
}

/// Waits for the sidecar: see [`Sidecar::wait_ready`].
#[derive(Clone, Debug)]
#[must_use = "nothing is waited for until it is awaited"]
pub struct WaitReady {
    sidecar: Sidecar,
    level: Readiness,
    timeout: Duration,
}

impl WaitReady {
    /// How far it is to be.
    pub fn level(mut self, level: Readiness) -> WaitReady {
        self.level = level;
        self
    }

    /// How long to wait; 30 s where nothing is said.
    pub fn timeout(mut self, timeout: Duration) -> WaitReady {
        self.timeout = bounded(timeout);
        self
    }

    async fn run(self) -> Result<()> {
        let end = Instant::now() + self.timeout;
        let mut last = "no answer yet".to_string();
        let mut attempt = 0;
        while Instant::now() < end {
            let look = end.min(Instant::now() + LOOK_TIMEOUT);
            let mut health = self.sidecar.shared_stubs().health.clone();
            let request = Request::new(HealthCheckRequest { service: self.level.service().into() });
            match timeout_at(look, health.check(request)).await {
                Ok(Ok(told)) if told.get_ref().status() == ServingStatus::Serving => return Ok(()),
                Ok(Ok(_)) => last = format!("the sidecar answers and is not ready at level {:?}", self.level),
                Ok(Err(status)) => {
                    let error = self.sidecar.error(&status);
                    if self.sidecar.closed() {
                        return Err(error);
                    }
                    if !error.kind().is_unavailable() && !error.kind().is_deadline() {
                        return Err(error);
                    }
                    last = format!("no sidecar answers at {}: {}", self.sidecar.inner.address, error.detail());
                }
                Err(_) => last = format!("the sidecar at {} takes its time to answer", self.sidecar.inner.address),
            }
            sleep(retry_wait(attempt).min(end.saturating_duration_since(Instant::now()))).await;
            attempt += 1;
        }
        Err(Error::new(ErrorKind::DeadlinePassed, format!("not ready after {:?}: {last}", self.timeout)))
    }
}

awaited!(WaitReady -> ());

/// Has the sidecar leave and stop: see [`Sidecar::drain`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is awaited"]
pub struct Drain {
    sidecar: Sidecar,
    request: pb::DrainRequest,
    timeout: Duration,
}

impl Drain {
    /// How long the sidecar waits for outcomes.
    pub fn timeout(mut self, timeout: Duration) -> Drain {
        self.request.timeout = Some(proto_duration(timeout));
        self.timeout = timeout;
        self
    }

    /// Answers at once; the sidecar goes on draining.
    pub fn no_wait(mut self) -> Drain {
        self.request.no_wait = true;
        self
    }

    async fn run(self) -> Result<u64> {
        let timeout = bounded(self.timeout) + DRAIN_ROOM;
        Ok(ask!(&self.sidecar, timeout, DRAIN, node.drain, self.request).await?.messages_lost)
    }
}

awaited!(Drain -> u64);

/// Letters of a queue: see [`Sidecar::letters`]. Awaited, it lists them, oldest first.
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is awaited"]
pub struct ChooseLetters {
    sidecar: Sidecar,
    filter: pb::LetterFilter,
    limit: usize,
}

impl ChooseLetters {
    /// Those of one peer.
    pub fn peer(mut self, peer_id: impl AsRef<str>) -> ChooseLetters {
        self.filter.peer_id = Some(peer_id.as_ref().into());
        self
    }

    /// Those of one channel.
    pub fn channel(mut self, channel: impl AsRef<str>) -> ChooseLetters {
        self.filter.channel = Some(channel.as_ref().into());
        self
    }

    /// These alone, at most 1,000.
    pub fn ids(mut self, ids: impl IntoIterator<Item = u64>) -> ChooseLetters {
        self.filter.ids = ids.into_iter().collect();
        self
    }

    /// How many are listed at most; 500 where nothing is said.
    pub fn limit(mut self, limit: usize) -> ChooseLetters {
        self.limit = limit;
        self
    }

    async fn run(self) -> Result<Vec<pb::Letter>> {
        let mut letters = Vec::new();
        let mut page_token = String::new();
        while letters.len() < self.limit {
            let left = u32::try_from(self.limit - letters.len()).unwrap_or(PAGE);
            let filter = Some(self.filter.clone());
            let request = pb::ListLettersRequest { filter, page_size: left.min(PAGE), page_token };
            let sidecar = &self.sidecar;
            let page = ask!(sidecar, sidecar.timeout, LIST_LETTERS, queues.list_letters, request).await?;
            letters.extend(page.letters);
            if page.next_page_token.is_empty() {
                break;
            }
            page_token = page.next_page_token;
        }
        Ok(letters)
    }

    /// Removes them for good; how many messages.
    pub async fn purge(self) -> Result<u64> {
        let (sidecar, filter) = (&self.sidecar, Some(self.filter));
        let request = pb::PurgeLettersRequest { filter };
        Ok(ask!(sidecar, sidecar.timeout, PURGE_LETTERS, queues.purge_letters, request).await?.messages)
    }

    /// Puts dead ones back where they came from; how many messages.
    pub async fn replay(self) -> Result<u64> {
        let (sidecar, filter) = (&self.sidecar, Some(self.filter));
        let request = pb::ReplayLettersRequest { filter };
        Ok(ask!(sidecar, sidecar.timeout, REPLAY_LETTERS, queues.replay_letters, request).await?.messages)
    }
}

awaited!(ChooseLetters -> Vec<pb::Letter>);
