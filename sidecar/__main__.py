"""`python -m sidecar`, and what the console script `sidecar` runs."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the command that the arguments name, and ends the process with its exit code."""
    if sys.argv[1:2] == ["run"] and "_SIDECAR_COMPLETE" not in os.environ:
        from sidecar.cli.flags import read_plain

        given = read_plain(sys.argv[2:])
        if given is not None:
            run_plain(given)
            return
    from sidecar.cli import commands

    commands.main()


def run_plain(given: dict[str, object]) -> None:
    """`sidecar run` with flags that need no command line to be understood. Errors end it as they end a command."""
    from sidecar.cli.exits import Exit
    from sidecar.cli.output import complain
    from sidecar.cli.serve import serve
    from sidecar.errors import SettingsError

    try:
        serve(given, ready_json=bool(given.pop("ready_json", False)))
    except SettingsError as error:
        complain(str(error))
        sys.exit(Exit.USAGE)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    main()
