"""The engine `qh3`: its native packet core, driven directly.

Private parts of qh3 used here, and why:

    QuicConnection._core            the native core. The public send and receive paths build event objects and walk each
    datagram
                                    for a logger that is not there, which costs more than the core's own work
                                    (nor its `_drain_core`, which also logs a WARNING at each normal close)
    QuicConnection._create_core, _create_tls, _receive_retry, _receive_version_negotiation, _learn_remote_source_cid,
    _remote_addr, _version          what `receive_datagram` does during the handshake, see `_take_handshake`
    QuicConnection._tls, _drain_tls TLS's input and output, called where `_drain_core` called them
    QuicConnection._transport_parameters_applied, _handshake_confirmed
                                    the handshake's state, which no public property shows
    _hazmat.pull_quic_header        where one coalesced packet ends
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from qh3 import tls
from qh3._hazmat import pull_quic_header
from qh3.quic import events as quic_events
from qh3.quic.configuration import QuicConfiguration
from qh3.quic.connection import QuicConnection
from qh3.quic.tls_bridge import QuicTlsBridgeError

from sidecar.transport.engine.base import (
    CONNECTION_ID_BYTES,
    Address,
    Closed,
    ConnectionIdAdded,
    ConnectionIdRetired,
    DatagramFrame,
    EngineSettings,
    KeysReady,
    PeerShown,
    Statistics,
    StopSending,
    StreamReset,
    Train,
)
from sidecar.transport.engine.connection import (
    IDLE,
    MOST_CRYPTO_BYTES,
    NO_APPLICATION_PROTOCOL,
    NO_STATISTICS,
    EngineConnection,
    PathFigures,
)
from sidecar.transport.engine.pacer import Pacer
from sidecar.transport.engine.packet import LEAST_INITIAL_BYTES, read_long_untrusted
from sidecar.transport.engine.reset import reset_token
from sidecar.transport.engine.train import MOST_BYTES, MOST_DATAGRAMS

if TYPE_CHECKING:
    from sidecar.transport.engine.aioquic import AioquicConnection

SIGNATURE_ALGORITHMS = [
    int(algorithm)
    for algorithm in (
        tls.SignatureAlgorithm.ED25519,
        tls.SignatureAlgorithm.ECDSA_SECP256R1_SHA256,
        tls.SignatureAlgorithm.ECDSA_SECP384R1_SHA384,
        tls.SignatureAlgorithm.RSA_PSS_RSAE_SHA256,
        tls.SignatureAlgorithm.RSA_PSS_RSAE_SHA384,
        tls.SignatureAlgorithm.RSA_PSS_RSAE_SHA512,
    )
]
"""What a dialler accepts in CertificateVerify."""
MOST_DATAGRAM_FRAME = 65535
MOST_HANDSHAKE_BYTES = 256 << 10
"""What may come before the handshake is done: the core keeps half a megabyte of TLS that is not its turn yet."""
ACK_PATIENCE = 0.004
"""Seconds that an acknowledgement alone waits for something that it can go with, beyond the core's millisecond: in that
the core adds it to no other packet, so that every question and every answer cost one of their own. Well below the
`max_ack_delay` of 25 ms that the other side reckons with (RFC 9000 section 13.2.1)."""
INITIAL_RTT = 0.1
"""Seconds before the first measurement, as aioquic's: a lost first packet is sent again after twice that."""
_NO_COMMON_ALPN = "No common ALPN protocols"
"""The library says handshake_failure where RFC 7301 section 3.2 has an alert of its own."""
_CRYPTO_BUFFER_EXCEEDED = 0xD
_CRYPTO_FRAME = 0x6
_FIXED_BIT = 0x40
_FORM_AND_TYPE, _LONG_INITIAL = 0xB0, 0x80
_ACCEPTED = 2
"""The place, in what the core's `receive_datagram` returns, of the number of packets it accepted."""


@lru_cache(maxsize=16)
def _configuration(settings: EngineSettings, dials: bool, server_name: str | None) -> QuicConfiguration:
    configuration = QuicConfiguration(
        is_client=dials,
        alpn_protocols=[settings.alpn],
        connection_id_length=CONNECTION_ID_BYTES,
        idle_timeout=settings.idle_timeout,
        max_data=settings.connection_window,
        max_stream_data=settings.stream_window,
        max_datagram_size=settings.max_datagram,
        probe_datagram_size=False,
        max_datagram_frame_size=MOST_DATAGRAM_FRAME,
        initial_rtt=INITIAL_RTT,
    )
    if dials:
        configuration.verify_mode = ssl.CERT_NONE
        configuration.server_name = server_name
        configuration.signature_algorithms = SIGNATURE_ALGORITHMS
    else:
        chain = "".join(ssl.DER_cert_to_PEM_cert(certificate) for certificate in settings.certificate_chain)
        configuration.load_cert_chain(chain.encode(), settings.private_key_pem)
    return configuration


def _packet_end(data: bytes, start: int) -> int:
    """Where the packet that begins at `start` ends: before the next coalesced one, else with the datagram."""
    try:
        end = pull_quic_header(data, start, CONNECTION_ID_BYTES)[9]
    except ValueError:
        return len(data)
    return end if start < end < len(data) and data[end] & _FIXED_BIT else len(data)


class Qh3Connection(EngineConnection):
    """One connection of qh3."""

    def __init__(
        self,
        settings: EngineSettings,
        *,
        server_name: str | None = None,
        original_connection_id: bytes | None = None,
        retry_connection_id: bytes | None = None,
        reset_key: bytes = b"",
    ) -> None:
        dials = original_connection_id is None
        super().__init__(settings, dials=dials, proven=dials or retry_connection_id is not None)
        self._quic: Any = QuicConnection(
            configuration=_configuration(settings, self.dials, server_name),
            original_destination_connection_id=original_connection_id,
            retry_source_connection_id=retry_connection_id,
        )
        """None once the handshake is done: TLS, its keys and certificates took a fifth of an idle link's memory."""
        self._reset_key = reset_key
        self._core: Any = None
        self._confirmed = False
        self._keys_told = False
        self._shown = False
        self._handshake_bytes = 0
        self._pads = self.dials
        """Whether first packets are filled up to `max_datagram`, as aioquic's are, so that they prove the path carries
        it; the core fills to 1280. What follows the last packet of a datagram is ignored (RFC 9000 section 12.2)."""
        self._pacer = Pacer(settings.max_datagram)
        self._owns(self._quic.host_cid)
        if original_connection_id is not None:
            self._owns(retry_connection_id or original_connection_id)

    def connect(self, address: Address, now: float) -> None:
        """Starts the handshake."""
        self._quic.connect(address, now)
        self._core = self._quic._core

    # -- in

    def _take(self, data: bytes, segment: int, address: Address, now: float) -> None:
        if self._shown:
            self._core.receive_gro_buffer(data, segment, address, now)
            self.drain()
            return
        self._handshake_bytes += len(data)
        if self._handshake_bytes > MOST_HANDSHAKE_BYTES:
            self._refuse(_CRYPTO_BUFFER_EXCEEDED, 0, f"no handshake in {MOST_HANDSHAKE_BYTES} bytes")
            return
        for start in range(0, len(data), segment):
            self._take_handshake(data[start : start + segment], address, now)
            if self.ended is not None:
                return

    def _take_handshake(self, data: bytes, address: Address, now: float) -> None:
        """One datagram before the handshake is done: packet by packet, as TLS makes the keys of the next.

        This is `QuicConnection.receive_datagram`, but that padding behind the last packet goes with it: alone it is not
        counted, and three times what was counted is all that may be answered (RFC 9000 section 8.1). aioquic's clients
        pad so.
        """
        quic: Any = self._quic
        if quic._core is None:
            header = None if self.dials else read_long_untrusted(data)
            if header is None or not header.initial or len(data) < LEAST_INITIAL_BYTES:
                return
            quic._remote_addr = address
            quic._version = header.version
            quic._create_core(address, header.destination_id, now)
            self._tell_reset_token(quic._create_tls(remote_source_cid=None))
        elif quic._receive_version_negotiation(data, address, now) or quic._receive_retry(data, address, now):
            self._core = quic._core
            while isinstance(event := quic.next_event(), quic_events.ConnectionTerminated):  # no version in common
                self._over(Closed(event.error_code, event.reason_phrase, application=False, remote=True))
            return
        start = 0
        while start < len(data) and self.ended is None:
            end = _packet_end(data, start)
            packet = data[start:end]
            if quic._core.receive_datagram(packet, address, now, len(data))[_ACCEPTED]:
                quic._learn_remote_source_cid(packet)
            self.drain()
            start = end

    def _tell_reset_token(self, bridge: Any) -> None:
        """The core makes a token of its own; what is told instead is one that a restarted sidecar can make again."""
        if self._reset_key:
            made, told = bridge.stateless_reset_token, reset_token(self._reset_key, self._quic.host_cid)
            bridge.stateless_reset_token = told
            # In its place among the parameters, and these not written anew: that clears a megabyte of buffers.
            bridge.tls.handshake_extensions = [
                (kind, data.replace(made, told, 1)) for kind, data in bridge.tls.handshake_extensions
            ]

    @property
    def _native(self) -> Any:
        """The core as soon as there is one."""
        return self._core if self._core is not None or self._quic is None else self._quic._core

    def drain(self) -> None:
        """Files the core's events."""
        core = self._core
        if core is None:
            core = self._native
        core = core if self.ended is None else None
        if core is None:
            return
        next_event = core.next_event
        while (native := next_event()) is not None:
            if native[0] == "stream_data":
                self._arrived(native[1], native[2], native[3])
            else:
                self._file(native)
                if self.ended is not None:
                    return

    def _file(self, native: tuple[Any, ...]) -> None:
        match native[0]:
            case "crypto_data":
                self._handshake(native[1], native[3], native[2])
            case "stream_reset":
                self._happened(StreamReset(native[1], native[2]))
            case "stop_sending":
                self._happened(StopSending(native[1], native[2]))
            case "datagram":
                self._happened(DatagramFrame(native[1]))
            case "handshake_done":
                self._confirm()
            case "connection_id_issued":
                self._happened(ConnectionIdAdded(native[1]))
            case "connection_id_retired":
                self._happened(ConnectionIdRetired(native[1]))
            case "peer_closed":
                self._over(Closed(native[2], native[4].decode(errors="replace"), application=native[1], remote=True))
            case "protocol_error":
                self._broke(native[1], native[3])
            case "connection_terminated":
                reason = native[3].decode(errors="replace")
                self._over(
                    IDLE if reason == "Idle timeout" else Closed(native[1], reason, application=False, remote=False)
                )

    def _handshake(self, epoch: int, data: bytes, offset: int) -> None:
        quic: Any = self._quic
        if quic is None or (bridge := quic._tls) is None:
            return  # what TLS says later is about tickets, of which none is used
        if offset + len(data) > MOST_CRYPTO_BYTES:
            self._refuse(_CRYPTO_BUFFER_EXCEEDED, _CRYPTO_FRAME, f"more than {MOST_CRYPTO_BYTES} bytes of TLS")
            return
        try:
            bridge.receive_crypto(tls.Epoch(epoch), data, offset, version=quic._core.version)
            quic._drain_tls()
        except QuicTlsBridgeError as error:
            code = NO_APPLICATION_PROTOCOL if error.reason_phrase == _NO_COMMON_ALPN else error.error_code
            self._refuse(code, int(error.frame_type), error.reason_phrase)
            return
        if not self.dials and not self._keys_told and quic._transport_parameters_applied:
            self._core = quic._core
            self._keys_told = True
            self._happened(KeysReady())
        while (event := quic.next_event()) is not None:
            if isinstance(event, quic_events.HandshakeCompleted):
                self._complete(event.alpn_protocol)
        if self._shown and self.ended is None:
            self._confirmed = quic._handshake_confirmed
            self._quic = None

    def _complete(self, alpn: str | None) -> None:
        if alpn != self.settings.alpn:
            self._refuse(
                NO_APPLICATION_PROTOCOL, _CRYPTO_FRAME, f"the acceptor chose no protocol, not {self.settings.alpn}"
            )
            return
        self._core = self._quic._core
        self._proven()
        chain: tuple[bytes, ...] = ()
        if self.dials:
            leaf = self._quic.get_peercert()
            if leaf is None:
                raise ValueError("the handshake completed without a certificate")
            chain = tuple(one.public_bytes() for one in (leaf, *self._quic.get_issuercerts()))
            parameters: Any = self._quic._applied_transport_parameters
            self.peer_reset_token = parameters.stateless_reset_token
        self._shown = True
        self._pads = False
        self._happened(PeerShown(chain))

    # -- out

    def _poll(self, now: float, max_bytes: int) -> list[Train]:
        core = self._core
        if core is None:
            return []
        rate = self._limit.rate
        if rate and self.ended is None:
            max_bytes = min(max_bytes, self._pacer.room(now, rate))
        # This loop runs for every packet sent: `couple` in one pass with the core's calls.
        poll = core.poll_transmit
        trains: list[Train] = []
        cars: list[bytes] = []
        where: Address | None = None
        size = room = 0
        try:
            while max_bytes > 0 and (built := poll(now)) is not None:
                data = built[0]
                if self._pads and data[0] & _FORM_AND_TYPE == _LONG_INITIAL:
                    data += bytes(self.settings.max_datagram - len(data))
                length = len(data)
                max_bytes -= length
                if room < length or length > size or built[1] != where:
                    cars, where, size = [], built[1], length
                    room = min(MOST_BYTES, MOST_DATAGRAMS * size)
                    trains.append(Train(where, size, cars))
                cars.append(data)
                room = room - length if length == size else 0
        except RuntimeError:
            # So the core says that the amplification limit leaves less than a packet (RFC 9000 section 8.1): it goes on
            # when the client has sent more.
            if self.dials or self._shown:
                raise
        if rate:
            self._pacer.left(sum(train.size * len(train.datagrams) for train in trains), rate)
        return trains

    def _open(self, bidirectional: bool) -> int:
        stream_id: int = self._core.open_stream(not bidirectional)
        return stream_id

    def _send_datagram(self, data: bytes) -> None:
        self._core.send_datagram(data)

    def _stream_room(self) -> int:
        allowed, _, opened, _ = self._core.stream_limits
        return int(allowed - opened)

    def _send(self, stream_id: int, data: bytes | memoryview, fin: bool) -> None:
        if self._core.can_send_stream(stream_id):
            self._core.send_stream(stream_id, data, fin)

    def _reset(self, stream_id: int, code: int) -> None:
        if self._core.can_send_stream(stream_id):
            self._core.reset_stream(stream_id, code)

    def _stop(self, stream_id: int, code: int) -> None:
        try:
            self._core.stop_sending(stream_id, code)
        except ValueError:
            return  # over already, of which its fin or reset tells

    def _ping(self) -> None:
        self._core.send_ping(0)

    # -- time and figures

    def _deadline(self) -> float | None:
        if self._pacer.due is not None:
            return self._pacer.due  # the core's own timers lead to packets, which have to wait for it as well
        timer = None if self._core is None else self._core.get_timer()
        if timer is None:
            return None
        kind, due = timer
        return float(due + ACK_PATIENCE if kind == "ack_application" else due)

    def _fire(self, now: float) -> None:
        self._pacer.due = None
        self._core.handle_timer(now)
        self.drain()

    def _path(self) -> PathFigures | None:
        core = self._core
        if core is None or (latest := core.latest_rtt) is None:
            return None
        return PathFigures(latest, core.smoothed_rtt, core.loss_total)

    def _outstanding(self) -> int:
        core = self._core
        return 0 if core is None else core.get_send_buffer_size() + core.bytes_in_flight

    def _unsent(self) -> int:
        core = self._core
        return 0 if core is None else core.get_send_buffer_size()

    def _measure(self) -> Statistics:
        core = self._core
        if core is None:
            return NO_STATISTICS
        return Statistics(core.smoothed_rtt, core.loss_total, core.congestion_window, core.bytes_in_flight)

    # -- the end

    def _begin_close(self, code: int, frame_type: int | None, reason: str) -> None:
        if (core := self._native) is not None:
            self._core = core
            core.close(code, frame_type, reason.encode())

    def _handshake_open(self) -> bool:
        return self._shown and not self._confirmed

    def _confirm(self) -> None:
        self._confirmed = True
        self._core.handshake_confirmed()

    def _linger(self) -> float:
        smoothed = self._core.smoothed_rtt if self._core is not None else None
        return 3 * (2 * smoothed + 0.025 if smoothed is not None else 2 * INITIAL_RTT)

    def _drop(self) -> None:
        self._core = self._quic = None


class Qh3Engine:
    """Makes connections of qh3."""

    name = "qh3"

    def dial(self, settings: EngineSettings, server_name: str | None) -> Qh3Connection:
        """A connection that will dial."""
        return Qh3Connection(settings, server_name=server_name)

    def accept(
        self,
        settings: EngineSettings,
        *,
        original_connection_id: bytes,
        retry_connection_id: bytes | None,
        reset_key: bytes = b"",
        peer_has_id: bool = True,
    ) -> Qh3Connection | AioquicConnection:
        """A connection for a client's first Initial. The core sends packets for a client without a connection id, such
        as quic-go's, to the id the client had chosen for the server: such a client is the other engine's."""
        kind: type[Qh3Connection | AioquicConnection] = Qh3Connection
        if not peer_has_id:
            from sidecar.transport.engine.aioquic import AioquicConnection  # it costs time and memory at start

            kind = AioquicConnection
        return kind(
            settings,
            original_connection_id=original_connection_id,
            retry_connection_id=retry_connection_id,
            reset_key=reset_key,
        )
