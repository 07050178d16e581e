/** The cases by name and role: tests/conformance/README.md says what each does. */
import { createHash } from "node:crypto";

import { Metadata } from "@grpc/grpc-js";
import {
  AnswerError,
  type Gap,
  type IncomingRequest,
  type Received,
  Sidecar,
  type Wait,
} from "quic-p2p-sidecar-client";
import { DeliveryLevel, Priority, type SendStreamRequest } from "quic-p2p-sidecar-client/gen/overlay/v1/message";
import { PeerState } from "quic-p2p-sidecar-client/gen/overlay/v1/peer";

import {
  event,
  goOn,
  headersIn,
  numbers,
  stepsIn,
  strings,
  millis,
  number,
  type Params,
  pattern,
  raised,
  text,
  toldError,
} from "./lines.js";
import { kindOf, VERBS } from "./verbs.js";

type Case = (sidecar: Sidecar, params: Params) => Promise<Params>;

export const CASES: Readonly<Record<string, Case>> = {
  "identity app": async (sidecar, params) => {
    await sidecar.waitReady({
      level: (text(params, "level") || "api") as "live" | "api" | "overlay",
      timeoutMs: millis(params, "timeout"),
    });
    const { peerId, networkId, version, engine, front, limits } = await sidecar.node();
    return {
      peer_id: peerId,
      network_id: networkId,
      version,
      engine,
      front,
      max_message_bytes: limits?.maxMessageBytes,
    };
  },

  "call app": async (sidecar, params) => {
    const verb = VERBS[text(params, "verb")];
    if (verb === undefined) {
      return {
        raised: { kind: "UnknownVerb", reason: "", detail: text(params, "verb"), fields: [], retry_after: null },
      };
    }
    const token = params["token"];
    const own = typeof token === "string" ? new Sidecar({ token }) : undefined;
    try {
      const args = (params["args"] ?? {}) as Params;
      return { value: (await verb(own ?? sidecar, args, millis(params, "timeout"))) ?? null };
    } catch (error) {
      return { raised: toldError(error) };
    } finally {
      await own?.close();
    }
  },

  "messages sender": async (sidecar, params) => {
    const levels: Wait[] = [];
    for (const size of numbers(params, "sizes")) {
      const { level } = await sidecar.send(text(params, "peer_id"), pattern(size), {
        channel: text(params, "channel"),
        headers: headersIn(params),
      });
      levels.push(level);
    }
    return { levels };
  },
  "messages receiver": async (sidecar, params) => {
    await using inbox = await sidecar.receive(text(params, "channel"));
    event("ready");
    const messages: Params[] = [];
    for (const count = number(params, "count"); messages.length < count;) {
      const message = messageOf(await inbox.next());
      messages.push({
        size: message.payload.length,
        digest: digestOf(message.payload),
        headers: Object.fromEntries(message.headers),
        peer_id: message.peerId,
        channel: message.channel,
        redelivery_count: message.redeliveryCount,
      });
    }
    return { messages };
  },

  "receipts sender": async (sidecar, params) => {
    const receipts: Params[] = [];
    for (const level of strings(params, "levels") as readonly Wait[]) {
      const sent = await sidecar.send(text(params, "peer_id"), level, {
        channel: text(params, "channel"),
        durable: params["durable"] === true,
        wait: level,
        messageId: `m-${level}`,
      });
      receipts.push({
        level: sent.level,
        message_id: sent.messageId,
        sent_at: seconds(sent.sentAt),
        delivered_at: seconds(sent.deliveredAt),
        processed_at: seconds(sent.processedAt),
      });
    }
    return { receipts };
  },
  "receipts consumer": async (sidecar, params) => {
    await using jobs = await sidecar.consume(text(params, "channel"));
    event("ready");
    let count = 0;
    for (const all = number(params, "count"); count < all; count += 1) {
      jobs.ack(messageOf(await jobs.next()));
    }
    return { count };
  },

  "pipelined sender": async (sidecar, params) => {
    const count = number(params, "count");
    await using out = sidecar.sender(text(params, "peer_id"), {
      channel: text(params, "channel"),
      wait: (text(params, "wait") || "delivered") as Wait,
    });
    for (let index = 0; index < count; index += 1) {
      const payload = pattern(number(params, "size"));
      payload.writeBigUInt64BE(BigInt(index + 1));
      await out.send(payload);
    }
    await out.flush();
    return { count };
  },
  "pipelined receiver": async (sidecar, params) => {
    await using inbox = await sidecar.receive(text(params, "channel"));
    event("ready");
    const digest = createHash("sha256");
    let count = 0;
    for (const all = number(params, "count"); count < all; count += 1) {
      digest.update(messageOf(await inbox.next()).payload);
    }
    return { count, digest: digest.digest("hex") };
  },

  "acks consumer": async (sidecar, params) => {
    const credits = params["credits"];
    const maxDeliveries = params["max_deliveries"];
    await using jobs = await sidecar.consume(text(params, "channel"), {
      ...(typeof credits === "number" ? { credits } : {}),
      ...(typeof maxDeliveries === "number" ? { maxDeliveries } : {}),
      ackDeadlineMs: millis(params, "ack_deadline"),
    });
    event("ready");
    const messages: Params[] = [];
    for (const step of stepsIn(params)) {
      const message = messageOf(await jobs.next());
      messages.push({ digest: digestOf(message.payload), redelivery_count: message.redeliveryCount });
      switch (step["do"]) {
        case "ack":
          jobs.ack(message);
          break;
        case "nack":
          jobs.nack(message, { delayMs: millis(step, "delay") ?? 0 });
          break;
        case "extend":
          jobs.extend(message, millis(step, "seconds") ?? 0);
          jobs.ack(message);
          break;
      }
    }
    return { messages };
  },

  "restart consumer": async (sidecar, params) => {
    await using jobs = await sidecar.consume(text(params, "channel"));
    event("ready");
    const seen = new Set<string>();
    let gaps = 0;
    for (const count = number(params, "count"); seen.size < count;) {
      const item = itemOf(await jobs.next());
      if (item.type === "gap") {
        gaps += 1;
        continue;
      }
      const digest = digestOf(item.payload);
      seen.add(digest);
      event("message", { digest, redelivery_count: item.redeliveryCount });
      jobs.ack(item);
    }
    return { gaps };
  },
  "gap receiver": async (sidecar, params) => {
    await using inbox = await sidecar.receive(text(params, "channel"));
    event("ready");
    for (let gap = false; ;) {
      const item = itemOf(await inbox.next());
      if (item.type === "gap") {
        gap = true;
        event("gap", { restarted: item.restarted });
        continue;
      }
      event("message", { digest: digestOf(item.payload) });
      if (gap) {
        return {};
      }
    }
  },

  "watch app": async (sidecar, params) => {
    let left = number(params, "count");
    for await (const told of sidecar.watchPeers()) {
      if (told.type === "snapshot") {
        event("snapshot", { peers: told.peers.map(({ peerId }) => peerId) });
      } else {
        const state = PeerState[told.peer.state].replace("PEER_STATE_", "");
        event("change", { peer_id: told.peer.peerId, state, removed: told.removed });
      }
      left -= 1;
      if (left <= 0) {
        break;
      }
    }
    return {};
  },
  "events app": async (sidecar, params) => {
    const watch = sidecar.events();
    for await (const told of watch) {
      if (told.type === "gap") {
        event("gap");
        continue;
      }
      const kind = kindOf(told.event.kind?.$case);
      event("event", { kind });
      if (kind === params["until"]) {
        break;
      }
    }
    return {};
  },

  "replies responder": respond,
  "replies requester": async (sidecar, params) => {
    const replies: Params[] = [];
    for (const step of stepsIn(params)) {
      const taken = new AbortController();
      try {
        const asking = sidecar.request(text(params, "peer_id"), Buffer.from(text(step, "b64"), "base64"), {
          channel: text(params, "channel"),
          headers: new Map([...headersIn(step), ["do", text(step, "do")]]),
          timeoutMs: millis(step, "timeout"),
          signal: taken.signal,
        });
        if (step["take_back"] === true) {
          await Promise.race([goOn(), asking]);
          taken.abort();
        }
        const reply = await asking;
        replies.push({ b64: reply.payload.toString("base64"), headers: Object.fromEntries(reply.headers) });
      } catch (error) {
        replies.push({ raised: toldError(error) });
      }
    }
    return { replies };
  },

  "streams opener": async (sidecar, params) => {
    const stream = sidecar.openStream(text(params, "peer_id"), text(params, "name"), { headers: headersIn(params) });
    stream.end(pattern(number(params, "size")));
    const came = await stream.readAll();
    await stream.close();
    return { size: came.length, digest: digestOf(came) };
  },
  "streams closer": async (sidecar, params) => {
    const stream = sidecar.openStream(text(params, "peer_id"), text(params, "name"));
    stream.write(pattern(number(params, "size")));
    await stream.close();
    return {};
  },
  "streams acceptor": async (sidecar, params) => {
    event("ready");
    const stream = await sidecar.acceptStream(text(params, "name"));
    const came = await stream.readAll();
    stream.end(pattern(number(params, "back")));
    await stream.close();
    return {
      size: came.length,
      digest: digestOf(came),
      headers: Object.fromEntries(stream.headers),
      peer_id: stream.peerId,
    };
  },
  "stream_reset opener": async (sidecar, params) => {
    const stream = sidecar.openStream(text(params, "peer_id"), text(params, "name"));
    stream.write(Buffer.from([1]));
    await goOn();
    await stream.reset(number(params, "code"));
    return {};
  },
  "stream_reset acceptor": async (sidecar, params) => {
    event("ready");
    const stream = await sidecar.acceptStream(text(params, "name"));
    const bytes = stream[Symbol.asyncIterator]();
    await bytes.next();
    event("opened");
    return {
      raised: await raised(async () => {
        while ((await bytes.next()).done !== true);
      }),
    };
  },

  "datagrams sender": async (sidecar, params) => {
    for (const size of numbers(params, "sizes")) {
      await sidecar.sendDatagram(text(params, "peer_id"), pattern(size), { channel: text(params, "channel") });
    }
    return {};
  },
  "datagrams receiver": async (sidecar, params) => {
    await using came = await sidecar.datagrams(text(params, "channel"));
    event("ready");
    const sizes: number[] = [];
    const peerIds: string[] = [];
    for (const count = number(params, "count"); sizes.length < count;) {
      const { value } = await came.next();
      if (value === undefined) {
        throw new Error("the datagrams have ended");
      }
      sizes.push(value.payload.length);
      peerIds.push(value.peerId);
    }
    return { sizes, peer_ids: peerIds };
  },

  "bench app": bench,
  "bench sink": async (sidecar, params) => {
    await using inbox = await sidecar.receive(text(params, "channel"));
    event("ready");
    let count = 0;
    for (const all = number(params, "count"); count < all; count += 1) {
      messageOf(await inbox.next());
    }
    return { count };
  },
  "bench responder": respond,
};

async function respond(sidecar: Sidecar, params: Params): Promise<Params> {
  const count = number(params, "count");
  let answered = 0;
  let cancelled = 0;
  let over: () => void;
  const all = new Promise<void>((resolve) => {
    over = resolve;
  });
  const counted = (): void => {
    if (answered + cancelled >= count) {
      over();
    }
  };
  const responder = await sidecar.reply(text(params, "channel"), async (asked: IncomingRequest) => {
    if (asked.headers.get("do") === "wait") {
      event("asked");
      await new Promise<void>((resolve) => {
        asked.signal.addEventListener("abort", () => {
          resolve();
        });
      });
      cancelled += 1;
      counted();
      return "";
    }
    answered += 1;
    // Closing hands over what was answered by then: this one is in the next turn of the event loop.
    setImmediate(counted);
    if (asked.headers.get("do") === "fail") {
      throw new AnswerError("empty", "ask something");
    }
    return { payload: asked.payload, headers: asked.headers };
  });
  event("ready");
  await Promise.race([all, responder.finished()]);
  await responder.close();
  return { answered, cancelled };
}

async function bench(sidecar: Sidecar, params: Params): Promise<Params> {
  const peerId = text(params, "peer_id");
  const channel = text(params, "channel");
  const count = number(params, "count");
  const payload = pattern(number(params, "size"));
  const raw = params["kind"] === "raw";
  const began = performance.now();
  if (params["what"] === "messages") {
    await (raw
      ? sendRaw(sidecar, peerId, channel, count, payload)
      : sendWrapped(sidecar, peerId, channel, count, payload));
    return { seconds: (performance.now() - began) / 1000 };
  }
  const took: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const before = performance.now();
    if (raw) {
      await new Promise<void>((resolve, reject) => {
        const request = { peerId, channel, headers: new Map([["do", "echo"]]), payload };
        const options = { deadline: Date.now() + 30_000 };
        sidecar.stubs.messages.request(request, new Metadata(), options, (error) => {
          if (error === null) {
            resolve();
          } else {
            reject(error);
          }
        });
      });
    } else {
      await sidecar.request(peerId, payload, { channel, headers: { do: "echo" } });
    }
    took.push((performance.now() - before) / 1000);
  }
  took.sort((left, right) => left - right);
  const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0;
  return { seconds: (performance.now() - began) / 1000, p50: at(0.5), p99: at(0.99) };
}

async function sendWrapped(
  sidecar: Sidecar,
  peerId: string,
  channel: string,
  count: number,
  payload: Buffer,
): Promise<void> {
  await using out = sidecar.sender(peerId, { channel });
  for (let index = 0; index < count; index += 1) {
    await out.send(payload);
  }
  await out.flush();
}

/** The same by the generated stub: batches of 64 KiB, as many as fit. */
async function sendRaw(
  sidecar: Sidecar,
  peerId: string,
  channel: string,
  count: number,
  payload: Buffer,
): Promise<void> {
  const call = sidecar.stubs.messages.sendStream();
  const level = DeliveryLevel.DELIVERY_LEVEL_DELIVERED;
  const over = new Promise<void>((resolve, reject) => {
    call.on("data", () => undefined);
    call.on("error", reject);
    call.on("end", resolve);
  });
  const write = (frame: Partial<SendStreamRequest>): Promise<void> =>
    new Promise((resolve) => {
      call.write({ messages: [], open: undefined, chunk: undefined, ...frame }, () => {
        resolve();
      });
    });
  await write({ open: { peerId, channel, priority: Priority.PRIORITY_NORMAL, level, durable: false, ttl: undefined } });
  const batch = Math.max(1, Math.floor((64 << 10) / Math.max(1, payload.length)));
  for (let left = count; left > 0; left -= batch) {
    const messages = Array.from({ length: Math.min(batch, left) }, () => ({
      messageId: "",
      headers: new Map(),
      payload,
    }));
    await write({ messages });
  }
  call.end();
  await over;
}

function itemOf(result: IteratorResult<Received | Gap, undefined>): Received | Gap {
  if (result.done === true) {
    throw new Error("the subscription has ended");
  }
  return result.value;
}

function messageOf(result: IteratorResult<Received | Gap, undefined>): Received {
  const item = itemOf(result);
  if (item.type === "gap") {
    throw new Error(`a gap: ${item.detail}`);
  }
  return item;
}

function digestOf(payload: Buffer): string {
  return createHash("sha256").update(payload).digest("hex");
}

function seconds(millisSinceEpoch: number | undefined): number | null {
  return millisSinceEpoch === undefined ? null : millisSinceEpoch / 1000;
}
