// The client's words in protobuf's, and back.
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/map.h>
#include <google/protobuf/timestamp.pb.h>

#include "overlay/v1/message.pb.h"
#include "overlay/v1/queue.pb.h"
#include "sidecar/messages.h"

namespace sidecar::detail {

google::protobuf::Duration to_proto(Duration duration);
Duration from_proto(const google::protobuf::Duration& duration);
Time from_proto(const google::protobuf::Timestamp& time);
overlay::v1::DeliveryLevel to_proto(Level level);
Level from_proto(overlay::v1::DeliveryLevel level);
overlay::v1::Priority to_proto(Priority priority);
Priority from_proto(overlay::v1::Priority priority);
overlay::v1::Queue to_proto(Queue queue);
const char* name_of(Readiness level);
// `PEER_UNKNOWN`.
std::string bare_name(overlay::v1::ErrorReason reason);

using HeaderMap = google::protobuf::Map<std::string, std::string>;
Headers from_proto(const HeaderMap& headers);
void put(const Headers& headers, HeaderMap* into);

}  // namespace sidecar::detail
