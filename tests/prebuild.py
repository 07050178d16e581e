"""Builds what tests of the marker `clients` build when they come to it: `python -m tests.prebuild`.

The tests leave half of a machine idle, so `.ci/run` has this done beside those that need none of it. What fails here is
said by the test that needs it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from functools import partial

from tests.conformance.drivers import BUILD_SECONDS, LANGUAGES, BuildError, built
from tests.deploy import tools as deploy
from tests.programs import GRPCURL, go_program


def sanitized() -> None:
    """The C++ client's programs under sanitizers."""
    command = ("cmake", "--build", "build", "--parallel", "2", "--target", "sanitized")
    folder = LANGUAGES["cpp"].path
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=BUILD_SECONDS)


BUILDS: dict[str, Callable[[], object]] = {
    **{name: partial(built, name) for name in LANGUAGES},
    "cpp, sanitized": sanitized,
    "linters": deploy.hadolint,
    "kustomize": partial(go_program, deploy.KUSTOMIZE),
    "helm": partial(go_program, deploy.HELM),
    "grpcurl": partial(go_program, GRPCURL),
}


def main() -> None:
    """One after the other."""
    for name, build in BUILDS.items():
        began = time.monotonic()
        try:
            build()
        except (BuildError, OSError, subprocess.SubprocessError) as error:
            print(f"{name}: {error}")
        else:
            print(f"{name}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
