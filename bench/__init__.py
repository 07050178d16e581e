"""How fast: apps that talk through two sidecars, beside the same work by gRPC-go with mTLS and by go-libp2p-daemon.

`python -m bench` (or `make bench`) measures, prints tables and writes JSON under bench/out/.
"""
