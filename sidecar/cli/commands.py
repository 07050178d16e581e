"""Every command by its name, and what an error of one becomes."""

from __future__ import annotations

import os
import sys

import typer

from sidecar.cli import (
    asking,
    ca,
    contacts,
    copying,
    local,
    measuring,
    messages,
    node,
    peers,
    queue,
    reachability,
    tunnels,
)
from sidecar.cli.exits import Exit
from sidecar.cli.output import complain
from sidecar.errors import SettingsError

app = typer.Typer(
    name="sidecar",
    help="A peer-to-peer sidecar: QUIC between sidecars, gRPC to the app beside each.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Clients find their sidecar by SIDECAR_ENDPOINT (127.0.0.1:7401) and SIDECAR_TOKEN.",
)
app.command("run")(local.run)
app.command("id")(local.show_id)
app.command("status")(node.status)
app.command("bootstrap")(peers.bootstrap)
app.command("ping")(peers.ping)
app.command("send")(messages.send)
app.command("recv")(messages.recv)
app.command("request")(asking.request)
app.command("reply")(asking.reply)
app.command("cp")(copying.cp)
app.command("pipe")(tunnels.pipe)
app.command("expose")(tunnels.expose)
app.command("forward")(tunnels.forward)
app.command("bench")(measuring.bench)
app.command("events")(node.events)
app.command("reachability")(reachability.reachability)
app.command("drain")(node.drain)
app.command("version")(local.version)
app.command("completion")(local.completion)

peers_app = typer.Typer(help="The peers this sidecar knows.", no_args_is_help=True, rich_markup_mode=None)
peers_app.command("ls")(peers.ls)
peers_app.command("add")(peers.add)
peers_app.command("rm")(peers.rm)
peers_app.command("block")(peers.block)
peers_app.command("unblock")(peers.unblock)
peers_app.command("watch")(peers.watch)
app.add_typer(peers_app, name="peers")

contacts_app = typer.Typer(help="The ways into the network.", no_args_is_help=True, rich_markup_mode=None)
contacts_app.command("ls")(contacts.ls)
contacts_app.command("add")(contacts.add)
contacts_app.command("rm")(contacts.rm)
app.add_typer(contacts_app, name="contacts")

queue_app = typer.Typer(
    help="What this sidecar keeps: durable messages that wait, and dead letters.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip
queue_app.command("ls")(queue.ls)
queue_app.command("show")(queue.show)
queue_app.command("purge")(queue.purge)
queue_app.command("replay")(queue.replay)
app.add_typer(queue_app, name="queue")
ca_app = typer.Typer(help="A CA of one's own, for --trust private-ca.", no_args_is_help=True, rich_markup_mode=None)
ca_app.command("init")(ca.init)
ca_app.command("request")(ca.request)
ca_app.command("issue")(ca.issue)
ca_app.command("show")(ca.show)
ca_app.command("revoke")(ca.revoke)
app.add_typer(ca_app, name="ca")

config_app = typer.Typer(help="The settings of `run`.", no_args_is_help=True, rich_markup_mode=None)
config_app.command("show")(local.config_show)
app.add_typer(config_app, name="config")


def main() -> None:
    """Runs the command that the arguments name, and ends the process with its exit code."""
    if "_SIDECAR_COMPLETE" in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]  # not in its __all__

        completion_init()
    try:
        app(prog_name="sidecar")
    except SettingsError as error:
        complain(str(error))
        sys.exit(Exit.USAGE)
