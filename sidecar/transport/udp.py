"""One UDP socket: v4 and v6, whole trains of datagrams per call where the kernel can, and errors that cost one
datagram.

Linux lets one call carry many datagrams: UDP_SEGMENT cuts what is sent, UDP_GRO joins what has arrived. Whether they
are there is found out by trying; without them each datagram is a call of its own.
"""

from __future__ import annotations

import errno
import logging
import socket
import struct
import sys
from dataclasses import dataclass

from sidecar.transport.engine.base import Address, Train

_log = logging.getLogger(__name__)

SOCKET_BUFFER_BYTES = 4 << 20
READ_BYTES = 65535
"""More than any datagram, and what UDP_GRO joins at most."""

# Not in Python's socket module: linux/udp.h, linux/in.h, linux/in6.h, asm-generic/socket.h.
_SOL_UDP = 17
_UDP_SEGMENT = 103
_UDP_GRO = 104
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _PMTUDISC_DO = 10, 23, 2
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE, _SO_RXQ_OVFL = 32, 33, 40
_LINUX = sys.platform == "linux"

_SEGMENT = struct.Struct("=H")
_JOINED = struct.Struct("@i")
_ANCILLARY_BYTES = 2 * socket.CMSG_SPACE(4)

_OFFLOAD_REFUSED = frozenset({errno.EIO, errno.EINVAL})
"""What the kernel says when it would have to cut a train on a device that cannot."""
_FULL = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS})


@dataclass(slots=True)
class Traffic:
    """What has passed through the socket."""

    datagrams_in: int = 0
    bytes_in: int = 0
    datagrams_out: int = 0
    bytes_out: int = 0
    dropped: int = 0
    """Datagrams the kernel dropped because they were not read in time."""
    unsendable: int = 0
    """Datagrams the kernel refused to send: too large for the path, no route, refused."""


class UdpSocket:
    """One bound, non-blocking UDP socket."""

    def __init__(self, bound: socket.socket, *, offload: bool) -> None:
        self._socket = bound
        self.dual = bound.family == socket.AF_INET6
        self.traffic = Traffic()
        self.send_offload = offload and _takes(bound, _UDP_SEGMENT, 0)
        self.receive_offload = offload and _takes(bound, _UDP_GRO, 1)
        self.receive_buffer = _grow(bound, socket.SO_RCVBUF, _SO_RCVBUFFORCE)
        self.send_buffer = _grow(bound, socket.SO_SNDBUF, _SO_SNDBUFFORCE)
        self._drops_seen = 0
        self._said: set[int] = set()

    @classmethod
    def open(cls, bind: tuple[str, int], *, offload: bool = True) -> UdpSocket:
        """Binds: an IPv4 host gives an IPv4 socket, `::` one for both families where the machine has IPv6.

        `bind` is numeric; an empty host is any address. Raises OSError with the address in it.
        """
        host, port = bind
        try:
            if ":" in host or not host:
                try:
                    return cls(_bound(socket.AF_INET6, host or "::", port), offload=offload)
                except OSError as error:
                    if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) or host not in ("", "::"):
                        raise
                    host = "0.0.0.0"
            return cls(_bound(socket.AF_INET, host, port), offload=offload)
        except OSError as error:
            raise OSError(
                error.errno, f"UDP address {host or '::'} port {port} cannot be bound: {error.strerror}"
            ) from error

    def fileno(self) -> int:
        """The descriptor, for the event loop."""
        return self._socket.fileno()

    def close(self) -> None:
        """Closes it."""
        self._socket.close()

    @property
    def address(self) -> tuple[str, int]:
        """The bound host and port."""
        name = self._socket.getsockname()
        return shown((name[0], name[1]))

    def resolve(self, address: tuple[str, int]) -> Address:
        """The numeric host and port as this socket's calls give and take them. Raises ValueError for one it cannot
        reach."""
        host, port = address
        if not 0 < port < 65536:
            raise ValueError(f"port {port} is none: give one of 1 to 65535")
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=flags)[0]
        except (socket.gaierror, UnicodeError) as error:
            raise ValueError(f"{host!r} is no numeric IP address") from error
        if found[0] == socket.AF_INET6:
            if not self.dual:
                raise ValueError(f"{host} is an IPv6 address, and the socket is bound to IPv4 only")
            flow, scope = int(found[4][2]), int(found[4][3])  # type: ignore[misc]
            return (str(found[4][0]).partition("%")[0], port, flow, scope)
        numeric = str(found[4][0])
        return (f"::ffff:{numeric}", port, 0, 0) if self.dual else (numeric, port)

    # -- in

    def receive(self) -> tuple[bytes, int, Address] | None:
        """What one call gives: bytes, the size of the datagrams in them, of which the last may be shorter, and their
        sender; None when nothing is waiting."""
        while True:
            try:
                data, ancillary, _, address = self._socket.recvmsg(READ_BYTES, _ANCILLARY_BYTES)
            except (BlockingIOError, InterruptedError):
                return None
            except OSError as error:  # an ICMP error of an earlier datagram, reported here
                self._say(error, "receiving")
                continue
            size = len(data)
            segment = size
            for level, kind, value in ancillary:
                if level == _SOL_UDP and kind == _UDP_GRO:
                    segment = _JOINED.unpack_from(value)[0] or size
                elif kind == _SO_RXQ_OVFL:
                    total = int.from_bytes(value[:4], sys.byteorder)
                    self.traffic.dropped += (total - self._drops_seen) & 0xFFFFFFFF
                    self._drops_seen = total
            traffic = self.traffic
            traffic.bytes_in += size
            traffic.datagrams_in += 1 if segment == size else -(-size // segment)
            if self.dual and address[3]:
                address = (address[0].partition("%")[0], *address[1:])
            return data, segment or 1, address

    # -- out

    def send(self, train: Train, start: int = 0) -> int:
        """Sends the train's datagrams from `start` on. Returns how many are done with, sent or given up; fewer than
        there are means that the socket is full: wait until it is writable and go on there."""
        datagrams = train.datagrams
        done = start
        if self.send_offload and len(datagrams) - start > 1:
            try:
                cars = datagrams if start == 0 else datagrams[start:]
                sent = self._socket.sendmsg(
                    cars, ((_SOL_UDP, _UDP_SEGMENT, _SEGMENT.pack(train.size)),), 0, train.address
                )
            except OSError as error:
                if error.errno in _FULL:
                    return start
                return self._send_single(train, start, error)
            self.traffic.bytes_out += sent
            self.traffic.datagrams_out += len(cars)
            return len(datagrams)
        for data in datagrams[start:] if start else datagrams:
            try:
                self._socket.sendto(data, train.address)
            except OSError as error:
                if error.errno in _FULL:
                    return done
                self._unsent(error)
            else:
                self.traffic.bytes_out += len(data)
                self.traffic.datagrams_out += 1
            done += 1
        return done

    def _send_single(self, train: Train, start: int, refused: OSError) -> int:
        """Sends one by one what was refused as a train, and finds out which of the two was at fault."""
        self.send_offload = False
        before = self.traffic.unsendable
        done = self.send(train, start)
        whole = self.traffic.unsendable == before and done > start
        if refused.errno in _OFFLOAD_REFUSED and whole:
            _log.warning(
                "the kernel refuses UDP_SEGMENT (%s): datagrams are sent one by one from now on", refused.strerror
            )
        else:
            self.send_offload = True
        return done

    def _unsent(self, error: OSError) -> None:
        self.traffic.unsendable += 1
        self._say(error, "sending")

    def _say(self, error: OSError, doing: str) -> None:
        number = error.errno or 0
        if number not in self._said:
            self._said.add(number)
            _log.info("%s a datagram failed: %s; further such errors are counted only", doing, error.strerror)


def shown(address: Address) -> tuple[str, int]:
    """An address as people write it: host and port, an IPv4 peer of a dual socket as plain IPv4."""
    host = address[0]
    if host.startswith("::ffff:") and "." in host:
        host = host[7:]
    elif len(address) == 4 and address[3] and "%" not in host:
        host = f"{host}%{address[3]}"
    return host, address[1]


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if _LINUX:  # never fragment: QUIC packets are sized to the path (RFC 9000 section 14)
            made.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DO)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_DO)
            made.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        info = socket.getaddrinfo(
            host, port, family, socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE
        )
        made.bind(info[0][4])
    except socket.gaierror as error:
        made.close()
        raise OSError(errno.EINVAL, f"{host!r} is no numeric IP address") from error
    except OSError:
        made.close()
        raise
    return made


def _takes(bound: socket.socket, option: int, value: int) -> bool:
    if not _LINUX:
        return False
    try:
        bound.setsockopt(_SOL_UDP, option, value)
    except OSError:
        return False
    return True


def _grow(bound: socket.socket, option: int, force: int) -> int:
    """Asks for a buffer of SOCKET_BUFFER_BYTES, past the system's limit where that is allowed; the size there is
    then."""
    if _LINUX:
        try:
            bound.setsockopt(socket.SOL_SOCKET, force, SOCKET_BUFFER_BYTES)
        except PermissionError:
            bound.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
    else:
        bound.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
    return bound.getsockopt(socket.SOL_SOCKET, option)
