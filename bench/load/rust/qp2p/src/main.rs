//! An app with qp2p inside, at its defaults: `load-qp2p ADDRESS`, one of its own. qp2p proves nobody.
//!
//! qp2p takes one message a stream and says Ok when the other end has acknowledged it, which quinn delays; so messages are sent
//! by several tasks at once, arrive in any order, and cannot be batched. A request has a stream of its own.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use app::latencies::{Latencies, concurrently, monotonic};
use app::ledger::{CLOSING, HEAD, Ledger, Received, head, mark, payload, stamp, stamp_time};
use app::{Failure, Work};
use bytes::Bytes;
use qp2p::{Connection, ConnectionIncoming, Endpoint, IncomingConnections};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Messages on their way at once: fewer than the 100 streams that an end allows.
const SENDERS: usize = 64;
/// And bytes: as far as a sender beside a sidecar goes ahead.
const AHEAD: usize = 16 << 20;

struct Collector {
    ledger: Ledger,
    done: Option<oneshot::Sender<Result<Received, Failure>>>,
}

struct App {
    endpoint: Endpoint,
    linked: tokio::sync::Mutex<HashMap<String, Arc<Connection>>>,
    collectors: Mutex<HashMap<u64, Collector>>,
    collecting: Mutex<HashMap<String, oneshot::Receiver<Result<Received, Failure>>>>,
}

impl App {
    fn start(address: IpAddr) -> Result<Arc<Self>, Failure> {
        let builder = Endpoint::builder()
            .addr(SocketAddr::new(address, 0))
            .keep_alive_interval(std::time::Duration::from_secs(3));
        let (endpoint, incoming) = builder.server()?;
        let app = Arc::new(Self {
            endpoint,
            linked: Default::default(),
            collectors: Default::default(),
            collecting: Default::default(),
        });
        tokio::spawn(app.clone().accept(incoming));
        Ok(app)
    }

    async fn accept(self: Arc<Self>, mut incoming: IncomingConnections) {
        while let Some((connection, messages)) = incoming.next().await {
            tokio::spawn(self.clone().receive(connection, messages));
        }
    }

    /// Enters messages in the ledger of their run, and sends back what came with a stream to answer on.
    async fn receive(self: Arc<Self>, _connection: Connection, mut messages: ConnectionIncoming) {
        // It ends when its dialler ends it.
        while let Ok(Some((message, stream))) = messages.next_with_stream().await {
            let (_, _, payload) = message.0;
            match stream {
                None => self.enter(&payload),
                Some(mut stream) => drop(tokio::spawn(async move {
                    let sent = stream.send_user_msg((Bytes::new(), Bytes::new(), payload)).await;
                    if let Err(failed) = sent {
                        eprintln!("an answer failed: {failed}");
                    }
                    // Its Ok says that the asker has it, which the asker tells.
                    let _ = stream.finish().await;
                })),
            }
        }
    }

    fn enter(&self, payload: &[u8]) {
        if payload.len() < HEAD {
            eprintln!("a payload of {} bytes", payload.len());
            return;
        }
        let mut collectors = self.collectors.lock().expect("no thread panics while it holds this");
        let Some(collector) = collectors.get_mut(&head(payload).1) else {
            eprintln!("a message of a run that nobody listens to");
            return;
        };
        let outcome = match collector.ledger.take(std::iter::once(payload)) {
            Ok(false) => return,
            Ok(true) => Ok(collector.ledger.received()),
            Err(failed) => Err(failed),
        };
        if let Some(done) = collector.done.take() {
            // Whoever collects may have given up.
            let _ = done.send(outcome);
        }
    }

    async fn obey(self: Arc<Self>, work: Work) -> Result<Value, Failure> {
        match work.action.as_str() {
            "identity" => Ok(json!(self.endpoint.local_addr().to_string())),
            "connect" => self.linked(&work.peer).await.map(|_| json!(true)),
            "listen" => Ok(json!(self.listen(&work))),
            "collect" => Ok(json!(self.collect(&work).await?)),
            "reply" => Ok(json!(true)),
            "send" => self.send(&work).await,
            "call" => Ok(json!(self.call(&work).await?)),
            "relink" => Ok(json!(self.relink(&work).await?)),
            unknown => Err(format!("unknown command {unknown:?}").into()),
        }
    }

    /// The connection that is kept to a peer.
    async fn linked(&self, peer: &str) -> Result<Arc<Connection>, Failure> {
        let mut linked = self.linked.lock().await;
        if let Some(connection) = linked.get(peer).filter(|connection| connection.close_reason().is_none()) {
            return Ok(connection.clone());
        }
        let (connection, _) = self.endpoint.connect_to(&peer.parse()?).await?;
        let connection = Arc::new(connection);
        linked.insert(peer.to_owned(), connection.clone());
        Ok(connection)
    }

    fn listen(&self, work: &Work) -> bool {
        let (done, collecting) = oneshot::channel();
        let collector = Collector { ledger: Ledger::new(&work.run, work.size, false), done: Some(done) };
        self.collectors.lock().expect("no thread panics while it holds this").insert(mark(&work.run), collector);
        self.collecting.lock().expect("no thread panics while it holds this").insert(work.run.clone(), collecting);
        true
    }

    async fn collect(&self, work: &Work) -> Result<Received, Failure> {
        let collecting = self.collecting.lock().expect("no thread panics while it holds this").remove(&work.run);
        let received = collecting.ok_or_else(|| format!("nothing listens to run {:?}", work.run))?.await?;
        self.collectors.lock().expect("no thread panics while it holds this").remove(&mark(&work.run));
        received
    }

    async fn send(&self, work: &Work) -> Result<Value, Failure> {
        let connection = self.linked(&work.peer).await?;
        let count = Arc::new(AtomicU64::new(0));
        let start = monotonic();
        let until = start + work.duration().as_nanos() as u64;
        let senders: Vec<_> = (0..SENDERS.min(AHEAD / work.size))
            .map(|_| {
                let (connection, count) = (connection.clone(), count.clone());
                let (size, run) = (work.size, work.run.clone());
                tokio::spawn(async move {
                    while monotonic() < until {
                        say(&connection, size, &run, count.fetch_add(1, Ordering::Relaxed)).await?;
                    }
                    Ok::<_, Failure>(())
                })
            })
            .collect();
        for sender in senders {
            sender.await??;
        }
        let count = count.load(Ordering::Relaxed);
        say(&connection, work.size, &work.run, CLOSING | count).await?;
        Ok(json!({"count": count, "start_ns": start, "settled_ns": monotonic()}))
    }

    async fn call(&self, work: &Work) -> Result<Latencies, Failure> {
        let connection = self.linked(&work.peer).await?;
        let message = Bytes::from(payload(work.size, &work.run));
        concurrently(work.duration(), work.depth(), move || {
            let (connection, message) = (connection.clone(), message.clone());
            async move { ask(&connection, message).await }
        })
        .await
    }

    async fn relink(self: &Arc<Self>, work: &Work) -> Result<Latencies, Failure> {
        let message = Bytes::from(payload(work.size, &work.run));
        let (app, peer) = (self.clone(), work.peer.parse()?);
        concurrently(work.duration(), 1, move || {
            let (app, message) = (app.clone(), message.clone());
            async move {
                let (connection, _incoming) = app.endpoint.connect_to(&peer).await?;
                ask(&connection, message).await?;
                connection.close(None);
                Ok(())
            }
        })
        .await
    }
}

async fn say(connection: &Connection, size: usize, run: &str, counter: u64) -> Result<(), Failure> {
    let mut message = payload(size, run);
    stamp(&mut message, counter);
    stamp_time(&mut message, monotonic());
    Ok(connection.send((Bytes::new(), Bytes::new(), message.into())).await?)
}

/// One request and its answer, on a stream of their own. `finish` is not waited for: the answer says more.
async fn ask(connection: &Connection, message: Bytes) -> Result<(), Failure> {
    let (mut out, back) = connection.open_bi().await?;
    out.send_user_msg((Bytes::new(), Bytes::new(), message.clone())).await?;
    let finishing = tokio::spawn(async move { out.finish().await });
    let (_, _, reply) = back.read().await?;
    finishing.await??;
    if reply != message {
        return Err("an answer that is not what was asked".into());
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address] = arguments.as_slice() else {
        return Err("usage: load-qp2p ADDRESS".into());
    };
    let app = App::start(address.parse()?)?;
    app::serve(move |work| app.clone().obey(work)).await
}
