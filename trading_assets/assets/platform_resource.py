"""The platform as a Dagster resource: one per process, shared by every step of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import PrivateAttr

from resources.platform import Platform, shared_platform


class PlatformResource(dg.ConfigurableResource):  # type: ignore[type-arg] # generic in stubs, not subscriptable at run time
    """Settings, lake, database, vendors, broker and clock of this installation."""

    _platform: Platform | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[PlatformResource]:  # noqa: ARG002 (the signature that Dagster calls)
        """Open the installation for the time of the run, or join the one that is open in this process."""
        with shared_platform() as platform:
            self._platform = platform
            yield self

    def get(self) -> Platform:
        """Return the platform; only while a run, a check or a sensor tick is going on."""
        if self._platform is None:
            raise RuntimeError("The platform is only open while a run or a tick is going on")
        return self._platform
