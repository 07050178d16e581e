"""The composition root: settings in, a running sidecar out, and an orderly end."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import gc
import logging
import resource
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from sidecar import credentials, report
from sidecar.addresses import format_address
from sidecar.admin.exposition import Exposition
from sidecar.admin.server import AdminServer
from sidecar.api import front
from sidecar.api.front import failures
from sidecar.api.health import API, LIVE, OVERLAY, Health
from sidecar.api.listeners import api_listeners
from sidecar.api.services import services
from sidecar.errors import SettingsError
from sidecar.identity import Identity
from sidecar.mail.journal import Journal
from sidecar.node import Node, NodeState
from sidecar.overlay.cache import Cache
from sidecar.overlay.cache_file import CacheFile
from sidecar.overlay.contacts import Contacts
from sidecar.ready import ReadyInfo
from sidecar.settings import Settings
from sidecar.state import StateDirectory
from sidecar.transport import engine
from sidecar.transport.endpoint import Endpoint
from sidecar.transport.engine.base import EngineSettings
from sidecar.wire import ALPN

_log = logging.getLogger(__name__)

DRAIN_TIMEOUT = 10.0
"""Seconds that SIGTERM or SIGINT leave what was accepted to get its outcome; a second signal cuts that short."""
API_GRACE = 2.0

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Of malloc.h."""
KEPT_BYTES = 32 << 20

FILES_MAX = 65_536
"""Far more than all limits of ours together."""


def keep_memory() -> None:
    """Lets the C library keep what is freed instead of giving it back at once: buffers of 64 KiB to a few MiB come
    and go with every read and message, and fetching their pages anew each time cost a quarter of the receiver's time.

    glibc only (mallopt(3)); elsewhere nothing changes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES // 4)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_ARENA_MAX, 1)  # nearly all is asked for by one thread


def give_back() -> None:
    """Gives the system back what the start has freed: three quarters of a megabyte. glibc only (malloc_trim(3))."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def allow_files() -> None:
    """Raises the limit of open files to what the system lets this process have, FILES_MAX at most: with the usual 1,024
    the connections of one gRPC listener take all of them, and no other listener, file or probe has one left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(FILES_MAX, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def run(settings: Settings, ready: Callable[[ReadyInfo], None]) -> None:
    """Serves until told to stop by Drain, SIGTERM or SIGINT. Raises SettingsError for what a setting can mend."""
    keep_memory()
    allow_files()
    async with AsyncExitStack() as closing:
        listeners = api_listeners(settings, _log.warning)
        directory = None
        if not settings.ephemeral:
            directory = closing.enter_context(StateDirectory(settings.state_dir)).path
        shown = credentials.load(settings, directory)
        identity = shown.identity
        cache = Cache(CacheFile(directory) if directory is not None else None)
        contacts, journal = Contacts(settings.bootstrap, directory), Journal(directory, settings.journal_bytes)
        node = Node(settings, identity, contacts, shown.trust, cache, journal)
        if shown.files is not None and shown.loaded is not None:
            node.keep_renewed(shown.files, shown.loaded)
        endpoint = await _open_endpoint(settings, identity, node)
        node.start(endpoint)
        closing.push_async_callback(node.stop)

        health = Health()
        node.on_overlay = lambda linked: health.set(OVERLAY, linked)
        node.on_state = lambda state: health.set(API, state is NodeState.SERVING)
        served = front.load(settings.front, node.count_auth_failure)
        node.counters.calls_refused = failures.counted
        try:
            addresses = await served.start(services(node, health, served.name), listeners)
        except OSError as error:
            raise SettingsError(
                f"--grpc-endpoint {error.filename}: {error.strerror}; choose another, or end what is there"
            ) from error
        closing.push_async_callback(served.stop, API_GRACE)
        admin = None
        if settings.admin_endpoint is not None:
            exposition = Exposition(
                node.counters, partial(report.gauges, node), engine=endpoint.engine.name, front=served.name
            )
            server = AdminServer(ready=node.not_ready, status=partial(report.status, node), exposition=exposition)
            admin = await server.start(settings.admin_endpoint)
            closing.push_async_callback(server.stop)

        if settings.trust == "unverified" and not settings.allow:
            _log.warning(
                "trust is unverified: anyone who reaches the UDP port may send to the apps beside this sidecar"
            )
        health.set(LIVE, True)
        health.set(API, True)
        give_back()
        gc.freeze()  # what was imported lives as long as the process: no collection need look at it again
        _drain_on_signals(node)
        if node.renewal is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, node.renewal.check)
        ready(ReadyInfo(identity.peer_id, node.listen_addresses(), addresses, admin))
        await node.stopped.wait()


async def _open_endpoint(settings: Settings, identity: Identity, node: Node) -> Endpoint:
    try:
        chosen = engine.load(settings.engine)
    except ImportError as error:
        raise SettingsError(f"--engine {settings.engine}: {error}") from error
    bind = (settings.udp_host, settings.udp_port)
    try:
        return await Endpoint.open(
            bind,
            chosen,
            EngineSettings(
                alpn=ALPN,
                certificate_chain=identity.certificates,
                private_key_pem=identity.private_key_pem,
                idle_timeout=settings.idle_timeout,
                max_datagram=settings.max_datagram,
            ),
            node.links.accept,
            retry=settings.retry,
            offload=settings.offload == "auto",
            keep_alive=settings.keep_alive,
        )
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        raise SettingsError(
            f"UDP {format_address(bind)} {why}: stop what listens there, or choose another with --udp-port"
        ) from error


def _drain_on_signals(node: Node) -> None:
    loop = asyncio.get_running_loop()
    draining: list[asyncio.Task[int]] = []

    def drain() -> None:
        if draining:
            node.stopped.set()
        else:
            draining.append(loop.create_task(node.drain(DRAIN_TIMEOUT)))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain)
