"""What `sidecar run` does once its flags are read."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sidecar.ready import ReadyInfo


def serve(flags: Mapping[str, Any], *, ready_json: bool) -> None:
    """Runs a sidecar with these flags, as text by their names, until it is told to stop.

    Raises SettingsError for what a setting can mend.
    """
    # Nearly all that is made until it serves stays: looking through it again and again took a tenth of the start.
    gc.disable()
    import asyncio
    import logging

    from sidecar.log import Event, configure_logging
    from sidecar.settings import Settings

    settings = Settings.load(flags)
    configure_logging(settings.log_format, settings.log_level)

    from sidecar.app import run
    from sidecar.cli.output import show_json

    def ready(info: ReadyInfo) -> None:
        # Links are made of objects that name each other, and with the usual 700 a busy sidecar looked through them so
        # often that it took 7 % of its time. What is let go of waits a little longer now.
        gc.set_threshold(20_000, 20, 20)
        gc.enable()
        logging.getLogger(__name__).info(Event("serving", **dataclasses.asdict(info)))
        if ready_json:
            show_json(dataclasses.asdict(info))

    asyncio.run(run(settings, ready))
