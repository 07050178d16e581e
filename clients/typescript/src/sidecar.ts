import { Metadata } from "@grpc/grpc-js";

import { whenAborted } from "./aborts.js";
import {
  acceptStream,
  type AcceptStreamOptions,
  type ByteStream,
  openStream,
  type OpenStreamOptions,
} from "./byte-stream.js";
import { type Bounds, Connection, encoded } from "./connection.js";
import { DatagramReceiver } from "./datagrams.js";
import { Endpoint, type EndpointOptions } from "./endpoint.js";
import { DeadlinePassed, errorOfReason, InvalidField, reasonName, SidecarError, SidecarUnavailable } from "./errors.js";
import { HealthCheckResponse_ServingStatus as ServingStatus, HealthService } from "./gen/grpc/health/v1/health.js";
import { BootstrapServiceService, type Contact, type ContactResult } from "./gen/overlay/v1/bootstrap.js";
import type { Cursor } from "./gen/overlay/v1/cursor.js";
import { BroadcastRequest } from "./gen/overlay/v1/datagram.js";
import { DeliveryLevel, MessageServiceService } from "./gen/overlay/v1/message.js";
import { type CheckReachabilityResponse, type GetNodeResponse, NodeServiceService } from "./gen/overlay/v1/node.js";
import { type Peer, PeerServiceService } from "./gen/overlay/v1/peer.js";
import {
  type GetLetterResponse,
  type Letter,
  type LetterFilter,
  type ListQueuesResponse,
  QueueServiceService,
} from "./gen/overlay/v1/queue.js";
import { RequestRequest } from "./gen/overlay/v1/request.js";
import {
  bytesOf,
  headerMap,
  type Headers,
  millisIn,
  millisOf,
  type Payload,
  QUEUES,
  type QueueName,
  type Readiness,
  type Replied,
  type Sent,
  viewOf,
  type Wait,
} from "./messages.js";
import type { MessageOptions, SenderOptions } from "./outgoing.js";
import { type Answerer, type ReplyOptions, Responder } from "./responder.js";
import { retryMs } from "./resuming.js";
import { Sender } from "./sender.js";
import { Sizes } from "./sizes.js";
import { Stubs } from "./stubs.js";
import { Consumer, type ConsumeOptions, Receiver } from "./subscription.js";
import { checkMillis, durationOf } from "./times.js";
import { sendRequest } from "./whole.js";
import { EventWatch, PeerWatch } from "./watches.js";

/** How long a call may take where its caller says nothing. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** Peers, contacts or letters asked for at a time. */
const PAGE = 500;

/** The longest that `waitReady` waits for one answer. */
const CHECK_MS = 2_000;

/** How much longer than the sidecar's own wait the call of `drain` may take. */
const DRAIN_MS = 2_000;

/** What a client is made of. */
export interface SidecarOptions extends EndpointOptions {
  /** How long each call may take unless it says otherwise; 30 s. */
  readonly timeoutMs?: number | undefined;
}

/** What `send` may say of a message. */
export interface SendOptions extends SenderOptions, MessageOptions, Bounds {
  /** Called again with the same one, nothing is sent twice. Not for a message that goes in chunks. */
  readonly requestId?: string | undefined;
}

/** Which letters of a queue. */
export interface LetterOptions extends Bounds {
  readonly peerId?: string | undefined;
  readonly channel?: string | undefined;
  /** These alone. */
  readonly ids?: readonly bigint[] | undefined;
}

/**
 * The sidecar beside this app.
 *
 * What is not given comes from the environment: SIDECAR_ENDPOINT, SIDECAR_TOKEN, SIDECAR_TLS_CA, _CERT, _KEY and
 * _SERVER_NAME. Times are milliseconds. Every verb takes an AbortSignal, and throws SidecarError or one of its kinds.
 */
export class Sidecar {
  readonly endpoint: Endpoint;
  /** The generated clients over the same channel. */
  readonly stubs: Stubs;
  readonly #connection: Connection;
  readonly #timeoutMs: number;
  readonly #sizes: Sizes;

  /** Waits for no connection. A TypeError says what is malformed. */
  constructor(options: SidecarOptions = {}) {
    this.endpoint = Endpoint.from(options);
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    if (Number.isNaN(this.#timeoutMs)) {
      throw new TypeError("timeoutMs: NaN is no number of milliseconds");
    }
    this.#connection = new Connection(this.endpoint);
    this.stubs = new Stubs(this.#connection);
    this.#sizes = new Sizes(async () => (await this.node()).limits);
  }

  /** Ends what is still open, and the channel. Iterators end without an error; consumers tell their last acks first. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Returns once the sidecar is ready at `level`; DeadlinePassed says what it waited for. */
  async waitReady({ level = "api", ...bounds }: Bounds & { readonly level?: Readiness } = {}): Promise<void> {
    const timeoutMs = bounds.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    checkMillis("timeoutMs", timeoutMs);
    const end = performance.now() + timeoutMs;
    const metadata = new Metadata({ waitForReady: true });
    let last = "no answer yet";
    for (let attempt = 0; ; attempt += 1) {
      const left = end - performance.now();
      if (left <= 0) {
        throw new DeadlinePassed(`not ready after ${String(timeoutMs)} ms: ${last}`);
      }
      const once = { timeoutMs: Math.min(left, CHECK_MS), signal: bounds.signal };
      try {
        const { status } = await this.#connection.unary(HealthService.check, { service: level }, once, metadata);
        if (status === ServingStatus.SERVING) {
          return;
        }
        last = `the sidecar answers and is not ready at level ${level}`;
      } catch (error) {
        if (this.#connection.closed || !(error instanceof SidecarUnavailable || error instanceof DeadlinePassed)) {
          throw error;
        }
        last = `no sidecar answers at ${this.endpoint.address}: ${error.detail}`;
      }
      await pause(Math.min(retryMs(attempt), Math.max(0, end - performance.now())), bounds.signal);
    }
  }

  // messages

  /**
   * Sends one message of any size and waits for its level. A durable one is kept in the journals of both sidecars, for
   * `ttlMs` at most.
   */
  async send(peerId: string, payload: Payload = "", options: SendOptions = {}): Promise<Sent> {
    const bytes = bytesOf(payload);
    const bounds = this.#bounds(options);
    if (await this.#sizes.inChunks(bytes.length)) {
      return this.#sendInChunks(peerId, bytes, { ...options, ...bounds });
    }
    const response = await this.#connection.unary(
      { ...MessageServiceService.send, requestSerialize: AS_IT_IS },
      sendRequest(peerId, bytes, options),
      bounds,
    );
    return {
      messageId: response.messageId,
      level: LEVEL_NAMES[response.level],
      sentAt: millisOf(response.sentAt),
      deliveredAt: millisOf(response.deliveredAt),
      processedAt: millisOf(response.processedAt),
    };
  }

  async #sendInChunks(peerId: string, bytes: Buffer, options: SendOptions): Promise<Sent> {
    if (options.requestId) {
      throw invalid("request_id", "cannot go with a message that goes in chunks");
    }
    const sender = this.sender(peerId, options);
    try {
      await sender.result(await sender.send(bytes, options));
    } finally {
      await sender.cancel();
    }
    return {
      messageId: options.messageId ?? "",
      level: options.wait ?? "delivered",
      sentAt: undefined,
      deliveredAt: undefined,
      processedAt: undefined,
    };
  }

  /** Opens a pipelined way to one peer and channel, for many messages; `timeoutMs` is for all of it. */
  sender(peerId: string, options: SenderOptions & Bounds = {}): Sender {
    return new Sender(this.#connection, this.#sizes, peerId, options);
  }

  /**
   * Subscribes to a channel and iterates over what comes: messages, and a Gap where the subscription was broken off
   * and taken up again. A message counts as taken once it is written to this app.
   */
  receive(channel = "", bounds: Bounds = {}): Promise<Receiver> {
    return opening(() => new Receiver(this.#connection, channel, bounds).open());
  }

  /** The same with acknowledgements. */
  consume(channel = "", options: ConsumeOptions = {}): Promise<Consumer> {
    return opening(() => {
      checkCredits(options.credits);
      return new Consumer(this.#connection, channel, options).open();
    });
  }

  /** Asks an app beside a peer, one that answers on the channel. RequestFailed where it answered with an error. */
  async request(
    peerId: string,
    payload: Payload = "",
    options: Bounds & { readonly channel?: string; readonly headers?: Headers } = {},
  ): Promise<Replied> {
    const { headers, payload: reply } = await this.#connection.unary(
      REQUEST,
      { peerId, channel: options.channel ?? "", headers: headerMap(options.headers), payload: bytesOf(payload) },
      this.#bounds(options),
    );
    return { payload: viewOf(reply), headers };
  }

  /**
   * Answers the requests of a channel, `credits` at once. `answer` gives the payload, or payload and headers, or throws
   * AnswerError. It goes on until the responder is closed, or its signal aborted, or the sidecar goes away, which
   * `finished` tells.
   */
  reply(channel: string, answer: Answerer, options: ReplyOptions = {}): Promise<Responder> {
    return opening(() => {
      checkCredits(options.credits);
      return new Responder(this.#connection, channel, answer, options).open();
    });
  }

  /** A byte stream to an app beside a peer that accepts that name; it may be written at once. */
  openStream(peerId: string, name: string, options: OpenStreamOptions = {}): ByteStream {
    return openStream(this.#connection, peerId, name, options);
  }

  /** Waits for the next byte stream of that name. */
  acceptStream(name: string, options: AcceptStreamOptions = {}): Promise<ByteStream> {
    return opening(() => acceptStream(this.#connection, name, options));
  }

  /**
   * Sends a message to every linked peer, or to those with all of some labels; gives by peer id why it was not delivered
   * there, undefined where it was.
   */
  async broadcast(
    payload: Payload = "",
    options: Bounds & { readonly channel?: string; readonly headers?: Headers; readonly labels?: Headers } = {},
  ): Promise<Map<string, SidecarError | undefined>> {
    const { results } = await this.#connection.unary(
      BROADCAST,
      {
        channel: options.channel ?? "",
        payload: bytesOf(payload),
        headers: headerMap(options.headers),
        labels: headerMap(options.labels),
      },
      this.#bounds(options),
    );
    return new Map(
      results.map(({ peerId, reason, detail }) => {
        const word = reasonName(reason);
        return [peerId, word === "" ? undefined : errorOfReason(word, detail)];
      }),
    );
  }

  /** Sends an unreliable message to a linked peer; it waits at most `ttlMs` for its turn, 100 unless said otherwise. */
  async sendDatagram(
    peerId: string,
    payload: Payload,
    options: Bounds & { readonly channel?: string; readonly ttlMs?: number } = {},
  ): Promise<void> {
    await this.#connection.unary(
      MessageServiceService.sendDatagram,
      { peerId, channel: options.channel ?? "", payload: bytesOf(payload), ttl: durationOf("ttlMs", options.ttlMs) },
      this.#bounds(options),
    );
  }

  /** Subscribes to the datagrams of a channel. */
  datagrams(channel = "", bounds: Bounds = {}): Promise<DatagramReceiver> {
    return opening(() => new DatagramReceiver(this.#connection, channel, bounds).open());
  }

  // what is kept

  /** What the sidecar keeps, summed by queue, peer and channel. */
  queues(bounds: Bounds = {}): Promise<ListQueuesResponse> {
    return this.#connection.unary(QueueServiceService.listQueues, {}, this.#bounds(bounds));
  }

  /** At most `limit` of what a queue holds, oldest first. */
  async letters(
    queue: QueueName,
    options: Omit<LetterOptions, "ids"> & { readonly limit?: number } = {},
  ): Promise<Letter[]> {
    const { limit = PAGE } = options;
    const filter = letterFilter(queue, options);
    const letters: Letter[] = [];
    let pageToken = "";
    while (letters.length < limit) {
      const pageSize = Math.min(PAGE, limit - letters.length);
      const page = await this.#connection.unary(
        QueueServiceService.listLetters,
        { filter, pageSize, pageToken },
        this.#bounds(options),
      );
      letters.push(...page.letters);
      pageToken = page.nextPageToken;
      if (pageToken === "") {
        break;
      }
    }
    return letters;
  }

  /** One letter with its messages; LetterUnknown when there is no such. */
  letter(queue: QueueName, id: bigint, bounds: Bounds = {}): Promise<GetLetterResponse> {
    return this.#connection.unary(QueueServiceService.getLetter, { queue: QUEUES[queue], id }, this.#bounds(bounds));
  }

  /** Removes letters for good: those of a peer, a channel, or these; gives how many messages. */
  async purge(queue: QueueName, options: LetterOptions = {}): Promise<bigint> {
    const filter = letterFilter(queue, options);
    return (await this.#connection.unary(QueueServiceService.purgeLetters, { filter }, this.#bounds(options))).messages;
  }

  /** Puts dead letters back where they came from; gives how many messages. */
  async replay(queue: QueueName, options: LetterOptions = {}): Promise<bigint> {
    const filter = letterFilter(queue, options);
    return (await this.#connection.unary(QueueServiceService.replayLetters, { filter }, this.#bounds(options)))
      .messages;
  }

  // peers

  /** Every peer the sidecar knows, by id. */
  async peers({ linkedOnly = false, ...bounds }: Bounds & { readonly linkedOnly?: boolean } = {}): Promise<Peer[]> {
    const peers: Peer[] = [];
    let pageToken = "";
    do {
      const page = await this.#connection.unary(
        PeerServiceService.listPeers,
        { pageSize: PAGE, pageToken, linkedOnly },
        this.#bounds(bounds),
      );
      peers.push(...page.peers);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return peers;
  }

  /** One peer; PeerUnknown when there is no such. */
  async peer(peerId: string, bounds: Bounds = {}): Promise<Peer> {
    return told((await this.#connection.unary(PeerServiceService.getPeer, { peerId }, this.#bounds(bounds))).peer);
  }

  /**
   * Iterates over a snapshot of the peers, then every change. When the sidecar restarts the watch goes on, with a new
   * snapshot where the changes in between are not known.
   */
  watchPeers(bounds: Bounds = {}): PeerWatch {
    return new PeerWatch(this.#connection, bounds);
  }

  /** Links to a peer id or a contact `[peer-id@]host:port`. */
  async connect(target: string, bounds: Bounds = {}): Promise<Peer> {
    return told((await this.#connection.unary(PeerServiceService.connect, { target }, this.#bounds(bounds))).peer);
  }

  /** Ends the link once what was sent is acknowledged; gives how many messages were not. */
  async disconnect(peerId: string, bounds: Bounds = {}): Promise<bigint> {
    const response = await this.#connection.unary(PeerServiceService.disconnect, { peerId }, this.#bounds(bounds));
    return response.messagesLost;
  }

  /** Keeps a peer out, over restarts too, and cuts its link at once. */
  async blockPeer(peerId: string, bounds: Bounds = {}): Promise<void> {
    await this.#connection.unary(PeerServiceService.blockPeer, { peerId }, this.#bounds(bounds));
  }

  /** Takes a peer off the block list. */
  async unblockPeer(peerId: string, bounds: Bounds = {}): Promise<void> {
    await this.#connection.unary(PeerServiceService.unblockPeer, { peerId }, this.#bounds(bounds));
  }

  /** Milliseconds from sidecar to sidecar and back. */
  async ping(peerId: string, bounds: Bounds = {}): Promise<number> {
    const { rtt } = await this.#connection.unary(PeerServiceService.ping, { peerId }, this.#bounds(bounds));
    return millisIn(told(rtt));
  }

  // the way into the network

  /** Dials contacts, or those that are known where none are named; BootstrapFailed where none could be linked. */
  async bootstrap(contacts: readonly string[] = [], bounds: Bounds = {}): Promise<ContactResult[]> {
    const request = { contacts: [...contacts] };
    return (await this.#connection.unary(BootstrapServiceService.bootstrap, request, this.#bounds(bounds))).results;
  }

  /** The contacts, configured and added; with `cached` also the nodes the sidecar remembers. */
  async contacts({ cached = false, ...bounds }: Bounds & { readonly cached?: boolean } = {}): Promise<Contact[]> {
    const contacts: Contact[] = [];
    let pageToken = "";
    do {
      const page = await this.#connection.unary(
        BootstrapServiceService.listContacts,
        { pageSize: PAGE, pageToken, cached },
        this.#bounds(bounds),
      );
      contacts.push(...page.contacts);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return contacts;
  }

  /** Adds contacts, which outlast a restart of the sidecar. */
  async addContacts(contacts: readonly string[], bounds: Bounds = {}): Promise<Contact[]> {
    const request = { contacts: [...contacts] };
    return (await this.#connection.unary(BootstrapServiceService.addContacts, request, this.#bounds(bounds))).contacts;
  }

  /** Removes an added contact, or forgets a remembered one; ContactUnknown when there is no such. */
  async removeContact(contact: string, bounds: Bounds = {}): Promise<void> {
    await this.#connection.unary(BootstrapServiceService.removeContact, { contact }, this.#bounds(bounds));
  }

  // the sidecar itself

  /** Who this sidecar is, where it listens, what its limits are. */
  node(bounds: Bounds = {}): Promise<GetNodeResponse> {
    return this.#connection.unary(NodeServiceService.getNode, {}, this.#bounds(bounds));
  }

  /** Has linked peers dial this sidecar back, where each sees it or at the addresses given (numeric host:port). */
  checkReachability(addresses: readonly string[] = [], bounds: Bounds = {}): Promise<CheckReachabilityResponse> {
    const request = { addresses: [...addresses] };
    return this.#connection.unary(NodeServiceService.checkReachability, request, this.#bounds(bounds));
  }

  /** Iterates over what happens from now on, or from `cursor` on; a Gap stands for events that are not known. */
  events({ cursor, ...bounds }: Bounds & { readonly cursor?: Cursor | undefined } = {}): EventWatch {
    return new EventWatch(this.#connection, cursor, bounds);
  }

  /**
   * Asks the sidecar to leave and stop, within `timeoutMs` where it is given; gives the number of messages that had no
   * outcome by then. With `wait: false` it answers at once and goes on draining.
   */
  async drain({ wait = true, ...bounds }: Bounds & { readonly wait?: boolean } = {}): Promise<bigint> {
    const { messagesLost } = await this.#connection.unary(
      NodeServiceService.drain,
      { timeout: durationOf("timeoutMs", bounds.timeoutMs), noWait: !wait },
      // The sidecar's wait is bounded by the time given; the call's deadline leaves room for its answer.
      { timeoutMs: (bounds.timeoutMs ?? this.#timeoutMs) + DRAIN_MS, signal: bounds.signal },
    );
    return messagesLost;
  }

  #bounds({ timeoutMs, signal }: Bounds): Bounds {
    return { timeoutMs: timeoutMs ?? this.#timeoutMs, signal };
  }
}

const AS_IT_IS = (request: Buffer): Buffer => request;

const REQUEST = {
  ...MessageServiceService.request,
  requestSerialize: (request: RequestRequest): Buffer => encoded(RequestRequest.encode(request)),
};

const BROADCAST = {
  ...MessageServiceService.broadcast,
  requestSerialize: (request: BroadcastRequest): Buffer => encoded(BroadcastRequest.encode(request)),
};

const LEVEL_NAMES: Readonly<Record<DeliveryLevel, Wait>> = {
  [DeliveryLevel.DELIVERY_LEVEL_UNSPECIFIED]: "delivered",
  [DeliveryLevel.DELIVERY_LEVEL_SENT]: "sent",
  [DeliveryLevel.DELIVERY_LEVEL_DELIVERED]: "delivered",
  [DeliveryLevel.DELIVERY_LEVEL_PROCESSED]: "processed",
};

function letterFilter(queue: QueueName, { peerId, channel, ids = [] }: LetterOptions): LetterFilter {
  return { queue: QUEUES[queue], peerId, channel, ids: [...ids] };
}

function checkCredits(credits = 1): void {
  if (!Number.isInteger(credits) || credits < 1) {
    throw invalid("credits", "at least 1");
  }
}

function invalid(field: string, description: string): InvalidField {
  return new InvalidField(`${field}: ${description}`, { fields: [{ field, description }] });
}

/** A field that the sidecar always sets. */
function told<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new SidecarError("the sidecar's answer lacks what was asked for");
  }
  return value;
}

/** Rejects where `open` throws. */
async function opening<T>(open: () => Promise<T>): Promise<T> {
  return open();
}

/** Waits so long, or until the signal is aborted. */
function pause(millis: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(wake, millis);
    const forget = whenAborted(signal, wake);
  });
}
