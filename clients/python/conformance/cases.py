"""The cases of tests/conformance, each role a function."""

from __future__ import annotations

import base64
import hashlib
import itertools
import threading
from collections.abc import Callable

from conformance.bench import bench_app, bench_sink
from conformance.calls import call, kind_of, peer_told
from conformance.lines import (
    Params,
    Result,
    UnknownCaseError,
    await_continue,
    chosen,
    digest,
    messages_of,
    pattern,
    say,
    text64,
    told,
)
from sidecar_client import (
    AnswerError,
    Consumer,
    Gap,
    IncomingRequest,
    PeersSnapshot,
    Received,
    Replied,
    Sidecar,
    SidecarError,
)


def identity(sidecar: Sidecar, params: Params) -> Result:
    """Who the sidecar is, once it is ready."""
    sidecar.wait_ready(**chosen(params, "level", "timeout"))
    node = sidecar.node()
    names = ("peer_id", "network_id", "version", "engine", "front")
    return {name: getattr(node, name) for name in names} | {"max_message_bytes": node.limits.max_message_bytes}


def messages_sender(sidecar: Sidecar, params: Params) -> Result:
    more = chosen(params, "channel", "headers")
    return {"levels": [sidecar.send(params["peer_id"], pattern(size), **more).level for size in params["sizes"]]}


def messages_receiver(sidecar: Sidecar, params: Params) -> Result:
    with sidecar.receive(params["channel"]) as inbox:
        say(event="ready")
        came = itertools.islice(messages_of(inbox), params["count"])
        return {
            "messages": [
                {
                    "size": len(message.payload),
                    "digest": digest(message.payload),
                    "headers": message.headers,
                    "peer_id": message.peer_id,
                    "channel": message.channel,
                    "redelivery_count": message.redelivery_count,
                }
                for message in came
            ]
        }


def receipts_sender(sidecar: Sidecar, params: Params) -> Result:
    receipts = []
    for level in params["levels"]:
        sent = sidecar.send(
            params["peer_id"], b"", channel=params["channel"], wait=level, message_id=f"m-{level}",
            durable=params.get("durable", False),
        )  # fmt: skip
        receipts.append(
            {
                "level": sent.level,
                "message_id": sent.message_id,
                "sent_at": sent.sent_at,
                "delivered_at": sent.delivered_at,
                "processed_at": sent.processed_at,
            }
        )
    return {"receipts": receipts}


def receipts_consumer(sidecar: Sidecar, params: Params) -> Result:
    count = 0
    with sidecar.consume(params["channel"]) as consumer:
        say(event="ready")
        for message in itertools.islice(messages_of(consumer), params["count"]):
            consumer.ack(message)
            count += 1
    return {"count": count}


def pipelined_sender(sidecar: Sidecar, params: Params) -> Result:
    body = pattern(params["size"])[8:]
    with sidecar.sender(params["peer_id"], **chosen(params, "channel", "wait")) as out:
        for number in range(1, params["count"] + 1):
            out.send(number.to_bytes(8) + body)
        out.flush()
    return {"count": params["count"]}


def pipelined_receiver(sidecar: Sidecar, params: Params) -> Result:
    joined, count = hashlib.sha256(), 0
    with sidecar.receive(params["channel"]) as inbox:
        say(event="ready")
        for message in itertools.islice(messages_of(inbox), params["count"]):
            joined.update(message.payload)
            count += 1
    return {"count": count, "digest": joined.hexdigest()}


def acks_consumer(sidecar: Sidecar, params: Params) -> Result:
    came = []
    more = chosen(params, "credits", "ack_deadline", "max_deliveries")
    with sidecar.consume(params["channel"], **more) as consumer:
        say(event="ready")
        for step, message in zip(params["steps"], messages_of(consumer), strict=False):
            came.append({"digest": digest(message.payload), "redelivery_count": message.redelivery_count})
            settle(consumer, message, step)
            if len(came) == len(params["steps"]):
                break
    return {"messages": came}


def settle(consumer: Consumer, message: Received, step: Params) -> None:
    """Does with a message what a step says."""
    match step["do"]:
        case "ack":
            consumer.ack(message)
        case "nack":
            consumer.nack(message, **chosen(step, "delay"))
        case "extend":
            consumer.extend(message, seconds=step["seconds"])
            consumer.ack(message)
        case "leave":
            pass
        case other:
            raise UnknownCaseError(f"step {other}")


def restart_consumer(sidecar: Sidecar, params: Params) -> Result:
    seen: set[str] = set()
    gaps = 0
    with sidecar.consume(params["channel"]) as consumer:
        say(event="ready")
        for message in consumer:
            if isinstance(message, Gap):
                gaps += 1
                continue
            name = digest(message.payload)
            say(event="message", digest=name, redelivery_count=message.redelivery_count)
            consumer.ack(message)
            seen.add(name)
            if len(seen) == params["count"]:
                break
    return {"gaps": gaps}


def gap_receiver(sidecar: Sidecar, params: Params) -> Result:
    after_gap = False
    with sidecar.receive(params["channel"]) as inbox:
        say(event="ready")
        for message in inbox:
            if isinstance(message, Gap):
                say(event="gap", restarted=message.restarted)
                after_gap = True
            else:
                say(event="message", digest=digest(message.payload))
                if after_gap:
                    break
    return {}


def watch(sidecar: Sidecar, params: Params) -> Result:
    for change in itertools.islice(sidecar.watch_peers(), params["count"]):
        if isinstance(change, PeersSnapshot):
            say(event="snapshot", peers=[peer.peer_id for peer in change.peers])
        else:
            say(event="change", **peer_told(change.peer), removed=change.removed)
    return {}


def events(sidecar: Sidecar, params: Params) -> Result:
    for event in sidecar.events():
        kind = kind_of(event)
        say(**({"event": "gap"} if kind == "gap" else {"event": "event", "kind": kind}))
        if kind == params["until"]:
            break
    return {}


def replies_responder(sidecar: Sidecar, params: Params) -> Result:
    counted = threading.Condition()
    outcomes = {"answered": 0, "cancelled": 0}

    def count(outcome: str) -> None:
        with counted:
            outcomes[outcome] += 1
            counted.notify_all()

    def answer(asked: IncomingRequest) -> Replied:
        do = asked.headers.get("do")
        if do == "wait":
            say(event="asked")
            asked.cancelled.wait()
            count("cancelled")
            return Replied(b"")
        count("answered")
        if do == "fail":
            raise AnswerError("empty", "ask something")
        return Replied(asked.payload, asked.headers)

    with sidecar.responder(answer, params["channel"]):
        say(event="ready")
        with counted:
            counted.wait_for(lambda: sum(outcomes.values()) >= params["count"])
    return dict(outcomes)


def replies_requester(sidecar: Sidecar, params: Params) -> Result:
    replies: list[Result] = []
    for step in params["steps"]:
        headers = dict(step.get("headers", {})) | {"do": step["do"]}
        payload = base64.b64decode(step.get("b64", ""))
        request = sidecar.start_request(
            params["peer_id"], payload, channel=params["channel"], headers=headers, **chosen(step, "timeout")
        )
        try:
            if step.get("take_back"):
                await_continue()
                request.cancel()
            replied = request.result()
            replies.append({"b64": text64(replied.payload), "headers": dict(replied.headers)})
        except SidecarError as error:
            replies.append({"raised": told(error)})
    return {"replies": replies}


def streams_opener(sidecar: Sidecar, params: Params) -> Result:
    with sidecar.open_stream(params["peer_id"], params["name"], **chosen(params, "headers")) as stream:
        stream.write(pattern(params.get("size", 0)))
        stream.finish()
        came = stream.read_all()
    return {"size": len(came), "digest": digest(came)}


def streams_closer(sidecar: Sidecar, params: Params) -> Result:
    stream = sidecar.open_stream(params["peer_id"], params["name"])
    stream.write(pattern(params.get("size", 0)))
    stream.close()
    return {}


def streams_acceptor(sidecar: Sidecar, params: Params) -> Result:
    say(event="ready")
    with sidecar.accept_stream(params["name"]) as stream:
        came = stream.read_all()
        stream.write(pattern(params.get("back", 0)))
        stream.finish()
    return {"size": len(came), "digest": digest(came), "headers": dict(stream.headers), "peer_id": stream.peer_id}


def stream_reset_opener(sidecar: Sidecar, params: Params) -> Result:
    with sidecar.open_stream(params["peer_id"], params["name"]) as stream:
        stream.write(b"x")
        await_continue()
        stream.reset(params["code"])
    return {}


def stream_reset_acceptor(sidecar: Sidecar, params: Params) -> Result:
    say(event="ready")
    stream = sidecar.accept_stream(params["name"])
    try:
        stream.read(1)
        say(event="opened")
        came = stream.read()
    except SidecarError as error:
        return {"raised": told(error)}
    finally:
        stream.cancel()
    raise AssertionError(f"it was to be reset, and {came!r} came")


def datagrams_sender(sidecar: Sidecar, params: Params) -> Result:
    for size in params["sizes"]:
        sidecar.send_datagram(params["peer_id"], pattern(size), channel=params["channel"])
    return {}


def datagrams_receiver(sidecar: Sidecar, params: Params) -> Result:
    datagrams = sidecar.datagrams(params["channel"])
    say(event="ready")
    came = list(itertools.islice(datagrams, params["count"]))
    return {"sizes": [len(payload) for _, payload in came], "peer_ids": [peer_id for peer_id, _ in came]}


CASES: dict[tuple[str, str], Callable[[Sidecar, Params], Result]] = {
    ("identity", "app"): identity,
    ("call", "app"): call,
    ("messages", "sender"): messages_sender,
    ("messages", "receiver"): messages_receiver,
    ("receipts", "sender"): receipts_sender,
    ("receipts", "consumer"): receipts_consumer,
    ("pipelined", "sender"): pipelined_sender,
    ("pipelined", "receiver"): pipelined_receiver,
    ("acks", "consumer"): acks_consumer,
    ("restart", "consumer"): restart_consumer,
    ("gap", "receiver"): gap_receiver,
    ("watch", "app"): watch,
    ("events", "app"): events,
    ("replies", "responder"): replies_responder,
    ("replies", "requester"): replies_requester,
    ("streams", "opener"): streams_opener,
    ("streams", "closer"): streams_closer,
    ("streams", "acceptor"): streams_acceptor,
    ("stream_reset", "opener"): stream_reset_opener,
    ("stream_reset", "acceptor"): stream_reset_acceptor,
    ("datagrams", "sender"): datagrams_sender,
    ("datagrams", "receiver"): datagrams_receiver,
    ("bench", "app"): bench_app,
    ("bench", "sink"): bench_sink,
    ("bench", "responder"): replies_responder,
}
