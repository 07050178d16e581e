// What an app answers, as the sidecar takes it: one that it refused would end the call, and all other answers.
#pragma once

#include <cstdint>

#include "overlay/v1/request.pb.h"
#include "sidecar/messages.h"

namespace sidecar::detail {

// The app's word where the sidecar takes it, else the code `internal`.
overlay::v1::Answer told(std::uint64_t number, Answer answer);

}  // namespace sidecar::detail
