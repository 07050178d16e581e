"""The metrics page holds what was counted, under the names and labels that are promised."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sidecar import __version__
from sidecar.admin import Exposition
from sidecar.errors import Reason
from sidecar.metrics import Counters, Gauges, Histogram

GAUGES = Gauges(
    ready={"live": True, "api": True, "overlay": False},
    peers={"known": 4, "connecting": 1, "linked": 2, "resuming": 0},
    connections={"in": 1, "out": 2},
    queue_messages={"outbox": 5, "inbox": 6},
    queue_bytes={"outbox": 500, "inbox": 600, "journal": 700},
    kept={"redelivered": 1, "dead": 2, "expired": 3, "repeated": 4},
    flows={"open": 2, "waiting": 1},
    packets_lost=3,
    udp_receive_drops=9,
    udp_buffers={"in": 8 << 20, "out": 4 << 20},
)


def samples(exposition: Exposition) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample of our own by name and label values."""
    page, content_type = exposition.page("text/plain")
    assert content_type.startswith("text/plain")
    return {
        (sample.name.removeprefix("sidecar_"), tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.name.startswith("sidecar_")
    }


@pytest.fixture
def exposition() -> Exposition:
    return Exposition(Counters(), lambda: GAUGES, engine="qh3", front="grpcio")


def test_every_promised_name_is_there_from_the_start(exposition: Exposition) -> None:
    exposition.counters.bootstrap_last_success = 1700000000.5
    names = {name for name, _ in samples(exposition)}
    histograms = (
        "handshake_duration_seconds",
        "rtt_seconds",
        "message_size_bytes",
        "delivery_duration_seconds",
        "request_duration_seconds",
        "journal_commit_seconds",
        "journal_commit_works",
    )
    assert names == {
        "build_info",
        "ready",
        "peers",
        "connections",
        "connection_attempts_total",
        "connections_closed_total",
        "bytes_total",
        "packets_lost_total",
        "bootstrap_cache_nodes",
        "bootstrap_cache_faults_total",
        "udp_receive_drops_total",
        "udp_buffer_bytes",
        "messages_total",
        "queue_messages",
        "queue_bytes",
        "messages_dropped_total",
        "kept_messages_total",
        "inflight_unacked",
        "journal_bytes",
        "journal_writable",
        "requests_total",
        "datagrams_total",
        "flows",
        "flow_bytes",
        "flow_steps_total",
        "flow_ends_total",
        "datagrams_dropped_total",
        "calls_refused_total",
        "auth_failures_total",
        "trust_reloads_total",
        "rate_limited_total",
        "retries_total",
        "retrying",
        "bootstrap_last_success_timestamp_seconds",
    } | {f"{name}_{part}" for name in (*histograms, "event_loop_lag_seconds") for part in ("bucket", "count", "sum")}


def test_what_is_unknown_is_absent(exposition: Exposition) -> None:
    assert ("bootstrap_last_success_timestamp_seconds", ()) not in samples(exposition)


def test_counts_and_states_are_told(exposition: Exposition) -> None:
    counters = exposition.counters
    counters.connection_attempts["out", "refused"] += 2
    counters.connections_closed["idle_timeout"] += 1
    counters.bytes["in"] += 1000
    counters.packets_lost += 4
    counters.messages["send", "ok"] += 64
    counters.messages_dropped[Reason.QUEUE_FULL] += 7
    counters.auth_failures += 1
    told = samples(exposition)

    assert told["connection_attempts_total", ("out", "refused")] == 2
    assert told["connection_attempts_total", ("in", "ok")] == 0
    assert told["connections_closed_total", ("idle_timeout",)] == 1
    assert told["bytes_total", ("in",)] == 1000
    assert told["packets_lost_total", ()] == 7, "of closed connections and of open ones"
    assert told["messages_total", ("send", "ok")] == 64
    assert told["messages_dropped_total", ("QUEUE_FULL",)] == 7
    assert told["auth_failures_total", ()] == 1
    assert told["ready", ("overlay",)] == 0
    assert told["ready", ("api",)] == 1
    assert told["peers", ("known",)] == 4
    assert told["queue_bytes", ("inbox",)] == 600
    assert told["udp_receive_drops_total", ()] == 9
    assert told["udp_buffer_bytes", ("in",)] == 8 << 20


def test_build_info_says_what_runs(exposition: Exposition) -> None:
    [labels] = [labels for name, labels in samples(exposition) if name == "build_info"]
    assert set(labels) >= {__version__, "qh3", "grpcio"}


def test_histogram_counts_batches_in_one_go(exposition: Exposition) -> None:
    exposition.counters.message_size.add(64.0)
    exposition.counters.message_size.add(65.0, 10)
    exposition.counters.message_size.add(1e12, 2)
    told = samples(exposition)
    assert told["message_size_bytes_bucket", ("64.0",)] == 1
    assert told["message_size_bytes_bucket", ("256.0",)] == 11
    assert told["message_size_bytes_bucket", ("536870912.0",)] == 11
    assert told["message_size_bytes_bucket", ("+Inf",)] == told["message_size_bytes_count", ()] == 13
    assert told["message_size_bytes_sum", ()] == 64 + 650 + 2e12


def test_histogram_bounds_are_inclusive() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.0, 1.0, 1.5, 2.0, 2.1):
        histogram.add(value)
    assert histogram.counts == [2, 2, 1]


def test_labels_are_enumerated() -> None:
    counters = Counters()
    with pytest.raises(KeyError):
        counters.messages_dropped[Reason.INTERNAL] += 1
    with pytest.raises(KeyError):
        counters.connection_attempts["sideways", "ok"] += 1  # type: ignore[index]


def test_process_metrics_and_openmetrics(exposition: Exposition) -> None:
    page, content_type = exposition.page("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert page.endswith(b"# EOF\n")
    assert b"process_resident_memory_bytes" in page
