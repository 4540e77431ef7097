"""Dagster's own daemon, which looks at a code server that never changes less often: `python -m trading_assets.dagster_daemon WORKSPACE`."""

from __future__ import annotations

import sys

from dagster._daemon.cli import run_command

from resources.dagster_home import watch_code_server_calmly


def main() -> None:
    """Run schedules, sensors and queued runs until SIGTERM or SIGINT."""
    watch_code_server_calmly()
    run_command(["-w", sys.argv[1]])


if __name__ == "__main__":
    main()
