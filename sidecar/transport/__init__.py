"""The only asyncio sockets of the overlay: one UDP socket, the connections on it, and what drives them.

udp.py        the socket: segmentation offload, path MTU, errors that cost one datagram
endpoint.py   the connection-id table, dialling, accepting, budgets and turns
pump.py       one connection: an engine's below, a `StreamProtocol` above
engine/       the QUIC implementations, behind `engine.base`
"""
