"""Words: names and values of figures as people read them; a value that cannot be told is words, never NaN."""

from __future__ import annotations

import math

TOO_LITTLE = "too little data"
NONE = "–"  # noqa: RUF001 - a dash in a table is an en dash
LABELS = {
    "annual_return_frac": "Annual return",
    "calmar": "Calmar ratio",
    "conditional_value_at_risk_95_frac": "Conditional value at risk, 95 %",
    "correlation": "Correlation with the benchmark",
    "final_equity_usd": "Final equity",
    "gross_return_frac": "Return before costs",
    "income_usd": "Income received",
    "interest_usd": "Interest paid",
    "max_drawdown_frac": "Largest drawdown",
    "mean_holding_sessions": "Mean holding time",
    "probabilistic_sharpe": "Chance of a Sharpe above 0",
    "sharpe": "Sharpe ratio",
    "sortino": "Sortino ratio",
    "turnover_frac": "Turnover a year",
    "value_at_risk_95_frac": "Value at risk, 95 %",
}
"""Where the name of a figure alone does not read well."""
_UNITS = ("_frac", "_usd", "_sessions")


def label(name: str) -> str:
    """Return the name of a figure as people read it.

    Examples
    --------
    >>> label("win_rate_frac"), label("sharpe")
    ('Win rate', 'Sharpe ratio')
    """
    if name in LABELS:
        return LABELS[name]
    for unit in _UNITS:
        name = name.removesuffix(unit)
    plain = name.replace("_", " ").replace("sharpe", "Sharpe").strip()
    return plain[:1].upper() + plain[1:]


def written(value: float | None, unit: str, *, nothing: str = TOO_LITTLE) -> str:
    """Write a value of a figure in its unit.

    Examples
    --------
    >>> written(0.1234, "frac"), written(-1234.5, "usd"), written(float("nan"), "ratio")
    ('12.34 %', '-$1,234.50', 'too little data')
    """
    if value is None or not math.isfinite(value):
        return nothing
    match unit:
        case "frac":
            return _without_minus_zero(f"{value:,.2%}".replace("%", " %"))
        case "usd":
            return usd(value)
        case "count":
            return f"{value:,.0f}"
        case "sessions":
            return f"{value:,.0f} session{'' if round(value) == 1 else 's'}"
        case _:
            return _without_minus_zero(f"{value:,.2f}")


def usd(value: float, digits: int = 2) -> str:
    """Write an amount of dollars.

    Examples
    --------
    >>> usd(1234.5), usd(-0.001)
    ('$1,234.50', '$0.00')
    """
    amount = f"{abs(value):,.{digits}f}"
    return f"-${amount}" if value < 0 and amount.strip("0.,") else f"${amount}"


def signed(value: float | None, unit: str) -> str:
    """Write a gain or loss with its sign; the dash of an empty cell without one.

    Examples
    --------
    >>> signed(0.05, "frac"), signed(-3.0, "usd"), signed(0.0, "usd")
    ('+5.00 %', '-$3.00', '$0.00')
    """
    text = written(value, unit, nothing=NONE)
    return (
        f"+{text}"
        if value is not None and value > 0 and any(digit in text for digit in "123456789")
        else text
    )


def shares(value: float) -> str:
    """Write a number of shares; fractions only where there are any.

    Examples
    --------
    >>> shares(1200.0), shares(0.25)
    ('1,200', '0.25')
    """
    return f"{value:,.0f}" if value == round(value) else f"{value:,.6f}".rstrip("0").rstrip(".")


def _without_minus_zero(text: str) -> str:
    return text.removeprefix("-") if not any(digit in text for digit in "123456789") else text
