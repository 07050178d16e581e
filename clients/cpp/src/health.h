// grpc.health.v1 as far as `wait_ready` needs it.
#pragma once

#include <string>

#include "core.h"

namespace sidecar::detail {

// What one Check says.
struct Health {
  grpc::Status status;
  bool serving = false;
};

// Asks for a level, waiting for the channel to connect, for `limit` at most.
Health check_health(const Core& core, const std::string& level, Duration limit);

}  // namespace sidecar::detail
