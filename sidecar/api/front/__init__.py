"""The gRPC server under the servicers, behind one small Protocol."""
