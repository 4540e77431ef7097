"""Who stands behind a company, as Yahoo tells it: officers, institutions, analysts and raters; drawn from the seed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.market.company_books import quarter_end, uniform
from trading_assets.simulator.yahoo.format import wrapped
from trading_assets.simulator.yahoo.picture import Picture, rounded, utc_seconds

_FIRST = ("Ada", "Bruno", "Carla", "Dario", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Karin", "Leo", "Mara",
          "Nils", "Olga", "Paul", "Rosa", "Sven", "Tessa", "Victor")  # fmt: skip
_LAST = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper", "Larch", "Maple",
         "Oak", "Pine", "Rowan", "Spruce", "Thorn", "Willow")  # fmt: skip
_TITLES = ("Chief Executive Officer & Director", "Chief Financial Officer", "Chief Operating Officer", "General Counsel",
           "Chief Technology Officer", "Senior Vice President of Sales", "Chief People Officer")  # fmt: skip
_INSTITUTIONS = ("Meridian Index Trust", "Northgate Asset Management", "Harbor & Stone Partners", "Blue Mesa Capital",
                 "Quarry Street Advisors", "Pinnacle Pension Fund", "Lakeshore Investments", "Copperfield Group",
                 "Summit Ridge Funds", "Evergreen Mutual", "Old Town Savings", "Westwind Global Investors")  # fmt: skip
_FIRMS = ("Alder Research", "Brightwater Securities", "Castle & Moor", "Dunmore Equity", "Eastlake Partners",
          "Fairview Capital Markets", "Granite Street", "Hollis & Byrne")  # fmt: skip
_GRADES = ("Strong Buy", "Buy", "Hold", "Sell", "Strong Sell")
HOLDERS = 10
REPORT_DELAY = timedelta(days=45)
"""Institutions report their positions of a quarter so long after its end."""
MONTHS_OF_RATINGS = 24


def officers(seen: Picture) -> list[dict[str, Any]]:
    """Return the officers of a company, the chief executive first."""
    year = seen.now.astimezone(NEW_YORK).year
    found = []
    for place, title in enumerate(_TITLES[: 3 + int(5 * _draw(seen, "officers"))]):
        born = year - 35 - int(35 * _draw(seen, f"born {place} {year // 6}"))
        first, last = _pick(seen, f"first {place} {year // 6}", _FIRST), _pick(seen, f"last {place}", _LAST)
        pay = int(300_000 + 4_000_000 * _draw(seen, f"pay {place} {year}") / (place + 1))
        found.append(
            {
                "maxAge": 1,
                "name": f"{'Ms.' if first.endswith('a') else 'Mr.'} {first} {last}",
                "age": year - born,
                "title": title,
                "yearBorn": born,
                "fiscalYear": year - 1,
                "totalPay": wrapped(pay),
                "exercisedValue": wrapped(0),
                "unexercisedValue": wrapped(0),
            }
        )
    return found


def institutions(seen: Picture) -> dict[str, Any]:
    """Return the ten largest institutional holders, as of the newest quarter whose reports are due."""
    reported = _holders_quarter(seen)
    end = quarter_end(reported)
    rows: list[dict[str, Any]] = []
    names = sorted(_INSTITUTIONS, key=lambda name: uniform(seen.seed, seen.instrument.symbol, name))
    for place, name in enumerate(names[:HOLDERS]):
        share = _held(seen, place, reported)
        shares = round(share * seen.accounts.shares)
        rows.append(
            {
                "maxAge": 1,
                "reportDate": {"raw": utc_seconds(end), "fmt": end.isoformat()},
                "organization": name,
                "pctHeld": {"raw": round(share, 4), "fmt": f"{share:.2%}"},
                "position": wrapped(shares),
                "value": wrapped(round(shares * seen.price)),
                "pctChange": _percent(share / _held(seen, place, reported - 1) - 1.0),
            }
        )
    rows.sort(key=lambda row: -row["position"]["raw"])
    return {"maxAge": 1, "ownershipList": rows}


def major_holders(seen: Picture) -> dict[str, Any]:
    """Return how much insiders and institutions hold."""
    held = institution_share(seen)
    return {
        "maxAge": 1,
        "insidersPercentHeld": insider_share(seen),
        "institutionsPercentHeld": held,
        "institutionsFloatPercentHeld": rounded(held / (1.0 - insider_share(seen))),
        "institutionsCount": 40 + int(2000 * _draw(seen, "institution count")),
    }


def insider_share(seen: Picture) -> float:
    """Return the fraction of the shares that insiders hold."""
    return round(0.01 + 0.12 * _draw(seen, "insiders"), 5)


def institution_share(seen: Picture) -> float:
    """Return the fraction of the shares that institutions hold: the ten largest, and as much again by the others."""
    quarter = _holders_quarter(seen)
    return round(1.6 * sum(_held(seen, place, quarter) for place in range(HOLDERS)), 5)


def trend(seen: Picture) -> list[dict[str, Any]]:
    """Return how many analysts recommend what, this month and the three before."""
    local = seen.now.astimezone(NEW_YORK)
    month = local.year * 12 + local.month - 1
    names = ("strongBuy", "buy", "hold", "sell", "strongSell")
    return [
        {
            "period": f"-{back}m" if back else "0m",
            **dict(zip(names, _opinions(seen, month - back), strict=True)),
        }
        for back in range(4)
    ]


def rating(seen: Picture) -> tuple[float, str, str]:
    """Return the mean rating of the analysts of this month, its key, and its label."""
    counts = [count for name, count in trend(seen)[0].items() if name != "period"]
    score = round(sum((place + 1) * count for place, count in enumerate(counts)) / sum(counts), 5)
    keys = (
        (1.5, "strong_buy", "Strong Buy"),
        (2.5, "buy", "Buy"),
        (3.5, "hold", "Hold"),
        (4.5, "underperform", "Underperform"),
    )
    key, label = next(((key, label) for most, key, label in keys if score <= most), ("sell", "Sell"))
    return score, key, f"{score:.1f} - {label}"


def analyst_count(seen: Picture) -> int:
    """Return how many analysts have an opinion this month."""
    return sum(count for name, count in trend(seen)[0].items() if name != "period")


def rating_changes(seen: Picture) -> list[dict[str, Any]]:
    """Return the ratings that firms gave in two years, newest first."""
    local = seen.now.astimezone(NEW_YORK)
    newest = local.year * 12 + local.month - 1
    found = []
    for month in range(newest - MONTHS_OF_RATINGS, newest + 1):
        for firm in _FIRMS:
            if _draw(seen, f"rates {firm} {month}") > 0.12:
                continue
            year, part = divmod(month, 12)
            day = date(year, part + 1, 1) + timedelta(days=int(28 * _draw(seen, f"day {firm} {month}")))
            minute = int(600 * _draw(seen, f"minute {firm} {month}"))
            graded_at = datetime.combine(day, time(11), UTC) + timedelta(minutes=minute)
            before, after = (int(3 * _draw(seen, f"grade {firm} {month - back}")) for back in (1, 0))
            if graded_at <= seen.now:
                action = "main" if before == after else "up" if after < before else "down"
                found.append(
                    {
                        "epochGradeDate": int(graded_at.timestamp()),
                        "firm": firm,
                        "toGrade": _GRADES[after],
                        "fromGrade": _GRADES[before],
                        "action": action,
                    }
                )
    return sorted(found, key=lambda row: -int(row["epochGradeDate"]))


def esg(seen: Picture) -> dict[str, Any] | None:
    """Return the ESG scores of a company; None for the two in five that nobody rates."""
    if seen.books is None or _draw(seen, "rated") > 0.6:
        return None
    local = seen.now.astimezone(NEW_YORK)
    parts = [
        round(most * _draw(seen, f"esg {name} {local.year}"), 2)
        for name, most in (("e", 14), ("s", 16), ("g", 10))
    ]
    total = round(sum(parts), 2)
    return {
        "maxAge": 86400,
        "totalEsg": total,
        "environmentScore": parts[0],
        "socialScore": parts[1],
        "governanceScore": parts[2],
        "ratingYear": local.year,
        "ratingMonth": (local.month - 1) // 3 * 3 + 1,
        "highestControversy": float(int(4 * _draw(seen, f"controversy {local.year}"))),
        "peerCount": 20 + int(200 * uniform(seen.seed, str(seen.instrument.sector), "peers")),
        "esgPerformance": "OUT_PERF" if total < 15 else "AVG_PERF" if total < 25 else "UNDER_PERF",
        "peerGroup": seen.instrument.industry,
        "relatedControversy": [],
        "peerEsgScorePerformance": {"min": 3.0, "avg": 20.0, "max": 40.0},
        "percentile": round(100.0 * total / 40.0, 2),
        "environmentPercentile": None,
        "socialPercentile": None,
        "governancePercentile": None,
        "tobacco": False,
        "coal": False,
        "gambling": False,
    }


def _draw(seen: Picture, purpose: str) -> float:
    return uniform(seen.seed, seen.instrument.symbol, purpose)


def _pick(seen: Picture, purpose: str, values: tuple[str, ...]) -> str:
    return values[int(len(values) * _draw(seen, purpose))]


def _percent(value: float) -> dict[str, Any]:
    return {"raw": round(value, 4), "fmt": f"{value:.2%}"}


def _holders_quarter(seen: Picture) -> int:
    day = (seen.now - REPORT_DELAY).astimezone(NEW_YORK).date()
    return day.year * 4 + (day.month - 1) // 3 - 1


def _held(seen: Picture, place: int, quarter: int) -> float:
    size = (0.07, 0.06, 0.04, 0.03, 0.025, 0.02, 0.015, 0.012, 0.01, 0.008)[place]
    return (
        size
        * (0.5 + _draw(seen, f"holds {place}"))
        * (1.0 + 0.1 * (_draw(seen, f"holds {place} {quarter}") - 0.5))
    )


def _opinions(seen: Picture, month: int) -> tuple[int, ...]:
    total = 4 + int(26 * _draw(seen, "analysts"))
    mood = 0.2 + 0.6 * _draw(seen, "mood") + 0.1 * (_draw(seen, f"mood {month}") - 0.5)
    strong, buy, sell = (int(total * share) for share in (0.35 * mood, 0.5 * mood, 0.15 * (1.0 - mood)))
    strong_sell = int(total * 0.05 * (1.0 - mood))
    return strong, buy, total - strong - buy - sell - strong_sell, sell, strong_sell
