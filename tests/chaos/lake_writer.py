"""Child process of test_lake_kill.py: one lake operation that dies with SIGKILL right before its n-th step.

Steps are the calls that change what other processes see on the disk, except the making of empty folders. ``half``
also leaves half a file behind when the step is the writing of one. Step 0 never comes: the operation completes and
its number of steps is printed.
"""

import os
import shutil
import signal
import sys
from datetime import date, datetime
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from resources.lake import files
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.tables.daily import VENDOR_DAILY_BARS

folder, operation, rows, known_at, deadly = sys.argv[1:6]
half = "half" in sys.argv[6:]
taken = []


def counted(call):
    def wrapper(*arguments, **options):
        taken.append(call)
        if len(taken) == int(deadly):
            if half and call is writing:
                call(*arguments, **options)
                os.truncate(arguments[1], Path(arguments[1]).stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)

    return wrapper


writing = pl.DataFrame.write_parquet
lake = Lake(Path(folder) / "lake", FileLocks(Path(folder) / "locks"))
table = VENDOR_DAILY_BARS["polygon"]
frame = pl.read_parquet(rows)
for name in ("replace", "rmdir", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
pl.DataFrame.write_parquet = counted(writing)
files._exchange = counted(files._exchange)
shutil._use_fd_functions = False  # rmtree through os.unlink and os.rmdir, which are counted
if operation == "compact":
    lake.compact_year(table, int(known_at))
else:
    sessions = [date.fromisoformat(day) for day in operation.split(",")]
    lake.write_sessions(table, frame, sessions, known_at=datetime.fromisoformat(known_at))
print(len(taken))
