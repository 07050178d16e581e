#include "sidecar/messages.h"

#include "convert.h"

namespace sidecar::detail {

namespace pb = overlay::v1;

google::protobuf::Duration to_proto(Duration duration) {
  constexpr auto kSecond = Duration(std::chrono::seconds(1)).count();
  google::protobuf::Duration proto;
  proto.set_seconds(duration.count() / kSecond);
  proto.set_nanos(static_cast<std::int32_t>(duration.count() % kSecond));
  return proto;
}

Duration from_proto(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) + Duration(duration.nanos());
}

Time from_proto(const google::protobuf::Timestamp& time) {
  return Time(
      std::chrono::duration_cast<Time::duration>(std::chrono::seconds(time.seconds()) + Duration(time.nanos())));
}

pb::DeliveryLevel to_proto(Level level) {
  switch (level) {
    case Level::sent:
      return pb::DELIVERY_LEVEL_SENT;
    case Level::delivered:
      return pb::DELIVERY_LEVEL_DELIVERED;
    case Level::processed:
      return pb::DELIVERY_LEVEL_PROCESSED;
  }
  return pb::DELIVERY_LEVEL_UNSPECIFIED;
}

Level from_proto(pb::DeliveryLevel level) {
  switch (level) {
    case pb::DELIVERY_LEVEL_SENT:
      return Level::sent;
    case pb::DELIVERY_LEVEL_PROCESSED:
      return Level::processed;
    default:
      return Level::delivered;
  }
}

pb::Priority to_proto(Priority priority) {
  switch (priority) {
    case Priority::high:
      return pb::PRIORITY_HIGH;
    case Priority::normal:
      return pb::PRIORITY_NORMAL;
    case Priority::low:
      return pb::PRIORITY_LOW;
  }
  return pb::PRIORITY_UNSPECIFIED;
}

Priority from_proto(pb::Priority priority) {
  switch (priority) {
    case pb::PRIORITY_HIGH:
      return Priority::high;
    case pb::PRIORITY_LOW:
      return Priority::low;
    default:
      return Priority::normal;
  }
}

pb::Queue to_proto(Queue queue) {
  switch (queue) {
    case Queue::outgoing:
      return pb::QUEUE_OUTGOING;
    case Queue::incoming:
      return pb::QUEUE_INCOMING;
    case Queue::dead_incoming:
      return pb::QUEUE_DEAD_INCOMING;
    case Queue::dead_outgoing:
      return pb::QUEUE_DEAD_OUTGOING;
  }
  return pb::QUEUE_UNSPECIFIED;
}

const char* name_of(Readiness level) {
  switch (level) {
    case Readiness::live:
      return "live";
    case Readiness::api:
      return "api";
    case Readiness::overlay:
      return "overlay";
  }
  return "";
}

std::string bare_name(pb::ErrorReason reason) {
  constexpr std::string_view kPrefix = "ERROR_REASON_";
  std::string name = pb::ErrorReason_Name(reason);
  // A reason that is newer than this client has no name: its number says more than nothing.
  return name.empty() ? std::to_string(static_cast<int>(reason)) : name.substr(kPrefix.size());
}

Headers from_proto(const HeaderMap& headers) { return {headers.begin(), headers.end()}; }

void put(const Headers& headers, HeaderMap* into) {
  for (const auto& [name, value] : headers) (*into)[name] = value;
}

}  // namespace sidecar::detail
