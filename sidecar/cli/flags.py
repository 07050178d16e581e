"""The flags of the settings, which `run` and `config show` share.

They are listed here once more, without their types, because building a command line must not cost the import of what
checks the values; a test holds the list to `sidecar.settings.Settings`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

if TYPE_CHECKING:
    import inspect


@dataclass(frozen=True, slots=True)
class Flag:
    """A setting's flag: `--name`, with dashes."""

    name: str
    metavar: str
    help: str
    kind: Literal["value", "list", "switch"] = "value"

    @property
    def spelled(self) -> str:
        """As it is given: `--udp-port`."""
        return "--" + self.name.replace("_", "-")


FLAGS = (
    Flag("config", "FILE", "Settings in TOML. [env: SIDECAR_CONFIG]"),
    Flag("state_dir", "DIR", "Where the key is kept. [/var/lib/sidecar, else the user's state directory]"),
    Flag("ephemeral", "", "Keep nothing on disk: a new peer id at each start.", "switch"),
    Flag("key_type", "ed25519|p256", "The kind of key made at first start. [ed25519]"),
    Flag("udp_host", "IP", "The address of the QUIC socket. [::, which is IPv6 and IPv4]"),
    Flag("udp_port", "PORT", "Its port; 0 takes any free one. [7400]"),
    Flag(
        "grpc_endpoint",
        "HOST:PORT|unix:/PATH",
        "Where apps find the API; may be repeated. [127.0.0.1:7401]",
        "list",
    ),
    Flag("admin_endpoint", "HOST:PORT|none", "Where health and metrics are. [127.0.0.1:7402]"),
    Flag("labels", "KEY=VALUE", "What peers are told, for a broadcast to choose by; may be repeated.", "list"),
    Flag("bootstrap", "[PEER@]HOST:PORT", "A contact, a way into the network; may be repeated.", "list"),
    Flag("min_links", "N", "How many links are kept, as far as there are nodes to link to. [3]"),
    Flag(
        "role", "auto|node|client", "node: be dialled back or refused; client: never be dialled. [auto: node if it can]"
    ),
    Flag("network_id", "NAME", "Peers of another network are refused. [default]"),
    Flag("trust", "unverified|private-ca|public-ca", "Who may be a peer. [unverified: any key]"),
    Flag("ca_bundle", "FILE", "The CAs that are trusted, PEM. [in public-ca: certifi's]"),
    Flag("cert", "FILE", "This sidecar's certificate chain, PEM, its own first."),
    Flag("key", "FILE", "Its key, PEM. [the one in the state directory]"),
    Flag("crl", "FILE", "A revocation list, PEM or DER; may be repeated.", "list"),
    Flag("allow", "PEER|NAME", "Only this peer, and others given so; names where CAs prove them.", "list"),
    Flag("engine", "auto|aioquic|qh3", "The QUIC implementation. [auto: qh3 where it is installed]"),
    Flag("offload", "auto|never", "UDP segmentation and receive offload. [auto: where the kernel has them]"),
    Flag("retry", "always|never|under-load", "When diallers prove their address before state is made. [under-load]"),
    Flag("max_datagram", "BYTES", "UDP payload of the largest packet, 1200 to 65527. [1452]"),
    Flag("idle_timeout", "TIME", "A connection silent for so long is lost. [30s]"),
    Flag("keep_alive", "TIME", "How often an idle link is pinged; 0 is never. [a third of the idle timeout]"),
    Flag("resume_timeout", "TIME", "How long a link without a connection waits to be resumed. [30s]"),
    Flag("max_message_bytes", "SIZE", "The largest payload, up to 512MiB. [64MiB]"),
    Flag("link_window_bytes", "SIZE", "Messages a peer may have unread here. [16MiB]"),
    Flag("channel_window_bytes", "SIZE", "The same on one channel. [a quarter of the link's]"),
    Flag("outbox_bytes", "SIZE", "Messages that wait for one peer. [8MiB]"),
    Flag("queue_bytes", "SIZE", "Durable messages that wait for one peer, on disk. [256MiB]"),
    Flag("queue_time", "TIME", "How long one waits at most. [7d]"),
    Flag("journal_bytes", "SIZE", "Durable messages and dead letters on disk. [1GiB]"),
    Flag("dedupe_window", "TIME", "How long settled ones, and request ids, are remembered. [1h]"),
    Flag("front", "auto|grpcio|lean", "The gRPC server. [auto: lean]"),
    Flag("api_token_file", "FILE", "Ask every API call but health for the token in it."),
    Flag("api_apps_file", "FILE", "Let apps in by tokens of their own, each for what the file says."),
    Flag("api_tls_cert", "FILE", "The API's certificate chain, PEM."),
    Flag("api_tls_key", "FILE", "Its key, PEM."),
    Flag("api_tls_client_ca", "FILE", "Ask API clients for a certificate of this CA, PEM."),
    Flag("api_insecure", "", "Let the API listen beyond this machine without asking who calls.", "switch"),
    Flag("log_format", "text|json", "How the log on stderr is written. [text]"),
    Flag("log_level", "LEVEL", "debug, info, warning or error. [info]"),
)

Command = TypeVar("Command", bound=Callable[..., Any])


def read_plain(words: Sequence[str]) -> dict[str, Any] | None:
    """The values of `run`'s flags, by name and as text; `ready_json` among them where it is given.

    None when a word is anything but a flag or its value, `--help` too: the command line proper says what is wrong then.
    A sidecar starts that much earlier, and has that much less in memory, for not building one.
    """
    flags = {flag.spelled: flag for flag in (*FLAGS, Flag("ready_json", "", "", "switch"))}
    given: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        spelled, equals, value = word.partition("=")
        flag, on = flags.get(spelled), True
        if flag is None:
            flag, on = flags.get(spelled.replace("--no-", "--", 1)), False
            if flag is None or flag.kind != "switch" or flag.name == "ready_json":
                return None
        if flag.kind == "switch":
            if equals:
                return None
            given[flag.name] = on
            continue
        if not equals:
            value = next(rest, "-")
            if value.startswith("-"):
                return None
        if flag.kind == "list":
            given.setdefault(flag.name, []).append(value)
        else:
            given[flag.name] = value
    return given


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Gives a command whose last parameter is `**flags` an option for each setting, or for those named alone.

    Values come as text.
    """

    def decorate(command: Command) -> Command:
        import inspect

        own = inspect.signature(command, eval_str=True).parameters.values()
        parameters = [each for each in own if each.kind != each.VAR_KEYWORD]
        parameters += [_parameter(flag) for flag in FLAGS if not names or flag.name in names]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # where inspect looks
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        return command

    return decorate


def _parameter(flag: Flag) -> inspect.Parameter:
    import inspect

    import typer

    spelled = flag.spelled
    annotation: Any
    if flag.kind == "switch":
        off = f"--no-{spelled.removeprefix('--')}"
        annotation = Annotated[bool | None, typer.Option(f"{spelled}/{off}", help=flag.help, show_default=False)]
    else:
        kind: Any = list[str] | None if flag.kind == "list" else str | None
        annotation = Annotated[kind, typer.Option(spelled, metavar=flag.metavar, help=flag.help, show_default=False)]
    return inspect.Parameter(flag.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
