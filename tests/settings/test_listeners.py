"""Beyond this machine the API asks who calls; each refusal is one line that says what to give."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from sidecar.api.front.base import Listener
from sidecar.api.listeners import api_listeners
from sidecar.api.scope import App, Scope
from sidecar.settings import Settings, SettingsError

TOKEN = "0123456789abcdef"
BEYOND = ["0.0.0.0:7401", "[::]:7401", "192.168.1.5:7401", "[fd00::1]:7401"]


class Files:
    """A token, a certificate, its key and a client CA, as files with proper modes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
            .sign(key, SHA256())
        )
        self.key = key
        self.certificate_pem = certificate.public_bytes(Encoding.PEM)
        self.key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.token_flag = {"api_token_file": self.file("token", f"{TOKEN}\n".encode())}
        self.tls_flags = {
            "api_tls_cert": self.file("cert.pem", self.certificate_pem, 0o644),
            "api_tls_key": self.file("key.pem", self.key_pem),
        }
        self.ca_flag = {"api_tls_client_ca": self.file("ca.pem", self.certificate_pem, 0o644)}

    def file(self, name: str, content: bytes, mode: int = 0o600) -> str:
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(mode)
        return str(path)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def listeners(flags: dict[str, Any]) -> list[Listener]:
    """The listeners of settings that nobody need be warned of."""
    warnings: list[str] = []
    result = api_listeners(Settings.load(flags, {}), warnings.append)
    assert warnings == []
    return result


def refusal(flags: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as raised:
        listeners(flags)
    text = str(raised.value)
    assert "\n" not in text
    assert TOKEN not in text
    return text


def test_this_machine_needs_nothing() -> None:
    endpoints = ["127.0.0.1:7401", "127.1.2.3:0", "[::1]:7401", "unix:/run/api.sock"]
    assert listeners({"grpc_endpoint": endpoints}) == [Listener(each) for each in endpoints]


@pytest.mark.parametrize("endpoint", BEYOND)
def test_beyond_it_callers_are_asked(files: Files, endpoint: str) -> None:
    flags = {"grpc_endpoint": ["127.0.0.1:7401", endpoint]}
    assert refusal(flags).startswith(
        f"--grpc-endpoint {endpoint} can be reached from other machines: callers must be asked who they are; give "
        "--api-token-file or --api-tls-client-ca"
    )
    assert "callers must be asked who they are" in refusal(flags | files.tls_flags)


@pytest.mark.parametrize("endpoint", BEYOND)
def test_token_needs_tls_beyond_this_machine(files: Files, endpoint: str) -> None:
    text = refusal({"grpc_endpoint": [endpoint]} | files.token_flag)
    assert "a token needs TLS" in text
    assert "--api-tls-cert" in text


@pytest.mark.parametrize("endpoint", BEYOND)
def test_token_over_tls_and_client_certificates_are_enough(files: Files, endpoint: str) -> None:
    beyond = {"grpc_endpoint": [endpoint]} | files.tls_flags
    [with_token] = listeners(beyond | files.token_flag)
    [with_ca] = listeners(beyond | files.ca_flag)

    assert with_token.token == TOKEN.encode()
    assert with_token.tls is not None
    assert with_token.tls.client_ca is None
    assert with_ca.token is None
    assert with_ca.tls is not None
    assert with_ca.tls.client_ca == with_ca.tls.certificate_chain == files.certificate_pem
    assert with_ca.tls.private_key == files.key_pem


def test_token_is_asked_everywhere_and_tls_on_tcp(files: Files) -> None:
    flags = {"grpc_endpoint": ["127.0.0.1:7401", "unix:/run/api.sock"]}
    tcp, unix = listeners(flags | files.token_flag | files.tls_flags)
    assert tcp.token == unix.token == TOKEN.encode()
    assert tcp.tls is not None
    assert unix.tls is None


def test_token_on_this_machine_needs_no_tls(files: Files) -> None:
    [only] = listeners(files.token_flag)
    assert (only.token, only.tls) == (TOKEN.encode(), None)


@pytest.mark.parametrize("with_token", [False, True])
def test_insecure_lifts_the_rules_with_a_warning(files: Files, with_token: bool) -> None:
    flags = {"grpc_endpoint": ["127.0.0.1:1", "0.0.0.0:7401", "[::]:7402"], "api_insecure": True}
    settings = Settings.load(flags | (files.token_flag if with_token else {}), {})
    warnings: list[str] = []
    assert len(api_listeners(settings, warnings.append)) == 3
    assert [line.split(" can be reached")[0] for line in warnings] == [
        "the API at 0.0.0.0:7401",
        "the API at [::]:7402",
    ]
    assert all("--api-insecure" in line for line in warnings)


def test_insecure_says_nothing_where_nothing_is_lifted(files: Files) -> None:
    listeners({"api_insecure": True})
    listeners({"api_insecure": True, "grpc_endpoint": ["0.0.0.0:1"]} | files.tls_flags | files.token_flag)


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        (b"", 0o600, "is empty"),
        (b" \n\n", 0o600, "is empty"),
        (b"0123456789abcde\n", 0o600, "holds 15 characters; a token has at least 16"),
        (TOKEN.encode(), 0o604, "has mode 0604, open to every user"),
        (TOKEN.encode(), 0o602, "has mode 0602, open to every user"),
        (f"{TOKEN}\n{TOKEN}\n".encode(), 0o600, "more than one token"),
        ("schlüssel-schlüssel".encode(), 0o600, "visible ASCII"),
        (bytes((1 << 20) + 1), 0o600, "larger than 1048576 bytes"),
    ],
)
def test_bad_token_files_are_refused(files: Files, content: bytes, mode: int, why: str) -> None:
    path = files.file("bad", content, mode)
    text = refusal({"api_token_file": path})
    assert text.startswith(f"--api-token-file {path} ")
    assert why in text


def test_group_may_read_the_token(files: Files) -> None:
    assert listeners({"api_token_file": files.file("shared", TOKEN.encode(), 0o640)})[0].token == TOKEN.encode()


def test_files_that_are_none_are_refused(files: Files, tmp_path: Path) -> None:
    assert refusal({"api_token_file": "/nowhere"}) == "cannot read --api-token-file /nowhere: No such file or directory"
    assert refusal({"api_token_file": str(tmp_path)}) == f"--api-token-file {tmp_path} is not a regular file"
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert "not a regular file" in refusal(files.tls_flags | {"api_tls_key": str(tmp_path / "fifo")})
    assert "cannot read --api-tls-cert /nowhere" in refusal(files.tls_flags | {"api_tls_cert": "/nowhere"})
    assert "cannot read --api-tls-client-ca /nowhere" in refusal(files.tls_flags | {"api_tls_client_ca": "/nowhere"})


def test_tls_flags_go_together(files: Files) -> None:
    assert "--api-tls-key too" in refusal({"api_tls_cert": files.tls_flags["api_tls_cert"]})
    assert "--api-tls-cert too" in refusal({"api_tls_key": files.tls_flags["api_tls_key"]})
    assert "--api-tls-client-ca needs TLS" in refusal(files.ca_flag)


def test_bad_tls_files_are_refused(files: Files) -> None:
    def with_file(flag: str, content: bytes, mode: int = 0o600) -> str:
        return refusal(files.tls_flags | files.ca_flag | {flag: files.file("bad", content, mode)})

    other = ec.generate_private_key(ec.SECP256R1())
    other_pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    encrypted = files.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))

    assert "holds no certificates in PEM" in with_file("api_tls_cert", files.key_pem)
    assert "holds no certificates in PEM" in with_file("api_tls_client_ca", b"")
    assert "holds no private key in PEM" in with_file("api_tls_key", files.certificate_pem)
    assert "is encrypted" in with_file("api_tls_key", encrypted)
    assert "is not the key of the first certificate in" in with_file("api_tls_key", other_pem)
    assert "has mode 0644, open to every user" in with_file("api_tls_key", files.key_pem, 0o644)


APPS = """
[[app]]
name = "billing"
token = "a-token-of-billing"
send = ["orders.*"]
accept = ["pg"]
"""


def test_apps_have_tokens_and_scopes(files: Files) -> None:
    [only] = listeners({"api_apps_file": files.file("apps", APPS.encode())})
    assert only.apps == (App(b"a-token-of-billing", Scope("billing", send=("orders.*",), accept=("pg",))),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[[app", "is not TOML"),
        ("", "at least one"),
        ("app = 1", "at least one"),
        ("[[app]]\ntoken = 'a'", "app 1 has no `name`"),
        ("[[app]]\nname = 'a'\ntoken = 'short'", "app 1 (a) needs a `token` of at least 16"),
        (APPS + "chanels = []", "there is no key 'chanels'"),
        (APPS + "receive = 'all'", "`receive` is a list"),
        (APPS + "admin = 1", "`admin` is true or false"),
        (APPS + APPS, "two apps have the same name"),
    ],
)
def test_a_file_of_apps_that_is_wrong(files: Files, content: str, words: str) -> None:
    assert words in refusal({"api_apps_file": files.file("apps", content.encode())})


def test_a_file_of_apps_is_nobody_elses(files: Files) -> None:
    assert "mode 0644" in refusal({"api_apps_file": files.file("apps", APPS.encode(), 0o644)})
