/** The case `call`: one verb with its arguments, and what it gives. */
import type { Priority, QueueName, Readiness, Sidecar, Wait } from "quic-p2p-sidecar-client";
import { ErrorReason } from "quic-p2p-sidecar-client/gen/overlay/v1/errors";
import { Reachability } from "quic-p2p-sidecar-client/gen/overlay/v1/node";
import { PeerState } from "quic-p2p-sidecar-client/gen/overlay/v1/peer";
import { Queue } from "quic-p2p-sidecar-client/gen/overlay/v1/queue";

import { headersIn, numbers, strings, millis, type Params, payloadIn, text } from "./lines.js";

type Verb = (sidecar: Sidecar, args: Params, timeoutMs: number | undefined) => Promise<unknown>;

export const VERBS: Readonly<Record<string, Verb>> = {
  node: async (sidecar, _, timeoutMs) => (await sidecar.node({ timeoutMs })).peerId,
  wait_ready: (sidecar, args, timeoutMs) =>
    sidecar.waitReady({ level: (text(args, "level") || "api") as Readiness, timeoutMs }),
  peers: async (sidecar, args, timeoutMs) =>
    (await sidecar.peers({ linkedOnly: args["linked_only"] === true, timeoutMs })).map(({ peerId }) => peerId),
  peer: async (sidecar, args, timeoutMs) => {
    const { peerId, state } = await sidecar.peer(text(args, "peer_id"), { timeoutMs });
    return { peer_id: peerId, state: PeerState[state].replace("PEER_STATE_", "") };
  },
  connect: async (sidecar, args, timeoutMs) => (await sidecar.connect(text(args, "target"), { timeoutMs })).peerId,
  disconnect: (sidecar, args, timeoutMs) => sidecar.disconnect(text(args, "peer_id"), { timeoutMs }),
  block_peer: (sidecar, args, timeoutMs) => sidecar.blockPeer(text(args, "peer_id"), { timeoutMs }),
  unblock_peer: (sidecar, args, timeoutMs) => sidecar.unblockPeer(text(args, "peer_id"), { timeoutMs }),
  ping: async (sidecar, args, timeoutMs) => (await sidecar.ping(text(args, "peer_id"), { timeoutMs })) / 1000,

  bootstrap: async (sidecar, args, timeoutMs) =>
    (await sidecar.bootstrap(strings(args, "contacts"), { timeoutMs })).map(({ address, peerId, error }) => ({
      address,
      peer_id: peerId,
      error,
    })),
  contacts: async (sidecar, args, timeoutMs) =>
    (await sidecar.contacts({ cached: args["cached"] === true, timeoutMs })).map(({ address }) => address),
  add_contacts: async (sidecar, args, timeoutMs) =>
    (await sidecar.addContacts(strings(args, "contacts"), { timeoutMs })).map(({ address }) => address),
  remove_contact: (sidecar, args, timeoutMs) => sidecar.removeContact(text(args, "contact"), { timeoutMs }),
  check_reachability: async (sidecar, args, timeoutMs) =>
    (await sidecar.checkReachability(strings(args, "addresses"), { timeoutMs })).checks.map((check) => ({
      peer_id: check.peerId,
      address: check.address,
      result: Reachability[check.result].replace("REACHABILITY_", ""),
    })),
  drain: (sidecar, args, timeoutMs) =>
    sidecar.drain({ wait: args["wait"] !== false, timeoutMs: millis(args, "timeout") ?? timeoutMs }),

  send: async (sidecar, args, timeoutMs) => {
    const sent = await sidecar.send(text(args, "peer_id"), payloadIn(args), {
      channel: text(args, "channel"),
      headers: headersIn(args),
      messageId: text(args, "message_id"),
      priority: (text(args, "priority") || "normal") as Priority,
      wait: (text(args, "wait") || "delivered") as Wait,
      durable: args["durable"] === true,
      ttlMs: millis(args, "ttl"),
      requestId: text(args, "request_id"),
      timeoutMs,
    });
    return { message_id: sent.messageId, level: sent.level };
  },
  broadcast: async (sidecar, args, timeoutMs) => {
    const outcomes = await sidecar.broadcast(payloadIn(args), {
      channel: text(args, "channel"),
      headers: headersIn(args),
      labels: headersIn(args, "labels"),
      timeoutMs,
    });
    return Object.fromEntries([...outcomes].map(([peerId, error]) => [peerId, error?.reason ?? ""]));
  },
  send_datagram: (sidecar, args, timeoutMs) => {
    const ttlMs = millis(args, "ttl");
    return sidecar.sendDatagram(text(args, "peer_id"), payloadIn(args), {
      channel: text(args, "channel"),
      ...(ttlMs === undefined ? {} : { ttlMs }),
      timeoutMs,
    });
  },
  request: async (sidecar, args, timeoutMs) => {
    const reply = await sidecar.request(text(args, "peer_id"), payloadIn(args), {
      channel: text(args, "channel"),
      headers: headersIn(args),
      timeoutMs,
    });
    return { b64: reply.payload.toString("base64"), headers: Object.fromEntries(reply.headers) };
  },

  queues: async (sidecar, _, timeoutMs) =>
    (await sidecar.queues({ timeoutMs })).queues.map(({ queue, peerId, channel, messages }) => ({
      queue: Queue[queue].replace("QUEUE_", ""),
      peer_id: peerId,
      channel,
      messages,
    })),
  letters: async (sidecar, args, timeoutMs) =>
    (await sidecar.letters(queueOf(args), { ...chosen(args), timeoutMs })).map(({ id, channel, messages, reason }) => ({
      id,
      channel,
      messages,
      reason: reasonWord(reason),
    })),
  letter: async (sidecar, args, timeoutMs) => {
    const { letter, messages } = await sidecar.letter(queueOf(args), BigInt(args["id"] as number), { timeoutMs });
    return { id: letter?.id, payloads: messages.map(({ payload }) => Buffer.from(payload).toString("base64")) };
  },
  purge: (sidecar, args, timeoutMs) => sidecar.purge(queueOf(args), { ...chosen(args), timeoutMs }),
  replay: (sidecar, args, timeoutMs) => sidecar.replay(queueOf(args), { ...chosen(args), timeoutMs }),

  watch_peers: async (sidecar) => {
    for await (const told of sidecar.watchPeers()) {
      return told.type === "snapshot"
        ? { snapshot: told.peers.map(({ peerId }) => peerId) }
        : { change: told.peer.peerId };
    }
    return null;
  },
  events: async (sidecar, args) => {
    const { instance, revision } = args as { instance?: number; revision?: number };
    const cursor = instance === undefined ? undefined : { instance: BigInt(instance), revision: BigInt(revision ?? 0) };
    for await (const told of sidecar.events({ cursor })) {
      return told.type === "gap" ? "gap" : kindOf(told.event.kind?.$case);
    }
    return null;
  },
};

/** A kind of event as the proto names it. */
export function kindOf(kind: string | undefined): string {
  return (kind ?? "").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function queueOf(args: Params): QueueName {
  return text(args, "queue").toLowerCase() as QueueName;
}

function chosen(args: Params): { peerId?: string; channel?: string; ids: bigint[] } {
  return {
    ...(typeof args["peer_id"] === "string" ? { peerId: args["peer_id"] } : {}),
    ...(typeof args["channel"] === "string" ? { channel: args["channel"] } : {}),
    ids: numbers(args, "ids").map(BigInt),
  };
}

function reasonWord(reason: ErrorReason): string {
  return reason === ErrorReason.ERROR_REASON_UNSPECIFIED ? "" : ErrorReason[reason].replace("ERROR_REASON_", "");
}
