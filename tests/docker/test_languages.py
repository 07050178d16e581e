"""docker-compose.languages.yml on a real engine: apps in three languages greet each other."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.conftest import BASE, REPOSITORY, Project, run

pytestmark = [
    pytest.mark.docker,
    pytest.mark.requires("go", "npm"),
    pytest.mark.usefixtures("images"),
    pytest.mark.timeout(1200),
]

TOOLCHAINS = "local/languages:dev"
LANGUAGES = ("go", "node", "java")


def toolchains(folder: Path) -> None:
    """An image with the toolchains of this machine, as the machines of others have those of the official images."""
    go_root = subprocess.run(["go", "env", "GOROOT"], check=True, capture_output=True, text=True).stdout.strip()
    node = Path(shutil.which("node") or "").resolve()
    npm = Path(shutil.which("npm") or "").resolve().parents[1]
    with tarfile.open(folder / "toolchains.tar", "w") as tar:
        tar.add(go_root, "usr/local/go")
        tar.add(node, "usr/local/bin/node")
        tar.add(npm, "usr/local/lib/node_modules/npm")
        for name in ("npm", "npx"):
            link = tarfile.TarInfo(f"usr/local/bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, f"../lib/node_modules/npm/bin/{name}-cli.js"
            tar.addfile(link)
    shutil.copy(REPOSITORY / "tests/docker/languages.Dockerfile", folder / "Dockerfile")
    build = ("/usr/bin/docker", "build", "--progress=plain", "--build-arg", f"BASE_IMAGE={BASE}", "-t", TOOLCHAINS)
    run(*build, str(folder), timeout=600, environment={"DOCKER_BUILDKIT": "1"})


@pytest.fixture(scope="module")
def project(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project, its images built as a user builds them."""
    toolchains(tmp_path_factory.mktemp("toolchains"))
    environment = {f"{name}_IMAGE": TOOLCHAINS for name in ("GO", "NODE", "MAVEN", "JRE")}
    made = Project("sidecar-languages", "docker-compose.languages.yml", environment)
    made.compose("build", *(f"app-{language}" for language in LANGUAGES), timeout=900)
    with made as project:
        yield project


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_app_is_greeted_by_every_other(project: Project, language: str) -> None:
    project.wait_for_log(f"app-{language}", f"{language}: everybody has greeted me", timeout=400)
    heard = project.logs(f"app-{language}")
    for other in LANGUAGES:
        assert (f"hello from {other}" in heard) == (other != language)


def test_apps_end_when_they_are_told(project: Project) -> None:
    project.compose("stop", "--timeout", "20", *(f"app-{language}" for language in LANGUAGES), timeout=300)
    for language in LANGUAGES:
        state = project.inspect(f"app-{language}")["State"]
        assert state["ExitCode"] in (0, 143), "by itself, or by SIGTERM as a JVM says it"
