"""`sidecar ca`: a CA of one's own, for `--trust private-ca`. No sidecar need run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecar.cli.flags import with_settings
from sidecar.cli.output import show_json, show_table
from sidecar.errors import SettingsError

if TYPE_CHECKING:
    from cryptography import x509

    from sidecar.trust.authority import CaKeyType, Issued

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CaFlag = Annotated[Path, typer.Option("--ca", metavar="DIR", help="The CA's directory.")]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", metavar="NAME", help="A DNS name it is for; may be repeated.", show_default=False),
]
LEAF_DAYS, CA_DAYS, LIST_DAYS = 90, 3650, 30


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Made where it is missing; keep it safe.")],
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What the CA is called.")] = "quic-p2p-sidecar CA",
    key_type: Annotated[
        str, typer.Option("--key-type", metavar="p256|p384|ed25519|rsa", help="The kind of its key.")
    ] = "p256",
    issuer: Annotated[
        Path | None,
        typer.Option("--issuer", metavar="DIR", help="The CA above: makes an intermediate one.", show_default=False),
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=36500, help="How long it is good for.")] = CA_DAYS,
    as_json: JsonFlag = False,
) -> None:
    """Make a CA: its key, its certificate for --ca-bundle, its revocation list for --crl."""
    from sidecar.trust.authority import CERTIFICATE_FILE, REVOCATION_FILE, Authority, utc_now

    kinds: dict[str, CaKeyType] = {"p256": "p256", "p384": "p384", "ed25519": "ed25519", "rsa": "rsa"}
    if key_type not in kinds:
        raise SettingsError(f"--key-type {key_type!r}: give one of {', '.join(kinds)}")
    above = None if issuer is None else Authority(issuer)
    made = Authority.init(directory, name, key_type=kinds[key_type], days=days, now=utc_now(), above=above)
    files = {"ca_bundle": str(directory / CERTIFICATE_FILE), "crl": str(directory / REVOCATION_FILE)}
    if as_json:
        show_json({"name": name, "not_after": made.certificate.not_after.isoformat(), **files})
    else:
        print(f"made the CA {name!r}, good until {made.certificate.not_after:%Y-%m-%d}")
        print(f"run sidecars with --trust private-ca --ca-bundle {files['ca_bundle']} --crl {files['crl']}")


@with_settings("config", "state_dir", "key_type", "key")
def request(*, names: Names = None, **flags: Any) -> None:
    """Print a certificate request for this sidecar's key, which is made where there is none yet."""
    from sidecar.identity import Identity
    from sidecar.settings import Settings
    from sidecar.state import make_directory
    from sidecar.trust.files import private_key

    given = flags.pop("key", None)
    settings = Settings.load(flags)
    if given is not None:
        identity = private_key(Path(given))
    else:
        make_directory(settings.state_dir)
        identity = Identity.load_or_create(settings.state_dir, settings.key_type)
    print(identity.certificate_request(tuple(map(_name, names or ()))).decode(), end="")


def issue(
    asked: Annotated[str, typer.Argument(metavar="REQUEST", help="The file of a certificate request, - for stdin.")],
    *,
    ca: CaFlag,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write it. [stdout]", show_default=False)
    ] = None,
    names: Names = None,
    days: Annotated[int, typer.Option("--days", min=1, max=36500, help="How long it is good for.")] = LEAF_DAYS,
) -> None:
    """Issue a certificate for a request: the chain for --cert. Names given here take the place of those asked for."""
    from sidecar.trust import pem
    from sidecar.trust.authority import Authority, utc_now

    content = sys.stdin.buffer.read(pem.MAX_FILE_BYTES) if asked == "-" else pem.read(Path(asked), "REQUEST")
    chosen = None if names is None else tuple(map(_name, names))
    issued, chain = Authority(ca).issue(content, names=chosen, days=days, now=utc_now())
    if out is None:
        print(chain.decode(), end="")
    else:
        try:
            out.write_bytes(chain)
        except OSError as error:
            raise SettingsError(f"cannot write {out}: {error.strerror}") from None
    print(
        f"issued {issued.serial} to {issued.peer_id} until {issued.certificate.not_valid_after_utc:%Y-%m-%d}: "
        f"{', '.join(_dns_names(issued.certificate))}",
        file=sys.stderr,
    )


def show(
    what: Annotated[Path, typer.Argument(metavar="DIR|FILE", help="A CA's directory, or a file of certificates.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Show a CA and all it has issued, or the certificates in a file."""
    from sidecar.trust import pem
    from sidecar.trust.authority import Authority

    if not what.is_dir():
        rows = [_facts(each) for each in pem.loaded(pem.read(what, "FILE"), what, "FILE")]
        _print(rows, as_json=as_json)
        return
    authority = Authority(what)
    facts = [_facts(each.x509) for each in authority.chain]
    issued = [_issued(each) for each in authority.issued()]
    crl = authority.revocations()
    due = "-" if crl is None or crl.next_update_utc is None else f"{crl.next_update_utc:%Y-%m-%d}"
    if as_json:
        show_json({"ca": facts, "issued": issued, "revocation_list_due": due})
        return
    _print(facts, as_json=False)
    print(f"\n{len(issued)} issued; the revocation list is due to be replaced {due}")
    if issued:
        columns = ("serial", "peer_id", "ends", "state", "names")
        show_table([column.upper() for column in columns], [[row[column] for column in columns] for row in issued])


def revoke(
    certificates: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SERIAL|PEER|FILE]...", help="None of them: the list is signed anew.", show_default=False
        ),
    ] = None,
    *,
    ca: CaFlag,
    days: Annotated[int, typer.Option("--days", min=1, max=36500, help="When the list is due again.")] = LIST_DAYS,
    as_json: JsonFlag = False,
) -> None:
    """Revoke certificates: a new revocation list, which sidecars take up as soon as they have the file."""
    from sidecar.trust.authority import REVOCATION_FILE, Authority, utc_now

    authority = Authority(ca)
    found = [each for text in certificates or () for each in authority.find(text)]
    count = authority.revoke([each.certificate for each in found], now=utc_now(), days=days)
    if as_json:
        show_json({"revoked": [_issued(each) for each in found], "in_list": count, "crl": str(ca / REVOCATION_FILE)})
        return
    for each in found:
        print(f"revoked {each.serial} of {each.peer_id}")
    print(f"{ca / REVOCATION_FILE} has {count} revoked certificates")


def _name(text: str) -> str:
    from sidecar.addresses import Contact

    try:
        name = Contact.parse(f"{text.removeprefix('*.')}:1").name
    except ValueError:
        name = None
    if name is None:
        raise SettingsError(f"--name {text!r} is no DNS name")
    return f"*.{name}" if text.startswith("*.") else name


def _print(rows: list[dict[str, str]], *, as_json: bool) -> None:
    for number, row in enumerate(rows):
        if as_json:
            show_json(row)
            continue
        if number:
            print()
        for label, value in row.items():
            print(f"{label:<12} {value}")


def _facts(certificate: x509.Certificate) -> dict[str, str]:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from sidecar.identity.peer_id import peer_id_of
    from sidecar.trust.authority import serial_text

    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": serial_text(certificate),
        "peer_id": peer_id_of(spki),
        "names": ", ".join(_dns_names(certificate)),
        "begins": certificate.not_valid_before_utc.isoformat(),
        "ends": certificate.not_valid_after_utc.isoformat(),
        "sha256": certificate.fingerprint(SHA256()).hex(),
    }


def _issued(issued: Issued) -> dict[str, str]:
    from sidecar.trust.authority import utc_now

    certificate = issued.certificate
    if issued.revoked is not None:
        state = f"revoked {issued.revoked:%Y-%m-%d}"
    else:
        state = "expired" if certificate.not_valid_after_utc < utc_now() else "valid"
    return {
        "serial": issued.serial,
        "peer_id": issued.peer_id,
        "ends": f"{certificate.not_valid_after_utc:%Y-%m-%d}",
        "state": state,
        "names": ", ".join(_dns_names(certificate)),
    }


def _dns_names(certificate: x509.Certificate) -> list[str]:
    from sidecar.trust.certificate import Certificate

    return list(Certificate(certificate).dns_names)
