"""Tests of the peer-to-peer protocol, without sockets and under virtual time."""
