"""`trading-assets`, also as `python -m trading_assets`: the command line in a process of its own."""

from __future__ import annotations

import atexit
import os
import sys


class _Leaving:
    """Ends the process once everything else that wants to run at its end has.

    Python would take apart, object by object, what was imported: a second of each session's run.
    """

    code: int | None = None

    def __call__(self) -> None:
        if self.code is None:  # an error that nobody expected: Python ends as it does
            return
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.code)


def main() -> None:
    """Run the command that the arguments name; the process ends with its exit code.

    What it and the processes that it starts write is for its user alone: files 0600, folders 0700.
    """
    os.umask(0o077)
    leaving = _Leaving()
    atexit.register(leaving)  # before anything else is imported: the first to register is the last to run

    from trading_assets.cli import app

    try:
        app(prog_name="trading-assets")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            leaving.code = end.code or 0
        raise


if __name__ == "__main__":
    main()
