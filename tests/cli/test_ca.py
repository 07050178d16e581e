"""`sidecar ca`: what it makes is what sidecars take, and what is wrong is one line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from sidecar.trust.authority import Authority, utc_now
from tests.cli.terminal import Finished, sidecar
from tests.trust.pki import key, key_pem


def ca(*words: str | Path, stdin: bytes = b"") -> Finished:
    return sidecar("ca", *map(str, words), stdin=stdin)


def issue(folder: Path, authority: Path, who: str, *more: str) -> Path:
    """A certificate for the key in the state directory `who`, which is made there."""
    asked = ca("request", "--state-dir", folder / who, "--name", f"{who}.example").done()
    issued = ca("issue", "-", "--ca", authority, "--out", folder / f"{who}.crt", *more, stdin=asked.out.encode())
    assert issued.code == 0, issued.err
    assert issued.err.startswith("issued ")
    return folder / f"{who}.crt"


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A CA's directory."""
    Authority.init(tmp_path / "ca", "Test CA", key_type="p256", days=100, now=utc_now(), above=None)
    return tmp_path / "ca"


def test_two_commands_make_a_ca_usable(tmp_path: Path) -> None:
    made = ca("init", tmp_path / "ca", "--name", "Net").done()
    assert f"--ca-bundle {tmp_path}/ca/ca.crt --crl {tmp_path}/ca/ca.crl" in made.out
    cert = issue(tmp_path, tmp_path / "ca", "alice")
    peer_id = sidecar("id", "--state-dir", str(tmp_path / "alice")).done().out.strip()
    (leaf,) = ca("show", cert, "--json").done().lines
    assert leaf["peer_id"] == peer_id
    assert leaf["names"] == f"alice.example, {peer_id}"
    config = ["--trust", "private-ca", "--ca-bundle", str(tmp_path / "ca/ca.crt"), "--cert", str(cert)]
    assert "private-ca" in sidecar("config", "show", "--state-dir", str(tmp_path / "alice"), *config).done().out


def test_config_show_refuses_what_run_would(tmp_path: Path, authority: Path) -> None:
    cert = issue(tmp_path, authority, "alice")
    flags = ["--trust", "private-ca", "--ca-bundle", str(authority / "ca.crt"), "--cert", str(cert)]
    for state, words in (("nobody", "holds no key yet"), ("bob", "is for another key than")):
        if state == "bob":
            sidecar("id", "--state-dir", str(tmp_path / "bob")).done()
        assert words in sidecar("config", "show", "--state-dir", str(tmp_path / state), *flags).refused()
        if state == "bob":
            assert words in sidecar("run", "--state-dir", str(tmp_path / state), *flags).refused()


def test_the_key_stays_where_it_was_made(tmp_path: Path, authority: Path) -> None:
    issue(tmp_path, authority, "alice")
    assert (tmp_path / "alice/identity.pem").stat().st_mode & 0o777 == 0o600
    assert (authority / "ca.key").stat().st_mode & 0o777 == 0o600
    assert not list(authority.rglob("identity*"))


def test_an_intermediate_ca_issues_with_its_chain(tmp_path: Path, authority: Path) -> None:
    ca("init", tmp_path / "site", "--issuer", authority, "--name", "Site", "--key-type", "ed25519").done()
    cert = issue(tmp_path, tmp_path / "site", "alice")
    assert [row["issuer"] for row in ca("show", cert, "--json").done().lines] == ["CN=Site", "CN=Test CA"]
    words = ca("init", tmp_path / "lower", "--issuer", tmp_path / "site").refused()
    assert "is an intermediate CA, which has none below it" in words


def test_openssl_takes_what_it_makes(tmp_path: Path, authority: Path) -> None:
    cert = issue(tmp_path, authority, "alice")
    checked: list[str | Path] = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-crl_check", "-CRLfile",
               authority / "ca.crl", "-CAfile", authority / "ca.crt", cert]  # fmt: skip
    assert subprocess.run(checked, capture_output=True, text=True, check=False, timeout=20).returncode == 0
    ca("revoke", cert, "--ca", authority).done()
    refused = subprocess.run(checked, capture_output=True, text=True, check=False, timeout=20)
    assert "certificate revoked" in refused.stderr


def test_a_request_of_openssl_is_taken(tmp_path: Path, authority: Path) -> None:
    for kind in ("rsa", "p256", "ed25519"):
        (tmp_path / "key.pem").write_bytes(key_pem(key(kind)))
        (tmp_path / "key.pem").chmod(0o600)
        made = subprocess.run(
            ["openssl", "req", "-new", "-key", tmp_path / "key.pem", "-subj", "/CN=x"],
            capture_output=True, check=True, timeout=20,
        )  # fmt: skip
        assert ca("issue", "-", "--ca", authority, "--name", "x.example", stdin=made.stdout).code == 0
    asked = ca("request", "--key", tmp_path / "key.pem", "--name", "x.example").done().out
    assert x509.load_pem_x509_csr(asked.encode()).is_signature_valid


def test_show_and_revoke(tmp_path: Path, authority: Path) -> None:
    first, second = issue(tmp_path, authority, "alice"), issue(tmp_path, authority, "bob")
    serials = {
        row["names"].split(",")[0]: row["serial"] for row in ca("show", authority, "--json").done().json["issued"]
    }
    assert ca("revoke", serials["alice.example"], "--ca", authority).done().out.startswith("revoked ")
    shown = {row["serial"]: row["state"] for row in ca("show", authority, "--json").done().json["issued"]}
    assert shown[serials["alice.example"]].startswith("revoked ")
    assert shown[serials["bob.example"]] == "valid"
    crl = x509.load_pem_x509_crl((authority / "ca.crl").read_bytes())
    assert [f"{each.serial_number:040x}" for each in crl] == [serials["alice.example"]]
    # Signed anew it forgets nothing and counts on.
    ca("revoke", "--ca", authority, "--days", "7").done()
    again = x509.load_pem_x509_crl((authority / "ca.crl").read_bytes())
    assert [each.serial_number for each in again] == [each.serial_number for each in crl]
    numbers = [each.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for each in (crl, again)]
    assert numbers == [2, 3]
    assert first.exists()
    assert second.exists()


def test_what_is_wrong_is_one_line(tmp_path: Path, authority: Path) -> None:
    assert "has a CA already" in ca("init", authority).refused()
    assert "give one of p256" in ca("init", tmp_path / "x", "--key-type", "dsa").refused()
    assert "1 to 64 characters" in ca("init", tmp_path / "x", "--name", "").refused()
    assert "cannot read --ca" in ca("show", tmp_path).refused()
    assert "no certificate request" in ca("issue", "-", "--ca", authority, stdin=b"nothing").refused()
    asked = ca("request", "--state-dir", tmp_path / "a").done().out.encode()
    assert "give fewer --days" in ca("issue", "-", "--ca", authority, "--days", "101", stdin=asked).refused()
    assert "is no DNS name" in ca("issue", "-", "--ca", authority, "--name", "a b", stdin=asked).refused()
    assert "has issued no certificate" in ca("revoke", "ff", "--ca", authority).refused()
    weak = tmp_path / "weak.pem"
    weak.write_bytes(key_pem(key("p384")))
    weak.chmod(0o600)
    assert "neither Ed25519 nor P-256" in ca("request", "--key", weak).refused()
    (authority / "ca.key").chmod(0o644)
    assert "chmod it to 0600" in ca("show", authority).refused()


def test_a_list_of_another_ca_is_not_taken_over(authority: Path, tmp_path: Path) -> None:
    other = Authority.init(tmp_path / "other", "Test CA", key_type="p256", days=10, now=utc_now(), above=None)
    (authority / "ca.crl").write_bytes((other.directory / "ca.crl").read_bytes())
    assert "is not signed by this CA" in ca("revoke", "--ca", authority).refused()
