"""TLS of a listener, from PEM in memory."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from sidecar.api.front.base import ServerTls


def server_context(tls: ServerTls) -> ssl.SSLContext:
    """TLS 1.2 or later, HTTP/2 by ALPN (RFC 9113 section 3.2), and client certificates where a CA for them is given.

    OSError (ssl.SSLError) when OpenSSL does not take the chain or the key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # RFC 9113 section 9.2: what it forbids for TLS 1.2.
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["h2"])
    with on_path(tls.certificate_chain + b"\n" + tls.private_key) as path:
        context.load_cert_chain(path)
    if tls.client_ca is not None:
        context.load_verify_locations(cadata=tls.client_ca.decode())
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def on_path(content: bytes) -> Iterator[str]:
    """A path that holds this for as long as it takes OpenSSL to read it, which takes keys from nowhere else: memory of
    this process where there is such, so that no disk need be writable or sees the key."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        import tempfile  # loaded where there is no memfd, not by every sidecar

        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.name
