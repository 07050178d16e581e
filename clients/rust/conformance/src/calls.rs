//! The case `call`: one verb, by its name.

use serde_json::{Map, Value, json};
use sidecar_client::overlay::v1 as pb;
use sidecar_client::{EventUpdate, Message, PeerUpdate, Sidecar};

use crate::Played;
use crate::told::{Failure, Outcome, Params, b64, level_name, raised};

pub async fn call(sidecar: &Sidecar, params: Params<'_>) -> Played {
    let mut sidecar = match params.get("token").and_then(Value::as_str) {
        None => sidecar.clone(),
        Some("") => return Err(Failure::Driver("BadCommand", "an empty token".into())),
        Some(token) => Sidecar::builder().token(token).build()?,
    };
    if let Some(timeout) = params.time("timeout") {
        sidecar = sidecar.with_timeout(timeout);
    }
    let nothing = json!({});
    let arguments = Params(params.get("args").unwrap_or(&nothing));
    raised(verb(&sidecar, &params.text("verb"), arguments, params).await)
}

async fn verb(sidecar: &Sidecar, verb: &str, args: Params<'_>, params: Params<'_>) -> Outcome<Value> {
    let peer_id = args.text("peer_id");
    match verb {
        "node" => Ok(json!(sidecar.node().await?.peer_id)),
        "peers" => {
            let linked = args.flag("linked_only").unwrap_or_default();
            let peers = if linked { sidecar.linked_peers().await? } else { sidecar.peers().await? };
            Ok(peers.iter().map(|peer| json!(peer.peer_id)).collect())
        }
        "peer" => {
            let peer = sidecar.peer(peer_id).await?;
            Ok(json!({ "peer_id": peer.peer_id, "state": state_name(&peer) }))
        }
        "connect" => Ok(json!(sidecar.connect(args.text("target")).await?.peer_id)),
        "disconnect" => Ok(json!(sidecar.disconnect(peer_id).await?)),
        "block_peer" => sidecar.block_peer(peer_id).await.map(|()| Value::Null).map_err(Failure::from),
        "unblock_peer" => sidecar.unblock_peer(peer_id).await.map(|()| Value::Null).map_err(Failure::from),
        "ping" => Ok(json!(sidecar.ping(peer_id).await?.as_secs_f64())),
        "bootstrap" => {
            let results = sidecar.bootstrap(args.texts("contacts")).await?;
            let told =
                |it: &pb::ContactResult| json!({ "address": it.address, "peer_id": it.peer_id, "error": it.error });
            Ok(results.iter().map(told).collect())
        }
        "contacts" => {
            let cached = args.flag("cached").unwrap_or_default();
            let contacts = if cached { sidecar.contacts_and_cached().await? } else { sidecar.contacts().await? };
            Ok(contacts.iter().map(|contact| json!(contact.address)).collect())
        }
        "add_contacts" => {
            let contacts = sidecar.add_contacts(args.texts("contacts")).await?;
            Ok(contacts.iter().map(|contact| json!(contact.address)).collect())
        }
        "remove_contact" => {
            sidecar.remove_contact(args.text("contact")).await?;
            Ok(Value::Null)
        }
        "check_reachability" => {
            let told = sidecar.check_reachability(args.texts("addresses")).await?;
            let check = |it: &pb::ReachabilityCheck| {
                let result = it.result().as_str_name().trim_start_matches("REACHABILITY_");
                json!({ "peer_id": it.peer_id, "address": it.address, "result": result })
            };
            Ok(told.checks.iter().map(check).collect())
        }
        "drain" => {
            let mut drain = sidecar.drain();
            if let Some(timeout) = args.time("timeout").or(params.time("timeout")) {
                drain = drain.timeout(timeout);
            }
            if args.flag("wait") == Some(false) {
                drain = drain.no_wait();
            }
            Ok(json!(drain.await?))
        }
        "send" | "broadcast" | "send_datagram" | "request" => messages(sidecar, verb, args).await,
        "queues" | "letters" | "letter" | "purge" | "replay" => queues(sidecar, verb, args).await,
        "watch_peers" => match sidecar.watch_peers().next().await.transpose()? {
            Some(PeerUpdate::Snapshot(peers)) => {
                Ok(json!({ "snapshot": peers.iter().map(|peer| &peer.peer_id).collect::<Vec<_>>() }))
            }
            other => Err(Failure::Driver("Unexpected", format!("the watch began with {other:?}"))),
        },
        "events" => {
            let instance = args.number("instance").unwrap_or_default();
            let cursor = pb::Cursor { instance, revision: args.number("revision").unwrap_or_default() };
            match sidecar.events(Some(cursor)).next().await.transpose()? {
                Some(EventUpdate::Event(event)) => Ok(json!(kind_name(&event))),
                Some(EventUpdate::Gap(_)) => Ok(json!("gap")),
                other => Err(Failure::Driver("Unexpected", format!("the watch began with {other:?}"))),
            }
        }
        other => Err(Failure::Driver("UnknownCase", format!("verb {other}"))),
    }
}

async fn messages(sidecar: &Sidecar, verb: &str, args: Params<'_>) -> Outcome<Value> {
    let (peer_id, channel) = (args.text("peer_id"), args.text("channel"));
    let message = Message::new(args.payload()?).headers(args.headers("headers"));
    match verb {
        "send" => {
            let mut send = sidecar
                .send(peer_id, message)
                .channel(channel)
                .message_id(args.text("message_id"))
                .request_id(args.text("request_id"))
                .durable(args.flag("durable").unwrap_or_default());
            if let Some(priority) = args.priority()? {
                send = send.priority(priority);
            }
            if let Some(wait) = args.wait("wait")? {
                send = send.wait(wait);
            }
            if let Some(ttl) = args.time("ttl") {
                send = send.ttl(ttl);
            }
            let sent = send.await?;
            Ok(json!({ "message_id": sent.message_id, "level": level_name(sent.level) }))
        }
        "broadcast" => {
            let mut broadcast = sidecar.broadcast(message).channel(channel);
            for (name, value) in args.headers("labels") {
                broadcast = broadcast.label(name, value);
            }
            let reason = |result: &pb::BroadcastResult| match result.reason() {
                pb::ErrorReason::Unspecified => String::new(),
                reason => reason.as_str_name().trim_start_matches("ERROR_REASON_").to_string(),
            };
            let results = broadcast.await?;
            let told: Map<String, Value> =
                results.iter().map(|result| (result.peer_id.clone(), json!(reason(result)))).collect();
            Ok(Value::Object(told))
        }
        "send_datagram" => {
            let mut datagram = sidecar.send_datagram(peer_id, args.payload()?).channel(channel);
            if let Some(ttl) = args.time("ttl") {
                datagram = datagram.ttl(ttl);
            }
            datagram.await?;
            Ok(Value::Null)
        }
        _ => {
            let reply = sidecar.request(peer_id, message).channel(channel).await?;
            Ok(json!({ "b64": b64(&reply.payload), "headers": reply.headers }))
        }
    }
}

async fn queues(sidecar: &Sidecar, verb: &str, args: Params<'_>) -> Outcome<Value> {
    let queue_name = |queue: pb::Queue| queue.as_str_name().trim_start_matches("QUEUE_").to_string();
    if verb == "queues" {
        let summary = |it: &pb::QueueSummary| json!({ "queue": queue_name(it.queue()), "peer_id": it.peer_id, "channel": it.channel, "messages": it.messages });
        return Ok(sidecar.queues().await?.queues.iter().map(summary).collect());
    }
    let queue = args.queue()?;
    if verb == "letter" {
        let told = sidecar.letter(queue, args.number("id").unwrap_or_default()).await?;
        let payloads: Vec<String> = told.messages.iter().map(|message| b64(&message.payload)).collect();
        return Ok(json!({ "id": told.letter.unwrap_or_default().id, "payloads": payloads }));
    }
    let mut letters = sidecar.letters(queue).ids(args.numbers("ids"));
    if args.get("peer_id").is_some() {
        letters = letters.peer(args.text("peer_id"));
    }
    if args.get("channel").is_some() {
        letters = letters.channel(args.text("channel"));
    }
    match verb {
        "purge" => Ok(json!(letters.purge().await?)),
        "replay" => Ok(json!(letters.replay().await?)),
        _ => {
            let letter = |it: &pb::Letter| {
                let reason = it.reason().as_str_name().trim_start_matches("ERROR_REASON_");
                json!({ "id": it.id, "channel": it.channel, "messages": it.messages, "reason": reason })
            };
            Ok(letters.await?.iter().map(letter).collect())
        }
    }
}

/// The state without its prefix.
pub fn state_name(peer: &pb::Peer) -> &'static str {
    peer.state().as_str_name().trim_start_matches("PEER_STATE_")
}

/// The name of the field that says what happened: `peer_linked` for the variant PeerLinked.
pub fn kind_name(event: &pb::Event) -> String {
    let variant = event.kind.as_ref().map(|kind| format!("{kind:?}")).unwrap_or_default();
    let mut name = String::new();
    for letter in variant.chars().take_while(|letter| letter.is_ascii_alphanumeric()) {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
