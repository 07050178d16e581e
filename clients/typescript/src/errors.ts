/**
 * What a call to the sidecar may throw, by the reason the sidecar gives (overlay.v1.ErrorReason).
 *
 *     SidecarError
 *     ├── RequestError                what was asked cannot be done as asked; a repeat fails the same way
 *     │   ├── InvalidField, MessageTooLarge, PeerIsSelf, FrameUnexpected
 *     │   ├── TokenInvalid, ScopeDenied, PeerNotAllowed
 *     │   └── CursorExpired           begin the watch anew
 *     ├── NotFound
 *     │   └── PeerUnknown, ContactUnknown, LetterUnknown
 *     ├── PeerError                   the other side, or the way to it
 *     │   ├── PeerUnreachable, PeerNotDialable, PeerRefused, IdentityMismatch, PeerUntrusted
 *     │   ├── LinkClosed, BootstrapFailed, UnsupportedByPeer, DeadLettered, Expired, Purged
 *     │   └── OutcomeUnknown          it was sent and may have arrived
 *     ├── Busy                        try again later
 *     │   └── QueueFull, LimitReached, JournalFull, NoSubscriber
 *     ├── RequestFailed               the app that was asked answered with an error
 *     ├── StreamReset, StreamLost
 *     ├── DeadlinePassed
 *     │   └── Pending                 a durable message is on its way, and goes on
 *     ├── Cancelled
 *     ├── SidecarUnavailable          no sidecar answers, or it went away in the middle of the call
 *     │   └── Draining, JournalFailed
 *     ├── SendFailed                  messages of a sender, each with its own error
 *     └── InternalError               the sidecar's own fault; its log has the details
 *
 * A plain SidecarError is a failure of a kind that this client does not know. `name` is the kind's name, the same in
 * the ESM and the CommonJS build, which have classes of their own.
 */
import { type Metadata, status } from "@grpc/grpc-js";

import { BadRequest, ErrorInfo, RetryInfo } from "./gen/google/rpc/error_details.js";
import { Status } from "./gen/google/rpc/status.js";
import { ErrorReason } from "./gen/overlay/v1/errors.js";

const DOMAIN = "overlay.v1";
const DETAILS = "grpc-status-details-bin";
const TYPE_PREFIX = "type.googleapis.com/google.rpc.";
const REASON_PREFIX = "ERROR_REASON_";

/** A field of a request and what is wrong with it. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What is known of a failure beside its words. */
export interface ErrorFacts {
  readonly code?: status | undefined;
  readonly reason?: string | undefined;
  readonly metadata?: ReadonlyMap<string, string> | undefined;
  readonly fields?: readonly FieldViolation[] | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** A call failed. */
export class SidecarError extends Error {
  /** The reason that this class is of. */
  static readonly REASON: string = "";
  /** The status that goes with the reason where it came in another way than as a status. */
  static readonly CODE: status = status.UNKNOWN;

  override readonly name: string = "SidecarError";
  /** In words, what was wrong and what to do. */
  readonly detail: string;
  /** The name the sidecar gives it; empty when the failure is not the sidecar's word. */
  readonly reason: string;
  /** gRPC's canonical status. */
  readonly code: status;
  /** Figures by name. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly fields: readonly FieldViolation[];
  /** The time after which trying again makes sense, where it is known. */
  readonly retryAfterMs: number | undefined;

  constructor(detail: string, facts: ErrorFacts = {}) {
    const kind = new.target;
    const reason = facts.reason ?? kind.REASON;
    const code = facts.code ?? kind.CODE;
    super(`${reason || status[code]}: ${detail}`, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.detail = detail;
    this.reason = reason;
    this.code = code;
    this.metadata = facts.metadata ?? new Map();
    this.fields = facts.fields ?? [];
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** What was asked cannot be done as asked; a repeat fails the same way. */
export class RequestError extends SidecarError {
  override readonly name: string = "RequestError";
}

/** A field is missing or malformed; `fields` names each. */
export class InvalidField extends RequestError {
  override readonly name: string = "InvalidField";
  static override readonly REASON: string = "INVALID_FIELD";
  static override readonly CODE: status = status.INVALID_ARGUMENT;
}

/** A message, header or batch is larger than a limit; `metadata` has `limit` and `size`. */
export class MessageTooLarge extends RequestError {
  override readonly name: string = "MessageTooLarge";
  static override readonly REASON: string = "MESSAGE_TOO_LARGE";
  static override readonly CODE: status = status.INVALID_ARGUMENT;
}

/** The peer named is this app's own sidecar. */
export class PeerIsSelf extends RequestError {
  override readonly name: string = "PeerIsSelf";
  static override readonly REASON: string = "PEER_IS_SELF";
  static override readonly CODE: status = status.INVALID_ARGUMENT;
}

/** The frames of a stream are out of order. */
export class FrameUnexpected extends RequestError {
  override readonly name: string = "FrameUnexpected";
  static override readonly REASON: string = "FRAME_UNEXPECTED";
  static override readonly CODE: status = status.INVALID_ARGUMENT;
}

/** The sidecar asks for a token, and it was not this one. */
export class TokenInvalid extends RequestError {
  override readonly name: string = "TokenInvalid";
  static override readonly REASON: string = "TOKEN_INVALID";
  static override readonly CODE: status = status.UNAUTHENTICATED;
}

/** This app's token is not for that; `metadata` has `app` and what it `needs`. */
export class ScopeDenied extends RequestError {
  override readonly name: string = "ScopeDenied";
  static override readonly REASON: string = "SCOPE_DENIED";
  static override readonly CODE: status = status.PERMISSION_DENIED;
}

/** The app over there does not take this peer's requests or streams. */
export class PeerNotAllowed extends RequestError {
  override readonly name: string = "PeerNotAllowed";
  static override readonly REASON: string = "PEER_NOT_ALLOWED";
  static override readonly CODE: status = status.PERMISSION_DENIED;
}

/** The cursor is of another run of the sidecar or older than what it remembers. */
export class CursorExpired extends RequestError {
  override readonly name: string = "CursorExpired";
  static override readonly REASON: string = "CURSOR_EXPIRED";
  static override readonly CODE: status = status.OUT_OF_RANGE;
}

/** The sidecar knows nothing by that name. */
export class NotFound extends SidecarError {
  override readonly name: string = "NotFound";
}

/** No contact, record or link tells where this peer is. */
export class PeerUnknown extends NotFound {
  override readonly name: string = "PeerUnknown";
  static override readonly REASON: string = "PEER_UNKNOWN";
  static override readonly CODE: status = status.NOT_FOUND;
}

/** It is not among the bootstrap contacts. */
export class ContactUnknown extends NotFound {
  override readonly name: string = "ContactUnknown";
  static override readonly REASON: string = "CONTACT_UNKNOWN";
  static override readonly CODE: status = status.NOT_FOUND;
}

/** There is no queued message or dead letter with this id. */
export class LetterUnknown extends NotFound {
  override readonly name: string = "LetterUnknown";
  static override readonly REASON: string = "LETTER_UNKNOWN";
  static override readonly CODE: status = status.NOT_FOUND;
}

/** The other side, or the way to it. */
export class PeerError extends SidecarError {
  override readonly name: string = "PeerError";
}

/** Dialling the peer failed; nothing was received there. */
export class PeerUnreachable extends PeerError {
  override readonly name: string = "PeerUnreachable";
  static override readonly REASON: string = "PEER_UNREACHABLE";
  static override readonly CODE: status = status.UNAVAILABLE;
}

/** The peer is a client, which is never dialled, and it is not linked. */
export class PeerNotDialable extends PeerError {
  override readonly name: string = "PeerNotDialable";
  static override readonly REASON: string = "PEER_NOT_DIALABLE";
  static override readonly CODE: status = status.UNAVAILABLE;
}

/** The peer refused the connection. */
export class PeerRefused extends PeerError {
  override readonly name: string = "PeerRefused";
  static override readonly REASON: string = "PEER_REFUSED";
  static override readonly CODE: status = status.FAILED_PRECONDITION;
}

/** Whoever answered at the address is not the peer that was expected. */
export class IdentityMismatch extends PeerError {
  override readonly name: string = "IdentityMismatch";
  static override readonly REASON: string = "IDENTITY_MISMATCH";
  static override readonly CODE: status = status.FAILED_PRECONDITION;
}

/** This app's sidecar does not let the peer in: by its certificates, the allow list or the block list. */
export class PeerUntrusted extends PeerError {
  override readonly name: string = "PeerUntrusted";
  static override readonly REASON: string = "PEER_UNTRUSTED";
  static override readonly CODE: status = status.PERMISSION_DENIED;
}

/** The link was closed before the message was sent. */
export class LinkClosed extends PeerError {
  override readonly name: string = "LinkClosed";
  static override readonly REASON: string = "LINK_CLOSED";
  static override readonly CODE: status = status.UNAVAILABLE;
}

/** None of the contacts could be linked; `metadata` names each with its reason. */
export class BootstrapFailed extends PeerError {
  override readonly name: string = "BootstrapFailed";
  static override readonly REASON: string = "BOOTSTRAP_FAILED";
  static override readonly CODE: status = status.UNAVAILABLE;
}

/** The message was sent and no acknowledgement came: it may have arrived. */
export class OutcomeUnknown extends PeerError {
  override readonly name: string = "OutcomeUnknown";
  static override readonly REASON: string = "OUTCOME_UNKNOWN";
  static override readonly CODE: status = status.UNKNOWN;
}

/** The peer's sidecar does not take such messages. */
export class UnsupportedByPeer extends PeerError {
  override readonly name: string = "UnsupportedByPeer";
  static override readonly REASON: string = "UNSUPPORTED_BY_PEER";
  static override readonly CODE: status = status.FAILED_PRECONDITION;
}

/** No app over there acknowledged the message: it is a dead letter there. */
export class DeadLettered extends PeerError {
  override readonly name: string = "DeadLettered";
  static override readonly REASON: string = "DEAD_LETTERED";
  static override readonly CODE: status = status.FAILED_PRECONDITION;
}

/** The message's time to live has passed. */
export class Expired extends PeerError {
  override readonly name: string = "Expired";
  static override readonly REASON: string = "EXPIRED";
  static override readonly CODE: status = status.DEADLINE_EXCEEDED;
}

/** Somebody has purged the queue that held the message. */
export class Purged extends PeerError {
  override readonly name: string = "Purged";
  static override readonly REASON: string = "PURGED";
  static override readonly CODE: status = status.CANCELLED;
}

/** There is no room now: try again later, after `retryAfterMs` where it is given. */
export class Busy extends SidecarError {
  override readonly name: string = "Busy";
}

/** The queue for this peer stayed full until the deadline. */
export class QueueFull extends Busy {
  override readonly name: string = "QueueFull";
  static override readonly REASON: string = "QUEUE_FULL";
  static override readonly CODE: status = status.RESOURCE_EXHAUSTED;
}

/** Too many calls, channels or subscriptions of this kind are open. */
export class LimitReached extends Busy {
  override readonly name: string = "LimitReached";
  static override readonly REASON: string = "LIMIT_REACHED";
  static override readonly CODE: status = status.RESOURCE_EXHAUSTED;
}

/** The journal's disk, or its budget, is full. */
export class JournalFull extends Busy {
  override readonly name: string = "JournalFull";
  static override readonly REASON: string = "JOURNAL_FULL";
  static override readonly CODE: status = status.RESOURCE_EXHAUSTED;
}

/** The other side's channel is full and nobody subscribes to it there. */
export class NoSubscriber extends Busy {
  override readonly name: string = "NoSubscriber";
  static override readonly REASON: string = "NO_SUBSCRIBER";
  static override readonly CODE: status = status.RESOURCE_EXHAUSTED;
}

/** The app that was asked answered with an error: `answerCode` is its word, `detail` its words. */
export class RequestFailed extends SidecarError {
  override readonly name: string = "RequestFailed";
  static override readonly REASON: string = "REQUEST_FAILED";
  static override readonly CODE: status = status.ABORTED;

  /** The answering app's own short word. */
  get answerCode(): string {
    return this.metadata.get("code") ?? "";
  }
}

/** The other app has reset the stream, with `resetCode`, or went away. */
export class StreamReset extends SidecarError {
  override readonly name: string = "StreamReset";
  static override readonly REASON: string = "STREAM_RESET";
  static override readonly CODE: status = status.ABORTED;

  /** The other app's code; undefined where it went away without one. */
  get resetCode(): bigint | undefined {
    const code = this.metadata.get("code");
    return code !== undefined && /^\d+$/.test(code) ? BigInt(code) : undefined;
  }
}

/** The stream's connection was lost and it could not be resumed in time. */
export class StreamLost extends SidecarError {
  override readonly name: string = "StreamLost";
  static override readonly REASON: string = "STREAM_LOST";
  static override readonly CODE: status = status.UNAVAILABLE;
}

/** The call's deadline passed before the operation ended. */
export class DeadlinePassed extends SidecarError {
  override readonly name: string = "DeadlinePassed";
  static override readonly REASON: string = "DEADLINE";
  static override readonly CODE: status = status.DEADLINE_EXCEEDED;
}

/** The message is in the journal and goes on; the call had to be answered. */
export class Pending extends DeadlinePassed {
  override readonly name: string = "Pending";
  static override readonly REASON: string = "PENDING";
  static override readonly CODE: status = status.DEADLINE_EXCEEDED;
}

/** The call was cancelled; by an AbortSignal, whose reason is the `cause`. */
export class Cancelled extends SidecarError {
  override readonly name: string = "Cancelled";
  static override readonly REASON: string = "CANCELLED";
  static override readonly CODE: status = status.CANCELLED;
}

/** No sidecar answers at the endpoint, or it went away in the middle of the call. */
export class SidecarUnavailable extends SidecarError {
  override readonly name: string = "SidecarUnavailable";
  static override readonly CODE: status = status.UNAVAILABLE;
}

/** The sidecar is about to stop and takes nothing new. */
export class Draining extends SidecarUnavailable {
  override readonly name: string = "Draining";
  static override readonly REASON: string = "DRAINING";
  static override readonly CODE: status = status.UNAVAILABLE;
}

/** The journal cannot be written. */
export class JournalFailed extends SidecarUnavailable {
  override readonly name: string = "JournalFailed";
  static override readonly REASON: string = "JOURNAL_FAILED";
  static override readonly CODE: status = status.UNAVAILABLE;
}

/** The sidecar failed in a way that is its own fault; its log has the details. */
export class InternalError extends SidecarError {
  override readonly name: string = "InternalError";
  static override readonly REASON: string = "INTERNAL";
  static override readonly CODE: status = status.INTERNAL;
}

/** Messages of a sender that did not reach their level, by number, inclusive. */
export interface Failure {
  readonly first: number;
  readonly last: number;
  readonly error: SidecarError;
}

/** Some messages of a sender did not reach their level; `failures` says which and why. */
export class SendFailed extends SidecarError {
  override readonly name: string = "SendFailed";
  readonly failures: readonly Failure[];

  constructor(failures: readonly [Failure, ...Failure[]]) {
    const count = failures.reduce((sum, failure) => sum + failure.last - failure.first + 1, 0);
    const [{ first, error }] = failures;
    super(
      `${String(count)} message${count > 1 ? "s" : ""} failed, the first being number ${String(first)}: ${error.message}`,
      { code: error.code, reason: error.reason, cause: error },
    );
    this.failures = failures;
  }
}

type Kind = new (detail: string, facts?: ErrorFacts) => SidecarError;

/** The class of each reason that this client knows. */
export const KIND_OF_REASON: ReadonlyMap<string, Kind> = new Map<string, Kind>(
  [
    InvalidField,
    MessageTooLarge,
    PeerIsSelf,
    FrameUnexpected,
    TokenInvalid,
    ScopeDenied,
    PeerNotAllowed,
    CursorExpired,
    PeerUnknown,
    ContactUnknown,
    LetterUnknown,
    PeerUnreachable,
    PeerNotDialable,
    PeerRefused,
    IdentityMismatch,
    PeerUntrusted,
    LinkClosed,
    BootstrapFailed,
    OutcomeUnknown,
    UnsupportedByPeer,
    DeadLettered,
    Expired,
    Purged,
    QueueFull,
    LimitReached,
    JournalFull,
    NoSubscriber,
    RequestFailed,
    StreamReset,
    StreamLost,
    DeadlinePassed,
    Pending,
    Cancelled,
    Draining,
    JournalFailed,
    InternalError,
  ].map((kind) => [kind.REASON, kind]),
);

/** The class of a status that came without the sidecar's own word: from gRPC itself, here or there. */
const KIND_OF_CODE: ReadonlyMap<status, Kind> = new Map<status, Kind>([
  [status.UNAVAILABLE, SidecarUnavailable],
  [status.DEADLINE_EXCEEDED, DeadlinePassed],
  [status.CANCELLED, Cancelled],
  [status.UNAUTHENTICATED, TokenInvalid],
  [status.INTERNAL, InternalError],
]);

/** The error for a reason, whatever brought it. */
export function errorOfReason(reason: string, detail: string, facts: ErrorFacts = {}): SidecarError {
  const kind = KIND_OF_REASON.get(reason) ?? SidecarError;
  return new kind(detail, { ...facts, reason });
}

/** The name of a reason as receipts and events carry it, without its prefix; empty for none. */
export function reasonName(reason: ErrorReason): string {
  // A sidecar of another version may know more of them.
  const name = (ErrorReason as Readonly<Partial<Record<number, string>>>)[reason];
  if (name === undefined) {
    return String(reason);
  }
  return reason === ErrorReason.ERROR_REASON_UNSPECIFIED ? "" : name.slice(REASON_PREFIX.length);
}

/** How a gRPC call ended: a ServiceError is one, so is the argument of the event `status`. */
export interface EndOfCall {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** What gRPC gave as a call's end, in this client's terms; for those who call the raw stubs too. */
export function errorFromStatus(end: EndOfCall, cause?: unknown): SidecarError {
  const detail = end.details || status[end.code].replaceAll("_", " ").toLowerCase();
  const packed = end.metadata.get(DETAILS)[0];
  const told = packed instanceof Buffer ? factsFrom(packed) : undefined;
  if (!told?.reason) {
    const kind = KIND_OF_CODE.get(end.code) ?? SidecarError;
    return new kind(detail, { code: end.code, reason: "", cause });
  }
  return errorOfReason(told.reason, detail, { ...told, code: end.code, cause });
}

function factsFrom(packed: Buffer): ErrorFacts | undefined {
  let reason: string | undefined;
  let metadata: ReadonlyMap<string, string> | undefined;
  let fields: readonly FieldViolation[] | undefined;
  let retryAfterMs: number | undefined;
  try {
    for (const item of Status.decode(packed).details) {
      switch (item.typeUrl.startsWith(TYPE_PREFIX) ? item.typeUrl.slice(TYPE_PREFIX.length) : "") {
        case "ErrorInfo": {
          const info = ErrorInfo.decode(item.value);
          if (info.domain === DOMAIN) {
            ({ reason, metadata } = info);
          }
          break;
        }
        case "BadRequest":
          fields = BadRequest.decode(item.value).fieldViolations;
          break;
        case "RetryInfo": {
          const delay = RetryInfo.decode(item.value).retryDelay;
          retryAfterMs = delay && Number(delay.seconds) * 1e3 + delay.nanos / 1e6;
          break;
        }
      }
    }
  } catch {
    // Details that are no protobuf say nothing: the status itself still does.
    return undefined;
  }
  return { reason, metadata, fields, retryAfterMs };
}
