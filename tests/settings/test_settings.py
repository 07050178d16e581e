"""One name in three spellings; a flag over the environment over a file; and no name that does not exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidecar.addresses import Contact
from sidecar.settings import Settings, SettingsError

KIB, MIB = 1 << 10, 1 << 20


def load(flags: dict[str, Any] | None = None, environ: dict[str, str] | None = None) -> Settings:
    return Settings.load(flags or {}, environ or {})


def toml(folder: Path, text: str) -> str:
    path = folder / "sidecar.toml"
    path.write_text(text)
    return str(path)


def test_defaults() -> None:
    settings = load()
    assert (settings.udp_host, settings.udp_port) == ("::", 7400)
    assert settings.grpc_endpoint == ("127.0.0.1:7401",)
    assert settings.admin_endpoint == "127.0.0.1:7402"
    assert settings.max_message_bytes == 64 * MIB
    assert (settings.idle_timeout, settings.keep_alive, settings.resume_timeout) == (30, 10, 30)
    assert (settings.link_window_bytes, settings.channel_window_bytes) == (16 * MIB, 4 * MIB)
    assert settings.outbox_bytes == 8 * MIB
    assert {each.source for each in settings.explain()} == {"default"}


def test_three_spellings_mean_the_same(tmp_path: Path) -> None:
    flag = load({"udp_port": "7500"})
    variable = load(environ={"SIDECAR_UDP_PORT": "7500"})
    key = load({"config": toml(tmp_path, "udp_port = 7500")})
    assert flag.udp_port == variable.udp_port == key.udp_port == 7500


def test_flag_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = toml(tmp_path, "udp_port = 1\nidle_timeout = 41\nnetwork_id = 'file'\nretry = 'always'")
    settings = load(
        {"udp_port": "3", "network_id": None, "bootstrap": []},
        {"SIDECAR_CONFIG": file, "SIDECAR_UDP_PORT": "2", "SIDECAR_IDLE_TIMEOUT": "42"},
    )
    assert (settings.udp_port, settings.idle_timeout, settings.network_id) == (3, 42, "file")

    told = {each.name: (each.value, each.source, each.origin) for each in settings.explain()}
    assert told["udp_port"] == (3, "flag", "--udp-port")
    assert told["idle_timeout"] == (42.0, "env", "SIDECAR_IDLE_TIMEOUT")
    assert told["network_id"] == ("file", "file", file)
    assert told["retry"] == ("always", "file", file)
    assert told["log_level"] == ("info", "default", "")
    assert told["bootstrap"] == ([], "default", "")
    assert list(told) == list(Settings.model_fields)


def test_config_flag_is_over_its_variable(tmp_path: Path) -> None:
    file = toml(tmp_path, "udp_port = 1")
    assert load({"config": file}, {"SIDECAR_CONFIG": "/nowhere"}).udp_port == 1


def test_lists_are_written_with_commas_in_the_environment_and_as_lists_in_the_file(tmp_path: Path) -> None:
    expected = (Contact("a.example", 1), Contact("::1", 2))
    assert load({"bootstrap": ["a.example:1", "[::1]:2"]}).bootstrap == expected
    assert load(environ={"SIDECAR_BOOTSTRAP": "a.example:1, [::1]:2,"}).bootstrap == expected
    assert load({"config": toml(tmp_path, 'bootstrap = ["a.example:1", "[::1]:2"]')}).bootstrap == expected


def test_lists_are_replaced_not_joined() -> None:
    settings = load({"grpc_endpoint": ["127.0.0.1:1"]}, {"SIDECAR_GRPC_ENDPOINT": "unix:/a,127.0.0.1:2"})
    assert settings.grpc_endpoint == ("127.0.0.1:1",)


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("localhost:0", "127.0.0.1:0"),
        ("[::1]:7401", "[::1]:7401"),
        ("0.0.0.0:1", "0.0.0.0:1"),
        ("unix:/run/api.sock", "unix:/run/api.sock"),
        ("unix:///run/api.sock", "unix:/run/api.sock"),
        ("unix:api.sock", "unix:api.sock"),
    ],
)
def test_endpoints_have_one_form(written: str, taken: str) -> None:
    assert load({"grpc_endpoint": [written]}).grpc_endpoint == (taken,)


def test_admin_endpoint_can_be_switched_off() -> None:
    assert load({"admin_endpoint": "none"}).admin_endpoint is None


@pytest.mark.parametrize(
    ("written", "size"),
    [("1", 1), (1, 1), ("512MiB", 512 * MIB), ("64 KiB", 64 * KIB), ("1MB", 10**6), ("5kB", 5000), ("100B", 100)],
)
def test_sizes(written: str | int, size: int) -> None:
    assert load({"max_message_bytes": written}).max_message_bytes == size


@pytest.mark.parametrize(
    ("written", "seconds"), [("2", 2), (2, 2), (2.5, 2.5), ("1.5s", 1.5), ("1500ms", 1.5), ("2m", 120)]
)
def test_times(written: str | float, seconds: float) -> None:
    assert load({"idle_timeout": written, "keep_alive": 1}).idle_timeout == seconds


def test_defaults_that_follow_from_others() -> None:
    assert load({"idle_timeout": 6}).keep_alive == 2
    assert load({"link_window_bytes": "1MiB"}).channel_window_bytes == 256 * KIB


def test_variables_that_are_no_settings_are_left_alone() -> None:
    kubernetes = {
        "SIDECAR_SERVICE_HOST": "10.0.0.1",
        "SIDECAR_SERVICE_PORT": "7401",
        "SIDECAR_SERVICE_PORT_GRPC": "7401",
        "SIDECAR_PORT": "tcp://10.0.0.1:7401",
        "SIDECAR_PORT_7401_TCP_ADDR": "10.0.0.1",
    }
    clients = {"SIDECAR_ENDPOINT": "unix:/run/api.sock", "SIDECAR_TOKEN": "s" * 16, "SIDECAR_TLS_CA": "/ca"}
    settings = load(environ=kubernetes | clients | {"PATH": "/bin", "SIDECAR_UDP_PORT": ""})
    assert {each.source for each in settings.explain()} == {"default"}


def refusal(flags: dict[str, Any] | None = None, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as raised:
        load(flags, environ)
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_unknown_names_are_refused_with_the_nearest(tmp_path: Path) -> None:
    file = toml(tmp_path, "udp_prot = 7400")
    assert refusal({"config": file}) == f"{file}: there is no setting 'udp_prot'; did you mean udp_port?"
    assert refusal(environ={"SIDECAR_UDP_PROT": "1"}) == (
        "there is no setting for the variable SIDECAR_UDP_PROT; did you mean SIDECAR_UDP_PORT?"
    )
    assert "`sidecar config show` lists them all" in refusal(environ={"SIDECAR_XYZZY": "1"})
    file = toml(tmp_path, "[udp]\nport = 1")
    assert "there is no setting 'udp'" in refusal({"config": file})


def test_unusable_file_is_refused(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.toml")
    assert refusal({"config": missing}) == f"cannot read the settings file {missing}: No such file or directory"
    assert "is not TOML" in refusal({"config": toml(tmp_path, "udp_port = ")})
    (tmp_path / "latin1.toml").write_bytes(b"network_id = '\xfc'")
    assert "is not TOML" in refusal({"config": str(tmp_path / "latin1.toml")})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("udp_port", "x", "should be a valid integer"),
        ("udp_port", "65536", "should be less than or equal to 65535, not '65536'"),
        ("udp_port", "-1", "should be greater than or equal to 0"),
        ("udp_port", True, "give a number"),
        ("udp_host", "localhost", "'localhost' is not an IP address"),
        ("grpc_endpoint", ["sidecar.example:1"], "'sidecar.example' is not an IP address"),
        ("grpc_endpoint", ["127.0.0.1"], "'127.0.0.1' is nowhere to listen: write host:port"),
        ("grpc_endpoint", ["unix:"], "names no path"),
        ("grpc_endpoint", ["unix://host/path"], "names no path"),
        ("grpc_endpoint", ["unix:/" + "x" * 107], "at most 107 bytes"),
        ("grpc_endpoint", [7401], "give host:port as text"),
        ("admin_endpoint", "unix:/admin", "is nowhere to listen"),
        ("bootstrap", ["a.example"], "contact 'a.example': write host:port"),
        ("bootstrap", ["a@a.example:1"], "before the @ stands no peer id"),
        ("network_id", "", "1 to 128 bytes"),
        ("network_id", "ü" * 65, "1 to 128 bytes"),
        ("network_id", "a\nb", "all printable"),
        ("engine", "quiche", "should be 'auto', 'aioquic' or 'qh3', not 'quiche'"),
        ("front", "tonic", "should be 'auto', 'grpcio' or 'lean', not 'tonic'"),
        ("retry", "sometimes", "should be 'always', 'never' or 'under-load', not 'sometimes'"),
        ("key_type", "rsa", "should be 'ed25519' or 'p256', not 'rsa'"),
        ("offload", "always", "should be 'auto' or 'never'"),
        ("max_datagram", "1199", "greater than or equal to 1200"),
        ("max_datagram", "65528", "less than or equal to 65527"),
        ("max_message_bytes", "0", "greater than or equal to 1"),
        ("max_message_bytes", "513MiB", "less than or equal to 536870912"),
        ("max_message_bytes", "64MiBs", "'64MiBs' is not a size"),
        ("max_message_bytes", "1.5GiB", "is not a size"),
        ("idle_timeout", "0", "greater than or equal to 1"),
        ("idle_timeout", "soon", "'soon' is not a time"),
        ("idle_timeout", float("nan"), "finite"),
        ("keep_alive", "-1", "is not a time"),
        ("ephemeral", "perhaps", "should be a valid boolean"),
        ("log_format", "xml", "should be 'text' or 'json'"),
        ("log_level", "loud", "should be 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_bad_values_are_refused_in_the_spelling_they_were_given(
    tmp_path: Path, name: str, value: str | float | list[str], why: str
) -> None:
    text = refusal({name: value})
    assert text.startswith(f"--{name.replace('_', '-')}: ")
    assert why in text
    if isinstance(value, str) and value:
        text = refusal(environ={f"SIDECAR_{name.upper()}": value})
        assert text.startswith(f"SIDECAR_{name.upper()}: ")
        assert why in text
        if "\n" not in value:
            file = toml(tmp_path, f"{name} = '{value}'")
            text = refusal({"config": file})
            assert text.startswith(f"{file}: {name}: ")
            assert why in text


def test_every_bad_value_is_named() -> None:
    text = refusal({"udp_port": "x", "engine": "y"})
    assert "--udp-port: " in text
    assert "--engine: " in text


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"keep_alive": "30s"}, "keep_alive (30 s) is not below idle_timeout (30 s)"),
        (
            {"channel_window_bytes": "32MiB"},
            "channel_window_bytes (33554432) is more than link_window_bytes (16777216)",
        ),
        ({"grpc_endpoint": ["unix:/a", "unix:///a"]}, "names unix:/a twice"),
        ({"grpc_endpoint": ["127.0.0.1:0", "127.0.0.1:1", "127.0.0.1:1"]}, "names 127.0.0.1:1 twice"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(flags: dict[str, Any], why: str) -> None:
    assert why in refusal(flags)


def test_two_free_ports_are_two_endpoints() -> None:
    assert len(load({"grpc_endpoint": ["127.0.0.1:0", "127.0.0.1:0"]}).grpc_endpoint) == 2
