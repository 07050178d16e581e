/** The client of quic-p2p-sidecar: messages between apps, each through the sidecar beside it. */
export type { AcceptStreamOptions, ByteStream, OpenStreamOptions } from "./byte-stream.js";
export type { Bounds } from "./connection.js";
export type { DatagramReceiver } from "./datagrams.js";
export { DEFAULT_ENDPOINT, Endpoint, type EndpointOptions, type Tls } from "./endpoint.js";
export * from "./errors.js";
export type { Cursor } from "./gen/overlay/v1/cursor.js";
export {
  type Answer,
  AnswerError,
  type Datagram,
  type Gap,
  type Happened,
  type Headers,
  type IncomingRequest,
  type Payload,
  type PeerChange,
  type PeersSnapshot,
  type Priority,
  type QueueName,
  type Readiness,
  type Received,
  type Replied,
  type Sent,
  type Wait,
} from "./messages.js";
export type { MessageOptions, SenderOptions } from "./outgoing.js";
export type { Answerer, ReplyOptions, Responder } from "./responder.js";
export type { Sender } from "./sender.js";
export { DEFAULT_TIMEOUT_MS, type LetterOptions, type SendOptions, Sidecar, type SidecarOptions } from "./sidecar.js";
export type { Stubs } from "./stubs.js";
export type { Consumer, ConsumeOptions, Receiver } from "./subscription.js";
export type { EventWatch, PeerWatch } from "./watches.js";
