"""The commands that need no running sidecar."""

from __future__ import annotations

import dataclasses
import sys
from typing import Annotated, Any

import typer

from sidecar import __version__
from sidecar.cli.flags import with_settings
from sidecar.cli.output import complain, show_json, show_table
from sidecar.errors import SettingsError

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@with_settings()
def run(
    *,
    ready_json: Annotated[
        bool, typer.Option("--ready-json", help="Print one line of JSON on stdout when it serves.")
    ] = False,
    **flags: Any,
) -> None:
    """Run a sidecar until SIGTERM, Ctrl-C or `sidecar drain`."""
    from sidecar.cli.serve import serve

    serve(flags, ready_json=ready_json)


@with_settings("config", "state_dir", "key_type")
def show_id(*, as_json: JsonFlag = False, **flags: Any) -> None:
    """Print this sidecar's peer id; a key is made where there is none yet."""
    from sidecar.identity import KEY_FILE, Identity
    from sidecar.settings import Settings
    from sidecar.state import make_directory

    settings = Settings.load(flags)
    if settings.ephemeral:
        raise SettingsError(
            "an ephemeral sidecar has another peer id at each start: ask the running one, `sidecar status`"
        )
    make_directory(settings.state_dir)
    peer_id = Identity.load_or_create(settings.state_dir, settings.key_type).peer_id
    if as_json:
        show_json({"peer_id": peer_id, "key_file": str(settings.state_dir / KEY_FILE)})
    else:
        print(peer_id)


@with_settings()
def config_show(*, as_json: JsonFlag = False, **flags: Any) -> None:
    """Print every setting with its value and where it came from, and check them."""
    from sidecar import credentials
    from sidecar.api.listeners import api_listeners
    from sidecar.settings import Settings

    settings = Settings.load(flags)
    warnings: list[str] = []
    api_listeners(settings, warnings.append)
    credentials.check(settings)
    if as_json:
        show_json({each.name: dataclasses.asdict(each) for each in settings.explain()})
    else:
        show_table(
            ("SETTING", "VALUE", "FROM"),
            [(each.name, _text(each.value), each.origin or each.source) for each in settings.explain()],
        )
    for warning in warnings:
        complain(warning)


def version(*, as_json: JsonFlag = False) -> None:
    """Print the version."""
    if as_json:
        show_json({"version": __version__, "python": sys.version.partition(" ")[0]})
    else:
        print(f"sidecar {__version__}")


def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish|powershell", help="The shell.")],
) -> None:
    """Print the script that completes commands, e.g. `source <(sidecar completion bash)`."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # not in its __all__

    if shell not in {"bash", "zsh", "fish", "powershell"}:
        raise SettingsError(f"{shell!r}: give bash, zsh, fish or powershell")
    print(get_completion_script(prog_name="sidecar", complete_var="_SIDECAR_COMPLETE", shell=shell))


def _text(value: str | float | list[str] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(value) or "-" if isinstance(value, list) else str(value)
