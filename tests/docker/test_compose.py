"""docker-compose.yml and docker-compose.tls.yml on a real engine: the apps talk, locked down as they are."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from tests.docker.conftest import Project, docker
from tests.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images"), pytest.mark.timeout(900)]

NAMES = ("a", "b", "c")
TRACEBACK = "Traceback (most recent call last)"


@pytest.fixture(scope="module", params=["qh3", "aioquic"])
def project(request: pytest.FixtureRequest, images: None) -> Iterator[Project]:
    """docker-compose.yml, on either engine; `auto` must take qh3, which the image holds."""
    chosen = {"qh3": "auto"}.get(request.param, request.param)
    environment = {"SIDECAR_ENGINE": chosen, "PUBLISHED_PORT": str(free_port())}
    with Project(f"sidecar-{request.param}", "docker-compose.yml", environment) as project:
        project.quic = request.param
        yield project


def test_every_app_hears_from_every_other(project: Project) -> None:
    for name in NAMES:
        project.wait_for_log(f"app-{name}", "every peer answered")


@pytest.mark.parametrize("name", NAMES)
def test_sidecar_is_healthy_and_runs_the_engine(project: Project, name: str) -> None:
    assert project.inspect(f"sidecar-{name}")["State"]["Health"]["Status"] == "healthy"
    status = json.loads(project.execute(f"sidecar-{name}", "sidecar", "status", "--json").stdout)
    assert project.quic in json.dumps(status)


@pytest.mark.parametrize("service", ["sidecar-a", "app-a"])
def test_container_is_locked_down(project: Project, service: str) -> None:
    # The sidecar's image has no tools but Python.
    show = "print(open('/proc/1/status').read())"
    status = project.execute(service, "python", "-c", show).stdout.split("\n")
    facts = dict(line.split(":\t", 1) for line in status if ":\t" in line)
    assert set(facts["Uid"].split()) == set(facts["Gid"].split()) == {"65532"}
    assert int(facts["CapEff"], 16) == 0
    assert facts["NoNewPrivs"] == "1"
    refused = project.execute(service, "python", "-c", "open('/written', 'w')", check=False)
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr


def test_app_has_no_network_and_no_sidecar(project: Project) -> None:
    interfaces = project.execute("app-a", "ls", "/sys/class/net").stdout.split()
    assert interfaces == ["lo"]
    imports = "import importlib.util as u; print([u.find_spec(n) for n in ('sidecar', 'aioquic', 'qh3')])"
    assert project.execute("app-a", "python", "-c", imports).stdout.strip() == "[None, None, None]"


def test_key_is_kept_when_the_container_is_made_anew(project: Project) -> None:
    project.wait_for_log("app-b", "every peer answered")
    before = project.execute("sidecar-b", "sidecar", "id").stdout
    project.compose("up", "--detach", "--force-recreate", "--no-deps", "sidecar-b")
    project.wait_for_log("app-b", "a heard greeting")
    assert project.execute("sidecar-b", "sidecar", "id").stdout == before


def test_sigterm_drains(project: Project) -> None:
    container = project.container("sidecar-c")
    docker("stop", "--time", "25", container)
    state = json.loads(docker("inspect", container))[0]["State"]
    assert state["ExitCode"] == 0
    assert not state["OOMKilled"]
    for name in NAMES:
        assert TRACEBACK not in project.logs(f"sidecar-{name}")
        assert TRACEBACK not in project.logs(f"app-{name}")


def test_private_ca_lets_members_talk_and_refuses_a_stranger() -> None:
    environment = {"PUBLISHED_PORT": str(free_port())}
    over = ["docker-compose.private-ca.yml"]
    with Project("sidecar-private-ca", "docker-compose.yml", environment, over) as project:
        for name in NAMES:
            project.wait_for_log(f"app-{name}", "every peer answered")
        status = json.loads(project.execute("sidecar-a", "sidecar", "status", "--json").stdout)
        assert status["trust"] == "private_ca"
        assert "sidecar-a" in status["certificate_names"]
        linked = {peer["peer_id"] for peer in status["peers"]}
        stranger = project.execute("stranger", "sidecar", "id").stdout.strip()
        refused = project.execute("stranger", "sidecar", "bootstrap", check=False)
        assert refused.returncode == 6
        assert "refused: self-signed certificate: CN=" in refused.stderr
        assert linked
        assert stranger not in linked
        assert "self-signed certificate" in project.logs("sidecar-a")
        # The keys stay where they were made.
        shared = "import os; print(sorted(os.listdir('/exchange')))"
        found = project.execute("sidecar-a", "python", "-c", shared).stdout
        assert "key" not in found
        assert "identity.pem" not in found


def test_tls_and_token() -> None:
    environment = {"API_TOKEN": secrets.token_hex(16)}
    with Project("sidecar-tls", "docker-compose.tls.yml", environment) as project:
        for name in ("a", "b"):
            project.wait_for_log(f"app-{name}", "every peer answered")
        ask = "from sidecar_client import Sidecar; Sidecar(token='wrong').node(timeout=60)"
        refused = project.execute("app-a", "python", "-c", ask, check=False)
        assert "TokenInvalid" in refused.stderr
        plain = (
            "import os; del os.environ['SIDECAR_TLS_CA']; from sidecar_client import Sidecar; "
            "Sidecar().node(timeout=60)"
        )
        unencrypted = project.execute("app-a", "python", "-c", plain, check=False)
        assert "SidecarUnavailable" in unencrypted.stderr
