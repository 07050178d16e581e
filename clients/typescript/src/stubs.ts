import type { Connection } from "./connection.js";
import { HealthClient } from "./gen/grpc/health/v1/health.js";
import { BootstrapServiceClient } from "./gen/overlay/v1/bootstrap.js";
import { MessageServiceClient } from "./gen/overlay/v1/message.js";
import { NodeServiceClient } from "./gen/overlay/v1/node.js";
import { PeerServiceClient } from "./gen/overlay/v1/peer.js";
import { QueueServiceClient } from "./gen/overlay/v1/queue.js";
import { StreamServiceClient } from "./gen/overlay/v1/stream.js";

/**
 * The generated grpc-js clients over one channel, for whatever the wrapper does not say. They are the plain ones, but
 * for the token on every call; what they fail with `errorFromStatus` translates.
 */
export class Stubs {
  readonly messages: MessageServiceClient;
  readonly peers: PeerServiceClient;
  readonly streams: StreamServiceClient;
  readonly bootstrap: BootstrapServiceClient;
  readonly node: NodeServiceClient;
  readonly queues: QueueServiceClient;
  readonly health: HealthClient;

  constructor(connection: Connection) {
    this.messages = connection.clientOf(MessageServiceClient);
    this.peers = connection.clientOf(PeerServiceClient);
    this.streams = connection.clientOf(StreamServiceClient);
    this.bootstrap = connection.clientOf(BootstrapServiceClient);
    this.node = connection.clientOf(NodeServiceClient);
    this.queues = connection.clientOf(QueueServiceClient);
    this.health = connection.clientOf(HealthClient);
  }
}
