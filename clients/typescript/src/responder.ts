import { inspect } from "node:util";

import { type Bounds, type Closable, type Connection, encoded, type StreamCall } from "./connection.js";
import { SidecarUnavailable } from "./errors.js";
import { MessageServiceService } from "./gen/overlay/v1/message.js";
import {
  type Answer as AnswerFrame,
  type IncomingRequest as Asked,
  ReplyRequest,
  type ReplyResponse,
} from "./gen/overlay/v1/request.js";
import { type Answer, AnswerError, bytesOf, headerMap, type IncomingRequest, millisIn, viewOf } from "./messages.js";

/** Answers a request; what it throws is the requester's error. */
export type Answerer = (asked: IncomingRequest) => Answer | Promise<Answer>;

/** Which requests are answered. */
export interface ReplyOptions extends Bounds {
  /** How many are worked on at once; 16 unless something else is said. */
  readonly credits?: number | undefined;
  /** The peers whose requests are taken; any where none are named. */
  readonly peerIds?: readonly string[] | undefined;
}

/** The most bytes of an error's code, of its words, of an answer, and of its headers: more would end the call. */
const CODE_BYTES = 128;
const WORDS_BYTES = 1024;
const ANSWER_BYTES = 16 << 20;
const HEADERS_BYTES = 8 << 10;

/** How long a closing responder waits for the sidecar to take its last answers. */
const CLOSE_MS = 5_000;

const REPLY = {
  path: MessageServiceService.reply.path,
  requestSerialize: (request: ReplyRequest): Buffer => encoded(ReplyRequest.encode(request)),
  responseDeserialize: MessageServiceService.reply.responseDeserialize,
};

/** Answers the requests of a channel until it is closed, or its signal aborted, or the sidecar goes away. */
export class Responder implements Closable {
  readonly #connection: Connection;
  readonly #call: StreamCall<ReplyRequest, ReplyResponse>;
  readonly #answer: Answerer;
  readonly #working = new Map<bigint, AbortController>();
  readonly #writing = new Set<Promise<void>>();
  readonly #over: Promise<void>;
  #closed = false;
  /** Tells a closing responder that nothing is worked on any longer. */
  #idle: (() => void) | undefined;

  /** Opened by Sidecar.reply. */
  constructor(connection: Connection, channel: string, answer: Answerer, options: ReplyOptions) {
    this.#connection = connection;
    this.#answer = answer;
    this.#call = connection.bidi(REPLY, options);
    const { credits = 16, peerIds = [] } = options;
    // A call that fails at once tells why to its reader.
    this.#call
      .write({ frame: { $case: "open", value: { channel, credits, peerIds: [...peerIds] } } })
      .catch(() => undefined);
    connection.keep(this);
    this.#over = this.#serve();
    // Whoever wants to know asks `finished`.
    this.#over.catch(() => undefined);
  }

  /** Returns once the sidecar hands requests to it; throws why it does not. */
  async open(): Promise<this> {
    await this.#call.taken();
    return this;
  }

  /** Returns once it is closed; throws what has ended it otherwise. */
  finished(): Promise<void> {
    return this.#over;
  }

  /** Takes no more requests, and lets those that are worked on be answered; within 5 seconds, then they are cancelled. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      const giveUp = setTimeout(() => {
        this.#call.cancel();
        this.#cancelAll();
      }, CLOSE_MS);
      if (this.#working.size > 0) {
        await new Promise<void>((resolve) => {
          this.#idle = resolve;
        });
      }
      await Promise.all(this.#writing);
      this.#call.end();
      await this.#call.ended;
      clearTimeout(giveUp);
    }
    await this.#over.catch(() => undefined);
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(): Promise<void> {
    try {
      for (;;) {
        const response = await this.#call.read();
        if (response === undefined) {
          throw new SidecarUnavailable("the sidecar ended the call");
        }
        // What comes to a closing one goes to another app, or fails, when the call ends.
        for (const asked of this.#closed ? [] : response.requests) {
          const nobodyWaits = new AbortController();
          this.#working.set(asked.requestId, nobodyWaits);
          void this.#work(asked, nobodyWaits.signal);
        }
        for (const number of response.cancelled) {
          this.#working.get(number)?.abort();
          this.#working.delete(number);
        }
        this.#tellIdle();
      }
    } catch (error) {
      if (!this.#closed) {
        throw error;
      }
    } finally {
      this.#connection.drop(this);
      this.#cancelAll();
    }
  }

  #cancelAll(): void {
    for (const nobodyWaits of this.#working.values()) {
      nobodyWaits.abort();
    }
    this.#working.clear();
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.#working.size === 0) {
      this.#idle?.();
    }
  }

  async #work(asked: Asked, signal: AbortSignal): Promise<void> {
    const answered = await this.#answerOf(asked, signal);
    if (!this.#working.delete(asked.requestId)) {
      return;
    }
    // Where it fails the call is over, which its reader tells.
    const writing = this.#call
      .write({ frame: { $case: "answers", value: { answers: [answered] } } })
      .catch(() => undefined)
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
    this.#tellIdle();
  }

  async #answerOf(asked: Asked, signal: AbortSignal): Promise<AnswerFrame> {
    const { requestId, peerId, channel, headers, timeLeft } = asked;
    try {
      const answer = await this.#answer({
        peerId,
        channel,
        payload: viewOf(asked.payload),
        headers,
        timeLeftMs: timeLeft && millisIn(timeLeft),
        signal,
      });
      const whole = typeof answer === "string" || answer instanceof Uint8Array ? { payload: answer } : answer;
      const answered = {
        requestId,
        headers: headerMap(whole.headers),
        payload: bytesOf(whole.payload),
        error: undefined,
      };
      checkSizes(answered);
      return answered;
    } catch (error) {
      return { requestId, headers: new Map(), payload: NONE, error: toldError(error) };
    }
  }
}

/** An app's bug is the requester's error, and ends nothing else. */
function toldError(error: unknown): { code: string; message: string } {
  if (error instanceof AnswerError && error.code !== "" && Buffer.byteLength(error.code) <= CODE_BYTES) {
    return { code: error.code, message: shortened(error.message) };
  }
  return {
    code: "internal",
    message: shortened(error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)),
  };
}

function checkSizes({ headers, payload }: { headers: ReadonlyMap<string, string>; payload: Buffer }): void {
  if (payload.length > ANSWER_BYTES) {
    throw new RangeError(`an answer has at most ${ANSWER_BYTES} bytes, this one ${payload.length}`);
  }
  let size = 0;
  for (const [name, value] of headers) {
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (size > HEADERS_BYTES) {
    throw new RangeError(`the headers of an answer have at most ${HEADERS_BYTES} bytes, these ${size}`);
  }
}

const NONE = new Uint8Array(0);

/** At most 1 KiB of UTF-8, without half a character at its end. */
function shortened(words: string): string {
  const bytes = Buffer.from(words);
  if (bytes.length <= WORDS_BYTES) {
    return words;
  }
  return new TextDecoder().decode(bytes.subarray(0, WORDS_BYTES), { stream: true });
}
