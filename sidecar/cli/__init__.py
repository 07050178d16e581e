"""The command line: `run`, `id` and `config` work here, everything else through the public gRPC API."""
