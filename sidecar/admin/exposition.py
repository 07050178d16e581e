"""Prints the counters for Prometheus, every name with the prefix `sidecar_`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from sidecar import __version__
from sidecar.metrics import Counters, Gauges, Histogram

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry


class Exposition:
    """The metrics page of one sidecar. `gauges` is asked at each scrape."""

    def __init__(self, counters: Counters, gauges: Callable[[], Gauges], *, engine: str, front: str) -> None:
        self.counters = counters
        self._gauges = gauges
        python = sys.version.partition(" ")[0]
        self._build = {"version": __version__, "engine": engine, "front": front, "python": python}
        self._registry: CollectorRegistry | None = None

    def page(self, accept: str) -> tuple[bytes, str]:
        """The page and its content type, in the format of Prometheus or OpenMetrics that `accept` asks for."""
        # Here and not above: a sidecar that nobody scrapes does without the library.
        from prometheus_client import CollectorRegistry, ProcessCollector
        from prometheus_client.exposition import choose_encoder

        if self._registry is None:
            self._registry = CollectorRegistry(auto_describe=False)
            self._registry.register(self)
            ProcessCollector(registry=self._registry)
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client asks of a collector."""
        from prometheus_client.core import GaugeMetricFamily

        counters, gauges = self.counters, self._gauges()
        yield _gauge("build_info", "1; the labels tell what runs.", list(self._build), [(self._build.values(), 1)])
        yield _gauge("ready", "Whether a rung of the health ladder holds.", ["component"], _single(gauges.ready))
        yield _gauge("peers", "Peers by how they stand to this sidecar.", ["state"], _single(gauges.peers))
        yield _gauge("connections", "Open QUIC connections.", ["direction"], _single(gauges.connections))
        yield _counter(
            "connection_attempts",
            "Dials and arrivals by how they ended.",
            ["direction", "result"],
            counters.connection_attempts.items(),
        )
        yield _counter(
            "connections_closed", "Connections that ended, by cause.", ["reason"], _single(counters.connections_closed)
        )
        yield _histogram("handshake_duration_seconds", "From the first packet to admission.", counters.handshake)
        yield _histogram("rtt_seconds", "Smoothed round trips, each time one is measured.", counters.rtt)
        yield _counter("bytes", "UDP payload.", ["direction"], _single(counters.bytes))
        yield _counter(
            "packets_lost",
            "Packets the engine declared lost.",
            [],
            [((), counters.packets_lost + gauges.packets_lost)],
        )
        yield _counter(
            "udp_receive_drops", "Datagrams dropped by the kernel unread.", [], [((), gauges.udp_receive_drops)]
        )
        yield _gauge(
            "udp_buffer_bytes", "The UDP socket's, from the kernel.", ["direction"], _single(gauges.udp_buffers)
        )
        yield _counter("messages", "Messages by outcome.", ["op", "result"], counters.messages.items())
        yield _histogram("message_size_bytes", "Messages sent; a batch counts with its mean.", counters.message_size)
        yield _histograms(
            "delivery_duration_seconds", "From acceptance to the level that is awaited.", "level", counters.delivery
        )
        yield _gauge("queue_messages", "Messages waiting.", ["queue"], _single(gauges.queue_messages))
        yield _gauge("queue_bytes", "Bytes of messages waiting.", ["queue"], _single(gauges.queue_bytes))
        yield _counter(
            "messages_dropped",
            "Messages that were accepted and did not make it.",
            ["reason"],
            (((reason.value,), count) for reason, count in counters.messages_dropped.items()),
        )
        yield _counter("auth_failures", "Wrong tokens, proofs and certificates.", [], [((), counters.auth_failures)])
        yield _counter(
            "trust_reloads", "Files of trust that changed, by outcome.", ["result"], _single(counters.trust_reloads)
        )
        if gauges.certificate_ends is not None:
            yield GaugeMetricFamily(
                "sidecar_cert_expiry_timestamp_seconds",
                "When the first certificate of this sidecar's path to its CA ends.",
                value=gauges.certificate_ends,
            )
        if gauges.revocations_due is not None:
            yield GaugeMetricFamily(
                "sidecar_crl_next_update_timestamp_seconds",
                "When the first revocation list is due to be replaced.",
                value=gauges.revocations_due,
            )
        yield _counter("requests", "Requests, at each end.", ["step"], _single(counters.requests))
        yield _counter("datagrams", "Unreliable messages.", ["step"], _single(counters.datagrams))
        yield _histogram("request_duration_seconds", "From a request to its reply or error.", counters.request)
        yield _counter(
            "datagrams_dropped", "Unreliable messages that were.", ["reason"], _single(counters.datagrams_dropped)
        )
        yield _counter("flow_steps", "Requests and byte streams.", ["kind", "step"], counters.flow_steps.items())
        yield _counter("flow_ends", "How they ended.", ["kind", "end"], counters.flow_ends.items())
        yield _gauge("flows", "Requests and byte streams that are open.", ["state"], _single(gauges.flows))
        yield _gauge("flow_bytes", "Bytes of theirs that are not acknowledged.", [], [((), gauges.flow_bytes)])
        yield _counter("kept_messages", "What became of messages that came.", ["event"], _single(gauges.kept))
        yield _gauge("inflight_unacked", "Handed to apps, not acknowledged.", [], [((), gauges.inflight_unacked)])
        yield _gauge("journal_bytes", "Messages on disk, dead letters included.", [], [((), gauges.journal_bytes)])
        yield _gauge("journal_writable", "Whether the last write went well.", [], [((), gauges.journal_writable)])
        yield _histogram(
            "journal_commit_seconds", "The journal's transactions, fsync included.", counters.journal_commit
        )
        yield _histogram("journal_commit_works", "What was done in each.", counters.journal_group)
        yield _counter(
            "calls_refused",
            "API calls that ended with an error.",
            ["reason"],
            (((reason.value,), count) for reason, count in counters.calls_refused.items()),
        )
        yield _counter("rate_limited", "Connections and calls over a limit.", [], [((), counters.rate_limited)])
        yield _counter("retries", "Strangers asked to prove their address.", [], [((), gauges.retries)])
        yield _gauge("retrying", "Whether all strangers are asked at this moment.", [], [((), gauges.retrying)])
        yield _gauge("bootstrap_cache_nodes", "Nodes remembered as ways in.", [], [((), gauges.cached_nodes)])
        yield _counter(
            "bootstrap_cache_faults", "Times the cache on disk was damaged or not written.", [],
            [((), gauges.cache_faults)],
        )  # fmt: skip
        if counters.bootstrap_last_success is not None:
            yield GaugeMetricFamily(
                "sidecar_bootstrap_last_success_timestamp_seconds",
                "When a bootstrap last linked a peer.",
                value=counters.bootstrap_last_success,
            )
        yield _histogram("event_loop_lag_seconds", "How late the event loop was for a timer.", counters.loop_lag)


Samples = Iterable[tuple[Iterable[str], float]]
Label = TypeVar("Label", bound=str)


def _single(values: Mapping[Label, float]) -> Samples:
    """Samples with one label."""
    return (((label,), value) for label, value in values.items())


def _gauge(name: str, words: str, labels: list[str], samples: Samples) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(f"sidecar_{name}", words, labels=labels)
    for values, sample in samples:
        family.add_metric(list(values), sample)
    return family


def _counter(name: str, words: str, labels: list[str], samples: Samples) -> Metric:
    """A counter; the library adds `_total` to its name."""
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(f"sidecar_{name}", words, labels=labels)
    for values, sample in samples:
        family.add_metric(list(values), sample)
    return family


def _histogram(name: str, words: str, histogram: Histogram) -> Metric:
    return _histograms(name, words, None, {"": histogram})


def _histograms(name: str, words: str, label: str | None, histograms: Mapping[Label, Histogram]) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(f"sidecar_{name}", words, labels=[label] if label is not None else [])
    for value, histogram in histograms.items():
        bounds = [*map(str, histogram.bounds), "+Inf"]
        buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
        family.add_metric([value] if label is not None else [], buckets, histogram.total)
    return family
