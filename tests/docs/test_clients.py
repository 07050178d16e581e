"""docs/clients.md says what the Python client does, which is every other client's model."""

from __future__ import annotations

import inspect
import json

from sidecar_client import AsyncSidecar, Sidecar, errors
from sidecar_client.endpoint import Endpoint
from tests.docs.blocks import REPOSITORY

HANDLES = {"responder", "start_request"}
"""The client for threads has these beside `reply` and `request`, where others cancel a task or a context."""

PAGE = (REPOSITORY / "docs/clients.md").read_text()


def rows(text: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_reason_has_its_kind() -> None:
    table = rows(PAGE.partition("<!-- kinds -->\n")[2].partition("<!-- /kinds -->")[0])
    assert {reason.strip("`"): (kind, group) for group, reason, kind in table} == {
        reason: (kind.__name__, kind.__base__.__name__ if kind.__base__ else "")
        for reason, kind in errors.BY_REASON.items()
    }
    for group, _, kind in table:
        assert issubclass(getattr(errors, kind), getattr(errors, group))


def test_every_verb_with_its_arguments() -> None:
    table = rows(PAGE.partition("## Verbs\n")[2].partition("\nLevels are")[0])
    listed: dict[str, list[str]] = {}
    for names, arguments, *_ in table:
        for name in names.replace("`", "").split(", "):
            listed[name] = [words.split(" = ")[0].strip() for words in arguments.replace("`", "").split(",")]
    for client in (Sidecar, AsyncSidecar):
        verbs = {name for name, _ in inspect.getmembers(client, inspect.isfunction) if not name.startswith("_")}
        assert verbs - HANDLES == set(listed)
    words = inspect.signature(Sidecar.send).parameters
    assert [name for name in words if name not in {"self", "timeout"}] == listed["send"]
    words = inspect.signature(Sidecar.consume).parameters
    assert [name for name in words if name not in {"self", "timeout"}] == listed["consume"]
    assert words["credits"].default == 64


def test_what_a_channel_is_told() -> None:
    told = dict(Endpoint().options())
    assert told["grpc.keepalive_time_ms"] == 30_000
    assert told["grpc.keepalive_timeout_ms"] == 15_000
    assert told["grpc.max_receive_message_length"] == told["grpc.max_send_message_length"] == 17 << 20
    policy = json.loads((REPOSITORY / "clients/service_config.json").read_text())["methodConfig"][0]["retryPolicy"]
    assert policy["maxAttempts"] == 4
    assert policy["retryableStatusCodes"] == ["UNAVAILABLE"]
