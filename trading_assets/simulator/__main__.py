"""Command line of the simulator: ``python -m trading_assets.simulator --state DIR --port 0 --port-file FILE``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from trading_assets.errors import TradingError
from trading_assets.simulator.assembly import Options, simulate
from trading_assets.simulator.clock import ClockMode


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text} is no ISO instant, e.g. 2024-05-01T16:30:00-04:00"
        ) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trading_assets.simulator",
        description="Serve one market behind the protocols of Alpaca, Polygon and Yahoo on a loopback port.",
    )
    parser.add_argument("--state", type=Path, required=True, help="folder that survives restarts")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="gets the port once the server listens")
    parser.add_argument("--seed", type=int, default=7, help="of the synthetic market")
    parser.add_argument("--symbols", type=int, default=500, help="of the synthetic market, funds included")
    parser.add_argument("--years", type=float, default=3.0, help="of history before the first start")
    parser.add_argument("--replay", type=Path, help="Parquet or CSV with daily bars to serve instead")
    parser.add_argument("--at", type=_instant, help="first instant of the clock")
    parser.add_argument(
        "--begin",
        type=_instant,
        help="first instant of a new market's clock, which stands until it is told to join the present (--at, or today)",
    )
    parser.add_argument("--cash", type=Decimal, default=Decimal(100_000), help="USD on the account at first")
    parser.add_argument(
        "--clock",
        type=ClockMode,
        choices=list(ClockMode),
        help="as before; at first, real without --at and --replay",
    )
    parser.add_argument("--speed", type=float, default=60.0, help="of the fast clock")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; return the exit code. What it writes is for its user alone, whoever starts it."""
    os.umask(0o077)
    parsed = _parser().parse_args(arguments)
    try:
        simulate(Options(**vars(parsed)))
    except (TradingError, OSError) as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
