import { Message, SendRequest } from "./gen/overlay/v1/message.js";
import { headerMap, LEVELS, PRIORITIES } from "./messages.js";
import { type MessageOptions, type SenderOptions, varintLength, writeVarint } from "./outgoing.js";
import { durationOf } from "./times.js";

/** Tags of length-delimited fields: SendRequest.message and Message.payload. */
const MESSAGE_TAG = (5 << 3) | 2;
const PAYLOAD_TAG = (3 << 3) | 2;

const NONE = new Uint8Array(0);

/** An encoded SendRequest. The generated encoder would copy the payload for every message that it is nested in. */
export function sendRequest(
  peerId: string,
  payload: Buffer,
  options: SenderOptions & MessageOptions & { readonly requestId?: string | undefined },
): Buffer {
  const envelope = SendRequest.encode({
    peerId,
    channel: options.channel ?? "",
    priority: PRIORITIES[options.priority ?? "normal"],
    level: LEVELS[options.wait ?? "delivered"],
    message: undefined,
    token: "",
    durable: options.durable ?? false,
    ttl: durationOf("ttlMs", options.ttlMs),
    requestId: options.requestId ?? "",
  }).finish();
  const head = Message.encode({
    messageId: options.messageId ?? "",
    headers: headerMap(options.headers),
    payload: NONE,
  }).finish();
  const inner = head.length + 1 + varintLength(payload.length) + payload.length;
  const bytes = Buffer.allocUnsafe(envelope.length + 1 + varintLength(inner) + inner);
  bytes.set(envelope, 0);
  bytes[envelope.length] = MESSAGE_TAG;
  let at = writeVarint(bytes, envelope.length + 1, inner);
  bytes.set(head, at);
  at += head.length;
  bytes[at] = PAYLOAD_TAG;
  at = writeVarint(bytes, at + 1, payload.length);
  bytes.set(payload, at);
  return bytes;
}
