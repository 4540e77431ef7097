"""Strategies that take something from outside the features; each source is looked at alone, as that of a file of its own."""

from __future__ import annotations

SHARED = '''
from __future__ import annotations
from dataclasses import dataclass, field
from typing import ClassVar
import polars as pl
from trading_assets.strategies.contract import SIGNAL_SCHEMA, StrategyParameters
{imports}

@dataclass(frozen=True)
class Impure:
    """Buys."""

    name: ClassVar[str] = "impure"
    feature_columns: ClassVar[tuple[str, ...]] = ("close",)
    lookback_sessions: ClassVar[int] = 0
    parameters: StrategyParameters = field(default_factory=StrategyParameters)

    def signals(self, features: pl.DataFrame) -> pl.DataFrame:
        {statement}
        words = {{"side": "enter_long", "strength": 0.5, "reason": "I know", "inputs": "{{}}"}}
        return found.select("symbol", "session", **{{k: pl.lit(v) for k, v in words.items()}}).cast(SIGNAL_SCHEMA)
'''

CLOCK = (
    "from datetime import datetime",
    "found = features.filter(pl.col('close') > datetime.now().year - 1970)",
)
TODAY = ("import datetime as d", "found = features.filter(pl.col('session') < d.date.today())")
TIME = ("import time", "found = features.filter(pl.col('close') > time.time() % 1)")
CHANCE = (
    "import numpy as np",
    "found = features.filter(pl.Series(np.random.default_rng().random(features.height)) > 0.5)",
)
OLD_CHANCE = (
    "import numpy as np",
    "found = features.filter(pl.Series(np.random.random(features.height)) > 0.5)",
)
SAMPLE = ("", "found = features.sample(fraction=0.5)")
ENVIRONMENT = ("import os", "found = features.filter(pl.col('close') > float(os.environ.get('LIMIT', '60')))")
FILE = ("", "open(__file__).close(); found = features")
PARQUET = ("", "found = features if True else pl.read_parquet('prices.parquet')")
NUMPY_FILE = ("import numpy as np", "found = features if True else pl.Series(np.load('future.npy'))")
TAKEN_FILE = ("from numpy import fromfile as bytes_of", "found = features if True else bytes_of('future')")
RENAMED = ("import numpy as np", "of = np.memmap; found = features")
SQL = ("", "found = features if True else pl.sql('select * from own')")
LAKE = (
    "from trading_assets.cli.opened import stored_lake",
    "found = features if True else stored_lake(None)",
)
SETTINGS = ("", "from trading_assets.settings import load_settings; found = features")
RESOURCES = ("from resources.lake.lake import Lake", "found = features")
BORROWED = ("from trading_assets.strategies.contract import sys as modules", "found = features")
OTHER = ("from importlib.metadata import version", "found = features")
INTERPRETER = ("import dataclasses", "found = features if True else dataclasses.sys.modules")
HASH = ("", "found = features.filter(pl.col('symbol').is_in([s for s in features['symbol'] if hash(s) % 2]))")
GLOBAL = ("CALLS = 0", "global CALLS; CALLS += 1; found = features")
PURE = ("", "found = features.filter(pl.col('close') > 60)")


def source(imports: str, statement: str) -> str:
    return SHARED.format(imports=imports, statement=statement)
