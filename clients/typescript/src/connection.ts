import {
  type CallOptions,
  Channel,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  InterceptingCall,
  type Interceptor,
  Metadata,
  status,
} from "@grpc/grpc-js";

import { whenAborted } from "./aborts.js";
import type { Endpoint } from "./endpoint.js";
import { Cancelled, errorFromStatus, type EndOfCall, SidecarError, SidecarUnavailable } from "./errors.js";
import { viewOf } from "./messages.js";
import { deadlineOf } from "./times.js";

/** A method of a generated service definition. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (value: Buffer) => Response;
}

/** What bounds a call. */
export interface Bounds {
  /** The time the call may take, in milliseconds; without end where it is undefined. */
  readonly timeoutMs?: number | undefined;
  /** Aborting it cancels the call. */
  readonly signal?: AbortSignal | undefined;
}

/** An encoded request as gRPC takes it, which here is no copy of it. */
export function encoded(writer: { finish(): Uint8Array }): Buffer {
  return viewOf(writer.finish());
}

/** What an aborted signal is in this client's terms. */
export function cancelled(signal: AbortSignal): Cancelled {
  return new Cancelled("the call was cancelled by its AbortSignal", { reason: "", cause: signal.reason });
}

/** Something that a closing client ends first. */
export interface Closable {
  close(): Promise<void>;
}

/** The channel to the sidecar, and the calls that are open on it. */
export class Connection {
  readonly channel: Channel;
  /** For generated clients over the same channel; they add the token, too. */
  readonly clientOptions: ClientOptions;
  readonly #client: Client;
  readonly #calls = new Set<{ cancel(): void }>();
  readonly #closables = new Set<Closable>();
  #closing: Promise<void> | undefined;

  constructor(readonly endpoint: Endpoint) {
    this.channel = new Channel(endpoint.address, endpoint.credentials(), endpoint.options());
    this.clientOptions = {
      channelOverride: this.channel,
      interceptors: endpoint.token === undefined ? [] : [withToken(endpoint.token)],
    };
    this.#client = this.clientOf(Client);
  }

  /** A (generated) client over this channel. */
  clientOf<T>(
    kind: new (address: string, credentials: ReturnType<Endpoint["credentials"]>, options: ClientOptions) => T,
  ): T {
    return new kind(this.endpoint.address, this.endpoint.credentials(), this.clientOptions);
  }

  /** Makes a unary call. */
  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    bounds: Bounds,
    metadata = new Metadata(),
  ): Promise<Response> {
    const { signal } = bounds;
    return new Promise((resolve, reject) => {
      this.#checkOpen(signal);
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadata,
        callOptions(bounds),
        (error, response) => {
          this.#calls.delete(call);
          forget();
          if (error === null) {
            resolve(response as Response);
          } else if (signal?.aborted) {
            reject(cancelled(signal));
          } else {
            reject(this.failure(error, error));
          }
        },
      );
      const forget = whenAborted(signal, () => {
        call.cancel();
      });
      this.#calls.add(call);
    });
  }

  /** Opens a call that gives a stream of responses to one request. */
  serverStream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    bounds: Bounds,
  ): StreamCall<never, Response> {
    this.#checkOpen(bounds.signal);
    const stream = this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      callOptions(bounds),
    );
    return this.#opened(new StreamCall<never, Response>(this, stream, bounds.signal));
  }

  /** Opens a call with streams both ways. */
  bidi<Request, Response>(method: Method<Request, Response>, bounds: Bounds): StreamCall<Request, Response> {
    this.#checkOpen(bounds.signal);
    const stream = this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      new Metadata(),
      callOptions(bounds),
    );
    return this.#opened(new StreamCall<Request, Response>(this, stream, bounds.signal));
  }

  /** Has `close` end it in its own way first. */
  keep(closable: Closable): void {
    this.#closables.add(closable);
  }

  /** It has ended by itself. */
  drop(closable: Closable): void {
    this.#closables.delete(closable);
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Ends what is open and the channel. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      // Each removes itself; a consumer tells its last acknowledgements first.
      await Promise.all([...this.#closables].map((closable) => closable.close()));
      for (const call of this.#calls) {
        call.cancel();
      }
      this.channel.close();
    })();
    return this.#closing;
  }

  /** A call's end in this client's terms. */
  failure(end: EndOfCall, cause?: unknown): SidecarError {
    if (this.closed && end.code === status.CANCELLED) {
      return new SidecarUnavailable("this client is closed", { cause });
    }
    return errorFromStatus(end, cause);
  }

  #opened<Request, Response>(call: StreamCall<Request, Response>): StreamCall<Request, Response> {
    this.#calls.add(call);
    void call.ended.then(() => this.#calls.delete(call));
    return call;
  }

  #checkOpen(signal: AbortSignal | undefined): void {
    if (this.closed) {
      throw new SidecarUnavailable("this client is closed");
    }
    if (signal?.aborted) {
      throw cancelled(signal);
    }
  }
}

/**
 * A streaming call: what came is read one by one, what is written waits until it was taken.
 *
 * gRPC reads at most 16 responses ahead of `read`, and takes no more from the sidecar while they wait.
 */
export class StreamCall<Request, Response> {
  /** Settled when the call has ended, however. */
  readonly ended: Promise<EndOfCall>;
  readonly #connection: Connection;
  readonly #stream: ClientReadableStream<Response> | ClientDuplexStream<Request, Response>;
  readonly #signal: AbortSignal | undefined;
  readonly #headers: Promise<void>;
  readonly #writing = new Set<(error: SidecarError) => void>();
  #end: EndOfCall | undefined;
  #wake: (() => void) | undefined;
  #halfClosed = false;
  #discarding = false;

  constructor(
    connection: Connection,
    stream: ClientReadableStream<Response> | ClientDuplexStream<Request, Response>,
    signal: AbortSignal | undefined,
  ) {
    this.#connection = connection;
    this.#stream = stream;
    this.#signal = signal;
    const forget = whenAborted(signal, () => {
      stream.cancel();
    });
    // The status says all that the error does.
    stream.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      stream.once("status", (end: EndOfCall) => {
        forget();
        this.#end = end;
        for (const reject of this.#writing) {
          reject(this.#failure(end));
        }
        this.#writing.clear();
        this.#wakeUp();
        resolve(end);
      });
    });
    this.#headers = new Promise((resolve) => {
      stream.once("metadata", () => {
        resolve();
      });
      void this.ended.then(() => {
        resolve();
      });
    });
    stream.on("readable", () => {
      this.#wakeUp();
    });
  }

  /** Returns once the sidecar has taken the call, which it tells by headers; throws why it has not. */
  async taken(): Promise<void> {
    await this.#headers;
    if (this.#end !== undefined && this.#end.code !== status.OK) {
      throw this.#failure(this.#end);
    }
  }

  /** The next response; undefined at the end of a call that ended well. Throws what ended it otherwise. One at a time. */
  async read(): Promise<Response | undefined> {
    for (;;) {
      const response = this.#discarding ? null : (this.#stream.read() as Response | null);
      if (response !== null) {
        return response;
      }
      if (this.#end !== undefined) {
        if (this.#end.code !== status.OK) {
          throw this.#failure(this.#end);
        }
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Returns when gRPC has taken the request, which it does while the sidecar reads; throws once the call has ended. */
  write(request: Request): Promise<void> {
    const stream = this.#stream as ClientDuplexStream<Request, Response>;
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined || this.#halfClosed) {
        reject(this.#end === undefined ? new SidecarError("written after the end") : this.#failure(this.#end));
        return;
      }
      this.#writing.add(reject);
      stream.write(request, (error?: Error | null) => {
        // An error of the write is followed by the status, which says more.
        if (!error && this.#writing.delete(reject)) {
          resolve();
        }
      });
    });
  }

  /** Half-closes: nothing more is written. */
  end(): void {
    if (!this.#halfClosed) {
      this.#halfClosed = true;
      (this.#stream as ClientDuplexStream<Request, Response>).end();
    }
  }

  /** Passes over everything that still comes. */
  discard(): void {
    this.#discarding = true;
    this.#wakeUp();
  }

  /** Ends the call at once. */
  cancel(): void {
    this.#stream.cancel();
  }

  #wakeUp(): void {
    while (this.#discarding && this.#stream.read() !== null);
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #failure(end: EndOfCall): SidecarError {
    if (end.code === status.OK) {
      return new SidecarUnavailable("the sidecar has ended the call");
    }
    return this.#signal?.aborted ? cancelled(this.#signal) : this.#connection.failure(end);
  }
}

function callOptions(bounds: Bounds): CallOptions {
  const deadline = deadlineOf(bounds.timeoutMs);
  return deadline === undefined ? {} : { deadline };
}

function withToken(token: string): Interceptor {
  const value = `Bearer ${token}`;
  return (options, next) =>
    new InterceptingCall(next(options), {
      start(metadata, listener, proceed) {
        metadata.set("authorization", value);
        proceed(metadata, listener);
      },
    });
}
