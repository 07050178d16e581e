"""A sidecar's own key: made once, kept safe, refused when it may not be trusted."""

from __future__ import annotations

import multiprocessing
import os
import stat
from datetime import UTC, datetime
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from sidecar.errors import SettingsError
from sidecar.identity import KEY_FILE, Identity, leaf_key_untrusted
from sidecar.identity.identity import KeyType

KEY_TYPES: list[KeyType] = ["ed25519", "p256"]


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_key_is_made_once_and_kept_private(tmp_path: Path, key_type: KeyType) -> None:
    made = Identity.load_or_create(tmp_path, key_type)
    again = Identity.load_or_create(tmp_path, key_type)

    assert made.peer_id == again.peer_id
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert (tmp_path / KEY_FILE).read_bytes() == made.private_key_pem
    assert made.private_key_pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert [entry.name for entry in tmp_path.iterdir()] == [KEY_FILE], "no temporary file is left"


def test_key_type_is_for_the_first_start_alone(tmp_path: Path) -> None:
    made = Identity.load_or_create(tmp_path, "p256")
    assert Identity.load_or_create(tmp_path, "ed25519").peer_id == made.peer_id


def test_load_makes_nothing(tmp_path: Path) -> None:
    assert Identity.load(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_ephemeral_identities_differ() -> None:
    assert Identity.ephemeral().peer_id != Identity.ephemeral().peer_id


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_certificate_shows_the_key_for_good(key_type: KeyType) -> None:
    identity = Identity.ephemeral(key_type)
    certificate = x509.load_der_x509_certificate(identity.certificate_der)

    assert certificate.subject.rfc4514_string() == f"CN={identity.peer_id}" == certificate.issuer.rfc4514_string()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [identity.peer_id]
    assert certificate.not_valid_before_utc < datetime(2021, 1, 1, tzinfo=UTC)
    assert certificate.not_valid_after_utc.year == 9999
    certificate.verify_directly_issued_by(certificate)
    assert leaf_key_untrusted([identity.certificate_der]).peer_id == identity.peer_id


def test_certificate_is_new_at_each_start(tmp_path: Path) -> None:
    first, second = Identity.load_or_create(tmp_path), Identity.load_or_create(tmp_path)
    serials = {x509.load_der_x509_certificate(each.certificate_der).serial_number for each in (first, second)}
    assert len(serials) == 2


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_signature_is_the_keys(key_type: KeyType) -> None:
    identity, other = Identity.ephemeral(key_type), Identity.ephemeral(key_type)
    key = leaf_key_untrusted([identity.certificate_der])

    assert key.verify(identity.sign(b"said"), b"said")
    assert not key.verify(identity.sign(b"said"), b"not said")
    assert not key.verify(other.sign(b"said"), b"said")
    assert not key.verify(b"", b"said")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601, 0o660, 0o777])
def test_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    Identity.load_or_create(tmp_path)
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(SettingsError, match=rf"{KEY_FILE} has mode {mode:04o}.*chmod it to 0600"):
        Identity.load_or_create(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_key_of_another_user_is_refused(tmp_path: Path) -> None:
    Identity.load_or_create(tmp_path)
    os.chown(tmp_path / KEY_FILE, 12345, -1)
    with pytest.raises(SettingsError, match="belongs to user 12345"):
        Identity.load_or_create(tmp_path)


def test_key_behind_a_link_of_our_own_is_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    made = Identity.load_or_create(tmp_path / "real")
    (tmp_path / KEY_FILE).symlink_to(tmp_path / "real" / KEY_FILE)
    assert Identity.load_or_create(tmp_path).peer_id == made.peer_id


def test_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).symlink_to(tmp_path / "nothing")
    with pytest.raises(SettingsError, match="symbolic link to nothing"):
        Identity.load_or_create(tmp_path)


def test_directory_in_place_of_the_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).mkdir(mode=0o700)
    with pytest.raises(SettingsError, match="not a regular file"):
        Identity.load_or_create(tmp_path)


def test_fifo_in_place_of_the_key_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / KEY_FILE, 0o600)
    with pytest.raises(SettingsError, match="not a regular file"):
        Identity.load_or_create(tmp_path)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"not a key\n", "does not hold a PKCS8 private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "does not hold a PKCS8 private key in PEM"),
        (Identity.ephemeral().private_key_pem[:-40], "does not hold a PKCS8 private key in PEM"),
        (bytes(20000), "larger than 16384 bytes"),
        (_pem(ec.generate_private_key(ec.SECP384R1())), "neither Ed25519 nor P-256"),
        (_pem(rsa.generate_private_key(65537, 1024)), "neither Ed25519 nor P-256"),
        (_pem(ec.generate_private_key(ec.SECP256R1()), b"password"), "encrypted"),
    ],
    ids=["empty", "text", "bad PEM", "cut", "huge", "P-384", "RSA", "encrypted"],
)
def test_content_that_is_no_key_of_ours_is_refused_and_kept(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / KEY_FILE
    file.touch(0o600)
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=why) as refusal:
        Identity.load_or_create(tmp_path)
    assert str(file) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert file.read_bytes() == content


def test_directory_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot write the private key .*No such file"):
        Identity.load_or_create(tmp_path / "missing")


def _race(directory: Path, go: Path, answers: SimpleQueue[str]) -> None:
    while not go.exists():
        pass
    answers.put(Identity.load_or_create(directory).peer_id)


def test_first_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers: SimpleQueue[str] = context.SimpleQueue()
    go = tmp_path / "go"
    state = tmp_path / "state"
    state.mkdir()
    racers = [context.Process(target=_race, args=(state, go, answers)) for _ in range(4)]
    for racer in racers:
        racer.start()
    go.touch()
    peer_ids = {answers.get() for _ in racers}
    for racer in racers:
        racer.join()
    assert peer_ids == {Identity.load_or_create(state).peer_id}
