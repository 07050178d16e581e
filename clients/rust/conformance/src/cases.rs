//! The cases about messages and watches.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sidecar_client::overlay::v1 as pb;
use sidecar_client::{EventUpdate, Incoming, Message, PeerUpdate, Received, Sidecar};

use crate::Played;
use crate::calls::{call, kind_name, state_name};
use crate::flows;
use crate::lines::Lines;
use crate::told::{Failure, Outcome, Params, digest, hex, level, level_name, message_told, pattern, seconds};

pub async fn run(sidecar: &Sidecar, lines: &mut Lines, case: &str, role: &str, params: &Value) -> Played {
    let params = Params(params);
    match (case, role) {
        ("identity", "app") => identity(sidecar, params).await,
        ("call", "app") => call(sidecar, params).await,
        ("messages", "sender") => messages_sender(sidecar, params).await,
        ("messages", "receiver") => messages_receiver(sidecar, lines, params).await,
        ("receipts", "sender") => receipts_sender(sidecar, params).await,
        ("receipts", "consumer") => receipts_consumer(sidecar, lines, params).await,
        ("pipelined", "sender") => pipelined_sender(sidecar, params).await,
        ("pipelined", "receiver") => pipelined_receiver(sidecar, lines, params).await,
        ("acks", "consumer") => acks(sidecar, lines, params).await,
        ("restart", "consumer") => restart(sidecar, lines, params).await,
        ("gap", "receiver") => gap(sidecar, lines, params).await,
        ("watch", "app") => watch(sidecar, lines, params).await,
        ("events", "app") => events(sidecar, lines, params).await,
        ("replies", "responder") => flows::responder(sidecar, lines, params).await,
        ("replies", "requester") => flows::requester(sidecar, lines, params).await,
        ("streams", "opener") => flows::stream_opener(sidecar, params).await,
        ("streams", "closer") => flows::stream_closer(sidecar, params).await,
        ("streams", "acceptor") => flows::stream_acceptor(sidecar, lines, params).await,
        ("stream_reset", "opener") => flows::reset_opener(sidecar, lines, params).await,
        ("stream_reset", "acceptor") => flows::reset_acceptor(sidecar, lines, params).await,
        ("datagrams", "sender") => flows::datagram_sender(sidecar, params).await,
        ("datagrams", "receiver") => flows::datagram_receiver(sidecar, lines, params).await,
        ("bench", "app") => bench(sidecar, params).await,
        ("bench", "sink") => bench_sink(sidecar, lines, params).await,
        ("bench", "responder") => flows::responder(sidecar, lines, params).await,
        _ => Err(Failure::Driver("UnknownCase", format!("case {case}, role {role}"))),
    }
}

async fn identity(sidecar: &Sidecar, params: Params<'_>) -> Played {
    let mut ready = sidecar.wait_ready().level(params.readiness()?);
    if let Some(timeout) = params.time("timeout") {
        ready = ready.timeout(timeout);
    }
    ready.await?;
    let node = sidecar.node().await?;
    Ok(json!({
        "peer_id": node.peer_id,
        "network_id": node.network_id,
        "version": node.version,
        "engine": node.engine,
        "front": node.front,
        "max_message_bytes": node.limits.unwrap_or_default().max_message_bytes,
    }))
}

async fn messages_sender(sidecar: &Sidecar, params: Params<'_>) -> Played {
    let mut levels = Vec::new();
    for size in params.numbers("sizes") {
        let message = Message::new(pattern(size)).headers(params.headers("headers"));
        let sent = sidecar.send(params.text("peer_id"), message).channel(params.text("channel")).await?;
        levels.push(level_name(sent.level));
    }
    Ok(json!({ "levels": levels }))
}

async fn messages_receiver(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let count = params.number("count").unwrap_or_default();
    let mut inbox = sidecar.receive(params.text("channel")).await?;
    lines.ready().await?;
    let mut messages = Vec::new();
    while (messages.len() as u64) < count {
        if let Incoming::Message(message) = came(inbox.next().await)? {
            messages.push(message_told(&message));
        }
    }
    Ok(json!({ "messages": messages }))
}

async fn receipts_sender(sidecar: &Sidecar, params: Params<'_>) -> Played {
    let mut receipts = Vec::new();
    for asked in params.get("levels").and_then(Value::as_array).into_iter().flatten() {
        let wait = level(asked)?;
        let sent = sidecar
            .send(params.text("peer_id"), "receipt")
            .channel(params.text("channel"))
            .message_id(format!("m-{}", level_name(wait)))
            .wait(wait)
            .durable(params.flag("durable").unwrap_or_default())
            .await?;
        receipts.push(json!({
            "level": level_name(sent.level),
            "message_id": sent.message_id,
            "sent_at": seconds(sent.sent_at),
            "delivered_at": seconds(sent.delivered_at),
            "processed_at": seconds(sent.processed_at),
        }));
    }
    Ok(json!({ "receipts": receipts }))
}

async fn receipts_consumer(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let wanted = params.number("count").unwrap_or_default();
    let mut orders = sidecar.consume(params.text("channel")).await?;
    lines.ready().await?;
    let mut count = 0;
    while count < wanted {
        if let Incoming::Message(message) = came(orders.next().await)? {
            orders.ack(&message);
            count += 1;
        }
    }
    orders.close().await;
    Ok(json!({ "count": count }))
}

/// The pattern with the number of the message in its first 8 bytes, as far as there is room.
fn numbered(number: u64, pattern: &[u8]) -> Bytes {
    let mut payload = pattern.to_vec();
    for (place, byte) in payload.iter_mut().zip(number.to_be_bytes()) {
        *place = byte;
    }
    payload.into()
}

async fn pipelined_sender(sidecar: &Sidecar, params: Params<'_>) -> Played {
    let count = params.number("count").unwrap_or_default();
    let pattern = pattern(params.number("size").unwrap_or_default());
    let mut open = sidecar.sender(params.text("peer_id")).channel(params.text("channel"));
    if let Some(wait) = params.wait("wait")? {
        open = open.wait(wait);
    }
    let sender = open.await?;
    // Numbered from 1, as the sender itself does.
    for number in 1..=count {
        sender.send(numbered(number, &pattern)).await?;
    }
    sender.flush().await?;
    sender.close().await?;
    Ok(json!({ "count": count }))
}

async fn pipelined_receiver(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let wanted = params.number("count").unwrap_or_default();
    let mut inbox = sidecar.receive(params.text("channel")).await?;
    lines.ready().await?;
    let mut joined = Sha256::new();
    let mut count = 0;
    while count < wanted {
        if let Incoming::Message(message) = came(inbox.next().await)? {
            joined.update(&message.payload);
            count += 1;
        }
    }
    Ok(json!({ "count": count, "digest": hex(&joined.finalize()) }))
}

async fn acks(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let mut consume = sidecar.consume(params.text("channel"));
    if let Some(credits) = params.number("credits") {
        consume = consume.credits(u32::try_from(credits).unwrap_or(u32::MAX));
    }
    if let Some(deadline) = params.time("ack_deadline") {
        consume = consume.ack_deadline(deadline);
    }
    if let Some(most) = params.number("max_deliveries") {
        consume = consume.max_deliveries(u32::try_from(most).unwrap_or(u32::MAX));
    }
    let mut orders = consume.await?;
    lines.ready().await?;
    let mut messages = Vec::new();
    for step in params.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let message = next_message(&mut orders).await?;
        messages.push(json!({ "digest": digest(&message.payload), "redelivery_count": message.redelivery_count }));
        let step = Params(step);
        match step.text("do").as_str() {
            "ack" => orders.ack(&message),
            "nack" => orders.nack_after(&message, step.time("delay").unwrap_or_default()),
            "extend" => {
                orders.extend(&message, step.time("seconds").unwrap_or_default());
                orders.ack(&message);
            }
            _ => {}
        }
    }
    orders.close().await;
    Ok(json!({ "messages": messages }))
}

async fn next_message(orders: &mut sidecar_client::Consumer) -> Outcome<Received> {
    loop {
        if let Incoming::Message(message) = came(orders.next().await)? {
            return Ok(message);
        }
    }
}

async fn restart(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let wanted = params.number("count").unwrap_or_default();
    let mut orders = sidecar.consume(params.text("channel")).await?;
    lines.ready().await?;
    let mut seen = HashSet::new();
    let mut gaps = 0;
    while (seen.len() as u64) < wanted {
        match came(orders.next().await)? {
            Incoming::Gap(_) => gaps += 1,
            Incoming::Message(message) => {
                let digest = digest(&message.payload);
                lines
                    .write(&json!({
                        "event": "message",
                        "digest": digest,
                        "redelivery_count": message.redelivery_count,
                    }))
                    .await?;
                orders.ack(&message);
                seen.insert(digest);
            }
        }
    }
    orders.close().await;
    Ok(json!({ "gaps": gaps }))
}

async fn gap(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let mut inbox = sidecar.receive(params.text("channel")).await?;
    lines.ready().await?;
    let mut gaps = 0;
    loop {
        match came(inbox.next().await)? {
            Incoming::Gap(gap) => {
                gaps += 1;
                lines.write(&json!({ "event": "gap", "restarted": gap.restarted })).await?;
            }
            Incoming::Message(message) => {
                lines.write(&json!({ "event": "message", "digest": digest(&message.payload) })).await?;
                if gaps > 0 {
                    return Ok(json!({}));
                }
            }
        }
    }
}

async fn watch(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let count = params.number("count").unwrap_or_default();
    let mut peers = sidecar.watch_peers();
    let change = |peer: pb::Peer, removed: bool| json!({ "event": "change", "peer_id": peer.peer_id, "state": state_name(&peer), "removed": removed });
    for _ in 0..count {
        let told = match came(peers.next().await)? {
            PeerUpdate::Snapshot(peers) => {
                let peers: Vec<String> = peers.into_iter().map(|peer| peer.peer_id).collect();
                json!({ "event": "snapshot", "peers": peers })
            }
            PeerUpdate::Changed(peer) => change(peer, false),
            PeerUpdate::Removed(peer) => change(peer, true),
            other => return Err(Failure::Driver("Unexpected", format!("{other:?}"))),
        };
        lines.write(&told).await?;
    }
    Ok(json!({}))
}

async fn events(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let until = params.text("until");
    let mut events = sidecar.events(None);
    loop {
        match came(events.next().await)? {
            EventUpdate::Event(event) => {
                let kind = kind_name(&event);
                lines.write(&json!({ "event": "event", "kind": kind })).await?;
                if kind == until {
                    return Ok(json!({}));
                }
            }
            _ => {
                lines.write(&json!({ "event": "gap" })).await?;
                if until == "gap" {
                    return Ok(json!({}));
                }
            }
        }
    }
}

async fn bench(sidecar: &Sidecar, params: Params<'_>) -> Played {
    let count = params.number("count").unwrap_or_default();
    let payload = Bytes::from(pattern(params.number("size").unwrap_or_default()));
    let (peer_id, channel) = (params.text("peer_id"), params.text("channel"));
    let raw = params.text("kind") == "raw";
    // The first call opens the connection.
    sidecar.node().await?;
    let began = Instant::now();
    if params.text("what") != "requests" {
        if raw {
            raw_messages(sidecar, peer_id, channel, payload, count).await?;
        } else {
            let sender = sidecar.sender(peer_id).channel(channel).await?;
            for _ in 0..count {
                sender.send(payload.clone()).await?;
            }
            sender.close().await?;
        }
        return Ok(json!({ "seconds": began.elapsed().as_secs_f64() }));
    }
    let mut times = Vec::new();
    let mut stub = sidecar.stubs().messages;
    for _ in 0..count {
        let asked = Instant::now();
        if raw {
            let request = pb::RequestRequest {
                peer_id: peer_id.clone(),
                channel: channel.clone(),
                headers: [("do".to_string(), "echo".to_string())].into(),
                payload: payload.clone(),
            };
            stub.request(request).await.map_err(sidecar_client::Error::from)?;
        } else {
            sidecar.request(&peer_id, payload.clone()).channel(&channel).header("do", "echo").await?;
        }
        times.push(asked.elapsed());
    }
    let seconds = began.elapsed().as_secs_f64();
    times.sort();
    let at = |share: f64| {
        let index = (times.len().saturating_sub(1) as f64 * share).round() as usize;
        times.get(index).copied().unwrap_or(Duration::ZERO).as_secs_f64()
    };
    Ok(json!({ "seconds": seconds, "p50": at(0.5), "p99": at(0.99) }))
}

/// The same as the sender does, by the stub: frames of 1 MiB, 16 MiB without an outcome.
async fn raw_messages(sidecar: &Sidecar, peer_id: String, channel: String, payload: Bytes, count: u64) -> Outcome<()> {
    let cost = payload.len() as u64 + 64;
    let (a_frame, window) = (((1 << 20) / cost).max(1), ((16 << 20) / cost).max(1));
    let (frames, written) = tokio::sync::mpsc::channel(1);
    let (progress, mut told) = tokio::sync::watch::channel(0);
    let mut stub = sidecar.stubs().messages;
    let receipts = async {
        let requests = tokio_stream::wrappers::ReceiverStream::new(written);
        let mut responses = stub.send_stream(requests).await?.into_inner();
        while let Some(response) = responses.message().await? {
            for receipt in &response.receipts {
                if receipt.level() == pb::DeliveryLevel::Delivered {
                    progress.send_replace(receipt.through_sequence);
                }
            }
        }
        Ok::<(), tonic::Status>(())
    };
    let writing = async {
        let open = pb::SendStreamOpen {
            peer_id,
            channel,
            level: pb::DeliveryLevel::Delivered as i32,
            ..pb::SendStreamOpen::default()
        };
        let _ = frames.send(pb::SendStreamRequest { open: Some(open), ..Default::default() }).await;
        let mut sent = 0;
        while sent < count {
            let _ = told.wait_for(|through| sent < through + window).await;
            let size = a_frame.min(count - sent);
            let message = pb::Message { payload: payload.clone(), ..pb::Message::default() };
            let messages = vec![message; size as usize];
            let _ = frames.send(pb::SendStreamRequest { messages, ..Default::default() }).await;
            sent += size;
        }
        drop(frames);
    };
    let (ended, ()) = tokio::join!(receipts, writing);
    ended.map_err(|status| sidecar_client::Error::from(status).into())
}

async fn bench_sink(sidecar: &Sidecar, lines: &mut Lines, params: Params<'_>) -> Played {
    let wanted = params.number("count").unwrap_or_default();
    let mut inbox = sidecar.receive(params.text("channel")).await?;
    lines.ready().await?;
    let began = Instant::now();
    let mut count = 0;
    while count < wanted {
        if let Incoming::Message(_) = came(inbox.next().await)? {
            count += 1;
        }
    }
    Ok(json!({ "count": count, "seconds": began.elapsed().as_secs_f64() }))
}

/// What a stream gave; its end is an error where more was waited for.
pub fn came<T>(item: Option<sidecar_client::Result<T>>) -> Outcome<T> {
    match item {
        Some(item) => Ok(item?),
        None => Err(Failure::Driver("Ended", "the stream ended".into())),
    }
}
