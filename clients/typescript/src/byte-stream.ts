import { Duplex } from "node:stream";

import { status } from "@grpc/grpc-js";

import { type Bounds, type Connection, encoded, type StreamCall } from "./connection.js";
import { SidecarError, StreamReset } from "./errors.js";
import {
  AcceptRequest,
  type AcceptResponse,
  OpenRequest,
  type OpenResponse,
  StreamServiceService,
  StreamState,
} from "./gen/overlay/v1/stream.js";
import { headerMap, type Headers, viewOf } from "./messages.js";
import { durationOf } from "./times.js";

/** Bytes of one frame, and what may wait on either side of the stream. */
const PIECE_BYTES = 256 << 10;

/** How long a reset may wait for its turn behind what was written. */
const RESET_MS = 5_000;

/** What opens a stream. */
export interface OpenStreamOptions extends Bounds {
  /** What to tell the other app. */
  readonly headers?: Headers | undefined;
  /** How long to wait for an app that accepts; 10 s unless something else is said. */
  readonly acceptTimeoutMs?: number | undefined;
}

/** Whose streams are taken. */
export interface AcceptStreamOptions extends Bounds {
  /** The peers that are let in; any where none are named. */
  readonly peerIds?: readonly string[] | undefined;
}

/** Frames of both verbs are the same but for the first. */
type Way = StreamCall<OpenRequest | AcceptRequest, OpenResponse | AcceptResponse>;

const OPEN = {
  path: StreamServiceService.open.path,
  requestSerialize: (request: OpenRequest): Buffer => encoded(OpenRequest.encode(request)),
  responseDeserialize: StreamServiceService.open.responseDeserialize,
};

const ACCEPT = {
  path: StreamServiceService.accept.path,
  requestSerialize: (request: AcceptRequest): Buffer => encoded(AcceptRequest.encode(request)),
  responseDeserialize: StreamServiceService.accept.responseDeserialize,
};

/**
 * A byte stream to an app beside another sidecar, as a Node stream: written and read with back-pressure, half-closed by
 * `end()`. Reading ends when the other app has ended its way; the event `close` comes when both have, and then
 * everything written is with the other sidecar. `destroy()` ends it at once, as if this app had gone: the other app
 * gets StreamReset, so that it does not take a part for the whole.
 *
 * An error is thrown where the stream is read or written, and by `close`; nobody has to listen to the event `error`.
 */
export class ByteStream extends Duplex {
  /** The other peer, proven by its key. */
  peerId: string;
  /** The name it was opened by. */
  readonly name: string;
  /** The opening app's headers. */
  headers: ReadonlyMap<string, string>;
  /** Whether the other app has taken it. */
  accepted = false;
  /** Whether it has lost its connection and waits for another. */
  suspended = false;
  /** How often it did. */
  suspensions = 0;
  readonly #call: Way;
  #advancing: Promise<boolean> | undefined;
  #wanted = false;
  #pumping = false;
  /** The other app has ended its way. */
  #finished = false;

  /** Opened by Sidecar.openStream and acceptStream. */
  constructor(call: Way, peerId: string, name: string, headers: ReadonlyMap<string, string>) {
    super({ readableHighWaterMark: PIECE_BYTES, writableHighWaterMark: PIECE_BYTES });
    this.#call = call;
    this.peerId = peerId;
    this.name = name;
    this.headers = headers;
    this.on("error", () => undefined);
    void call.ended.then((end) => {
      // Who neither reads nor writes at the moment is told too; who reads gets what came before.
      if (end.code !== status.OK && !this.#wanted && this.readableLength === 0) {
        this.#startPump();
      }
    });
  }

  /** Returns once the other app has taken it; throws why it was not. */
  async opened(): Promise<this> {
    while (!this.accepted) {
      let more: boolean;
      try {
        more = await this.#advance();
      } catch (error) {
        this.destroy(error as Error);
        throw error;
      }
      if (!more) {
        throw new StreamReset("the stream ended before it was accepted");
      }
    }
    return this;
  }

  /** Ends it in both directions; the other app gets the code. */
  async reset(code: number | bigint = 0, detail = ""): Promise<void> {
    const giveUp = setTimeout(() => {
      this.#call.cancel();
    }, RESET_MS);
    try {
      await this.#call.write({ frame: { $case: "reset", value: { code: BigInt(code), detail } } });
      this.#call.end();
      this.#call.discard();
      await this.#call.ended;
    } catch (error) {
      if (!(error instanceof SidecarError)) {
        throw error;
      }
      // It has ended already.
    } finally {
      clearTimeout(giveUp);
      this.destroy();
    }
  }

  /**
   * Writes no more, passes over what still comes, and returns once all that was written is with the other sidecar.
   * Throws why it is not.
   */
  async close(): Promise<void> {
    if (!this.closed) {
      const over = new Promise<void>((resolve) => {
        this.once("close", resolve);
      });
      this.end();
      this.resume();
      await over;
    }
    if (this.errored) {
      throw this.errored;
    }
  }

  /** As `close` where `end` was called; else this app did not come to its end, and it is destroyed. */
  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.writableEnded && !this.destroyed) {
      await this.close();
    } else {
      this.destroy();
    }
  }

  /** Everything to the end of the other app's way. */
  async readAll(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this) {
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  /** The bytes that come. Unlike other streams it may be written on after the end of the loop: that does not end it. */
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Buffer> {
    return this.iterator({ destroyOnReturn: false }) as NodeJS.AsyncIterator<Buffer>;
  }

  override _read(): void {
    this.#wanted = true;
    this.#startPump();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#writePieces([chunk]).then(() => {
      done();
    }, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#writePieces(chunks.map(({ chunk }) => chunk)).then(() => {
      done();
    }, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#call.write({ frame: { $case: "finish", value: {} } }).then(() => {
      this.#call.end();
      done();
    }, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (error !== null || !this.readableEnded || !this.writableFinished) {
      this.#call.cancel();
      done(error);
      return;
    }
    // Both ways have ended: OK says that everything is with the other sidecar.
    this.#call.discard();
    this.#call.read().then(() => {
      done();
    }, done);
  }

  /** Writes what is gathered in frames of at most 256 KiB; small pieces go together. */
  async #writePieces(chunks: readonly Buffer[]): Promise<void> {
    let gathered: Buffer[] = [];
    let size = 0;
    const flush = async (): Promise<void> => {
      const [only] = gathered;
      if (only === undefined) {
        return;
      }
      const value = gathered.length === 1 ? only : Buffer.concat(gathered, size);
      gathered = [];
      size = 0;
      await this.#call.write({ frame: { $case: "data", value } });
    };
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        const piece = chunk.subarray(at, at + PIECE_BYTES - size);
        gathered.push(piece);
        size += piece.length;
        at += piece.length;
        if (size === PIECE_BYTES) {
          await flush();
        }
      }
    }
    await flush();
  }

  #startPump(): void {
    if (!this.#pumping) {
      this.#pumping = true;
      void this.#pump();
    }
  }

  /** Takes frames while there is room. */
  async #pump(): Promise<void> {
    try {
      do {
        if (!(await this.#advance())) {
          break;
        }
      } while (this.#wanted && !this.destroyed);
    } catch (error) {
      this.destroy(error as Error);
    } finally {
      this.#pumping = false;
    }
  }

  /** Takes one frame, whoever asks; false at the end of the other app's way. */
  #advance(): Promise<boolean> {
    this.#advancing ??= this.#take().finally(() => {
      this.#advancing = undefined;
    });
    return this.#advancing;
  }

  async #take(): Promise<boolean> {
    if (this.#finished) {
      return false;
    }
    const frame = (await this.#call.read())?.frame;
    switch (frame?.$case) {
      case "data":
        this.#wanted = this.push(viewOf(frame.value));
        return true;
      case "accepted":
        this.accepted = true;
        this.peerId = frame.value.peerId;
        this.headers = frame.value.headers;
        return true;
      case "state":
        this.suspended = frame.value === StreamState.STREAM_STATE_SUSPENDED;
        this.suspensions += this.suspended ? 1 : 0;
        this.emit(this.suspended ? "suspended" : "resumed");
        return true;
      default:
        this.#finished = true;
        this.push(null);
        return false;
    }
  }
}

/** Opens a stream; it may be written at once. */
export function openStream(
  connection: Connection,
  peerId: string,
  name: string,
  { headers, acceptTimeoutMs, ...bounds }: OpenStreamOptions,
): ByteStream {
  const told = headerMap(headers);
  const acceptTimeout = durationOf("acceptTimeoutMs", acceptTimeoutMs);
  const call = connection.bidi(OPEN, bounds);
  const stream = new ByteStream(call, peerId, name, told);
  call
    .write({ frame: { $case: "open", value: { peerId, name, headers: told, acceptTimeout } } })
    .catch(() => undefined);
  return stream;
}

/** Waits for the next stream of a name. */
export function acceptStream(
  connection: Connection,
  name: string,
  { peerIds, ...bounds }: AcceptStreamOptions,
): Promise<ByteStream> {
  const call = connection.bidi(ACCEPT, bounds);
  const stream = new ByteStream(call, "", name, new Map());
  call.write({ frame: { $case: "accept", value: { name, peerIds: [...(peerIds ?? [])] } } }).catch(() => undefined);
  return stream.opened();
}
