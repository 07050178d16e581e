import { Acks, type Verdict } from "./acks.js";
import { type Bounds, type Connection, encoded, type StreamCall } from "./connection.js";
import type { SidecarError } from "./errors.js";
import {
  type ConsumeOpen,
  ConsumeRequest,
  type ConsumeResponse,
  type Delivery,
  MessageServiceService,
  type ReceiveResponse,
} from "./gen/overlay/v1/message.js";
import { NodeServiceService } from "./gen/overlay/v1/node.js";
import { Incoming } from "./incoming.js";
import { type Gap, type Received } from "./messages.js";
import { Resuming } from "./resuming.js";
import { durationOf } from "./times.js";

/** How long a closing consumer waits for the sidecar to take its last acknowledgements. */
const CLOSE_MS = 5_000;

/** How long to ask the sidecar which run of it this is. */
const INSTANCE_MS = 5_000;

const CONSUME = {
  path: MessageServiceService.consume.path,
  requestSerialize: (request: ConsumeRequest): Buffer => encoded(ConsumeRequest.encode(request)),
  responseDeserialize: MessageServiceService.consume.responseDeserialize,
};

/** What Receiver and Consumer have in common. */
abstract class Subscription<Response extends { deliveries: Delivery[] }> extends Resuming<Response, Received | Gap> {
  protected readonly incoming = new Incoming();
  #instance = 0n;
  #former = 0n;

  protected override async opened(): Promise<void> {
    const node = await this.connection.unary(
      NodeServiceService.getNode,
      {},
      { timeoutMs: INSTANCE_MS, signal: this.signal },
    );
    this.#instance = node.instance;
  }

  protected override restarting(): void {
    this.#former ||= this.#instance;
    this.incoming.restart();
  }

  protected override resumed(broken: SidecarError): readonly Gap[] {
    const restarted = this.#instance !== this.#former;
    this.#former = 0n;
    return [{ type: "gap", detail: broken.detail, restarted }];
  }

  protected override excused(): undefined {
    return undefined;
  }

  protected override take(response: Response): readonly Received[] {
    return this.incoming.messages(response.deliveries);
  }
}

/** Iterates over what comes to a channel; a message counts as taken once it is written to this app. */
export class Receiver extends Subscription<ReceiveResponse> {
  readonly #channel: string;

  /** Opened by Sidecar.receive. */
  constructor(connection: Connection, channel: string, bounds: Bounds) {
    super(connection, bounds);
    this.#channel = channel;
  }

  protected override begin(bounds: Bounds): StreamCall<never, ReceiveResponse> {
    return this.connection.serverStream(MessageServiceService.receive, { channel: this.#channel }, bounds);
  }
}

/** How a consumer takes messages. */
export interface ConsumeOptions extends Bounds {
  /** How many may be handed out and neither acked nor nacked; 64 unless something else is said. */
  readonly credits?: number | undefined;
  /** What is not acked so many milliseconds later is handed out again; else only when the consumer ends. */
  readonly ackDeadlineMs?: number | undefined;
  /** What comes back for the so manieth time becomes a dead letter; 0: never. */
  readonly maxDeliveries?: number | undefined;
}

/**
 * The same with acknowledgements. What is not acked when the consumer closes goes to another subscriber.
 *
 * `ack`, `nack` and `extend` return at once: what they say is gathered, and written as soon as the sidecar takes it.
 * Messages handed out before the last Gap are passed over: the sidecar no longer waits for them.
 */
export class Consumer extends Subscription<ConsumeResponse> {
  /** How many acknowledgements came for messages the sidecar no longer held for this consumer. */
  unknown = 0;
  readonly #open: ConsumeOpen;
  readonly #acks = new Acks();
  #way: StreamCall<ConsumeRequest, ConsumeResponse> | undefined;
  #telling: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  /** Opened by Sidecar.consume. */
  constructor(connection: Connection, channel: string, options: ConsumeOptions) {
    super(connection, options);
    this.#open = {
      channel,
      credits: options.credits ?? 64,
      ackDeadline: durationOf("ackDeadlineMs", options.ackDeadlineMs),
      maxDeliveries: options.maxDeliveries ?? 0,
    };
  }

  /** These are done. */
  ack(...messages: readonly Received[]): void {
    this.#say("ack", messages);
  }

  /** Hand this out again, to any subscriber, so many milliseconds from now. */
  nack(messages: Received | readonly Received[], { delayMs = 0 }: { readonly delayMs?: number } = {}): void {
    this.#say("nack", [messages].flat(), delayMs);
  }

  /** These take longer: they come back so many milliseconds from now if they are not acked. */
  extend(messages: Received | readonly Received[], millis: number): void {
    this.#say("extend", [messages].flat(), millis);
  }

  /** Takes no more, hands over the last acknowledgements and ends the subscription; within 5 seconds. */
  override close(): Promise<void> {
    this.#ending ??= this.#finish();
    return this.#ending;
  }

  protected override begin(bounds: Bounds): StreamCall<never, ConsumeResponse> {
    this.#acks.clear();
    const call = this.connection.bidi(CONSUME, bounds);
    this.#way = call;
    // A call that fails at once tells why to whoever reads it.
    call.write({ frame: { $case: "open", value: this.#open } }).catch(() => undefined);
    return call;
  }

  protected override take(response: ConsumeResponse): readonly Received[] {
    for (const range of response.unknown) {
      this.unknown += Number(range.last - range.first) + 1;
    }
    return super.take(response);
  }

  async #finish(): Promise<void> {
    const call = this.#way;
    if (this.closed || call === undefined) {
      this.end();
      return;
    }
    this.closed = true;
    const giveUp = setTimeout(() => {
      call.cancel();
    }, CLOSE_MS);
    call.discard();
    await this.#telling;
    call.end();
    await call.ended;
    clearTimeout(giveUp);
    this.end();
  }

  #say(verdict: Verdict, messages: readonly Received[], millis = 0): void {
    durationOf(verdict === "nack" ? "delayMs" : "millis", millis);
    for (const message of messages) {
      if (message.opening === this.incoming.opening) {
        this.#acks.add(verdict, message.deliveryId, millis);
      }
    }
    this.#telling ??= this.#tell();
  }

  /** Writes what was gathered, a frame at a time. */
  async #tell(): Promise<void> {
    // What is said in one go is told in one go.
    await Promise.resolve();
    for (;;) {
      const request = this.#acks.next();
      if (request === undefined) {
        break;
      }
      try {
        await this.#way?.write(request);
      } catch {
        // The call is over, and acknowledgements for it are void.
        this.#acks.clear();
      }
    }
    this.#telling = undefined;
  }
}
