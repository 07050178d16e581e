"""Listener addresses: what they may look like, and whether they are free.

gRPC libraries say little when they cannot listen and, on a Unix socket, take the path away from whoever holds it. So it
is tried here first, with a plain socket, and what is wrong is said with the address.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

UNIX = "unix:"
SOCKET_MODE = 0o660
SOCKET_PATH_BYTES = 107
"""The longest path of a Unix socket on Linux (unix(7)); 103 elsewhere, where the kernel says so itself."""


def unix_path(address: str) -> Path | None:
    """The absolute path of a `unix:` address; None for another kind."""
    if not address.startswith(UNIX):
        return None
    return Path(address.removeprefix(UNIX).removeprefix("//")).absolute()


def host_and_port(address: str) -> tuple[str, int]:
    """The halves of `host:port` or `[v6]:port`. OSError when it is not that."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) >= 1 << 16:
        raise OSError(errno.EINVAL, "write host:port, [v6]:port or unix:/path", address)
    return host.removeprefix("[").removesuffix("]"), int(port)


def check_free(address: str) -> None:
    """OSError, naming the address, unless a server may listen there. A Unix socket that nobody listens on any more is
    removed."""
    path = unix_path(address)
    if path is not None:
        check_path_free(path, address)
        return
    host, port = host_and_port(address)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(errno.EADDRNOTAVAIL, f"no such host: {error.strerror}", address) from error
    for family, kind, protocol, _, where in found:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                probe.bind(where)
                # Two sockets with SO_REUSEADDR may be bound to one port until one of them listens.
                probe.listen(1)
            except OSError as error:
                raise OSError(error.errno, os.strerror(error.errno or 0), address) from error


def check_path_free(path: Path, address: str) -> None:
    """The same for a Unix socket's path."""
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise OSError(errno.ENAMETOOLONG, f"a socket's path has at most {SOCKET_PATH_BYTES} bytes", address)
    if not path.parent.is_dir():
        raise OSError(errno.ENOENT, "its folder does not exist", address)
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), address) from error
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "something that is no socket is there", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # A listener that is too busy to take one more blocks the probe rather than refusing it.
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass
        except OSError as error:
            raise OSError(error.errno, os.strerror(error.errno or 0), address) from error
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), address)
