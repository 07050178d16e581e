#include "sidecar/stubs.h"

namespace sidecar {

Stubs::Stubs(const std::shared_ptr<grpc::ChannelInterface>& channel)
    : messages(overlay::v1::MessageService::NewStub(channel)),
      peers(overlay::v1::PeerService::NewStub(channel)),
      streams(overlay::v1::StreamService::NewStub(channel)),
      bootstrap(overlay::v1::BootstrapService::NewStub(channel)),
      node(overlay::v1::NodeService::NewStub(channel)),
      queues(overlay::v1::QueueService::NewStub(channel)) {}

}  // namespace sidecar
