"""Health, metrics and a status page over HTTP, for those who run a sidecar; nothing here changes anything."""

from __future__ import annotations

from sidecar.admin.exposition import Exposition
from sidecar.admin.server import AdminServer

__all__ = ["AdminServer", "Exposition"]
