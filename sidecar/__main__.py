"""`python -m sidecar`, and what the console script `sidecar` runs."""

from __future__ import annotations

from sidecar.cli.commands import main

if __name__ == "__main__":
    main()

__all__ = ["main"]
