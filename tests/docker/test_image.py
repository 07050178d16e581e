"""The image as it is, without a network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.docker.conftest import REPOSITORY, docker

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images"), pytest.mark.timeout(900)]

IMAGE = "quic-p2p-sidecar:dev"
LIMIT = 200_000_000


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
