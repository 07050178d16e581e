//! The cases about requests, byte streams and datagrams.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use sidecar_client::{AnswerError, IncomingRequest, Message, Replied, Sidecar};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

use crate::Played;
use crate::cases::came;
use crate::lines::Lines;
use crate::told::{Failure, Params, b64, digest, error_told, pattern};

/// What the responder has done.
#[derive(Default)]
struct Tally {
    asked: AtomicU64,
    answered: AtomicU64,
    cancelled: AtomicU64,
    changed: Notify,
}

impl Tally {
    fn count(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_one();
    }
}

/// Counts a request that nobody waits for any longer: its task was dropped.
struct Waiting(Arc<Tally>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.count(&self.0.cancelled);
    }
}

async fn answer(asked: IncomingRequest, tally: Arc<Tally>) -> Result<Replied, AnswerError> {
    match asked.headers.get("do").map(String::as_str) {
        Some("fail") => {
            tally.count(&tally.answered);
            Err(AnswerError::new("empty", "ask something"))
        }
        Some("wait") => {
            tally.count(&tally.asked);
            let _waiting = Waiting(tally);
            std::future::pending().await
        }
        _ => {
            tally.count(&tally.answered);
            Ok(Replied { payload: asked.payload, headers: asked.headers })
        }
    }
}

pub async fn responder(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let wanted = params.number("count").unwrap_or_default();
    let serving = sidecar.reply(params.text("channel")).open().await?;
    lines.ready().await?;
    let tally = Arc::new(Tally::default());
    let played = tally.clone();
    let mut written = Ok(());
    let done = async {
        let mut told = 0;
        loop {
            let over = tally.answered.load(Ordering::SeqCst) + tally.cancelled.load(Ordering::SeqCst) >= wanted;
            while written.is_ok() && told < tally.asked.load(Ordering::SeqCst) {
                written = lines.write(&json!({ "event": "asked" })).await;
                told += 1;
            }
            if over {
                break;
            }
            tally.changed.notified().await;
        }
    };
    serving.serve_until(move |asked| answer(asked, played.clone()), done).await?;
    written?;
    Ok(json!({
        "answered": tally.answered.load(Ordering::SeqCst),
        "cancelled": tally.cancelled.load(Ordering::SeqCst),
    }))
}

pub async fn requester(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let mut replies = Vec::new();
    for step in params.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let step = Params(step);
        let mut headers: HashMap<String, String> = step.headers("headers");
        headers.insert("do".into(), step.text("do"));
        let message = Message::new(step.payload()?).headers(headers);
        let mut ask = sidecar.request(params.text("peer_id"), message).channel(params.text("channel"));
        if let Some(timeout) = step.time("timeout") {
            ask = ask.timeout(timeout);
        }
        let asking = ask.into_future();
        let reply = if step.flag("take_back").unwrap_or_default() {
            tokio::select! {
                reply = asking => reply,
                // Dropping the future takes the call back.
                told = lines.wait() => {
                    told?;
                    replies.push(json!({ "raised": { "kind": "Cancelled", "reason": "" } }));
                    continue;
                }
            }
        } else {
            asking.await
        };
        replies.push(match reply {
            Ok(reply) => json!({ "b64": b64(&reply.payload), "headers": reply.headers }),
            Err(error) => json!({ "raised": error_told(&error) }),
        });
    }
    Ok(json!({ "replies": replies }))
}

pub async fn stream_opener(sidecar: &Sidecar, params: Params<'_>) -> Played {
    let mut open = sidecar.open_stream(params.text("peer_id"), params.text("name"));
    for (name, value) in params.headers("headers") {
        open = open.header(name, value);
    }
    let mut stream = open.await?;
    let data = pattern(params.number("size").unwrap_or_default());
    stream.write_all(&data).await?;
    stream.shutdown().await?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await?;
    stream.close().await?;
    Ok(json!({ "size": all.len(), "digest": digest(&all) }))
}

pub async fn stream_closer(sidecar: &Sidecar, params: Params<'_>) -> Played {
    let mut stream = sidecar.open_stream(params.text("peer_id"), params.text("name")).await?;
    stream.write_all(&pattern(params.number("size").unwrap_or_default())).await?;
    stream.close().await?;
    Ok(json!({}))
}

pub async fn stream_acceptor(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    lines.ready().await?;
    let mut stream = sidecar.accept_stream(params.text("name")).await?;
    let (headers, peer_id) = (stream.headers().clone(), stream.peer_id().to_string());
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await?;
    stream.write_bytes(pattern(params.number("back").unwrap_or_default())).await?;
    stream.close().await?;
    Ok(json!({ "size": all.len(), "digest": digest(&all), "headers": headers, "peer_id": peer_id }))
}

pub async fn reset_opener(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let mut stream = sidecar.open_stream(params.text("peer_id"), params.text("name")).await?;
    stream.write_bytes(pattern(1)).await?;
    lines.wait().await?;
    stream.reset(params.number("code").unwrap_or_default(), "").await;
    Ok(json!({}))
}

pub async fn reset_acceptor(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    lines.ready().await?;
    let mut stream = sidecar.accept_stream(params.text("name")).await?;
    let mut byte = [0];
    stream.read_exact(&mut byte).await?;
    lines.write(&json!({ "event": "opened" })).await?;
    loop {
        match stream.read_bytes().await {
            Ok(Some(_)) => {}
            Ok(None) => return Err(Failure::Driver("Ended", "the stream ended well".into())),
            Err(error) => return Ok(json!({ "raised": error_told(&error) })),
        }
    }
}

pub async fn datagram_sender(sidecar: &Sidecar, params: Params<'_>) -> Played {
    for size in params.numbers("sizes") {
        sidecar.send_datagram(params.text("peer_id"), pattern(size)).channel(params.text("channel")).await?;
    }
    Ok(json!({}))
}

pub async fn datagram_receiver(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let count = params.number("count").unwrap_or_default();
    let mut datagrams = sidecar.datagrams(params.text("channel")).await?;
    lines.ready().await?;
    let (mut sizes, mut peer_ids) = (Vec::new(), Vec::new());
    while (sizes.len() as u64) < count {
        let datagram = came(datagrams.next().await)?;
        sizes.push(datagram.payload.len());
        peer_ids.push(datagram.peer_id);
    }
    Ok(json!({ "sizes": sizes, "peer_ids": peer_ids }))
}
