"""The engine `aioquic`: pure Python, always installed, the reference.

Private parts of aioquic used here, and why:

    QuicConnection._write_connection_limits, _write_stream_limits
                              replaced: they double the windows whenever half is received, read or not
    QuicConnection._handle_crypto_frame
                              bounded: it buffers half a megabyte for one packet of a stranger
    QuicConnection._update_traffic_key
                              tells when the acceptor's 1-RTT keys are there (0.5-RTT)
    QuicConnection._streams, _get_or_create_stream_for_send, _local_max_data
                              what is unacknowledged and delivered, and a stream reserved before it is written
    QuicConnection._close_event, _state
                              the end, known at once and not after the draining period
    QuicConnection._host_cids, _replenish_connection_ids, _peer_cid
                              the tokens of stateless resets, ours and the peer's
    QuicConnection._remote_max_streams_bidi, _local_next_stream_id_bidi
                              how many more streams the peer allows
    QuicConnection._handshake_complete, _handshake_confirmed, _confirm_handshake
                              a dialler's close that has to leave after the end of its handshake
    QuicConnection._loss      the round trip, probes and bytes in flight; its pacer is another where none is wanted
    tls.Context.peer_certificate...  by way of QuicConnection.tls: the chain the acceptor showed
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from aioquic import tls
from aioquic.quic import events as quic_events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.congestion.base import QuicCongestionControl, register_congestion_control
from aioquic.quic.congestion.cubic import CubicCongestionControl
from aioquic.quic.congestion.reno import RenoCongestionControl
from aioquic.quic.connection import (
    MAX_STREAM_DATA_FRAME_CAPACITY,
    QuicConnection,
    QuicConnectionError,
    QuicConnectionState,
    QuicReceiveContext,
)
from aioquic.quic.packet import QuicErrorCode, QuicFrameType, QuicProtocolVersion
from aioquic.quic.packet_builder import QuicPacketBuilder, QuicSentPacket
from aioquic.quic.recovery import QuicPacketPacer, QuicPacketSpace
from aioquic.quic.stream import QuicStream
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

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
    EngineConnection,
    PathFigures,
)
from sidecar.transport.engine.reset import reset_token
from sidecar.transport.engine.train import couple

logging.getLogger("quic").setLevel(logging.ERROR)
"""Its WARNING for each peer that breaks a rule would let strangers fill the log; `Closed` says as much, once."""

MOST_DATAGRAM_FRAME = 65535
MOST_DATAGRAM = 16383
"""The library writes packet and frame lengths as two-byte varints, which end there."""


class _Counting(QuicCongestionControl):
    """Remembers how many packets it was told are lost."""

    packets_lost = 0

    def on_packets_lost(self, *, now: float, packets: Iterable[QuicSentPacket]) -> None:
        """Counts, then reduces the window."""
        lost = list(packets)
        self.packets_lost += len(lost)
        super().on_packets_lost(now=now, packets=lost)  # type: ignore[safe-super]  # one of those below has it


class CountedReno(_Counting, RenoCongestionControl):
    """NewReno that counts."""


class CountedCubic(_Counting, CubicCongestionControl):
    """CUBIC that counts."""


CONGESTION_CONTROL = {"reno": "reno-counted", "cubic": "cubic-counted"}
register_congestion_control(CONGESTION_CONTROL["reno"], CountedReno)
register_congestion_control(CONGESTION_CONTROL["cubic"], CountedCubic)


class Unpaced(QuicPacketPacer):
    """Lets every packet leave at once."""

    def update_rate(self, congestion_window: int, smoothed_rtt: float) -> None:
        """No rate, so no waiting."""


@lru_cache(maxsize=8)
def _configuration(settings: EngineSettings, dials: bool, server_name: str | None) -> QuicConfiguration:
    configuration = QuicConfiguration(
        is_client=dials,
        alpn_protocols=[settings.alpn],
        congestion_control_algorithm=CONGESTION_CONTROL[settings.congestion_control],
        connection_id_length=CONNECTION_ID_BYTES,
        idle_timeout=settings.idle_timeout,
        max_data=settings.connection_window,
        max_stream_data=settings.stream_window,
        max_datagram_size=min(settings.max_datagram, MOST_DATAGRAM),
        max_datagram_frame_size=MOST_DATAGRAM_FRAME,
        supported_versions=[QuicProtocolVersion.VERSION_1],
    )
    if dials:
        configuration.verify_mode = ssl.CERT_NONE
        configuration.server_name = server_name
    else:
        chain = [x509.load_der_x509_certificate(certificate) for certificate in settings.certificate_chain]
        configuration.certificate, configuration.certificate_chain = chain[0], chain[1:]
        configuration.private_key = load_pem_private_key(settings.private_key_pem, password=None)
    return configuration


class _Quic(QuicConnection):
    """aioquic's connection with windows that slide and never grow."""

    def __init__(self, settings: EngineSettings, reset_key: bytes, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._reset_key = reset_key
        self._make_reset_tokens()
        if not settings.pacing:
            self._loss._pacer = Unpaced(max_datagram_size=self._max_datagram_size)
        self._window = settings.connection_window
        self._stream_window = settings.stream_window
        self.delivered = 0
        self.keys_ready = False

    def _make_reset_tokens(self) -> None:
        if self._reset_key:
            for own in self._host_cids:
                own.stateless_reset_token = reset_token(self._reset_key, own.cid)

    def _replenish_connection_ids(self) -> None:
        super()._replenish_connection_ids()
        self._make_reset_tokens()

    def _write_connection_limits(self, builder: QuicPacketBuilder, space: QuicPacketSpace) -> None:
        limit = self._local_max_data
        if self.delivered + self._window - limit.value >= self._window // 4:
            limit.value = self.delivered + self._window
        # What the library does next is to double the limit once half of it is used; `used` is its count of what
        # was received, and counts on after.
        used, limit.used = limit.used, 0
        try:
            super()._write_connection_limits(builder, space)
        finally:
            limit.used = used

    def _write_stream_limits(self, builder: QuicPacketBuilder, space: QuicPacketSpace, stream: QuicStream) -> None:
        receiver = stream.receiver
        if not stream.max_stream_data_local or receiver.is_finished:
            return
        slid = receiver.starting_offset() + self._stream_window
        if slid - stream.max_stream_data_local >= self._stream_window // 4:
            stream.max_stream_data_local = slid
        if stream.max_stream_data_local_sent != stream.max_stream_data_local:
            buffer = builder.start_frame(
                QuicFrameType.MAX_STREAM_DATA,
                capacity=MAX_STREAM_DATA_FRAME_CAPACITY,
                handler=self._on_max_stream_data_delivery,
                handler_args=(stream,),
            )
            buffer.push_uint_var(stream.stream_id)  # type: ignore[arg-type]  # None for CRYPTO only
            buffer.push_uint_var(stream.max_stream_data_local)
            stream.max_stream_data_local_sent = stream.max_stream_data_local

    def _handle_crypto_frame(self, context: QuicReceiveContext, frame_type: int, buf: Any) -> None:
        start = buf.tell()
        end = buf.pull_uint_var() + buf.pull_uint_var()
        if end > MOST_CRYPTO_BYTES:
            raise QuicConnectionError(
                QuicErrorCode.CRYPTO_BUFFER_EXCEEDED, frame_type, f"more than {MOST_CRYPTO_BYTES} bytes of TLS"
            )
        buf.seek(start)
        super()._handle_crypto_frame(context, frame_type, buf)

    def _update_traffic_key(
        self, direction: tls.Direction, epoch: tls.Epoch, cipher_suite: tls.CipherSuite, secret: bytes
    ) -> None:
        super()._update_traffic_key(direction, epoch, cipher_suite, secret)
        if direction is tls.Direction.ENCRYPT and epoch is tls.Epoch.ONE_RTT:
            self.keys_ready = True


class AioquicConnection(EngineConnection):
    """One connection of aioquic."""

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
        self.max_datagram = min(settings.max_datagram, MOST_DATAGRAM)
        self._quic = _Quic(
            settings,
            reset_key,
            configuration=_configuration(settings, self.dials, server_name),
            original_destination_connection_id=original_connection_id,
            retry_source_connection_id=retry_connection_id,
        )
        self._keys_told = False
        self._unacknowledged: int | None = None
        self._owns(self._quic.host_cid)
        if original_connection_id is not None:
            self._owns(retry_connection_id or original_connection_id)

    def connect(self, address: Address, now: float) -> None:
        """Starts the handshake."""
        self._quic.connect(address, now)

    # -- in

    def _take(self, data: bytes, segment: int, address: Address, now: float) -> None:
        for start in range(0, len(data), segment):
            self._quic.receive_datagram(data[start : start + segment], address, now)
            self._drain()
            if self.ended is not None:
                return
        self._unacknowledged = None

    def _drain(self) -> None:
        quic = self._quic
        if not self.dials and not self._keys_told and quic.keys_ready:
            self._keys_told = True
            self._happened(KeysReady())
        while (event := quic.next_event()) is not None:
            if isinstance(event, quic_events.StreamDataReceived):
                quic.delivered += len(event.data)
                self._arrived(event.stream_id, event.data, event.end_stream)
            elif not isinstance(event, quic_events.ConnectionTerminated):
                self._file(event)
        closed = quic._close_event
        if closed is None or self.ended is not None:
            return
        code, reason = int(closed.error_code), closed.reason_phrase
        if quic._state is QuicConnectionState.DRAINING:
            self._over(Closed(code, reason, application=closed.frame_type is None, remote=True))
        elif quic._state is not QuicConnectionState.TERMINATED:
            self._broke(code, reason)
        elif reason == "Idle timeout":
            self._over(IDLE)
        else:  # no version in common, or no path left
            self._over(Closed(code, reason, application=False, remote=False))

    def _file(self, event: quic_events.QuicEvent) -> None:
        match event:
            case quic_events.StreamReset():
                stream = self._quic._streams.get(event.stream_id)
                if stream is not None:  # the bytes between what was delivered and the final size never come
                    self._quic.delivered += stream.receiver.highest_offset - stream.receiver.starting_offset()
                self._happened(StreamReset(event.stream_id, event.error_code))
            case quic_events.StopSendingReceived():
                self._happened(StopSending(event.stream_id, event.error_code))
            case quic_events.DatagramFrameReceived():
                self._happened(DatagramFrame(event.data))
            case quic_events.ConnectionIdIssued():
                self._happened(ConnectionIdAdded(event.connection_id))
            case quic_events.ConnectionIdRetired():
                self._happened(ConnectionIdRetired(event.connection_id))
            case quic_events.HandshakeCompleted():
                self._complete(event.alpn_protocol)

    def _complete(self, alpn: str | None) -> None:
        if alpn != self.settings.alpn:
            self._refuse(
                NO_APPLICATION_PROTOCOL,
                int(QuicFrameType.CRYPTO),
                f"the acceptor chose no protocol, not {self.settings.alpn}",
            )
            return
        self._proven()
        chain: tuple[bytes, ...] = ()
        if self.dials:
            context: Any = self._quic.tls
            shown = (context._peer_certificate, *context._peer_certificate_chain)
            chain = tuple(certificate.public_bytes(Encoding.DER) for certificate in shown)
            self.peer_reset_token = self._quic._peer_cid.stateless_reset_token or None
        self._happened(PeerShown(chain))

    # -- out

    def _poll(self, now: float, max_bytes: int) -> list[Train]:
        if not self._quic._network_paths:
            return []
        datagrams = self._quic.datagrams_to_send(now)
        if self.ended is None:
            self._drain()
        return couple(datagrams)

    def _open(self, bidirectional: bool) -> int:
        stream_id = self._quic.get_next_available_stream_id(is_unidirectional=not bidirectional)
        self._quic._get_or_create_stream_for_send(stream_id)
        return stream_id

    def _send_datagram(self, data: bytes) -> None:
        self._quic.send_datagram_frame(data)

    def _stream_room(self) -> int:
        return self._quic._remote_max_streams_bidi - self._quic._local_next_stream_id_bidi // 4

    def _send(self, stream_id: int, data: bytes | memoryview, fin: bool) -> None:
        if self._sendable(stream_id):
            self._quic.send_stream_data(stream_id, data, fin)  # type: ignore[arg-type]  # copied into a bytearray
            if self._unacknowledged is not None:
                self._unacknowledged += len(data)

    def _sendable(self, stream_id: int) -> bool:
        stream = self._quic._streams.get(stream_id)
        return stream is not None and not stream.sender.is_finished and stream.sender._reset_error_code is None

    def _reset(self, stream_id: int, code: int) -> None:
        if self._sendable(stream_id):
            self._quic.reset_stream(stream_id, code)
            self._unacknowledged = None

    def _stop(self, stream_id: int, code: int) -> None:
        stream = self._quic._streams.get(stream_id)
        if stream is not None and not stream.receiver.is_finished:
            self._quic.stop_stream(stream_id, code)

    def _ping(self) -> None:
        self._quic.send_ping(0)

    # -- time and figures

    def _deadline(self) -> float | None:
        return self._quic.get_timer() if self._quic._close_at is not None else None

    def _fire(self, now: float) -> None:
        self._quic.handle_timer(now)
        self._drain()

    def _path(self) -> PathFigures | None:
        loss = self._quic._loss
        if not loss._rtt_initialized:
            return None
        return PathFigures(loss._rtt_latest, loss._rtt_smoothed, loss._cc.packets_lost)  # type: ignore[attr-defined]

    def _outstanding(self) -> int:
        if self._unacknowledged is None:
            self._unacknowledged = sum(
                len(stream.sender._buffer)
                for stream in self._quic._streams.values()
                if stream.sender._reset_error_code is None
            )
        return self._unacknowledged

    def _unsent(self) -> int:
        return self._outstanding()  # its senders do not say how much of their buffers is in flight

    def _measure(self) -> Statistics:
        loss = self._quic._loss
        return Statistics(
            loss._rtt_smoothed if loss._rtt_initialized else None,
            loss._cc.packets_lost,  # type: ignore[attr-defined]
            loss.congestion_window,
            loss.bytes_in_flight,
        )

    # -- the end

    def _begin_close(self, code: int, frame_type: int | None, reason: str) -> None:
        self._quic.close(error_code=code, frame_type=frame_type, reason_phrase=reason)

    def _handshake_open(self) -> bool:
        return self._quic._handshake_complete and not self._quic._handshake_confirmed

    def _confirm(self) -> None:
        self._quic._confirm_handshake()

    def _linger(self) -> float:
        return 3 * self._quic._loss.get_probe_timeout()

    def _drop(self) -> None:
        del self._quic


class AioquicEngine:
    """Makes connections of aioquic."""

    name = "aioquic"

    def dial(self, settings: EngineSettings, server_name: str | None) -> AioquicConnection:
        """A connection that will dial."""
        return AioquicConnection(settings, server_name=server_name)

    def accept(
        self,
        settings: EngineSettings,
        *,
        original_connection_id: bytes,
        retry_connection_id: bytes | None,
        reset_key: bytes = b"",
        peer_has_id: bool = True,
    ) -> AioquicConnection:
        """A connection for a client's first Initial."""
        return AioquicConnection(
            settings,
            original_connection_id=original_connection_id,
            retry_connection_id=retry_connection_id,
            reset_key=reset_key,
        )
