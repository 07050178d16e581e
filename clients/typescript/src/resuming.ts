import { whenAborted } from "./aborts.js";
import { type Bounds, type Connection, type StreamCall } from "./connection.js";
import { DeadlinePassed, SidecarError, SidecarUnavailable } from "./errors.js";

/** Milliseconds between attempts to take up a broken call; the last one repeats. */
const RETRY_MS = [50, 100, 200, 500, 1000] as const;

/** How long to wait before attempt number `attempt`, from 0 on, to take up a broken call. */
export function retryMs(attempt: number): number {
  return RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 1000;
}

/**
 * Items from calls that follow each other: what subscriptions and watches have in common.
 *
 * A call that breaks off because the sidecar went away is followed by another. Iterating ends, without an error, once
 * `close` was called, by whomever; leaving a `for await` calls it.
 */
export abstract class Resuming<Response, Item> implements AsyncIterableIterator<Item> {
  protected readonly connection: Connection;
  protected readonly signal: AbortSignal | undefined;
  protected call: StreamCall<never, Response> | undefined;
  protected closed = false;
  /** Whether another call follows one that broke off. */
  protected readonly resumes: boolean = true;
  readonly #deadline: number | undefined;
  readonly #closing = new AbortController();
  #ready: readonly Item[] = [];
  #index = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #attempt = 0;

  constructor(connection: Connection, bounds: Bounds) {
    this.connection = connection;
    this.signal = bounds.signal;
    this.#deadline = bounds.timeoutMs === undefined ? undefined : performance.now() + bounds.timeoutMs;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next item. */
  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#waiting === 0 && this.#index < this.#ready.length) {
      return Promise.resolve({ done: false, value: this.#ready[this.#index++] as Item });
    }
    this.#waiting += 1;
    const turn = this.#turn.then(() => this.#pull());
    this.#turn = turn.then(
      () => (this.#waiting -= 1),
      () => (this.#waiting -= 1),
    );
    return turn;
  }

  /** Called where a `for await` is left. */
  async return(): Promise<IteratorResult<Item, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** Ends it. An iteration that waits ends too. */
  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Starts a call. */
  protected abstract begin(bounds: Bounds): StreamCall<never, Response>;

  /** What a response tells. */
  protected abstract take(response: Response): readonly Item[];

  /** Runs once a call is taken by the sidecar. */
  protected opened(): Promise<void> {
    return Promise.resolve();
  }

  /** Runs before a call is taken up again. */
  protected restarting(): void {
    // Nothing to forget here.
  }

  /** What there is to tell when it goes on after a break. */
  protected abstract resumed(broken: SidecarError): readonly Item[];

  /** An error after which it may go on at once, with these items; undefined where it may not. */
  protected abstract excused(broken: SidecarError): readonly Item[] | undefined;

  /** Opens the first call and waits until the sidecar has taken it; else the first `next` does. */
  async open(): Promise<this> {
    try {
      await this.#openCall();
    } catch (error) {
      this.end();
      throw error;
    }
    return this;
  }

  /** Ends the call and whoever waits for it. */
  protected end(): void {
    this.closed = true;
    this.connection.drop(this);
    this.call?.cancel();
    this.#closing.abort();
  }

  async #openCall(): Promise<void> {
    const timeoutMs = this.#deadline === undefined ? undefined : Math.max(0, this.#deadline - performance.now());
    this.call = this.begin({ timeoutMs, signal: this.signal });
    this.connection.keep(this);
    await this.call.taken();
    await this.opened();
    if (this.closed) {
      this.call.cancel();
    }
  }

  async #pull(): Promise<IteratorResult<Item, undefined>> {
    try {
      for (;;) {
        if (this.#index < this.#ready.length) {
          return { done: false, value: this.#ready[this.#index++] as Item };
        }
        if (this.closed) {
          return { done: true, value: undefined };
        }
        this.#ready = await this.#more();
        this.#index = 0;
      }
    } catch (error) {
      const over = this.closed;
      this.end();
      if (over) {
        return { done: true, value: undefined };
      }
      throw error;
    }
  }

  async #more(): Promise<readonly Item[]> {
    let broken: SidecarError;
    try {
      if (this.call === undefined) {
        await this.#openCall();
      }
      const response = await this.call?.read();
      if (response !== undefined) {
        this.#attempt = 0;
        return this.take(response);
      }
      broken = new SidecarUnavailable("the sidecar ended the call");
    } catch (error) {
      if (!(error instanceof SidecarError)) {
        throw error;
      }
      broken = error;
    }
    return this.closed ? [] : this.#resume(broken);
  }

  async #resume(broken: SidecarError): Promise<readonly Item[]> {
    let told = this.excused(broken);
    if (!this.resumes || (told === undefined && !(broken instanceof SidecarUnavailable))) {
      throw broken;
    }
    for (;;) {
      await this.#pause(retryMs(this.#attempt));
      this.#attempt += 1;
      if (this.closed || this.connection.closed) {
        this.end();
        return [];
      }
      this.call?.cancel();
      this.restarting();
      try {
        await this.#openCall();
      } catch (error) {
        if (this.#deadline !== undefined && performance.now() >= this.#deadline) {
          throw new DeadlinePassed(`the sidecar did not come back: ${String(error)}`, { cause: error });
        }
        const again = error instanceof SidecarError ? this.excused(error) : undefined;
        told = again ?? told;
        if (again === undefined && !(error instanceof SidecarUnavailable) && !(error instanceof DeadlinePassed)) {
          throw error;
        }
        continue;
      }
      return told ?? this.resumed(broken);
    }
  }

  #pause(millis: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        forget();
        resolve();
      };
      const timer = setTimeout(wake, millis);
      signal.addEventListener("abort", wake);
      const forget = whenAborted(this.signal, wake);
      if (signal.aborted || this.signal?.aborted) {
        wake();
      }
    });
  }
}
