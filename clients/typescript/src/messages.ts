/** What passes between an app and its sidecar, in this language's words. Times are milliseconds. */
import type { Duration } from "./gen/google/protobuf/duration.js";
import type { Timestamp } from "./gen/google/protobuf/timestamp.js";
import { DeliveryLevel, Priority as PriorityNumber } from "./gen/overlay/v1/message.js";
import type { Event } from "./gen/overlay/v1/node.js";
import type { Peer } from "./gen/overlay/v1/peer.js";
import { Queue } from "./gen/overlay/v1/queue.js";

/**
 * `sent`: it left this sidecar, or is in its journal where it is durable; `delivered`: it is in the other sidecar's
 * inbox, or journal; `processed`: an app over there has acknowledged it.
 */
export type Wait = "sent" | "delivered" | "processed";

/** Messages that wait for one link share it 16 : 4 : 1. */
export type Priority = "high" | "normal" | "low";

/**
 * What a sidecar keeps: durable messages on their way to peers, those that no app here has settled, and dead letters.
 */
export type QueueName = "outgoing" | "incoming" | "dead_incoming" | "dead_outgoing";

/** `live`: the process answers; `api`: it takes calls; `overlay`: it is linked to at least one peer. */
export type Readiness = "live" | "api" | "overlay";

/** Bytes, or text that goes as UTF-8. */
export type Payload = Uint8Array | string;

/** Names and values, in either shape. */
export type Headers = ReadonlyMap<string, string> | Readonly<Record<string, string>>;

export const LEVELS: Readonly<Record<Wait, DeliveryLevel>> = {
  sent: DeliveryLevel.DELIVERY_LEVEL_SENT,
  delivered: DeliveryLevel.DELIVERY_LEVEL_DELIVERED,
  processed: DeliveryLevel.DELIVERY_LEVEL_PROCESSED,
};

export const PRIORITIES: Readonly<Record<Priority, PriorityNumber>> = {
  high: PriorityNumber.PRIORITY_HIGH,
  normal: PriorityNumber.PRIORITY_NORMAL,
  low: PriorityNumber.PRIORITY_LOW,
};

export const QUEUES: Readonly<Record<QueueName, Queue>> = {
  outgoing: Queue.QUEUE_OUTGOING,
  incoming: Queue.QUEUE_INCOMING,
  dead_incoming: Queue.QUEUE_DEAD_INCOMING,
  dead_outgoing: Queue.QUEUE_DEAD_OUTGOING,
};

/** What became of a message that reached the level asked for. */
export interface Sent {
  /** The caller's, or the one the sidecar made; empty for one that went in chunks without an id. */
  readonly messageId: string;
  readonly level: Wait;
  /** When it left the sidecar, in milliseconds since 1970; undefined where it is not known. */
  readonly sentAt: number | undefined;
  /** When the other sidecar's acknowledgement came; undefined below `delivered`. */
  readonly deliveredAt: number | undefined;
  /** The same for the other app's; undefined below `processed`. */
  readonly processedAt: number | undefined;
}

/** A message from a peer. */
export interface Received {
  readonly type: "message";
  /** A view of the bytes it came in, together with others of the same batch: copy what is kept for long. */
  readonly payload: Buffer;
  readonly headers: ReadonlyMap<string, string>;
  readonly messageId: string;
  /** The sender, proven by its key. */
  readonly peerId: string;
  readonly channel: string;
  readonly priority: Priority;
  /** Which run of the sender's sidecar numbered it; (peerId, instance, priority, bulk, sequence) names a message. */
  readonly instance: bigint;
  readonly bulk: boolean;
  readonly sequence: bigint;
  /** How often it was handed to a subscriber before. */
  readonly redeliveryCount: number;
  /** When the sidecar received the run of messages that it came in, in milliseconds since 1970. */
  readonly receivedAt: number;
  /** In `consume`, what it is acknowledged by; else 0. */
  readonly deliveryId: bigint;
  readonly durable: boolean;
  /** Which opening of its subscription handed it out: 0 for the first, one more after each Gap. */
  readonly opening: number;
}

/** A subscription or watch was broken off and is taken up again: what the sidecar held for it then may be lost. */
export interface Gap {
  readonly type: "gap";
  readonly detail: string;
  /** Whether it is another run of the sidecar: its queues, all but what is durable, died with the former one. */
  readonly restarted: boolean;
}

/** Every peer known, when a watch begins or has to begin anew; what is not in it is forgotten. */
export interface PeersSnapshot {
  readonly type: "snapshot";
  readonly peers: readonly Peer[];
}

/** A peer as it is now; with `removed`, only its id is set and it is forgotten. */
export interface PeerChange {
  readonly type: "change";
  readonly peer: Peer;
  readonly removed: boolean;
}

/** Something that happened to the sidecar. */
export interface Happened {
  readonly type: "event";
  readonly event: Event;
}

/** An unreliable message. */
export interface Datagram {
  /** The sender, proven by its key. */
  readonly peerId: string;
  readonly payload: Buffer;
}

/** What another app asks. */
export interface IncomingRequest {
  /** Who asks, proven by its key. */
  readonly peerId: string;
  readonly channel: string;
  readonly payload: Buffer;
  readonly headers: ReadonlyMap<string, string>;
  /** How long the requester waits, from when it came; undefined where it did not say. */
  readonly timeLeftMs: number | undefined;
  /** Aborted once nobody waits for the answer any longer. */
  readonly signal: AbortSignal;
}

/** A reply. */
export interface Replied {
  readonly payload: Buffer;
  readonly headers: ReadonlyMap<string, string>;
}

/** An answer: its payload, with headers if it likes. */
export type Answer = Payload | { readonly payload?: Payload; readonly headers?: Headers };

/** Thrown by an app that answers: the requester gets RequestFailed with this code, a short word, and these words. */
export class AnswerError extends Error {
  override readonly name: string = "AnswerError";

  constructor(
    readonly code: string,
    message: string = code,
  ) {
    super(message);
  }
}

/** Headers as the generated messages hold them. */
export function headerMap(headers: Headers | undefined): Map<string, string> {
  if (headers === undefined) {
    return new Map();
  }
  return new Map(isMap(headers) ? headers : Object.entries(headers));
}

function isMap(headers: Headers): headers is ReadonlyMap<string, string> {
  return headers instanceof Map;
}

/** A payload's bytes, without copying them. */
export function bytesOf(payload: Payload | undefined): Buffer {
  if (payload === undefined) {
    return EMPTY;
  }
  return typeof payload === "string" ? Buffer.from(payload) : viewOf(payload);
}

/** The same bytes as a Buffer. */
export function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const EMPTY = Buffer.alloc(0);

/** Milliseconds since 1970. */
export function millisOf(time: Timestamp): number;
export function millisOf(time: Timestamp | undefined): number | undefined;
export function millisOf(time: Timestamp | undefined): number | undefined {
  return time && Number(time.seconds) * 1e3 + time.nanos / 1e6;
}

/** The milliseconds of a Duration. */
export function millisIn(duration: Duration): number {
  return Number(duration.seconds) * 1e3 + duration.nanos / 1e6;
}
