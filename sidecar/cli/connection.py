"""The way from a command to the sidecar: the public client, and what its errors become."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sidecar.cli.exits import Exit
from sidecar.cli.output import complain, complain_json
from sidecar.errors import SettingsError

if TYPE_CHECKING:
    from sidecar_client import AsyncSidecar, Sidecar, SidecarError

MIN_PREFIX_CHARS = 6
"""A shorter beginning of a peer id is more likely a slip than a name."""

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line; errors too, on stderr.")]
PeerArgument = Annotated[
    str,
    typer.Argument(metavar="PEER", help=f"A peer id, or {MIN_PREFIX_CHARS} characters or more that begin just one."),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0.0, help="How long it may take.", show_default=False),
]


@contextmanager
def sidecar(*, as_json: bool) -> Iterator[Sidecar]:
    """The sidecar that the environment names. An error of a call ends the command with its exit code."""
    from sidecar_client import Sidecar, SidecarError

    try:
        client = Sidecar()
    except ValueError as error:
        raise SettingsError(str(error)) from None
    with client:
        try:
            yield client
        except SidecarError as error:
            _report(error, client, as_json=as_json)
            raise typer.Exit(exit_code(error)) from None


def exit_code(error: SidecarError) -> Exit:
    """What a failed call ends the command with."""
    from sidecar_client import DeadlinePassed, NotFound, OutcomeUnknown, PeerError, SidecarUnavailable, TokenInvalid

    match error:
        case SidecarUnavailable():
            return Exit.NO_SIDECAR
        case DeadlinePassed():
            return Exit.TIMEOUT
        case NotFound():
            return Exit.NOT_FOUND
        case OutcomeUnknown():
            return Exit.OUTCOME_UNKNOWN
        case PeerError():
            return Exit.UNREACHABLE
        case TokenInvalid():
            return Exit.DENIED
        case _:
            return Exit.USAGE if error.reason == "INVALID_FIELD" else Exit.FAILED


def find_peer(client: Sidecar, text: str) -> str:
    """The peer id that `text` is or begins. Raises PeerUnknown when none does, SettingsError when several do."""
    from sidecar.identity.peer_id import PEER_ID_CHARS, parse_peer_id
    from sidecar_client import PeerUnknown

    if len(text) >= PEER_ID_CHARS:
        try:
            parse_peer_id(text)
        except ValueError as error:
            raise SettingsError(f"{text!r}: {error}") from None
        return text
    if len(text) < MIN_PREFIX_CHARS:
        raise SettingsError(f"{text!r}: give a peer id, or {MIN_PREFIX_CHARS} characters or more of one")
    found = [peer.peer_id for peer in client.peers() if peer.peer_id.startswith(text)]
    if not found:
        raise PeerUnknown(f"no peer this sidecar knows begins with {text!r}: see `sidecar peers ls`")
    if len(found) > 1:
        raise SettingsError(f"{len(found)} peers begin with {text!r}: give more characters of one")
    return found[0]


def _report(error: SidecarError, client: Sidecar, *, as_json: bool) -> None:
    if as_json:
        complain_json(
            {
                "reason": error.reason,
                "code": error.code.name,
                "detail": error.detail,
                "metadata": error.metadata,
                "retry_after": error.retry_after,
            }
        )
        return
    from sidecar_client import DeadlinePassed, SidecarUnavailable

    if isinstance(error, DeadlinePassed) and not error.reason:
        complain("it was not done in the time given: see --timeout")
        return
    if isinstance(error, SidecarUnavailable) and not error.reason:
        complain(
            f"no sidecar answers at {client.endpoint.address}: start one with `sidecar run`, or name it in "
            f"SIDECAR_ENDPOINT ({error.detail})"
        )
        return
    complain(str(error))


T = TypeVar("T")


def run_async(work: Callable[[AsyncSidecar], Awaitable[T]], *, as_json: bool = False) -> T:
    """Runs a command that waits for several things at once; errors as in `sidecar`."""
    from sidecar_client import AsyncSidecar

    async def main() -> T:
        async with AsyncSidecar() as client:
            return await work(client)

    with sidecar(as_json=as_json):
        return asyncio.run(main())


Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow", metavar="PEER|any", help="Who may; repeat it, or `any`. Without it nobody may.", show_default=False
    ),
]


def allowed_peers(client: Sidecar, allow: list[str] | None) -> list[str]:
    """The peers that `--allow` names; none for any. SettingsError where nobody may: that serves nobody."""
    if not allow:
        raise SettingsError("nobody may: name who does with --allow PEER, or say --allow any")
    if "any" in allow:
        if len(allow) > 1:
            raise SettingsError("--allow any is everybody: leave the others out, or leave `any` out")
        return []
    return [find_peer(client, each) for each in allow]


def peer_and_name(client: Sidecar, text: str) -> tuple[str, str]:
    """What `PEER:NAME` says."""
    peer, colon, name = text.partition(":")
    if not colon:
        raise SettingsError(f"{text!r}: give PEER:NAME")
    return find_peer(client, peer), name
