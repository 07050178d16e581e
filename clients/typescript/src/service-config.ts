/**
 * The one retry layer: what gRPC itself repeats, and how. It is `service_config.json` letter by letter, which a test
 * compares; as a string it needs no file at run time, in a bundle neither.
 */
export const SERVICE_CONFIG = `{
  "methodConfig": [
    {
      "name": [
        {"service": "overlay.v1.PeerService", "method": "ListPeers"},
        {"service": "overlay.v1.PeerService", "method": "GetPeer"},
        {"service": "overlay.v1.PeerService", "method": "Connect"},
        {"service": "overlay.v1.PeerService", "method": "Disconnect"},
        {"service": "overlay.v1.PeerService", "method": "Ping"},
        {"service": "overlay.v1.BootstrapService"},
        {"service": "overlay.v1.NodeService", "method": "GetNode"},
        {"service": "grpc.health.v1.Health", "method": "Check"}
      ],
      "retryPolicy": {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"]
      }
    }
  ]
}
`;
