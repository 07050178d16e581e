"""The QUIC implementations, and the only imports of them."""

from __future__ import annotations

import importlib.util

from sidecar.transport.engine.base import Engine

NAMES = ("auto", "aioquic", "qh3")
"""What `load` takes."""


def load(name: str) -> Engine:
    """The engine of this name; `auto` takes qh3 where it is installed, else aioquic.

    Raises ImportError when qh3 is asked for and not installed, ValueError for any other name.
    """
    if name not in NAMES:
        raise ValueError(f"no engine is called {name!r}: give one of {', '.join(NAMES)}")
    present = importlib.util.find_spec("qh3") is not None
    if name == "qh3" and not present:
        raise ImportError("the engine qh3 is not installed: install quic-p2p-sidecar[fast], or take aioquic or auto")
    if name != "aioquic" and present:
        from sidecar.transport.engine.qh3 import Qh3Engine

        return Qh3Engine()
    from sidecar.transport.engine.aioquic import AioquicEngine

    return AioquicEngine()
