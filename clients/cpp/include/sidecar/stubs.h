// The generated stubs over the client's channel, for whatever the wrapper does not say.
//
// Give each call a context that `Sidecar::prepare` has seen: it carries the token. `Error::of_status` says what a
// status means.
#pragma once

#include <memory>

#include "overlay/v1/bootstrap.grpc.pb.h"
#include "overlay/v1/message.grpc.pb.h"
#include "overlay/v1/node.grpc.pb.h"
#include "overlay/v1/peer.grpc.pb.h"
#include "overlay/v1/queue.grpc.pb.h"
#include "overlay/v1/stream.grpc.pb.h"

namespace sidecar {

struct Stubs {
  explicit Stubs(const std::shared_ptr<grpc::ChannelInterface>& channel);

  std::unique_ptr<overlay::v1::MessageService::Stub> messages;
  std::unique_ptr<overlay::v1::PeerService::Stub> peers;
  std::unique_ptr<overlay::v1::StreamService::Stub> streams;
  std::unique_ptr<overlay::v1::BootstrapService::Stub> bootstrap;
  std::unique_ptr<overlay::v1::NodeService::Stub> node;
  std::unique_ptr<overlay::v1::QueueService::Stub> queues;
};

}  // namespace sidecar
