"""Commands that need no running sidecar, and starts that are refused: one line, exit code 2."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar import __version__
from sidecar.cli import commands, exits
from sidecar.cli.exits import Exit
from sidecar.cli.flags import FLAGS, read_plain
from sidecar.identity import parse_peer_id
from sidecar.settings import Settings
from tests.cli.terminal import sidecar
from tests.processes import Sidecars

PAGE = (Path(__file__).resolve().parents[2] / "docs/cli.md").read_text()
COMMANDS = {"run", "id", "status", "peers", "bootstrap", "ping", "send", "recv", "events", "drain", "queue", "config"}


def test_every_setting_has_a_flag_and_every_flag_a_setting() -> None:
    assert {flag.name for flag in FLAGS} == {"config", *Settings.model_fields}
    switches = {name for name, field in Settings.model_fields.items() if field.annotation is bool}
    assert {flag.name for flag in FLAGS if flag.kind == "switch"} == switches
    assert {flag.name for flag in FLAGS if flag.kind == "list"} == {
        "allow",
        "bootstrap",
        "crl",
        "grpc_endpoint",
        "labels",
    }


def test_every_exit_code_is_documented() -> None:
    assert exits.__doc__ is not None
    rows = [line.split("|")[1:3] for line in exits.__doc__.splitlines() if line.startswith("|")][2:]
    assert {(int(code), name.strip()) for code, name in rows} == {(code.value, code.name) for code in Exit}
    table = "\n".join(line for line in exits.__doc__.splitlines() if line.startswith("|"))
    assert table in PAGE


def test_every_command_is_on_the_page() -> None:
    for app, prefix in (
        (commands.app, ""),
        (commands.peers_app, "peers "),
        (commands.config_app, "config "),
        (commands.ca_app, "ca "),
    ):
        for command in app.registered_commands:
            assert f"`sidecar {prefix}{command.name}" in PAGE


def test_help_lists_the_commands() -> None:
    words = sidecar("--help").done().out.split()
    assert set(words) >= COMMANDS | {"version", "completion"}


def test_run_help_lists_the_flags() -> None:
    words = sidecar("run", "--help").done().out.replace("/", " ").split()
    assert {f"--{name.replace('_', '-')}" for name in Settings.model_fields} - set(words) == set()


def test_version() -> None:
    assert sidecar("version").done().out == f"sidecar {__version__}\n"
    assert sidecar("version", "--json").done().json["version"] == __version__


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["run", "--nonsense"],
        ["send"],
        ["recv", "--count", "0"],
        ["ping", "x", "--count", "many"],
        ["peers"],
    ],
)
def test_wrong_usage_is_code_2(words: list[str]) -> None:
    finished = sidecar(*words)
    assert finished.code == Exit.USAGE
    assert "Traceback" not in finished.err


def test_id_is_made_once(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    first = sidecar("id", "--state-dir", state).done().out.strip()
    parse_peer_id(first)
    assert sidecar("id", environment={"SIDECAR_STATE_DIR": state}).done().out.strip() == first
    assert sidecar("id", "--state-dir", state, "--json").done().json == {
        "peer_id": first,
        "key_file": f"{state}/identity.pem",
    }


def test_id_of_an_ephemeral_sidecar_is_asked_from_the_sidecar() -> None:
    assert "sidecar status" in sidecar("id", environment={"SIDECAR_EPHEMERAL": "true"}).refused()


def test_config_show_tells_values_and_origins(tmp_path: Path) -> None:
    file = tmp_path / "sidecar.toml"
    token = tmp_path / "token"
    token.write_text("a-secret-nobody-may-see")
    token.chmod(0o600)
    file.write_text(f"retry = 'always'\nbootstrap = ['a.example:1', 'b.example:2']\napi_token_file = '{token}'\n")
    words = ["config", "show", "--config", str(file), "--udp-port", "7500"]
    environment = {"SIDECAR_NETWORK_ID": "orders"}

    shown = sidecar(*words, "--json", environment=environment).done()
    assert shown.json["udp_port"] == {"name": "udp_port", "value": 7500, "source": "flag", "origin": "--udp-port"}
    assert shown.json["network_id"]["source"] == "env"
    assert shown.json["bootstrap"]["value"] == ["a.example:1", "b.example:2"]
    assert shown.json["retry"]["origin"] == str(file)
    assert shown.json["engine"]["source"] == "default"
    assert list(shown.json) == list(Settings.model_fields)

    table = sidecar(*words, environment=environment).done().out
    assert [line.split() for line in table.splitlines() if line.startswith("udp_port")] == [
        ["udp_port", "7500", "--udp-port"]
    ]
    assert "a-secret" not in shown.out + table


def test_config_show_warns_as_run_does() -> None:
    finished = sidecar("config", "show", "--grpc-endpoint", "0.0.0.0:1", "--api-insecure")
    assert finished.code == Exit.OK
    assert finished.err.startswith("sidecar: the API at 0.0.0.0:1 can be reached from other machines")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str) -> None:
    assert "_SIDECAR_COMPLETE" in sidecar("completion", shell).done().out


def test_completion_of_another_shell_is_refused() -> None:
    assert "give bash, zsh, fish or powershell" in sidecar("completion", "tcsh").refused()


def test_completion_completes() -> None:
    environment = {"_SIDECAR_COMPLETE": "complete_bash", "COMP_WORDS": "sidecar pe", "COMP_CWORD": "1"}
    assert sidecar(environment=environment).out.split() == ["peers"]


def test_commands_need_nothing_heavy_to_start() -> None:
    heavy = {"grpc", "pydantic", "cryptography", "rich", "prometheus_client", "h11", "aioquic", "qh3"}
    assert heavy & loaded_by("import sidecar.cli.commands") == set()


def test_a_sidecar_loads_no_command_line_and_nothing_of_a_front_before_it_serves() -> None:
    heavy = {"typer", "pydantic", "rich", "prometheus_client", "h11", "aioquic", "grpc", "sidecar_client"}
    heavy |= {"tempfile", "shutil", "tomllib", "lzma", "bz2"}
    modules = "sidecar.__main__, sidecar.cli.flags, sidecar.cli.serve, sidecar.cli.output, sidecar.app"
    modules += ", sidecar.api.front.lean.server"
    assert heavy & loaded_by(f"import {modules}, sidecar.transport.engine.qh3") == set()


def loaded_by(statement: str) -> set[str]:
    """The top packages that a statement loads."""
    script = f"import sys; {statement}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    return set(loaded.stdout.split())


def test_flags_that_are_plain_are_read_without_a_command_line() -> None:
    words = ["--udp-port", "0", "--retry=always", "--grpc-endpoint", "unix:/a", "--grpc-endpoint=127.0.0.1:0"]
    assert read_plain([*words, "--ephemeral", "--no-api-insecure", "--ready-json"]) == {
        "udp_port": "0",
        "retry": "always",
        "grpc_endpoint": ["unix:/a", "127.0.0.1:0"],
        "ephemeral": True,
        "api_insecure": False,
        "ready_json": True,
    }
    assert read_plain([]) == {}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h"],
        ["--udp-prot", "1"],
        ["--udp-port"],
        ["--udp-port", "--ephemeral"],
        ["--ephemeral=yes"],
        ["--no-udp-port"],
        ["--no-ready-json"],
        ["stray"],
        ["--"],
    ],
    ids=" ".join,
)
def test_everything_else_is_left_to_the_command_line(words: list[str]) -> None:
    assert read_plain(words) is None


# Starts that are refused.


@pytest.mark.parametrize(
    ("words", "environment", "why"),
    [
        (["--udp-port", "x"], {}, "--udp-port: should be a valid integer"),
        (["--bootstrap", "nowhere"], {}, "--bootstrap: contact 'nowhere': write host:port"),
        (["--engine", "quiche"], {}, "--engine: should be 'auto', 'aioquic' or 'qh3', not 'quiche'"),
        (["--retry", "sometimes"], {}, "--retry: should be 'always', 'never' or 'under-load', not 'sometimes'"),
        (["--config", "/nowhere.toml"], {}, "cannot read the settings file /nowhere.toml"),
        ([], {"SIDECAR_UDP_PROT": "1"}, "SIDECAR_UDP_PROT; did you mean SIDECAR_UDP_PORT?"),
        ([], {"SIDECAR_LOG_LEVEL": "loud"}, "SIDECAR_LOG_LEVEL: should be 'debug', 'info', 'warning' or 'error'"),
        (["--grpc-endpoint", "0.0.0.0:0"], {}, "0.0.0.0:0 can be reached from other machines"),
        (["--api-token-file", "/nowhere"], {}, "cannot read --api-token-file /nowhere"),
        (["--api-tls-key", "/nowhere"], {}, "give --api-tls-cert too"),
        (["--udp-host", "192.0.2.1"], {}, "--udp-port"),
        (["--admin-endpoint", "192.0.2.1:0"], {}, "--admin-endpoint 192.0.2.1:0 cannot be had"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_run_refuses_wrong_settings(words: list[str], environment: dict[str, str], why: str) -> None:
    free = {"--udp-port": "0", "--grpc-endpoint": "127.0.0.1:0", "--admin-endpoint": "none"}
    given = [word for flag in free.items() if flag[0] not in words for word in flag]
    finished = sidecar("run", "--ephemeral", *given, *words, environment=environment)
    assert why in finished.refused()


def test_run_refuses_a_key_others_may_read(tmp_path: Path) -> None:
    sidecar("id", "--state-dir", str(tmp_path)).done()
    (tmp_path / "identity.pem").chmod(0o644)
    words = [
        "--state-dir",
        str(tmp_path),
        "--udp-port",
        "0",
        "--grpc-endpoint",
        "127.0.0.1:0",
        "--admin-endpoint",
        "none",
    ]
    assert "has mode 0644" in sidecar("run", *words).refused()


def test_run_refuses_what_another_sidecar_has(sidecars: Sidecars) -> None:
    first = sidecars.spawn()
    free = {"--udp-port": "0", "--grpc-endpoint": "127.0.0.1:0", "--admin-endpoint": "none"}

    def second(flags: dict[str, str], *words: str) -> str:
        given = [word for flag in (free | flags).items() for word in flag]
        return sidecar("run", *words, *given).refused()

    state = str(first.flags["state_dir"])
    assert f"state directory {state} is in use by pid {first.pid}" in second({"--state-dir": state})
    assert "is taken" in second({"--udp-port": str(first.udp_port)}, "--ephemeral")
    assert first.endpoint in second({"--grpc-endpoint": first.endpoint}, "--ephemeral")
    assert f"--admin-endpoint {first.admin} is taken" in second({"--admin-endpoint": first.admin}, "--ephemeral")


def test_run_leaves_a_file_in_place_of_its_socket_alone(tmp_path: Path) -> None:
    (tmp_path / "api.sock").write_text("precious")
    words = ["--ephemeral", "--udp-port", "0", "--admin-endpoint", "none"]
    refusal = sidecar("run", *words, "--grpc-endpoint", f"unix:{tmp_path}/api.sock").refused()
    assert "api.sock" in refusal
    assert (tmp_path / "api.sock").read_text() == "precious"


def test_run_takes_over_a_socket_that_nobody_listens_on(sidecars: Sidecars, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    running = sidecars.spawn(grpc_endpoint=f"unix:{path}")
    assert running.ready.grpc == [f"unix:{path}"]
    assert path.stat().st_mode & 0o777 == 0o660
