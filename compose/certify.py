"""The steps of docker-compose.private-ca.yml, by `sidecar ca`: a CA, a request beside each key, certificates.

    certify.py init CA EXCHANGE                  makes the CA, and the exchange writable for the sidecars' user
    certify.py request EXCHANGE NAME             asks for a certificate for the key in the state directory
    certify.py issue CA EXCHANGE NAME...         answers every request

For trying it out. In earnest the CA is on another machine, and requests and certificates travel as you see fit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

OWNER = 65532


def sidecar(*words: str | Path) -> bytes:
    """What a command prints."""
    return subprocess.run(["sidecar", *words], check=True, stdout=subprocess.PIPE).stdout


def init(ca: Path, exchange: Path) -> None:
    """Once; what is there stays."""
    if not (ca / "ca.key").exists():
        sidecar("ca", "init", ca, "--name", "compose CA")
    os.chown(exchange, OWNER, OWNER)


def request(exchange: Path, name: str) -> None:
    """The key is made where it is used, and stays there."""
    (exchange / f"{name}.csr").write_bytes(sidecar("ca", "request", "--name", name))


def issue(ca: Path, exchange: Path, names: list[str]) -> None:
    """Every name gets its own request answered, and the CA's certificate and list beside it."""
    for name in names:
        sidecar("ca", "issue", exchange / f"{name}.csr", "--ca", ca, "--name", name, "--out", exchange / f"{name}.crt")
    for name in ("ca.crt", "ca.crl"):
        shutil.copyfile(ca / name, exchange / name)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["init", ca, exchange]:
            init(Path(ca), Path(exchange))
        case ["request", exchange, name]:
            request(Path(exchange), name)
        case ["issue", ca, exchange, *names]:
            issue(Path(ca), Path(exchange), names)
        case _:
            sys.exit(__doc__)
