import { whenAborted } from "./aborts.js";
import { type Bounds, cancelled, type Connection, type StreamCall } from "./connection.js";
import { DeadlinePassed, InvalidField, SidecarError } from "./errors.js";
import { MessageServiceService, type SendStreamResponse } from "./gen/overlay/v1/message.js";
import { bytesOf, type Payload } from "./messages.js";
import { MESSAGE_BYTES, type MessageOptions, Outgoing, type SenderOptions } from "./outgoing.js";
import type { Sizes } from "./sizes.js";
import { checkMillis, timerMs } from "./times.js";

/** SendStream with frames that are encoded already. */
const SEND_STREAM = {
  path: MessageServiceService.sendStream.path,
  requestSerialize: (frame: Buffer): Buffer => frame,
  responseDeserialize: MessageServiceService.sendStream.responseDeserialize,
};

/**
 * What is taken before the event loop has a turn: an app that awaits each `send` in a loop would else hand over nothing,
 * and take nothing else, until the window is full.
 */
const TURN_BYTES = 256 << 10;

/**
 * Many messages to one peer and channel over one call, pipelined.
 *
 * `send` waits only while there is no room (16 MiB may be without an outcome) and gives the message's number; `result`
 * waits for one message, `flush` for all so far. When the sidecar goes away, what was handed over fails as
 * OutcomeUnknown and the sender is of no more use: open another.
 */
export class Sender {
  readonly #book: Outgoing;
  readonly #sizes: Sizes;
  readonly #call: StreamCall<Buffer, SendStreamResponse>;
  readonly #over: Promise<void>;
  #waiters: (() => void)[] = [];
  #more: (() => void) | undefined;
  #closing = false;
  /** The last message that waits for room, or for the sidecar's limits: others go behind it. */
  #turn: Promise<void> | undefined;
  /** Messages that wait so, and have no number yet. */
  #queued = 0;
  /** What was taken since the event loop had its turn. */
  #sinceTurn = 0;

  /** Opened by Sidecar.sender. */
  constructor(connection: Connection, sizes: Sizes, peerId: string, options: SenderOptions & Bounds) {
    this.#book = new Outgoing(peerId, options);
    this.#sizes = sizes;
    this.#call = connection.bidi(SEND_STREAM, options);
    this.#over = Promise.all([this.#write(), this.#read()]).then(() => undefined);
  }

  /**
   * Takes a message of any size; gives its number, from 1 on. Until then the payload must not be changed. Messages keep
   * the order of the calls, awaited or not. Throws what ended the call, once it has ended.
   */
  async send(payload: Payload, options: MessageOptions = {}): Promise<number> {
    if (this.#closing && this.#book.ended === undefined) {
      throw new SidecarError("the sender is closed");
    }
    const bytes = bytesOf(payload);
    if (this.#turn === undefined && !this.#sizes.matters(bytes.length) && !this.#book.full()) {
      const number = this.#add(bytes, options, false);
      this.#sinceTurn += bytes.length + MESSAGE_BYTES;
      if (this.#sinceTurn >= TURN_BYTES) {
        this.#sinceTurn = 0;
        await new Promise(setImmediate);
      }
      return number;
    }
    this.#queued += 1;
    const turn = (this.#turn ?? Promise.resolve()).then(async () => {
      let chunks: boolean;
      let number: number;
      try {
        chunks = await this.#sizes.inChunks(bytes.length);
        while (this.#book.full() && this.#book.ended === undefined) {
          await this.#changed();
        }
        number = this.#add(bytes, options, chunks);
      } finally {
        this.#queued -= 1;
        this.#tellWriter();
        this.#tellWaiters();
      }
      while (chunks && this.#book.handedOver < number && this.#book.through < number) {
        await this.#changed();
      }
      return number;
    });
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turn = settled;
    try {
      return await turn;
    } finally {
      if (this.#turn === settled) {
        this.#turn = undefined;
      }
    }
  }

  /**
   * Returns once message `number` has reached its level; throws why it did not, DeadlinePassed, or InvalidField
   * where there is no such message.
   */
  async result(number: number, bounds: Bounds = {}): Promise<void> {
    if (!Number.isInteger(number) || number < 1 || number > this.#book.count + this.#queued) {
      const description = `of ${String(this.#book.count)} messages so far none has the number ${String(number)}`;
      throw new InvalidField(`number: ${description}`, { fields: [{ field: "number", description }] });
    }
    await this.#outcomesThrough(number, bounds);
    const error = this.#book.errorOf(number);
    if (error !== undefined) {
      throw error;
    }
  }

  /**
   * Returns once every message so far has reached its level. SendFailed names those that did not and were not named
   * before; DeadlinePassed when the time was not enough.
   */
  async flush(bounds: Bounds = {}): Promise<void> {
    await this.#outcomesThrough(this.#book.count + this.#queued, bounds);
    this.#book.throwNewFailures();
  }

  /** Sends no more, waits for what was sent, and ends the call. SendFailed as in `flush`. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#tellWriter();
    await this.#over;
    this.#book.throwNewFailures();
  }

  /** Ends the call at once; what has no outcome fails. */
  async cancel(): Promise<void> {
    this.#closing = true;
    this.#call.cancel();
    await this.#over;
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #add(bytes: Buffer, options: MessageOptions, chunks: boolean): number {
    const number = this.#book.add(bytes, options, chunks);
    this.#tellWriter();
    return number;
  }

  async #outcomesThrough(number: number, { timeoutMs, signal }: Bounds): Promise<void> {
    checkMillis("timeoutMs", timeoutMs);
    const end = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    // What waits may yet be refused a number.
    while (this.#book.through < Math.min(number, this.#book.count + this.#queued)) {
      if (signal?.aborted) {
        throw cancelled(signal);
      }
      const left = end === undefined ? undefined : end - performance.now();
      if (left !== undefined && left <= 0) {
        const without = number - this.#book.through;
        throw new DeadlinePassed(`${String(without)} messages have no outcome after ${String(timeoutMs)} ms`);
      }
      await this.#changed(left, signal);
    }
  }

  /** Returns when something about the messages has changed, the time has passed, or the signal is aborted. */
  #changed(millis?: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = millis === undefined ? undefined : setTimeout(wake, timerMs(millis));
      function settle(): void {
        clearTimeout(timer);
        forget();
      }
      function wake(): void {
        settle();
        resolve();
      }
      function abort(): void {
        settle();
        if (signal !== undefined) {
          reject(cancelled(signal));
        }
      }
      const forget = whenAborted(signal, abort);
      this.#waiters.push(wake);
    });
  }

  #tellWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) {
      wake();
    }
  }

  #tellWriter(): void {
    const more = this.#more;
    this.#more = undefined;
    more?.();
  }

  /** Writes a frame at a time; what comes meanwhile is gathered into the next. */
  async #write(): Promise<void> {
    try {
      await this.#call.write(this.#book.opening);
      while (this.#book.ended === undefined) {
        const before = this.#book.handedOver;
        const frame = this.#book.nextFrame();
        if (frame !== undefined) {
          await this.#call.write(frame);
          if (this.#book.handedOver !== before) {
            this.#tellWaiters();
          }
        } else if (this.#closing && this.#queued === 0) {
          this.#call.end();
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#more = resolve;
          });
          // Behind what is sent without waiting for anything else: it goes along.
          await new Promise<void>((resolve) => {
            process.nextTick(resolve);
          });
        }
      }
    } catch {
      // The call is over, and its reader learns why.
    }
  }

  async #read(): Promise<void> {
    let error: SidecarError | undefined;
    try {
      for (;;) {
        const response = await this.#call.read();
        if (response === undefined) {
          break;
        }
        this.#book.receipts(response);
        this.#tellWaiters();
      }
    } catch (failure) {
      error = failure instanceof SidecarError ? failure : new SidecarError(String(failure), { cause: failure });
    }
    this.#book.end(error);
    this.#tellWriter();
    this.#tellWaiters();
  }
}
