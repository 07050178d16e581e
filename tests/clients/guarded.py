"""What a client finds in its environment to be let in, and what it says where it is not: alike in every language."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.api.front.tls import Authority
from tests.clients.apps import RUN_SECONDS
from tests.processes import Sidecars, sidecar_environment

TOKEN = "0123456789abcdef"

Environment = Mapping[str, str]


class Guarded:
    """A sidecar whose API asks for a token, and over TCP for TLS and an app's certificate too; and a driver
    (tests/conformance/README.md) that is to be let in."""

    def __init__(self, sidecars: Sidecars, folder: Path, driver: Sequence[str | Path]) -> None:
        authority = Authority.make("api", folder)
        served, own = authority.issue("sidecar"), authority.issue("app")
        files = {"ca": authority.certificate, "cert": served.certificate, "key": served.key, "token": TOKEN.encode()}
        files |= {"own-cert": own.certificate, "own-key": own.key}
        for name, content in files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
        socket = f"unix:{folder}/api.sock"
        sidecar = sidecars.spawn(
            grpc_endpoint=["127.0.0.1:0", socket],
            api_token_file=folder / "token",
            api_tls_cert=folder / "cert",
            api_tls_key=folder / "key",
            api_tls_client_ca=folder / "ca",
            ephemeral=True,
        )
        self.tcp: Environment = {"SIDECAR_ENDPOINT": sidecar.endpoint}
        self.unix: Environment = {"SIDECAR_ENDPOINT": socket}
        self.token: Environment = {"SIDECAR_TOKEN": TOKEN}
        self.ca: Environment = {"SIDECAR_TLS_CA": str(folder / "ca")}
        self.own: Environment = {
            "SIDECAR_TLS_CERT": str(folder / "own-cert"), "SIDECAR_TLS_KEY": str(folder / "own-key"),
        }  # fmt: skip
        self._mine = {"value": sidecar.peer_id}
        self._driver = driver

    def lets_in(self, *variables: Environment) -> bool:
        """Whether a driver with these variables is told which sidecar it is."""
        return self._result(*variables) == self._mine

    def raised(self, *variables: Environment) -> str:
        """The kind of the error that the client raises with these variables."""
        kind: str = self._result(*variables)["raised"]["kind"]
        return kind

    def refused(self, *variables: Environment) -> str:
        """What the client says of variables that it does not begin with."""
        done = self._run(*variables)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def assert_alike(self) -> None:
        """What every client makes of the environment."""
        tcp, unix, token, ca, own = self.tcp, self.unix, self.token, self.ca, self.own
        wrong, elsewhere = {"SIDECAR_TOKEN": "wrong"}, {"SIDECAR_TLS_SERVER_NAME": "another.test"}
        assert self.lets_in(tcp, token, ca, own)
        assert self.lets_in(tcp, token, ca, own, {"SIDECAR_TLS_SERVER_NAME": "localhost"})
        assert self.lets_in(unix, token)
        assert self.raised(unix) == "TokenInvalid"
        assert self.raised(unix, wrong) == "TokenInvalid"
        assert self.raised(tcp, ca, own, wrong) == "TokenInvalid"
        for variables in ([token], [token, ca], [token, ca, own, elsewhere]):
            assert self.raised(tcp, *variables) == "SidecarUnavailable"
        self.refused(tcp, token, ca, {"SIDECAR_TLS_KEY": own["SIDECAR_TLS_KEY"]})

    def _result(self, *variables: Environment) -> dict[str, Any]:
        done = self._run(*variables)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)["result"]
        return answer

    def _run(self, *variables: Environment) -> subprocess.CompletedProcess[str]:
        call = {"case": "call", "role": "app", "params": {"verb": "node", "timeout": RUN_SECONDS / 2}}
        return subprocess.run(
            self._driver,
            env=sidecar_environment({name: value for each in variables for name, value in each.items()}),
            input=json.dumps(call) + "\n",
            capture_output=True,
            encoding="utf-8",
            timeout=RUN_SECONDS,
            check=False,
        )
