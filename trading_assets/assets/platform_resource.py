"""The platform as a Dagster resource: one per process, shared by every step of a run."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from resources.platform import Platform, shared_platform
from trading_assets.settings import Settings


def platform_resource(settings: Settings) -> dg.ResourceDefinition:
    """Return the resource that opens the installation for the time of a run or tick, or joins the one that is open."""

    @dg.resource(description="Settings, lake, database, vendors, broker and clock of this installation.")
    def platform() -> Iterator[Platform]:
        with shared_platform(settings) as opened:
            yield opened

    return platform
