"""Failures of runs: which of the errors that Dagster wraps to tell, and how."""

from __future__ import annotations

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from trading_assets import errors
from trading_assets.errors import ConfigurationError, DataQualityError, ReconciliationError, TradingError

TYPED = (ConfigurationError, DataQualityError)
"""Errors of an asset that keep their type: the caller does something else about them."""
OUR_ERRORS = frozenset(
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.TradingError)
)


def failure_of(result: dg.ExecuteInProcessResult) -> TradingError:
    """Return the error that a failed run's first failed asset had, with what to do about it.

    Raises
    ------
    KeyboardInterrupt
        If what failed was that somebody stopped it.
    """
    for event in result.all_events:
        if event.is_step_failure and (error := event.step_failure_data.error) is not None:
            if error.cls_name == "DagsterAssetCheckFailedError":
                return _check_failure(str(event.step_key), _blocking(result))
            if _is_interruption(error):
                raise KeyboardInterrupt
            told = _most_telling(error)
            kind = next((kind for kind in TYPED if told.cls_name == kind.__name__), TradingError)
            text = told.message.strip().removeprefix(f"{TradingError.__module__}.")
            return kind(
                f"Asset {event.step_key} failed: {text}. What was complete before it is kept; the same command goes on from there",
                run_id=result.run_id,
            )
    return TradingError("The run failed before its first step", run_id=result.run_id)


def _most_telling(error: SerializableErrorInfo) -> SerializableErrorInfo:
    """Return the first error of our own in the chain, which explains what caused it, or else the root cause."""
    chain = [error]
    while (cause := chain[-1].cause) is not None:
        chain.append(cause)
    return next((item for item in chain if item.cls_name in OUR_ERRORS), chain[-1])


def _is_interruption(error: SerializableErrorInfo | None) -> bool:
    # Dagster turns Ctrl-C into an error of its own, which clean-up code may have covered with another.
    if error is None:
        return False
    own = error.cls_name == dg.DagsterExecutionInterruptedError.__name__
    return own or _is_interruption(error.cause) or _is_interruption(error.context)


def _check_failure(step: str, findings: str) -> TradingError:
    if step == "reconciliation":
        return ReconciliationError(
            f"Our books and the broker's differ: {findings}. Trading is halted until a person has looked; see both sides "
            'with: trading-assets sql "from reconciliation where not is_match"'
        )
    return DataQualityError(
        f"Blocking checks stopped the run at {step}: {findings}. Nothing downstream ran and no order was planned. See "
        "the findings with: trading-assets quality list. After the vendor has corrected the data, or a person has accepted "
        "the findings (trading-assets quality accept --help), run it again"
    )


def _blocking(result: dg.ExecuteInProcessResult) -> str:
    failed = [
        f"{check.check_name} ({check.description})"
        for check in check_evaluations(result)
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]
    return "; ".join(failed)


def check_evaluations(result: dg.ExecuteInProcessResult) -> list[dg.AssetCheckEvaluation]:
    """Return what the checks of a run said, in the order in which they ran."""
    data = (event.event_specific_data for event in result.all_events)
    return [item for item in data if isinstance(item, dg.AssetCheckEvaluation)]
