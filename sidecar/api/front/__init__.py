"""The gRPC servers under the servicers, behind one small Protocol."""

from __future__ import annotations

from collections.abc import Callable

from sidecar.api.front.base import Front

NAMES = ("auto", "grpcio", "lean")
"""What `load` takes."""


def load(name: str, refused: Callable[[], None] = lambda: None) -> Front:
    """The front of this name; `auto` is lean. `refused` is called for each call whose token is wrong.

    Raises ValueError for any other name. Only the server that serves is imported.
    """
    if name not in NAMES:
        raise ValueError(f"no front is called {name!r}: give one of {', '.join(NAMES)}")
    if name == "grpcio":
        from sidecar.api.front.grpcio import GrpcioFront

        return GrpcioFront(refused)
    from sidecar.api.front.lean.server import LeanFront

    return LeanFront(refused)
