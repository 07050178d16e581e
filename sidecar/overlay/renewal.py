"""Renewal: the files of trust are looked at again and again. What has changed is used from the next handshake on, links
stay; what will not do is told, and the former goes on. Of certificates that end soon an event tells once a day."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sidecar.errors import SettingsError
from sidecar.identity import Identity
from sidecar.metrics import Counters
from sidecar.overlay.events import Event, TrustExpiring, TrustReloaded
from sidecar.trust import Trust

if TYPE_CHECKING:  # a sidecar that asks no CA does without
    from sidecar.trust.files import Loaded, TrustFiles

_log = logging.getLogger(__name__)

LOOK_INTERVAL = 5.0
"""Seconds between two looks at the files."""
SOON = 1 / 3
"""A certificate ends soon when less than this part of its time is left, which is when others renew theirs."""
REMIND_INTERVAL = 86400.0


class Renewal:
    """See the module. `trust` and `identity` are changed in place; `renewed` is called after that."""

    def __init__(
        self, files: TrustFiles, loaded: Loaded, identity: Identity, trust: Trust, *, counters: Counters,
        tell: Callable[[Event], None], renewed: Callable[[], None], clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """`loaded` is what the files said at the start; `clock` gives seconds since 1970."""
        self._files = files
        self._loaded = loaded
        self._identity = identity
        self._trust = trust
        self._counters = counters
        self._tell = tell
        self._renewed = renewed
        self._clock = clock
        self._stamp = files.stamp()
        self._failed = False
        self._reminded: dict[tuple[str, str, float], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def ends(self) -> float:
        """When the first certificate of the own path ends, the trusted CA's included: seconds since 1970."""
        return self._loaded.weakest.not_after.timestamp()

    @property
    def names(self) -> tuple[str, ...]:
        """The DNS names that the own certificate proves."""
        return self._loaded.path[0].dns_names

    @property
    def revocations_due(self) -> float | None:
        """When the first revocation list is due to be replaced, seconds since 1970; None without one."""
        due = self._loaded.authorities.revocations.next_update
        return None if due is None else due.timestamp()

    def start(self) -> None:
        """Begins to look."""
        self._remind()
        self._timer = asyncio.get_running_loop().call_later(LOOK_INTERVAL, self._look)

    def stop(self) -> None:
        """Ceases."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def check(self) -> None:
        """Looks now. Files that could not be used are tried again at each look: time may mend them, and a file that
        was half written."""
        stamp = self._files.stamp()
        if stamp != self._stamp or self._failed:
            self._reload(changed=stamp != self._stamp)
            self._stamp = stamp
        self._remind()

    def _look(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_INTERVAL, self._look)
        self.check()

    def _reload(self, *, changed: bool) -> None:
        names = tuple(map(str, self._files.paths))
        try:
            loaded = self._files.load(self._identity, self._clock())
        except SettingsError as error:
            self._failed = True
            if changed:
                self._counters.trust_reloads["refused"] += 1
                _log.error("%s; what was loaded before stays in use", error)
                self._tell(TrustReloaded(names, str(error)))
            return
        self._failed = False
        self._loaded = loaded
        self._trust.authorities = loaded.authorities
        self._identity.renew(loaded.certificates)
        self._counters.trust_reloads["ok"] += 1
        _log.info("certificates and CAs were loaded again")
        self._tell(TrustReloaded(names, ""))
        self._renewed()

    def _remind(self) -> None:
        now = self._clock()
        for certificate in self._loaded.path[:-1]:
            begins, ends = certificate.not_before.timestamp(), certificate.not_after.timestamp()
            if ends - now < (ends - begins) * SOON:
                self._expiring(str(self._files.cert), certificate.name, ends, now)
        for each in self._loaded.authorities.revocations.lists:
            if each.next_update is not None and each.next_update.timestamp() < now:
                self._expiring(str(each.path), each.issuer_name, each.next_update.timestamp(), now)

    def _expiring(self, file: str, subject: str, ends: float, now: float) -> None:
        key = (file, subject, ends)
        if now - self._reminded.get(key, -REMIND_INTERVAL) < REMIND_INTERVAL:
            return
        self._reminded[key] = now
        _log.warning("%s: %s ends %s: renew it", file, subject, datetime.fromtimestamp(ends, UTC).isoformat())
        self._tell(TrustExpiring(file, subject, ends))
