"""Gates: one HTTP policy a vendor and key in a process, whose pace all processes of a data folder share."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from resources.vendors.http.pacing import Pace, pace_file
from resources.vendors.http.policy import HttpGate, HttpPolicy
from trading_assets.settings import EVENLY_PACED, Settings, SourceName

_lock = threading.Lock()
_gates: dict[tuple[Path, Pace | None, tuple[str, ...]], HttpGate] = {}


def gate_for(vendor: SourceName, settings: Settings, secrets: Sequence[str] = ()) -> HttpGate:
    """Return the gate of a vendor: bars, actions, listings and company data draw on the same quota.

    Parameters
    ----------
    vendor
        Its pace is that of the settings; none in ``sim`` mode.
    settings
        Name the pace and the data folder that processes share it in.
    secrets
        Values that must never show; empty in ``sim`` mode, where none are sent.
    """
    pace = vendor_pace(vendor, settings)
    hidden = tuple(secrets) if settings.mode != "sim" else ()
    file = pace_file(settings.data, vendor)
    with _lock:
        gate = _gates.get((file, pace, hidden))
        if gate is None:
            gate = HttpGate(HttpPolicy(vendor, pace=pace), secrets=hidden, pace_file=file)
            _gates[file, pace, hidden] = gate
        return gate


def open_gates(settings: Settings) -> list[HttpGate]:
    """List the gates of this process and data folder, whose usage is to be recorded."""
    with _lock:
        return [gate for (file, _, _), gate in _gates.items() if file.is_relative_to(settings.data)]


def vendor_pace(vendor: SourceName, settings: Settings) -> Pace | None:
    """Return the pace that the settings give to a vendor."""
    per_minute = settings.per_minute(vendor)
    if settings.mode == "sim" or not per_minute:
        return None
    return Pace(1, 60 / per_minute) if vendor in EVENLY_PACED else Pace(per_minute, 60)
