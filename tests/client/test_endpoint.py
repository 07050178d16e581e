"""Where the client finds its sidecar, and what it makes of errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from sidecar_client import Endpoint, QueueFull, SidecarError, SidecarUnavailable, Tls, errors
from sidecar_client.endpoint import service_config
from tests.api.front.tls import Authority

REPOSITORY = Path(__file__).resolve().parents[2]


def test_defaults() -> None:
    assert Endpoint.from_environment(environment={}) == Endpoint("127.0.0.1:7401", None, None)


def test_given_over_environment(tmp_path: Path) -> None:
    environment = {"SIDECAR_ENDPOINT": "unix:/run/sidecar/api.sock", "SIDECAR_TOKEN": "secret"}
    found = Endpoint.from_environment(environment=environment)
    assert (found.address, found.token) == ("unix:/run/sidecar/api.sock", "secret")
    assert found.metadata() == (("authorization", "Bearer secret"),)
    assert "secret" not in repr(found)
    given = Endpoint.from_environment("[::1]:7401", "other", environment=environment)
    assert (given.address, given.token) == ("[::1]:7401", "other")


def test_tls_from_the_environment(tmp_path: Path) -> None:
    authority = Authority.make("ca", tmp_path)
    pair = authority.issue("app")
    for name, content in (("ca", authority.certificate), ("cert", pair.certificate), ("key", pair.key)):
        (tmp_path / name).write_bytes(content)
    environment = {
        "SIDECAR_TLS_CA": str(tmp_path / "ca"),
        "SIDECAR_TLS_CERT": str(tmp_path / "cert"),
        "SIDECAR_TLS_KEY": str(tmp_path / "key"),
        "SIDECAR_TLS_SERVER_NAME": "sidecar",
    }
    found = Endpoint.from_environment(environment=environment)
    assert found.tls == Tls(authority.certificate, pair.certificate, pair.key, "sidecar")
    assert ("grpc.ssl_target_name_override", "sidecar") in found.options()
    for broken in (
        {"SIDECAR_TLS_CA": str(tmp_path / "none")},
        {"SIDECAR_TLS_CA": str(tmp_path / "key")},
        {
            "SIDECAR_TLS_CA": str(tmp_path / "ca"),
            **dict.fromkeys(("SIDECAR_TLS_CERT", "SIDECAR_TLS_KEY"), str(tmp_path / "cert")),
        },
        {"SIDECAR_TLS_CA": str(tmp_path / "ca"), "SIDECAR_TLS_KEY": str(tmp_path / "key")},
        {"SIDECAR_TLS_CERT": str(tmp_path / "cert"), "SIDECAR_TLS_KEY": str(tmp_path / "key")},
    ):
        with pytest.raises(ValueError, match="SIDECAR_TLS_"):
            Endpoint.from_environment(environment=broken)


@pytest.mark.parametrize(
    "address", ["here", ":7401", "host:", "host:0", "host:http", "host:70000", "unix:rel", "http://h:1"]
)
def test_bad_addresses(address: str) -> None:
    with pytest.raises(ValueError, match="write"):
        Endpoint.from_environment(address, environment={})


@pytest.mark.parametrize("token", [" x", "x\n", "tökén"])
def test_bad_tokens(token: str) -> None:
    with pytest.raises(ValueError, match="SIDECAR_TOKEN"):
        Endpoint.from_environment(token=token, environment={})


def test_the_packaged_retry_policy_is_the_repository_s() -> None:
    assert service_config() == (REPOSITORY / "clients/service_config.json").read_text()
    names = [name for config in json.loads(service_config())["methodConfig"] for name in config["name"]]
    assert {"service": "overlay.v1.PeerService", "method": "Ping"} in names
    assert not any(name["service"] == "overlay.v1.MessageService" for name in names)


def rpc_error(code: grpc.StatusCode, words: str, *details: object) -> grpc.aio.AioRpcError:
    status = Status(code=code.value[0], message=words)
    for detail in details:
        status.details.add().Pack(detail)
    trailers = grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers if details else grpc.aio.Metadata(), words)


def test_typed_errors() -> None:
    error = errors.error_from_rpc(
        rpc_error(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "full",
            ErrorInfo(reason="QUEUE_FULL", domain="overlay.v1", metadata={"limit": "5"}),
            RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)),
            BadRequest(field_violations=[BadRequest.FieldViolation(field="f", description="d")]),
        )
    )
    assert isinstance(error, QueueFull)
    assert isinstance(error, errors.Busy)
    assert (error.metadata, error.fields, error.retry_after) == ({"limit": "5"}, (("f", "d"),), 1.5)
    assert str(error) == "QUEUE_FULL: full"


def test_errors_that_are_not_the_sidecar_s_word() -> None:
    unavailable = errors.error_from_rpc(rpc_error(grpc.StatusCode.UNAVAILABLE, "connection refused"))
    assert type(unavailable) is SidecarUnavailable
    assert (unavailable.reason, str(unavailable)) == ("", "UNAVAILABLE: connection refused")
    foreign = errors.error_from_rpc(
        rpc_error(grpc.StatusCode.ABORTED, "no", ErrorInfo(reason="QUEUE_FULL", domain="elsewhere"))
    )
    assert type(foreign) is SidecarError
    unknown = errors.error_from_rpc(
        rpc_error(grpc.StatusCode.ABORTED, "no", ErrorInfo(reason="NEWER", domain="overlay.v1"))
    )
    assert type(unknown) is SidecarError
    assert unknown.reason == "NEWER"


def test_every_class_stands_in_the_tree() -> None:
    assert errors.__doc__ is not None
    for kind in errors.BY_REASON.values():
        assert kind.__name__ in errors.__doc__


def test_the_client_needs_grpcio_and_protobuf_only() -> None:
    """Nothing else is imported, and importing it beside the real google.rpc and health files is no conflict."""
    program = (
        "import sys, sidecar_client\n"
        "tops = {name.partition('.')[0] for name in sys.modules}\n"
        # grpc itself imports the bare packages grpc_health and grpc_reflection where they are installed.
        "assert not tops & {'grpc_status', 'sidecar', 'aioquic', 'qh3', 'cryptography'}, tops\n"
        "assert not {'google.rpc', 'grpc_health.v1.health_pb2'} & set(sys.modules)\n"
        "import google.rpc.status_pb2, google.rpc.error_details_pb2, grpc_health.v1.health_pb2\n"
        "import sidecar.gen.overlay.v1.message_pb2\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30, cwd=REPOSITORY)
