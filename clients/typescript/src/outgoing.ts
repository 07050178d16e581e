import {
  errorOfReason,
  type Failure,
  NotFound,
  OutcomeUnknown,
  reasonName,
  RequestError,
  SendFailed,
  type SidecarError,
  SidecarUnavailable,
} from "./errors.js";
import {
  Chunk,
  Message,
  type SendStreamOpen,
  SendStreamRequest,
  type SendStreamResponse,
} from "./gen/overlay/v1/message.js";
import { type Headers, headerMap, LEVELS, PRIORITIES, type Priority, viewOf, type Wait } from "./messages.js";
import { durationOf } from "./times.js";

/** Messages are gathered into frames of at most this size; one that is larger alone makes its own. */
export const FRAME_BYTES = 1 << 20;

/** The size of the parts of a message that no frame can hold. */
export const CHUNK_BYTES = 2 << 20;

/** Room that a message's headers and tags are given when it is judged whether a frame can hold it. */
export const ENVELOPE_BYTES = 64 << 10;

/** The largest payload that is sent in one frame, unless GetNode says otherwise. */
export const WHOLE_BYTES = (16 << 20) - ENVELOPE_BYTES;

/** How many bytes may be without an outcome before `full` says to wait. */
export const WINDOW_BYTES = 16 << 20;

/** What each message counts for beside its payload: even empty ones must not pile up without bound. */
export const MESSAGE_BYTES = 64;

/** What holds for every message of a sender. */
export interface SenderOptions {
  readonly channel?: string | undefined;
  readonly priority?: Priority | undefined;
  /** The level to wait for; `delivered` unless something else is said. */
  readonly wait?: Wait | undefined;
  /** Kept in the journals of both sidecars. */
  readonly durable?: boolean | undefined;
  /** How long each is worth delivering, where it is durable. */
  readonly ttlMs?: number | undefined;
}

/** A message's own part. */
export interface MessageOptions {
  readonly headers?: Headers | undefined;
  readonly messageId?: string | undefined;
}

/** A frame that gathers whole messages, or a series of chunks that is cut when its turn comes. */
type Waiting =
  | { readonly kind: "frame"; bytes: Buffer; length: number; last: number }
  | { readonly kind: "chunks"; readonly payload: Buffer; offset: number; readonly first: Chunk; readonly last: number };

/**
 * The book of one SendStream, without any I/O: messages in, encoded frames out, receipts in, outcomes out.
 *
 * Numbers run from 1. `through` is the number up to which every message has an outcome; those that failed are in
 * `failures`. A message stays counted in `pendingBytes` until it has one.
 */
export class Outgoing {
  /** The first frame. */
  readonly opening: Buffer;
  readonly failures: Failure[] = [];
  count = 0;
  through = 0;
  pendingBytes = 0;
  /** The last message that was handed to gRPC whole. */
  handedOver = 0;
  /** Why the call is over, once it is; nothing more can be sent then. */
  ended: SidecarError | undefined;
  readonly #level;
  readonly #window: number;
  readonly #waiting: Waiting[] = [];
  /** The bytes of message `#sizesFrom` and those after it, settled ones at the front included until they are many. */
  #sizes: number[] = [];
  #sizesFrom = 1;
  /** The last message that was handed to gRPC, in part at least. */
  #taken = 0;
  #reported = 0;

  constructor(peerId: string, options: SenderOptions, window = WINDOW_BYTES) {
    this.#level = LEVELS[options.wait ?? "delivered"];
    this.#window = window;
    const open: SendStreamOpen = {
      peerId,
      channel: options.channel ?? "",
      priority: PRIORITIES[options.priority ?? "normal"],
      level: this.#level,
      durable: options.durable ?? false,
      ttl: durationOf("ttlMs", options.ttlMs),
    };
    this.opening = viewOf(SendStreamRequest.encode({ messages: [], open, chunk: undefined }).finish());
  }

  /** Whether to wait for outcomes before adding more. */
  full(): boolean {
    return this.pendingBytes >= this.#window;
  }

  /** Takes a message and gives its number. The payload is copied, but for one that goes in `chunks`, which must stay as
   * it is until it was handed over. Throws what ended the call, once it has ended. */
  add(payload: Buffer, options: MessageOptions, chunks: boolean): number {
    if (this.ended !== undefined) {
      throw this.ended;
    }
    const number = this.count + 1;
    if (chunks) {
      const first: Chunk = {
        messageId: options.messageId ?? "",
        offset: 0n,
        total: BigInt(payload.length),
        data: NONE,
        headers: headerMap(options.headers),
      };
      this.#waiting.push({ kind: "chunks", payload, offset: 0, first, last: number });
    } else {
      this.#addWhole(payload, options, number);
    }
    this.count = number;
    this.#sizes.push(payload.length + MESSAGE_BYTES);
    this.pendingBytes += payload.length + MESSAGE_BYTES;
    return number;
  }

  #addWhole(payload: Buffer, { headers, messageId }: MessageOptions, number: number): void {
    const head =
      headers === undefined && !messageId
        ? NONE
        : Message.encode({ messageId: messageId ?? "", headers: headerMap(headers), payload: NONE }).finish();
    const inner = head.length + (payload.length === 0 ? 0 : 1 + varintLength(payload.length) + payload.length);
    const size = 1 + varintLength(inner) + inner;
    let frame = this.#waiting.at(-1);
    if (frame?.kind !== "frame" || frame.length + size > FRAME_BYTES) {
      frame = { kind: "frame", bytes: Buffer.allocUnsafe(Math.max(size, FIRST_BYTES)), length: 0, last: number };
      this.#waiting.push(frame);
    } else if (frame.length + size > frame.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(FRAME_BYTES, Math.max(2 * frame.bytes.length, frame.length + size)));
      frame.bytes.copy(larger, 0, 0, frame.length);
      frame.bytes = larger;
    }
    const { bytes } = frame;
    bytes[frame.length] = MESSAGES_TAG;
    let at = writeVarint(bytes, frame.length + 1, inner);
    bytes.set(head, at);
    at += head.length;
    if (payload.length > 0) {
      bytes[at] = PAYLOAD_TAG;
      at = writeVarint(bytes, at + 1, payload.length);
      bytes.set(payload, at);
      at += payload.length;
    }
    frame.length = at;
    frame.last = number;
  }

  /** The next encoded SendStreamRequest; undefined when nothing waits. */
  nextFrame(): Buffer | undefined {
    const next = this.#waiting[0];
    if (next === undefined) {
      return undefined;
    }
    this.#taken = next.last;
    if (next.kind === "frame") {
      this.#waiting.shift();
      this.handedOver = next.last;
      return next.bytes.subarray(0, next.length);
    }
    const data = next.payload.subarray(next.offset, next.offset + CHUNK_BYTES);
    const head = Chunk.encode(
      next.offset === 0 ? next.first : { ...next.first, offset: BigInt(next.offset), headers: new Map() },
    ).finish();
    next.offset += data.length;
    if (next.offset >= next.payload.length) {
      this.#waiting.shift();
      this.handedOver = next.last;
    }
    const inner = head.length + 1 + varintLength(data.length) + data.length;
    const bytes = Buffer.allocUnsafe(1 + varintLength(inner) + inner);
    bytes[0] = CHUNK_TAG;
    let at = writeVarint(bytes, 1, inner);
    bytes.set(head, at);
    at += head.length;
    bytes[at] = DATA_TAG;
    at = writeVarint(bytes, at + 1, data.length);
    bytes.set(data, at);
    return bytes;
  }

  /** Takes what the sidecar tells. */
  receipts(response: SendStreamResponse): void {
    for (const receipt of response.receipts) {
      for (const exception of receipt.exceptions) {
        this.failures.push({
          first: Number(exception.first),
          last: Number(exception.last),
          error: errorOfReason(reasonName(exception.reason), exception.detail),
        });
      }
      if (receipt.level === this.#level) {
        this.#outcomesThrough(Number(receipt.throughSequence));
      }
    }
  }

  /** The call is over: what has no outcome gets one. */
  end(error: SidecarError | undefined): void {
    if (this.ended !== undefined) {
      return;
    }
    this.ended = error ?? new SidecarUnavailable("the sender is closed");
    const cause = error ?? new SidecarUnavailable("the sidecar ended the call early");
    if (this.through < this.#taken) {
      const sure = cause instanceof RequestError || cause instanceof NotFound;
      const failure = sure
        ? cause
        : new OutcomeUnknown(`the call ended before the sidecar told what became of it: ${cause.message}`, {
            code: cause.code,
            cause,
          });
      this.failures.push({ first: this.through + 1, last: this.#taken, error: failure });
    }
    const handed = Math.max(this.#taken, this.through);
    if (handed < this.count) {
      this.failures.push({ first: handed + 1, last: this.count, error: cause });
    }
    this.#outcomesThrough(this.count);
    this.#waiting.length = 0;
  }

  #outcomesThrough(number: number): void {
    const before = this.through;
    this.through = Math.max(before, Math.min(number, this.count));
    for (let settled = before + 1; settled <= this.through; settled += 1) {
      this.pendingBytes -= this.#sizes[settled - this.#sizesFrom] ?? 0;
    }
    const over = this.through + 1 - this.#sizesFrom;
    if (2 * over >= this.#sizes.length) {
      this.#sizes = this.#sizes.slice(over);
      this.#sizesFrom = this.through + 1;
    }
  }

  /** Why message `number` failed; undefined when it reached its level (ask only once it has an outcome). */
  errorOf(number: number): SidecarError | undefined {
    return this.failures.find((failure) => failure.first <= number && number <= failure.last)?.error;
  }

  /** Throws SendFailed with the failures that it has not thrown before, where there are any. */
  throwNewFailures(): void {
    const [first, ...others] = this.failures.slice(this.#reported);
    if (first !== undefined) {
      this.#reported = this.failures.length;
      throw new SendFailed([first, ...others]);
    }
  }
}

const NONE = new Uint8Array(0);

/** Bytes a frame has room for at first: a small message that stays alone costs no more. */
const FIRST_BYTES = 512;

/** Tags of length-delimited fields: SendStreamRequest.messages and .chunk, Message.payload, Chunk.data. */
const MESSAGES_TAG = (1 << 3) | 2;
const CHUNK_TAG = (3 << 3) | 2;
const PAYLOAD_TAG = (3 << 3) | 2;
const DATA_TAG = (4 << 3) | 2;

/** How many bytes protobuf's base-128 encoding of a length takes. */
export function varintLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** Writes it; gives where it ends. */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  while (value > 0x7f) {
    bytes[at] = (value & 0x7f) | 0x80;
    value >>>= 7;
    at += 1;
  }
  bytes[at] = value;
  return at + 1;
}
