#include "health.h"

#include <grpcpp/generic/generic_stub.h>

#include "sidecar_client_foreign.pb.h"

namespace sidecar::detail {

namespace foreign = sidecar_client::foreign;

Health check_health(const Core& core, const std::string& level, Duration limit) {
  constexpr int kServing = 1;
  foreign::HealthCheckRequest request;
  request.set_service(level);
  foreign::HealthCheckResponse response;
  Health health;
  Call call(core, limit);
  call.context()->set_wait_for_ready(true);
  // No generated stub: the descriptors of grpc.health.v1 may be another library's in this process.
  grpc::TemplatedGenericStub<foreign::HealthCheckRequest, foreign::HealthCheckResponse> stub(core.channel);
  grpc::CompletionQueue queue;
  const auto reader = stub.PrepareUnaryCall(call.context(), "/grpc.health.v1.Health/Check", request, &queue);
  reader->StartCall();
  reader->Finish(&response, &health.status, &health);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  health.serving = health.status.ok() && response.status() == kServing;
  return health;
}

}  // namespace sidecar::detail
