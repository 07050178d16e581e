#include "sidecar/error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "sidecar_client_foreign.pb.h"

namespace sidecar {
namespace {

namespace foreign = sidecar_client::foreign;
using grpc::StatusCode;

struct KindRow {
  ErrorKind kind;
  ErrorKind parent;
  std::string_view name;
  // Empty for kinds that only group others, and for what is not the sidecar's word.
  std::string_view reason;
  // The status that goes with the reason where it came in another way than as a status.
  StatusCode code;
};

constexpr std::array kKinds = {
    KindRow{ErrorKind::SidecarError, ErrorKind::SidecarError, "SidecarError", "", StatusCode::UNKNOWN},
    KindRow{ErrorKind::RequestError, ErrorKind::SidecarError, "RequestError", "", StatusCode::UNKNOWN},
    KindRow{ErrorKind::InvalidField, ErrorKind::RequestError, "InvalidField", "INVALID_FIELD",
            StatusCode::INVALID_ARGUMENT},
    KindRow{ErrorKind::MessageTooLarge, ErrorKind::RequestError, "MessageTooLarge", "MESSAGE_TOO_LARGE",
            StatusCode::INVALID_ARGUMENT},
    KindRow{ErrorKind::PeerIsSelf, ErrorKind::RequestError, "PeerIsSelf", "PEER_IS_SELF", StatusCode::INVALID_ARGUMENT},
    KindRow{ErrorKind::FrameUnexpected, ErrorKind::RequestError, "FrameUnexpected", "FRAME_UNEXPECTED",
            StatusCode::INVALID_ARGUMENT},
    KindRow{ErrorKind::TokenInvalid, ErrorKind::RequestError, "TokenInvalid", "TOKEN_INVALID",
            StatusCode::UNAUTHENTICATED},
    KindRow{ErrorKind::ScopeDenied, ErrorKind::RequestError, "ScopeDenied", "SCOPE_DENIED",
            StatusCode::PERMISSION_DENIED},
    KindRow{ErrorKind::PeerNotAllowed, ErrorKind::RequestError, "PeerNotAllowed", "PEER_NOT_ALLOWED",
            StatusCode::PERMISSION_DENIED},
    KindRow{ErrorKind::CursorExpired, ErrorKind::RequestError, "CursorExpired", "CURSOR_EXPIRED",
            StatusCode::OUT_OF_RANGE},
    KindRow{ErrorKind::NotFound, ErrorKind::SidecarError, "NotFound", "", StatusCode::NOT_FOUND},
    KindRow{ErrorKind::PeerUnknown, ErrorKind::NotFound, "PeerUnknown", "PEER_UNKNOWN", StatusCode::NOT_FOUND},
    KindRow{ErrorKind::ContactUnknown, ErrorKind::NotFound, "ContactUnknown", "CONTACT_UNKNOWN", StatusCode::NOT_FOUND},
    KindRow{ErrorKind::LetterUnknown, ErrorKind::NotFound, "LetterUnknown", "LETTER_UNKNOWN", StatusCode::NOT_FOUND},
    KindRow{ErrorKind::PeerError, ErrorKind::SidecarError, "PeerError", "", StatusCode::UNKNOWN},
    KindRow{ErrorKind::PeerUnreachable, ErrorKind::PeerError, "PeerUnreachable", "PEER_UNREACHABLE",
            StatusCode::UNAVAILABLE},
    KindRow{ErrorKind::PeerNotDialable, ErrorKind::PeerError, "PeerNotDialable", "PEER_NOT_DIALABLE",
            StatusCode::UNAVAILABLE},
    KindRow{ErrorKind::PeerRefused, ErrorKind::PeerError, "PeerRefused", "PEER_REFUSED",
            StatusCode::FAILED_PRECONDITION},
    KindRow{ErrorKind::IdentityMismatch, ErrorKind::PeerError, "IdentityMismatch", "IDENTITY_MISMATCH",
            StatusCode::FAILED_PRECONDITION},
    KindRow{ErrorKind::PeerUntrusted, ErrorKind::PeerError, "PeerUntrusted", "PEER_UNTRUSTED",
            StatusCode::PERMISSION_DENIED},
    KindRow{ErrorKind::LinkClosed, ErrorKind::PeerError, "LinkClosed", "LINK_CLOSED", StatusCode::UNAVAILABLE},
    KindRow{ErrorKind::BootstrapFailed, ErrorKind::PeerError, "BootstrapFailed", "BOOTSTRAP_FAILED",
            StatusCode::UNAVAILABLE},
    KindRow{ErrorKind::OutcomeUnknown, ErrorKind::PeerError, "OutcomeUnknown", "OUTCOME_UNKNOWN", StatusCode::UNKNOWN},
    KindRow{ErrorKind::UnsupportedByPeer, ErrorKind::PeerError, "UnsupportedByPeer", "UNSUPPORTED_BY_PEER",
            StatusCode::FAILED_PRECONDITION},
    KindRow{ErrorKind::DeadLettered, ErrorKind::PeerError, "DeadLettered", "DEAD_LETTERED",
            StatusCode::FAILED_PRECONDITION},
    KindRow{ErrorKind::Expired, ErrorKind::PeerError, "Expired", "EXPIRED", StatusCode::DEADLINE_EXCEEDED},
    KindRow{ErrorKind::Purged, ErrorKind::PeerError, "Purged", "PURGED", StatusCode::CANCELLED},
    KindRow{ErrorKind::Busy, ErrorKind::SidecarError, "Busy", "", StatusCode::RESOURCE_EXHAUSTED},
    KindRow{ErrorKind::QueueFull, ErrorKind::Busy, "QueueFull", "QUEUE_FULL", StatusCode::RESOURCE_EXHAUSTED},
    KindRow{ErrorKind::LimitReached, ErrorKind::Busy, "LimitReached", "LIMIT_REACHED", StatusCode::RESOURCE_EXHAUSTED},
    KindRow{ErrorKind::JournalFull, ErrorKind::Busy, "JournalFull", "JOURNAL_FULL", StatusCode::RESOURCE_EXHAUSTED},
    KindRow{ErrorKind::NoSubscriber, ErrorKind::Busy, "NoSubscriber", "NO_SUBSCRIBER", StatusCode::RESOURCE_EXHAUSTED},
    KindRow{ErrorKind::RequestFailed, ErrorKind::SidecarError, "RequestFailed", "REQUEST_FAILED", StatusCode::ABORTED},
    KindRow{ErrorKind::StreamReset, ErrorKind::SidecarError, "StreamReset", "STREAM_RESET", StatusCode::ABORTED},
    KindRow{ErrorKind::StreamLost, ErrorKind::SidecarError, "StreamLost", "STREAM_LOST", StatusCode::UNAVAILABLE},
    KindRow{ErrorKind::DeadlinePassed, ErrorKind::SidecarError, "DeadlinePassed", "DEADLINE",
            StatusCode::DEADLINE_EXCEEDED},
    KindRow{ErrorKind::Pending, ErrorKind::DeadlinePassed, "Pending", "PENDING", StatusCode::DEADLINE_EXCEEDED},
    KindRow{ErrorKind::Cancelled, ErrorKind::SidecarError, "Cancelled", "CANCELLED", StatusCode::CANCELLED},
    KindRow{ErrorKind::SidecarUnavailable, ErrorKind::SidecarError, "SidecarUnavailable", "", StatusCode::UNAVAILABLE},
    KindRow{ErrorKind::Draining, ErrorKind::SidecarUnavailable, "Draining", "DRAINING", StatusCode::UNAVAILABLE},
    KindRow{ErrorKind::JournalFailed, ErrorKind::SidecarUnavailable, "JournalFailed", "JOURNAL_FAILED",
            StatusCode::UNAVAILABLE},
    KindRow{ErrorKind::InternalError, ErrorKind::SidecarError, "InternalError", "INTERNAL", StatusCode::INTERNAL},
    KindRow{ErrorKind::SendFailed, ErrorKind::SidecarError, "SendFailed", "", StatusCode::UNKNOWN},
};

constexpr bool in_order() {
  for (std::size_t index = 0; index < kKinds.size(); ++index) {
    if (static_cast<std::size_t>(kKinds[index].kind) != index) return false;
  }
  return true;
}
static_assert(in_order(), "kKinds is indexed by ErrorKind");

const KindRow& row_of(ErrorKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

// The kind of a status that came without the sidecar's own word: from gRPC itself, here or there.
ErrorKind kind_of(StatusCode code) {
  switch (code) {
    case StatusCode::UNAVAILABLE:
      return ErrorKind::SidecarUnavailable;
    case StatusCode::DEADLINE_EXCEEDED:
      return ErrorKind::DeadlinePassed;
    case StatusCode::CANCELLED:
      return ErrorKind::Cancelled;
    case StatusCode::UNAUTHENTICATED:
      return ErrorKind::TokenInvalid;
    case StatusCode::INTERNAL:
      return ErrorKind::InternalError;
    default:
      return ErrorKind::SidecarError;
  }
}

constexpr std::array<std::string_view, 17> kCodes = {
    "ok",        "cancelled",      "unknown",           "invalid argument",   "deadline exceeded",
    "not found", "already exists", "permission denied", "resource exhausted", "failed precondition",
    "aborted",   "out of range",   "unimplemented",     "internal",           "unavailable",
    "data loss", "unauthenticated"};

std::string_view words_of(StatusCode code) {
  const auto index = static_cast<std::size_t>(code);
  return index < kCodes.size() ? kCodes[index] : "unknown";
}

std::string_view bare_type(std::string_view url) { return url.substr(url.rfind('/') + 1); }

}  // namespace

std::string_view name_of(ErrorKind kind) { return row_of(kind).name; }

ErrorKind parent_of(ErrorKind kind) { return row_of(kind).parent; }

Error Error::of(ErrorKind kind, std::string detail) {
  Error error;
  error.kind = kind;
  error.reason = row_of(kind).reason;
  error.code = row_of(kind).code;
  error.detail = std::move(detail);
  return error;
}

Error Error::of_reason(std::string reason, std::string detail) {
  const auto* const row = std::find_if(kKinds.begin(), kKinds.end(),
                                       [&](const KindRow& each) { return !reason.empty() && each.reason == reason; });
  Error error = of(row == kKinds.end() ? ErrorKind::SidecarError : row->kind, std::move(detail));
  error.reason = std::move(reason);
  return error;
}

Error Error::of_status(const grpc::Status& status) {
  std::string reason;
  std::map<std::string, std::string> metadata;
  std::vector<FieldViolation> fields;
  std::optional<Duration> retry_after;
  foreign::Status packed;
  if (packed.ParseFromString(status.error_details())) {
    for (const auto& item : packed.details()) {
      const std::string_view type = bare_type(item.type_url());
      foreign::ErrorInfo info;
      foreign::BadRequest bad;
      foreign::RetryInfo retry;
      if (type == "google.rpc.ErrorInfo" && info.ParseFromString(item.value()) && info.domain() == "overlay.v1") {
        reason = info.reason();
        metadata.insert(info.metadata().begin(), info.metadata().end());
      } else if (type == "google.rpc.BadRequest" && bad.ParseFromString(item.value())) {
        for (const auto& violation : bad.field_violations()) {
          fields.push_back({violation.field(), violation.description()});
        }
      } else if (type == "google.rpc.RetryInfo" && retry.ParseFromString(item.value())) {
        retry_after =
            std::chrono::seconds(retry.retry_delay().seconds()) + std::chrono::nanoseconds(retry.retry_delay().nanos());
      }
    }
  }
  std::string detail = status.error_message();
  if (detail.empty()) detail = words_of(status.error_code());
  if (reason.empty()) {
    Error error = of(kind_of(status.error_code()), std::move(detail));
    error.reason.clear();
    error.code = status.error_code();
    return error;
  }
  Error error = of_reason(std::move(reason), std::move(detail));
  error.code = status.error_code();
  error.metadata = std::move(metadata);
  error.fields = std::move(fields);
  error.retry_after = retry_after;
  return error;
}

bool Error::is(ErrorKind which) const {
  for (ErrorKind each = kind;; each = parent_of(each)) {
    if (each == which) return true;
    if (each == ErrorKind::SidecarError) return false;
  }
}

std::string Error::message() const {
  std::string name = reason;
  if (name.empty()) {
    name = words_of(code);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return c == ' ' ? '_' : static_cast<char>(std::toupper(c)); });
  }
  return name + ": " + detail;
}

std::ostream& operator<<(std::ostream& out, const Error& error) { return out << error.message(); }

}  // namespace sidecar
