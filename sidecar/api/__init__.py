"""The gRPC API: one thin servicer per service, interceptors and the status table, over a front."""
