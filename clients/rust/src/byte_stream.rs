//! Byte streams: tokio's AsyncRead and AsyncWrite over the calls Open and Accept.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_channel::mpsc;
use futures_util::stream::{BoxStream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use crate::call::proto_duration;
use crate::errors::{Error, ErrorKind, Result};
use crate::overlay::v1 as pb;
use crate::overlay::v1::{accept_request, accept_response, open_request, open_response};
use crate::sidecar::Sidecar;
use crate::verbs::awaited;

/// Bytes of one frame.
const PIECE: usize = 256 << 10;

/// Frames that may be written ahead of what gRPC has taken.
const AHEAD: usize = 3;

/// How long a reset may take to be written.
const RESET_TIMEOUT: Duration = Duration::from_secs(5);

/// What the app writes, whichever call it goes by.
#[derive(Debug)]
enum Written {
    Data(Bytes),
    Reset(pb::StreamReset),
    Finish,
}

/// What comes.
#[derive(Debug)]
enum Came {
    Accepted(pb::StreamAccepted),
    Data(Bytes),
    Finished,
    State(pb::StreamState),
}

macro_rules! frames {
    ($request:ty, $written:ident, $response:ty, $came:ident) => {
        impl From<Written> for $request {
            fn from(written: Written) -> $request {
                let frame = match written {
                    Written::Data(data) => $written::Frame::Data(data),
                    Written::Reset(reset) => $written::Frame::Reset(reset),
                    Written::Finish => $written::Frame::Finish(pb::StreamFinished {}),
                };
                Self { frame: Some(frame) }
            }
        }

        impl From<$response> for Came {
            fn from(response: $response) -> Came {
                match response.frame {
                    Some($came::Frame::Accepted(accepted)) => Came::Accepted(accepted),
                    Some($came::Frame::Data(data)) => Came::Data(data),
                    Some($came::Frame::Finished(_)) => Came::Finished,
                    Some($came::Frame::State(state)) => {
                        Came::State(pb::StreamState::try_from(state).unwrap_or(pb::StreamState::Unspecified))
                    }
                    // A frame of a later version.
                    None => Came::State(pb::StreamState::Unspecified),
                }
            }
        }
    };
}

frames!(pb::OpenRequest, open_request, pb::OpenResponse, open_response);
frames!(pb::AcceptRequest, accept_request, pb::AcceptResponse, accept_response);

/// Opens a byte stream: see [`Sidecar::open_stream`].
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until it is awaited"]
pub struct OpenStream {
    sidecar: Sidecar,
    opening: pb::StreamOpen,
}

impl OpenStream {
    pub(crate) fn new(sidecar: &Sidecar, peer_id: &str, name: &str) -> OpenStream {
        let opening = pb::StreamOpen { peer_id: peer_id.into(), name: name.into(), ..pb::StreamOpen::default() };
        OpenStream { sidecar: sidecar.clone(), opening }
    }

    /// One more header for the app over there.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> OpenStream {
        self.opening.headers.insert(name.into(), value.into());
        self
    }

    /// How long to wait for an app that accepts; 10 s where nothing is said.
    pub fn accept_timeout(mut self, timeout: Duration) -> OpenStream {
        self.opening.accept_timeout = Some(proto_duration(timeout));
        self
    }

    async fn run(self) -> Result<ByteStream> {
        let (written, frames) = mpsc::channel(AHEAD);
        let told = pb::StreamAccepted {
            peer_id: self.opening.peer_id.clone(),
            name: self.opening.name.clone(),
            headers: HashMap::new(),
        };
        let first = pb::OpenRequest { frame: Some(open_request::Frame::Open(self.opening)) };
        let requests = futures_util::stream::iter([first]).chain(frames.map(pb::OpenRequest::from));
        let opened = self.sidecar.shared_stubs().streams.clone().open(requests).await;
        let call = opened.map_err(|status| self.sidecar.error(&status))?.into_inner();
        Ok(ByteStream::new(written, call.map(|came| came.map(Came::from)).boxed(), told))
    }
}

awaited!(OpenStream -> ByteStream);

/// Takes the next byte stream of a name: see [`Sidecar::accept_stream`].
#[derive(Clone, Debug)]
#[must_use = "nothing is accepted until it is awaited"]
pub struct AcceptStream {
    sidecar: Sidecar,
    accept: pb::StreamAccept,
}

impl AcceptStream {
    pub(crate) fn new(sidecar: &Sidecar, name: &str) -> AcceptStream {
        let accept = pb::StreamAccept { name: name.into(), peer_ids: Vec::new() };
        AcceptStream { sidecar: sidecar.clone(), accept }
    }

    /// One more peer whose streams are taken; any peer's are where none is named.
    pub fn peer(mut self, peer_id: impl AsRef<str>) -> AcceptStream {
        self.accept.peer_ids.push(peer_id.as_ref().into());
        self
    }

    async fn run(self) -> Result<ByteStream> {
        let (written, frames) = mpsc::channel(AHEAD);
        let first = pb::AcceptRequest { frame: Some(accept_request::Frame::Accept(self.accept)) };
        let requests = futures_util::stream::iter([first]).chain(frames.map(pb::AcceptRequest::from));
        let opened = self.sidecar.shared_stubs().streams.clone().accept(requests).await;
        let call = opened.map_err(|status| self.sidecar.error(&status))?.into_inner();
        let came = call.map(|came| came.map(Came::from)).boxed();
        let mut stream = ByteStream::new(written, came, pb::StreamAccepted::default());
        stream.opened().await?;
        Ok(stream)
    }
}

awaited!(AcceptStream -> ByteStream);

/// A byte stream to an app beside another sidecar: [`AsyncRead`] and [`AsyncWrite`], with the flow control of the whole
/// way.
///
/// `shutdown` writes no more and leaves reading open; [`close`](ByteStream::close) returns once all that was written is
/// with the other sidecar; [`reset`](ByteStream::reset) ends both ways with a code. Dropping it is taken for an app that
/// went away: the other one's reads fail. Errors of reads and writes hold an [`Error`]: [`Error::of_io`] gives it.
pub struct ByteStream {
    /// None once it is finished.
    written: Option<mpsc::Sender<Written>>,
    came: BoxStream<'static, Result<Came, tonic::Status>>,
    told: pb::StreamAccepted,
    accepted: bool,
    suspended: bool,
    suspensions: u64,
    /// What has come and is not read. More than one piece only after a write that failed had to look for its reason.
    left: VecDeque<Bytes>,
    end: Option<End>,
}

#[derive(Clone, Debug)]
enum End {
    /// The other app writes no more.
    Finished,
    /// The call is over, well.
    Closed,
    Failed(Error),
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ByteStream")
            .field("peer_id", &self.told.peer_id)
            .field("name", &self.told.name)
            .field("accepted", &self.accepted)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl ByteStream {
    fn new(
        written: mpsc::Sender<Written>,
        came: BoxStream<'static, Result<Came, tonic::Status>>,
        told: pb::StreamAccepted,
    ) -> ByteStream {
        ByteStream {
            written: Some(written),
            came,
            told,
            accepted: false,
            suspended: false,
            suspensions: 0,
            left: VecDeque::new(),
            end: None,
        }
    }

    /// The other peer, proven by its key.
    pub fn peer_id(&self) -> &str {
        &self.told.peer_id
    }

    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.told.name
    }

    /// The opening app's headers, at the accepting end.
    pub fn headers(&self) -> &HashMap<String, String> {
        &self.told.headers
    }

    /// Whether its connection is lost at the moment; what is written waits.
    pub fn suspended(&self) -> bool {
        self.suspended
    }

    /// How often it lost its connection and went on by another.
    pub fn suspensions(&self) -> u64 {
        self.suspensions
    }

    /// Returns once the other app has taken it; fails with why it was not. Writing needs not wait for it.
    pub async fn opened(&mut self) -> Result<()> {
        std::future::poll_fn(|context| {
            while !self.accepted {
                match &self.end {
                    Some(End::Failed(error)) => return Poll::Ready(Err(error.clone())),
                    Some(_) => {
                        let detail = "the stream ended before it was accepted";
                        return Poll::Ready(Err(Error::new(ErrorKind::StreamReset, detail)));
                    }
                    None => ready!(self.poll_step(context)),
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// The next bytes, as they came, without a copy; None at the end of the other app's way.
    pub async fn read_bytes(&mut self) -> Result<Option<Bytes>> {
        std::future::poll_fn(|context| self.poll_bytes(context)).await
    }

    /// Writes bytes without a copy; waits while the other app does not read. When its future is dropped, a part may have
    /// been written.
    pub async fn write_bytes(&mut self, data: impl Into<Bytes>) -> Result<()> {
        let mut data = data.into();
        while !data.is_empty() {
            let piece = data.split_to(data.len().min(PIECE));
            std::future::poll_fn(|context| self.poll_room(context)).await?;
            self.write(Written::Data(piece)).await?;
        }
        Ok(())
    }

    /// Writes no more; reading goes on. The same as `shutdown`, with this client's error.
    pub async fn finish(&mut self) -> Result<()> {
        std::future::poll_fn(|context| self.poll_finish(context)).await
    }

    /// Writes no more, passes over what still comes, and returns once all that was written is with the other sidecar.
    pub async fn close(mut self) -> Result<()> {
        let finished = self.finish().await;
        self.ended().await?;
        finished
    }

    /// Ends it in both directions; the other app gets the code, and these words.
    pub async fn reset(mut self, code: u64, detail: impl Into<String>) {
        let reset = pb::StreamReset { code, detail: detail.into() };
        // Where it has ended already there is nothing left to end.
        let _ = timeout(RESET_TIMEOUT, async {
            std::future::poll_fn(|context| self.poll_room(context)).await?;
            self.write(Written::Reset(reset)).await?;
            self.written = None;
            self.ended().await
        })
        .await;
    }

    /// Passes over what still comes, to the end of the call.
    async fn ended(&mut self) -> Result<()> {
        std::future::poll_fn(|context| {
            loop {
                self.left.clear();
                match &self.end {
                    Some(End::Failed(error)) => return Poll::Ready(Err(error.clone())),
                    Some(End::Closed) => return Poll::Ready(Ok(())),
                    Some(End::Finished) | None => ready!(self.poll_step(context)),
                }
            }
        })
        .await
    }

    /// Takes one thing that comes.
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match ready!(self.came.poll_next_unpin(context)) {
            Some(Ok(Came::Accepted(told))) => {
                self.accepted = true;
                self.told = told;
            }
            Some(Ok(Came::Data(data))) => self.left.push_back(data),
            Some(Ok(Came::Finished)) => self.end = Some(End::Finished),
            Some(Ok(Came::State(state))) => {
                self.suspended = state == pb::StreamState::Suspended;
                self.suspensions += u64::from(self.suspended);
            }
            Some(Err(status)) => self.end = Some(End::Failed(status.into())),
            None => self.end = Some(End::Closed),
        }
        Poll::Ready(())
    }

    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        loop {
            match self.left.pop_front() {
                Some(data) if data.is_empty() => continue,
                Some(data) => return Poll::Ready(Ok(Some(data))),
                None => {}
            }
            match &self.end {
                Some(End::Failed(error)) => return Poll::Ready(Err(error.clone())),
                Some(_) => return Poll::Ready(Ok(None)),
                None => ready!(self.poll_step(context)),
            }
        }
    }

    /// Waits until one frame may be written.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(written) = &mut self.written else {
            return Poll::Ready(Err(Error::new(ErrorKind::StreamReset, "this end of the stream is finished")));
        };
        match ready!(written.poll_ready(context)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(_) => self.poll_why(context).map(Err),
        }
    }

    /// Why nothing can be written any more. What comes before the reason is kept for the reader: not more than was on
    /// its way when the call ended.
    fn poll_why(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        loop {
            match &self.end {
                Some(End::Failed(error)) => return Poll::Ready(error.clone()),
                Some(End::Closed) => {
                    return Poll::Ready(Error::new(ErrorKind::StreamReset, "the stream is over"));
                }
                Some(End::Finished) | None => ready!(self.poll_step(context)),
            }
        }
    }

    async fn write(&mut self, frame: Written) -> Result<()> {
        if self.start_write(frame) {
            return Ok(());
        }
        Err(std::future::poll_fn(|context| self.poll_why(context)).await)
    }

    /// After `poll_room`; false when the call has ended in between.
    fn start_write(&mut self, frame: Written) -> bool {
        self.written.as_mut().is_some_and(|written| written.start_send(frame).is_ok())
    }

    fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.written.is_none() {
            return Poll::Ready(Ok(()));
        }
        // A call that has ended needs no more ending: reading tells why.
        let room = ready!(self.poll_room(context));
        if room.is_ok() {
            self.start_write(Written::Finish);
        }
        self.written = None;
        Poll::Ready(room)
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if let Some(mut data) = ready!(self.poll_bytes(context)).map_err(io::Error::from)? {
            let taken = data.split_to(data.len().min(buffer.remaining()));
            buffer.put_slice(&taken);
            if !data.is_empty() {
                self.left.push_front(data);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_room(context)).map_err(io::Error::from)?;
        let piece = data.get(..PIECE).unwrap_or(data);
        if self.start_write(Written::Data(Bytes::copy_from_slice(piece))) {
            return Poll::Ready(Ok(piece.len()));
        }
        self.poll_why(context).map(|error| Err(error.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is held back: each write is a frame on its way.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(context).map_err(io::Error::from)
    }
}
