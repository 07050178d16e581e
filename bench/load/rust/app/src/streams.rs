//! The works over byte streams: one that stays open for messages and for requests, and one for each request.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::oneshot;

use crate::latencies::{Latencies, concurrently, monotonic};
use crate::ledger::{CLOSING, HEAD, Ledger, Received, head, mark, payload, stamp, stamp_time};
use crate::{Failure, Work};

/// What a receiver reads at once.
const BUFFER: usize = 256 << 10;

/// An endpoint of a QUIC library: it dials and takes connections.
pub trait Endpoint: Send + Sync + 'static {
    type Connection: Connection;
    /// What the other end dials.
    fn identity(&self) -> Result<String, Failure>;
    fn dial(&self, peer: &str) -> impl Future<Output = Result<Self::Connection, Failure>> + Send;
    /// The next connection that comes, or why it failed; None when there are no more.
    fn accept(&self) -> impl Future<Output = Option<Result<Self::Connection, Failure>>> + Send;
}

pub trait Connection: Clone + Send + Sync + 'static {
    type Writer: AsyncWrite + Unpin + Send;
    type Reader: AsyncRead + Unpin + Send;
    fn open(&self) -> impl Future<Output = Result<(Self::Writer, Self::Reader), Failure>> + Send;
    fn accept(&self) -> impl Future<Output = Result<(Self::Writer, Self::Reader), Failure>> + Send;
    fn close(&self);
}

/// What to do with a stream of a run.
enum Taker {
    Collect { ledger: Ledger, done: oneshot::Sender<Result<Received, Failure>> },
    Answer,
}

/// The app. A stream belongs to the run whose mark is in its first payload.
pub struct App<E: Endpoint> {
    endpoint: E,
    linked: tokio::sync::Mutex<HashMap<String, E::Connection>>,
    takers: Mutex<HashMap<u64, (usize, Taker)>>,
    collecting: Mutex<HashMap<String, oneshot::Receiver<Result<Received, Failure>>>>,
}

impl<E: Endpoint> App<E> {
    /// Takes connections from now on.
    pub fn start(endpoint: E) -> Arc<Self> {
        let app = Arc::new(Self {
            endpoint,
            linked: Default::default(),
            takers: Default::default(),
            collecting: Default::default(),
        });
        let taking = app.clone();
        tokio::spawn(async move {
            while let Some(incoming) = taking.endpoint.accept().await {
                match incoming {
                    Ok(connection) => drop(tokio::spawn(taking.clone().take(connection))),
                    Err(failed) => eprintln!("a connection failed: {failed}"),
                }
            }
        });
        app
    }

    pub async fn obey(self: Arc<Self>, work: Work) -> Result<Value, Failure> {
        match work.action.as_str() {
            "identity" => Ok(json!(self.endpoint.identity()?)),
            "connect" => self.linked(&work.peer).await.map(|_| json!(true)),
            "listen" => Ok(json!(self.listen(&work))),
            "collect" => Ok(json!(self.collect(&work).await?)),
            "answer" | "reply" => Ok(json!(self.answer(&work))),
            "send" => self.send(&work).await,
            "request" => Ok(json!(self.request(&work).await?)),
            "call" => Ok(json!(self.call(work).await?)),
            "relink" => Ok(json!(self.relink(work).await?)),
            unknown => Err(format!("unknown command {unknown:?}").into()),
        }
    }

    /// The connection that is kept to a peer.
    async fn linked(&self, peer: &str) -> Result<E::Connection, Failure> {
        let mut linked = self.linked.lock().await;
        if let Some(connection) = linked.get(peer) {
            return Ok(connection.clone());
        }
        let connection = self.endpoint.dial(peer).await?;
        linked.insert(peer.to_owned(), connection.clone());
        Ok(connection)
    }

    /// A stream to a peer; one whose connection ended is dialled anew.
    async fn open(&self, peer: &str) -> Result<Pair<E>, Failure> {
        match self.linked(peer).await?.open().await {
            Ok(pair) => Ok(pair),
            Err(_) => {
                self.linked.lock().await.remove(peer);
                self.linked(peer).await?.open().await
            }
        }
    }

    fn listen(&self, work: &Work) -> bool {
        let (done, collecting) = oneshot::channel();
        let ledger = Ledger::new(&work.run, work.size, true);
        lock(&self.takers).insert(mark(&work.run), (work.size, Taker::Collect { ledger, done }));
        lock(&self.collecting).insert(work.run.clone(), collecting);
        true
    }

    async fn collect(&self, work: &Work) -> Result<Received, Failure> {
        let collecting = lock(&self.collecting).remove(&work.run);
        collecting.ok_or_else(|| format!("nothing listens to run {:?}", work.run))?.await?
    }

    fn answer(&self, work: &Work) -> bool {
        lock(&self.takers).insert(mark(&work.run), (work.size, Taker::Answer));
        true
    }

    async fn take(self: Arc<Self>, connection: E::Connection) {
        // It ends when its dialler ends it.
        while let Ok((writer, reader)) = connection.accept().await {
            let app = self.clone();
            tokio::spawn(async move {
                if let Err(failed) = app.taken(writer, reader).await {
                    eprintln!("a stream failed: {failed}");
                }
            });
        }
    }

    async fn taken(&self, writer: Writer<E>, mut reader: Reader<E>) -> Result<(), Failure> {
        let mut first = vec![0; BUFFER];
        let mut filled = 0;
        while filled < HEAD {
            match reader.read(&mut first[filled..]).await? {
                0 => return Err("a stream ended before its first payload".into()),
                more => filled += more,
            }
        }
        let run = head(&first).1;
        let taker = {
            let mut takers = lock(&self.takers);
            match takers.get(&run) {
                Some((size, Taker::Answer)) => Some((*size, Taker::Answer)),
                _ => takers.remove(&run),
            }
        };
        let (size, taker) = taker.ok_or("a stream of a run that nobody listens to")?;
        first.resize(BUFFER.max(2 * size), 0);
        let messages = Messages { buffer: first, filled, size };
        match taker {
            Taker::Answer => answer(writer, reader, messages).await,
            Taker::Collect { mut ledger, done } => {
                let outcome = receive(writer, reader, messages, &mut ledger).await;
                // Whoever collects may have given up.
                let _ = done.send(outcome.map(|()| ledger.received()));
                Ok(())
            }
        }
    }

    /// Writes messages to one stream, `batch` to a write, until the time is over, and waits for the receiver's count.
    async fn send(&self, work: &Work) -> Result<Value, Failure> {
        let (mut writer, mut reader) = self.open(&work.peer).await?;
        let batch = work.batch.max(1);
        let mut buffer = payload(work.size, &work.run).repeat(batch);
        let start = monotonic();
        let until = start + work.duration().as_nanos() as u64;
        let mut count = 0u64;
        let mut now = start;
        while now < until {
            for message in buffer.chunks_exact_mut(work.size) {
                stamp(message, count);
                stamp_time(message, now);
                count += 1;
            }
            writer.write_all(&buffer).await?;
            now = monotonic();
        }
        stamp(&mut buffer, CLOSING | count);
        writer.write_all(&buffer[..work.size]).await?;
        writer.flush().await?;
        let got = reader.read_u64_le().await?;
        if got != count {
            return Err(format!("{got} of {count} messages arrived").into());
        }
        writer.shutdown().await?;
        Ok(json!({"count": count, "start_ns": start, "settled_ns": monotonic()}))
    }

    /// Asks over one stream, `depth` requests under way at once, answered in their order.
    async fn request(&self, work: &Work) -> Result<Latencies, Failure> {
        let (mut writer, reader) = self.open(&work.peer).await?;
        let mut reader = BufReader::with_capacity(BUFFER, reader);
        let depth = work.depth() as u64;
        let mut asked = vec![0; work.depth()];
        let (mut message, mut reply) = (payload(work.size, &work.run), vec![0; work.size]);
        let mut trips = Vec::new();
        let begin = monotonic();
        let until = begin + work.duration().as_nanos() as u64;
        let mut next = 0u64;
        while next < depth {
            stamp(&mut message, next);
            asked[next as usize] = monotonic();
            writer.write_all(&message).await?;
            next += 1;
        }
        let mut answered = 0u64;
        while answered < next {
            reader.read_exact(&mut reply).await?;
            if head(&reply) != (answered, mark(&work.run)) {
                return Err(format!("an answer to {:?} where {answered} was due", head(&reply)).into());
            }
            let now = monotonic();
            let slot = (answered % depth) as usize;
            trips.push(now - asked[slot]);
            answered += 1;
            if now < until {
                stamp(&mut message, next);
                asked[slot] = monotonic();
                writer.write_all(&message).await?;
                next += 1;
            }
        }
        writer.shutdown().await?;
        Latencies::of(trips, monotonic() - begin)
    }

    /// A stream for each request.
    async fn call(&self, work: Work) -> Result<Latencies, Failure> {
        let connection = self.linked(&work.peer).await?;
        let message = Arc::new(payload(work.size, &work.run));
        concurrently(work.duration(), work.depth(), move || {
            let (connection, message) = (connection.clone(), message.clone());
            async move { ask(&connection, &message).await }
        })
        .await
    }

    /// A connection for each request, one after the other.
    async fn relink(self: &Arc<Self>, work: Work) -> Result<Latencies, Failure> {
        let message = Arc::new(payload(work.size, &work.run));
        let (app, peer) = (self.clone(), work.peer.clone());
        concurrently(work.duration(), 1, move || {
            let (app, peer, message) = (app.clone(), peer.clone(), message.clone());
            async move {
                let connection = app.endpoint.dial(&peer).await?;
                ask(&connection, &message).await?;
                connection.close();
                Ok(())
            }
        })
        .await
    }
}

type Writer<E> = <<E as Endpoint>::Connection as Connection>::Writer;
type Reader<E> = <<E as Endpoint>::Connection as Connection>::Reader;
type Pair<E> = (Writer<E>, Reader<E>);

/// One request and its answer on a stream of their own.
async fn ask(connection: &impl Connection, message: &[u8]) -> Result<(), Failure> {
    let (mut writer, mut reader) = connection.open().await?;
    writer.write_all(message).await?;
    writer.shutdown().await?;
    let mut reply = vec![0; message.len()];
    reader.read_exact(&mut reply).await?;
    if reply != message {
        return Err(format!("an answer that is not what was asked: {:?}", head(&reply)).into());
    }
    Ok(())
}

/// Sends what comes back, whole messages at a time.
async fn answer(
    mut writer: impl AsyncWrite + Unpin,
    mut reader: impl AsyncRead + Unpin,
    mut messages: Messages,
) -> Result<(), Failure> {
    loop {
        writer.write_all(messages.whole()).await?;
        writer.flush().await?;
        messages.forget();
        if !messages.read(&mut reader).await? {
            writer.shutdown().await?;
            return Ok(());
        }
    }
}

/// Enters messages in a ledger and says at the end how many came.
async fn receive(
    mut writer: impl AsyncWrite + Unpin,
    mut reader: impl AsyncRead + Unpin,
    mut messages: Messages,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    loop {
        let complete = ledger.take(messages.whole().chunks_exact(messages.size))?;
        messages.forget();
        if complete {
            writer.write_u64_le(ledger.received().count).await?;
            writer.shutdown().await?;
            return Ok(());
        }
        if !messages.read(&mut reader).await? {
            return Err(format!("the stream ended after {} messages", ledger.received().count).into());
        }
    }
}

/// What has been read of a stream of messages of one size.
struct Messages {
    buffer: Vec<u8>,
    filled: usize,
    size: usize,
}

impl Messages {
    fn whole(&self) -> &[u8] {
        &self.buffer[..self.filled - self.filled % self.size]
    }

    /// Drops the whole messages, which have been taken.
    fn forget(&mut self) {
        let end = self.whole().len();
        self.buffer.copy_within(end..self.filled, 0);
        self.filled -= end;
    }

    /// False at the end of the stream.
    async fn read(&mut self, reader: &mut (impl AsyncRead + Unpin)) -> Result<bool, Failure> {
        let more = reader.read(&mut self.buffer[self.filled..]).await?;
        self.filled += more;
        Ok(more > 0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics while it holds this")
}
