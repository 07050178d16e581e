"""The image as it is, without a network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.docker.conftest import REPOSITORY, docker

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images"), pytest.mark.timeout(900)]

IMAGE = "quic-p2p-sidecar:dev"
LIMIT = 80_000_000


@pytest.fixture(scope="module")
def facts() -> Any:
    """What the engine knows of the image."""
    return json.loads(docker("image", "inspect", IMAGE))[0]


def in_image(*words: str, entrypoint: str = "python") -> str:
    """What a command prints in the image, unprivileged, on a read-only root and without a network."""
    locked = ("--rm", "--read-only", "--cap-drop", "ALL", "--network", "none")
    return docker("run", *locked, "--entrypoint", entrypoint, IMAGE, *words)


def test_size(facts: Any) -> None:
    assert facts["Size"] <= LIMIT


def test_runs_as_nobody_in_particular(facts: Any) -> None:
    assert facts["Config"]["User"] == "65532:65532"
    assert facts["Config"]["Entrypoint"] == ["sidecar"]
    assert facts["Config"]["Healthcheck"]["Test"][:4] == ["CMD", "python", "-I", "-S"]
    assert set(facts["Config"]["Volumes"]) == {"/var/lib/sidecar", "/run/sidecar"}
    assert facts["Config"]["ExposedPorts"] == {"7400/udp": {}}


def test_holds_no_shell_and_nothing_that_installs() -> None:
    held = (
        "import os; print(*sorted({name for folder in os.environ['PATH'].split(':') for name in os.listdir(folder)}))"
    )
    names = in_image("-c", held).split()
    assert names == ["python", "sidecar"]
    looked = "import os; print(os.path.exists('/bin/sh'), [name for name in os.listdir('/usr/bin')])"
    assert in_image("-c", looked).startswith("False ['python3")


def test_root_belongs_to_nobody_who_runs_there() -> None:
    wrong = "import os; print([p for p in ('/', '/opt/sidecar', '/usr', '/etc') if os.access(p, os.W_OK)], os.getuid())"
    assert in_image("-c", wrong).split() == ["[]", "65532"]


def test_every_command_finds_its_modules() -> None:
    for words in (["--help"], ["run", "--help"], ["peers", "--help"], ["config", "show"], ["completion", "bash"]):
        assert in_image(*words, entrypoint="sidecar")
    every = (
        "import importlib, pkgutil, tomllib, sidecar, prometheus_client.openmetrics.exposition\n"
        "names = [each.name for each in pkgutil.walk_packages(sidecar.__path__, 'sidecar.')]\n"
        "[importlib.import_module(name) for name in names if not name.endswith('__main__')]\n"
        "print(len(names), importlib.import_module('aioquic.tls').__file__)"
    )
    count, file = in_image("-c", every).split()
    assert int(count) > 80
    assert file.startswith("/opt/sidecar/")


def test_labels(facts: Any) -> None:
    labels = facts["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "quic-p2p-sidecar"
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    assert labels["org.opencontainers.image.version"] == in_image("version", entrypoint="sidecar").split()[-1]


def test_holds_both_engines() -> None:
    assert in_image("-c", "import aioquic, qh3; print(aioquic.__version__, qh3.__version__)").split()


def test_bytecode_is_in_the_image() -> None:
    count = "import pathlib, sidecar; print(len(list(pathlib.Path(sidecar.__path__[0]).rglob('*.pyc'))))"
    assert int(in_image("-c", count)) > 20


def test_no_build_front_end_is_downloaded() -> None:
    for path in ("Dockerfile", "compose/Dockerfile"):
        assert "syntax=" not in (REPOSITORY / path).read_text().splitlines()[0]
