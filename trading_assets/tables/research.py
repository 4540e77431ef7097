"""Tables of research: every backtest that was run."""

from __future__ import annotations

from trading_assets.tables.database_columns import day, instant, json, number, text, usd
from trading_assets.tables.table import DatabaseTable

BACKTESTS = DatabaseTable(
    name="backtests",
    grain="One row per backtest that was run, those of sweeps included; rows are only added",
    columns={
        "backtest_id": text("Id of the backtest"),
        "study_id": text("Id of the command that ran it, alone or with others"),
        "study": text("backtest, sweep or walk_forward"),
        "strategy": text("Name of the strategy, or of several joined by +"),
        "kind": text("Kinds of the strategies, in alphabetical order, joined by +"),
        "trial_hash": text(
            "Hash of kinds, parameters, mandates, limits, breakers and costs: what counts as one trial"
        ),
        "strategy_version": text("Hash of the strategies' code"),
        "parameter_hash": text("Hash of their parameters"),
        "parameters": json("Their parameters, defaults included, by strategy"),
        "plan_fingerprint": text("Hash of strategies, mandates and limits"),
        "start_session": day("First session that was decided on"),
        "end_session": day("Last one"),
        "cash_usd": usd("Cash at the beginning"),
        "costs": json("Fees, slippage and interest that were charged"),
        "code_version": text("Version of this software"),
        "data_hash": text("Hash of the features of the range"),
        "session_sharpe": number(
            "Mean over deviation of the session returns, not annualised", "", nullable=True
        ),
        "figures": json("Figures by name; null where there was too little to say"),
        "seconds": number("How long it took", "s"),
        "run_at": instant("Instant at which it was run"),
    },
    key=("backtest_id",),
)
