//! What a call to the sidecar may fail with, by the reason the sidecar gives (`overlay.v1.ErrorReason`).

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::outgoing::Failure;

/// What a verb gives: its value, or [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

const DOMAIN: &str = "overlay.v1";

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $reason:literal, $code:ident;)*) => {
        /// The kinds of [`Error`]; each has the name of the sidecar's reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $kind,)*
        }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$kind,)*];

            /// The sidecar's reason for it; empty where the sidecar says none.
            pub fn reason(self) -> &'static str {
                match self { $(ErrorKind::$kind => $reason,)* }
            }

            fn code(self) -> Code {
                match self { $(ErrorKind::$kind => Code::$code,)* }
            }
        }
    };
}

kinds! {
    /// A field is missing or malformed; [`Error::fields`] names it.
    InvalidField = "INVALID_FIELD", InvalidArgument;
    /// A message, header or batch is larger than a limit; the metadata has `limit` and `size`.
    MessageTooLarge = "MESSAGE_TOO_LARGE", InvalidArgument;
    /// The peer named is this app's own sidecar.
    PeerIsSelf = "PEER_IS_SELF", InvalidArgument;
    /// The frames of a stream are out of order.
    FrameUnexpected = "FRAME_UNEXPECTED", InvalidArgument;
    /// The sidecar asks for a token, and it was not this one.
    TokenInvalid = "TOKEN_INVALID", Unauthenticated;
    /// This app's token is not for that; the metadata has `app` and what it `needs`.
    ScopeDenied = "SCOPE_DENIED", PermissionDenied;
    /// The app over there does not take this peer's requests or streams.
    PeerNotAllowed = "PEER_NOT_ALLOWED", PermissionDenied;
    /// The cursor is of another run of the sidecar or older than what it remembers.
    CursorExpired = "CURSOR_EXPIRED", OutOfRange;
    /// No contact, record or link tells where this peer is.
    PeerUnknown = "PEER_UNKNOWN", NotFound;
    /// It is not among the bootstrap contacts.
    ContactUnknown = "CONTACT_UNKNOWN", NotFound;
    /// There is no queued message or dead letter with this id.
    LetterUnknown = "LETTER_UNKNOWN", NotFound;
    /// Dialling the peer failed; nothing was received there.
    PeerUnreachable = "PEER_UNREACHABLE", Unavailable;
    /// The peer is a client, which is never dialled, and it is not linked.
    PeerNotDialable = "PEER_NOT_DIALABLE", Unavailable;
    /// The peer refused the connection.
    PeerRefused = "PEER_REFUSED", FailedPrecondition;
    /// Whoever answered at the address is not the peer that was expected.
    IdentityMismatch = "IDENTITY_MISMATCH", FailedPrecondition;
    /// This sidecar does not let the peer in.
    PeerUntrusted = "PEER_UNTRUSTED", PermissionDenied;
    /// The link was closed before the message was sent.
    LinkClosed = "LINK_CLOSED", Unavailable;
    /// None of the contacts could be linked; the metadata names each with its reason.
    BootstrapFailed = "BOOTSTRAP_FAILED", Unavailable;
    /// The message was sent and no acknowledgement came: it may have arrived.
    OutcomeUnknown = "OUTCOME_UNKNOWN", Unknown;
    /// The peer's sidecar does not take such messages.
    UnsupportedByPeer = "UNSUPPORTED_BY_PEER", FailedPrecondition;
    /// No app over there acknowledged the message: it is a dead letter there.
    DeadLettered = "DEAD_LETTERED", FailedPrecondition;
    /// The message's time to live has passed.
    Expired = "EXPIRED", DeadlineExceeded;
    /// Somebody has purged the queue that held the message.
    Purged = "PURGED", Cancelled;
    /// The queue for this peer stayed full until the deadline.
    QueueFull = "QUEUE_FULL", ResourceExhausted;
    /// Too many calls, channels or subscriptions of this kind are open.
    LimitReached = "LIMIT_REACHED", ResourceExhausted;
    /// The journal's disk, or its budget, is full.
    JournalFull = "JOURNAL_FULL", ResourceExhausted;
    /// The other side's channel is full and nobody subscribes to it there.
    NoSubscriber = "NO_SUBSCRIBER", ResourceExhausted;
    /// The app that was asked answered with an error; [`Error::app_code`] has its word.
    RequestFailed = "REQUEST_FAILED", Aborted;
    /// The other app has reset the stream, or went away; [`Error::app_code`] has its number.
    StreamReset = "STREAM_RESET", Aborted;
    /// The stream's connection was lost and it could not be resumed in time.
    StreamLost = "STREAM_LOST", Unavailable;
    /// The call's deadline passed before the operation ended.
    DeadlinePassed = "DEADLINE", DeadlineExceeded;
    /// The message is in the journal and goes on; the call had to be answered.
    Pending = "PENDING", DeadlineExceeded;
    /// The call was cancelled.
    Cancelled = "CANCELLED", Cancelled;
    /// No sidecar answers at the endpoint, or it went away in the middle of the call.
    SidecarUnavailable = "", Unavailable;
    /// The sidecar is about to stop and takes nothing new.
    Draining = "DRAINING", Unavailable;
    /// The journal cannot be written.
    JournalFailed = "JOURNAL_FAILED", Unavailable;
    /// The sidecar failed in a way that is its own fault; its log has the details.
    InternalError = "INTERNAL", Internal;
    /// Some messages of a [`Sender`](crate::Sender) failed; [`Error::failures`] says which and why.
    SendFailed = "", Unknown;
    /// A failure of a kind that this client does not know.
    SidecarError = "", Unknown;
}

impl ErrorKind {
    /// What was asked cannot be done as asked; a repeat fails the same way.
    pub fn is_request(self) -> bool {
        use ErrorKind::*;
        matches!(
            self,
            InvalidField
                | MessageTooLarge
                | PeerIsSelf
                | FrameUnexpected
                | TokenInvalid
                | ScopeDenied
                | PeerNotAllowed
                | CursorExpired
        )
    }

    /// The sidecar knows nothing by that name.
    pub fn is_not_found(self) -> bool {
        use ErrorKind::*;
        matches!(self, PeerUnknown | ContactUnknown | LetterUnknown)
    }

    /// The other side, or the way to it.
    pub fn is_peer(self) -> bool {
        use ErrorKind::*;
        matches!(
            self,
            PeerUnreachable
                | PeerNotDialable
                | PeerRefused
                | IdentityMismatch
                | PeerUntrusted
                | LinkClosed
                | BootstrapFailed
                | OutcomeUnknown
                | UnsupportedByPeer
                | DeadLettered
                | Expired
                | Purged
        )
    }

    /// There is no room now: try again later.
    pub fn is_busy(self) -> bool {
        use ErrorKind::*;
        matches!(self, QueueFull | LimitReached | JournalFull | NoSubscriber)
    }

    /// The deadline passed; a [`Pending`](ErrorKind::Pending) message goes on all the same.
    pub fn is_deadline(self) -> bool {
        matches!(self, ErrorKind::DeadlinePassed | ErrorKind::Pending)
    }

    /// There is no sidecar, or it takes nothing.
    pub fn is_unavailable(self) -> bool {
        use ErrorKind::*;
        matches!(self, SidecarUnavailable | Draining | JournalFailed)
    }

    fn of_reason(reason: &str) -> ErrorKind {
        ErrorKind::ALL
            .iter()
            .copied()
            .find(|kind| !reason.is_empty() && kind.reason() == reason)
            .unwrap_or(ErrorKind::SidecarError)
    }

    /// The kind of a status that came without the sidecar's own word.
    fn of_code(code: Code) -> ErrorKind {
        match code {
            Code::Unavailable => ErrorKind::SidecarUnavailable,
            Code::DeadlineExceeded => ErrorKind::DeadlinePassed,
            Code::Cancelled => ErrorKind::Cancelled,
            Code::Unauthenticated => ErrorKind::TokenInvalid,
            Code::Internal => ErrorKind::InternalError,
            _ => ErrorKind::SidecarError,
        }
    }
}

/// A field of a request and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldViolation {
    /// The field's name.
    pub field: String,
    /// What is wrong.
    pub description: String,
}

/// Why a call failed. It is cheap to clone.
#[derive(Clone, thiserror::Error)]
#[error("{}: {}", self.label(), .0.detail)]
pub struct Error(Arc<Told>);

impl fmt::Debug for Error {
    /// What is known of it: `main` shows errors so.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = &*self.0;
        let mut shown = formatter.debug_struct("Error");
        shown.field("kind", &told.kind).field("detail", &told.detail);
        if !told.metadata.is_empty() {
            shown.field("metadata", &told.metadata);
        }
        if !told.fields.is_empty() {
            shown.field("fields", &told.fields);
        }
        if let Some(time) = told.retry_after {
            shown.field("retry_after", &time);
        }
        if !told.failures.is_empty() {
            shown.field("failures", &told.failures);
        }
        shown.finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
struct Told {
    kind: ErrorKind,
    code: Code,
    reason: String,
    detail: String,
    metadata: HashMap<String, String>,
    fields: Vec<FieldViolation>,
    retry_after: Option<Duration>,
    failures: Vec<Failure>,
    /// Milliseconds after which the sidecar lets the call be repeated; negative: never.
    pushback: Option<i64>,
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// gRPC's canonical status.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The name the sidecar gives it (`overlay.v1.ErrorReason` without its prefix); empty when the failure is not the
    /// sidecar's word.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// What was wrong, in words.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Figures by name.
    pub fn metadata(&self) -> &HashMap<String, String> {
        &self.0.metadata
    }

    /// The invalid fields of the request.
    pub fn fields(&self) -> &[FieldViolation] {
        &self.0.fields
    }

    /// When trying again makes sense, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The answering app's word ([`ErrorKind::RequestFailed`]) or the reset's number ([`ErrorKind::StreamReset`]).
    pub fn app_code(&self) -> Option<&str> {
        self.0.metadata.get("code").map(String::as_str)
    }

    /// The messages that failed ([`ErrorKind::SendFailed`]).
    pub fn failures(&self) -> &[Failure] {
        &self.0.failures
    }

    /// The error behind one of a [`ByteStream`](crate::ByteStream)'s reads and writes.
    pub fn of_io(error: &std::io::Error) -> Option<&Error> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }

    /// What tonic raised for a call on the raw stubs, in this client's terms.
    pub fn of_status(status: &Status) -> Error {
        let mut told = Told::new(ErrorKind::SidecarError, status.message());
        told.code = status.code();
        told.pushback = status
            .metadata()
            .get("grpc-retry-pushback-ms")
            .map(|value| value.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(-1));
        if told.detail.is_empty() {
            told.detail = status.code().description().to_string();
        }
        let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN && !info.reason.is_empty());
        if let Some(info) = info {
            told.kind = ErrorKind::of_reason(&info.reason);
            told.reason = info.reason;
            told.metadata = info.metadata;
            if let Some(request) = status.get_details_bad_request() {
                let named = request.field_violations.into_iter();
                told.fields = named
                    .map(|violation| FieldViolation { field: violation.field, description: violation.description })
                    .collect();
            }
            told.retry_after = status.get_details_retry_info().and_then(|retry| retry.retry_delay);
            return Error(Arc::new(told));
        }
        told.kind = match made_here(status) {
            Some(kind) => {
                told.code = kind.code();
                kind
            }
            None => ErrorKind::of_code(status.code()),
        };
        if let Some(cause) = root_cause(status).filter(|cause| !told.detail.contains(cause.as_str())) {
            told.detail = format!("{}: {cause}", told.detail);
        }
        Error(Arc::new(told))
    }

    /// The error for a reason, whatever brought it.
    pub(crate) fn of_reason(reason: &str, detail: &str) -> Error {
        let mut told = Told::new(ErrorKind::of_reason(reason), detail);
        told.reason = reason.to_string();
        Error(Arc::new(told))
    }

    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Error {
        Error(Arc::new(Told::new(kind, detail)))
    }

    pub(crate) fn invalid(field: &str, what: &str) -> Error {
        let mut told = Told::new(ErrorKind::InvalidField, format!("{field}: {what}"));
        told.fields = vec![FieldViolation { field: field.to_string(), description: what.to_string() }];
        Error(Arc::new(told))
    }

    pub(crate) fn too_large(what: &str, size: u64, limit: u64, way: &str) -> Error {
        let detail = format!("{what} has {size} bytes, more than {limit}: {way}");
        let mut told = Told::new(ErrorKind::MessageTooLarge, detail);
        told.metadata = HashMap::from([("limit".into(), limit.to_string()), ("size".into(), size.to_string())]);
        Error(Arc::new(told))
    }

    /// SendFailed, naming `failures`, of which there is at least one.
    pub(crate) fn send_failed(failures: Vec<Failure>) -> Option<Error> {
        let first = failures.first()?;
        let count: u64 = failures.iter().map(|failure| failure.last - failure.first + 1).sum();
        let plural = if count > 1 { "s" } else { "" };
        let detail = format!("{count} message{plural} failed, the first being number {}: {}", first.first, first.error);
        let mut told = Told::new(ErrorKind::SendFailed, detail);
        told.code = first.error.code();
        told.reason = first.error.reason().to_string();
        told.failures = failures;
        Some(Error(Arc::new(told)))
    }

    /// The same with the status of another error.
    pub(crate) fn with_code(self, code: Code) -> Error {
        let mut told = Arc::unwrap_or_clone(self.0);
        told.code = code;
        Error(Arc::new(told))
    }

    pub(crate) fn pushback(&self) -> Option<i64> {
        self.0.pushback
    }

    fn label(&self) -> String {
        if self.0.reason.is_empty() { format!("{:?}", self.0.kind) } else { self.0.reason.clone() }
    }
}

impl Told {
    fn new(kind: ErrorKind, detail: impl Into<String>) -> Told {
        Told {
            kind,
            code: kind.code(),
            reason: kind.reason().to_string(),
            detail: detail.into(),
            metadata: HashMap::new(),
            fields: Vec::new(),
            retry_after: None,
            failures: Vec::new(),
            pushback: None,
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Error {
        Error::of_status(&status)
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> std::io::Error {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            ErrorKind::StreamReset => Io::ConnectionReset,
            ErrorKind::StreamLost | ErrorKind::SidecarUnavailable => Io::ConnectionAborted,
            ErrorKind::DeadlinePassed => Io::TimedOut,
            _ => Io::Other,
        };
        std::io::Error::new(kind, error)
    }
}

/// The kind of a status that tonic made of a failure on this side; None for one that the sidecar sent.
///
/// tonic gives each cause another code (a lost connection is Unknown, a passed deadline Cancelled), where gRPC says
/// Unavailable and DeadlineExceeded.
fn made_here(status: &Status) -> Option<ErrorKind> {
    let mut cause = status.source();
    if cause.is_none() && status.code() == Code::Unknown && status.message().starts_with("Service was not ready") {
        return Some(ErrorKind::SidecarUnavailable);
    }
    cause?;
    while let Some(error) = cause {
        if error.is::<tonic::TimeoutExpired>() {
            return Some(ErrorKind::DeadlinePassed);
        }
        cause = error.source();
    }
    Some(ErrorKind::SidecarUnavailable)
}

/// The words of the innermost cause: "connection refused" below "tcp connect error" below "transport error".
fn root_cause(status: &Status) -> Option<String> {
    let mut cause = status.source()?;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Some(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn every_reason_of_the_api_has_a_kind() {
        let mut number = 1;
        let mut known = 0;
        while number < 1000 {
            if let Ok(reason) = crate::overlay::v1::ErrorReason::try_from(number) {
                let name = reason.as_str_name().trim_start_matches("ERROR_REASON_").to_string();
                assert_eq!(ErrorKind::of_reason(&name).reason(), name);
                known += 1;
            }
            number += 1;
        }
        let without_reason = ErrorKind::ALL.iter().filter(|kind| kind.reason().is_empty()).count();
        assert_eq!(known, ErrorKind::ALL.len() - without_reason);
    }

    #[test]
    fn a_status_with_details_is_told_whole() {
        let mut details = ErrorDetails::new();
        details
            .set_error_info("QUEUE_FULL", DOMAIN, HashMap::from([("limit".to_string(), "5".to_string())]))
            .set_retry_info(Some(Duration::from_millis(1500)));
        let status = Status::with_error_details(Code::ResourceExhausted, "full", details);
        let error = Error::from(status);
        assert_eq!(error.kind(), ErrorKind::QueueFull);
        assert!(error.kind().is_busy());
        assert_eq!(error.reason(), "QUEUE_FULL");
        assert_eq!(error.metadata().get("limit").map(String::as_str), Some("5"));
        assert_eq!(error.retry_after(), Some(Duration::from_millis(1500)));
        assert_eq!(error.to_string(), "QUEUE_FULL: full");
    }

    #[test]
    fn fields_are_named() {
        let mut details = ErrorDetails::new();
        details
            .set_error_info("INVALID_FIELD", DOMAIN, HashMap::<String, String>::new())
            .add_bad_request_violation("peer_id", "52 characters");
        let error = Error::from(Status::with_error_details(Code::InvalidArgument, "peer_id: bad", details));
        assert_eq!(error.kind(), ErrorKind::InvalidField);
        assert_eq!(error.fields().iter().map(|each| each.field.as_str()).collect::<Vec<_>>(), ["peer_id"]);
    }

    #[test]
    fn a_reason_of_another_domain_is_not_the_sidecars() {
        let mut details = ErrorDetails::new();
        details.set_error_info("PEER_UNKNOWN", "elsewhere", HashMap::<String, String>::new());
        let error = Error::from(Status::with_error_details(Code::NotFound, "?", details));
        assert_eq!(error.kind(), ErrorKind::SidecarError);
        assert_eq!(error.reason(), "");
    }

    #[test]
    fn an_unknown_reason_keeps_its_name() {
        let error = Error::of_reason("SOMETHING_NEW", "words");
        assert_eq!((error.kind(), error.reason()), (ErrorKind::SidecarError, "SOMETHING_NEW"));
    }

    #[test]
    fn statuses_without_a_reason_go_by_their_code() {
        for (code, kind) in [
            (Code::Unavailable, ErrorKind::SidecarUnavailable),
            (Code::DeadlineExceeded, ErrorKind::DeadlinePassed),
            (Code::Unauthenticated, ErrorKind::TokenInvalid),
            (Code::Unimplemented, ErrorKind::SidecarError),
        ] {
            let error = Error::from(Status::new(code, "words"));
            assert_eq!((error.kind(), error.code(), error.reason()), (kind, code, ""));
        }
    }

    #[test]
    fn a_connection_that_was_lost_is_unavailability() {
        let lost = std::io::Error::new(std::io::ErrorKind::BrokenPipe, "broken pipe");
        let error = Error::from(Status::from_error(Box::new(lost)));
        assert_eq!((error.kind(), error.code()), (ErrorKind::SidecarUnavailable, Code::Unavailable));
    }
}
