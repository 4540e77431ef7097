"""The listed universe: one row per (symbol, session), as the vendor said it was on that session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from resources.lake.lake import Lake
from resources.platform import Platform
from resources.vendors.listings import BROKER_COLUMNS
from resources.vendors.protocol import Fetched
from trading_assets import sessions as calendar
from trading_assets.companies.known import join_known
from trading_assets.market_data.ingest import Ingested, store_fetched
from trading_assets.sectors import OF_VENDOR
from trading_assets.tables.companies import COMPANY_INFO, KEY_STATISTICS
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.listings import UNIVERSE

SETTLING_SESSIONS = 21
"""A symbol whose first bar comes so soon after the first bar of all may have been listed long before."""


def ingest_universe(platform: Platform, sessions: Sequence[date]) -> Ingested:
    """Fetch and store what was listed.

    A run over a range asks the vendor once a month (at the month's first session) and at the last session;
    sessions between carry the snapshot before them and name it in ``snapshot_session``. What the next snapshot says was
    delisted in between is marked as delisted from the session after. A symbol that was listed in between shows at
    the next snapshot: asking for every session of a range would be a thousand times as many calls as this.
    """
    source, asked = platform.reference_source, _asked(sessions)
    total, waiting, carried = Ingested.nothing(), None, list[date]()
    for number, day in enumerate([*asked, None], start=1):
        fetched = source.listings(day) if day else None
        if waiting is not None:
            rows = _on_sessions(waiting.frame, carried, fetched.frame if fetched else None)
            frame = _with_listed_dates(
                platform.lake, _with_known_flags(platform.lake, rows, carried), carried
            )
            frame = with_company_facts(platform.lake, frame)
            whole = Fetched(frame=frame, responses=waiting.responses, empty=waiting.empty)
            total = total.joined(
                store_fetched(platform, UNIVERSE, whole, source=source.name, kind="universe", dates=carried)
            )
            platform.progress.advanced(UNIVERSE.name, number - 1, len(asked))
        if fetched and day:
            following = asked[number] if number < len(asked) else None
            carried = [
                session
                for session in sessions
                if day <= session and (following is None or session < following)
            ]
        waiting = fetched
    return total


def with_company_facts(lake: Lake, rows: pl.DataFrame) -> pl.DataFrame:
    """Fill sector, industry and market capitalisation from the newest company snapshot that each row's session may know.

    What the vendor of listings says itself is kept where there is no snapshot yet. Sectors get their GICS name; what is
    none of the eleven stays in the vendor's words.
    """
    last: date | None = rows["session"].max()  # type: ignore[assignment] # dates
    told = rows
    for table, columns in ((COMPANY_INFO, ("sector", "industry")), (KEY_STATISTICS, ("market_cap_usd",))):
        snapshots = lake.scan(table, end=last, columns=["symbol", "session", *columns]).collect()
        told = join_known(told, snapshots, columns)
    return rows.with_columns(
        pl.coalesce(told[name], pl.col(name)).alias(name) for name in ("sector", "industry", "market_cap_usd")
    ).with_columns(pl.col("sector").replace(OF_VENDOR))


def every_name(lake: Lake) -> pl.DataFrame:
    """Return every symbol that was ever listed, one row each, sorted.

    Returns
    -------
    pl.DataFrame
        ``symbol, name, asset_type, first_session, last_session`` (on which it was listed), ``listed_date, delisted_date,
        renamed_to`` (null where not known).
    """
    rows = lake.scan(UNIVERSE).sort("session")
    active = pl.col("session").filter(pl.col("status") == "active")
    return (
        rows.group_by("symbol")
        .agg(
            pl.col("name", "asset_type").drop_nulls().last(),
            active.min().alias("first_session"),
            active.max().alias("last_session"),
            pl.col("listed_date", "delisted_date", "renamed_to").drop_nulls().last(),
        )
        .sort("symbol")
        .collect()
    )


def _asked(sessions: Sequence[date]) -> list[date]:
    first_of_month = {
        day
        for day, before in zip(sessions, [None, *sessions[:-1]], strict=True)
        if before is None or (day.year, day.month) != (before.year, before.month)
    }
    return sorted({*first_of_month, sessions[-1]})


def _on_sessions(
    snapshot: pl.DataFrame, sessions: Sequence[date], following: pl.DataFrame | None
) -> pl.DataFrame:
    """Carry a snapshot over its sessions; names that the following one says are gone end when they ended."""
    days = pl.DataFrame({"session": sessions}, schema={"session": pl.Date})
    rows = (
        snapshot.drop("session", "snapshot_session", strict=False)
        .with_columns(snapshot_session=pl.lit(sessions[0]))
        .join(days, how="cross")
    )
    if following is None:
        return rows
    gone = following.filter(pl.col("delisted_date").is_not_null()).select(
        "symbol", ended="delisted_date", now="renamed_to"
    )
    is_over = (pl.col("status") == "active") & (pl.col("session") > pl.col("ended"))
    return (
        rows.join(gone, on="symbol", how="left", maintain_order="left")
        .with_columns(
            status=pl.when(is_over).then(pl.lit("delisted")).otherwise("status"),
            delisted_date=pl.when(is_over).then("ended").otherwise("delisted_date"),
            renamed_to=pl.when(is_over).then("now").otherwise("renamed_to"),
        )
        .drop("ended", "now")
    )


def _with_known_flags(lake: Lake, frame: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    # Brokers only tell what they trade now: a later run of an old session keeps what was known at the time.
    key = ["symbol", "session"]
    known = lake.scan(
        UNIVERSE, start=sessions[0], end=sessions[-1], columns=[*key, *BROKER_COLUMNS]
    ).collect()
    if known.is_empty():
        return frame
    merged = frame.join(known, on=key, how="left", suffix="_then")
    return merged.with_columns(
        pl.coalesce(name, f"{name}_then").alias(name) for name in BROKER_COLUMNS
    ).select(frame.columns)


def _with_listed_dates(lake: Lake, frame: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Fill when a symbol was listed: as known before, else its first bar, else the session at which it turned up.

    Vendors tell it in answers about one symbol only, which for the whole market would take an hour of a small plan.
    """
    before = calendar.shift(sessions[0], -1)
    known = dict(_known_listings(lake, before, sessions[0]))
    earlier = set(lake.scan(UNIVERSE, start=before, end=before, columns=["symbol"]).collect()["symbol"])
    renamed = dict(
        frame.filter(pl.col("renamed_to").is_not_null()).select("renamed_to", "symbol").unique().iter_rows()
    )
    turned_up = {
        symbol: sessions[0]
        for symbol in frame["symbol"].unique()
        if earlier and symbol not in earlier and symbol not in known and symbol not in renamed
    }
    known |= {new: known[old] for new, old in renamed.items() if new not in known and old in known}
    found = {**known, **turned_up}
    dates = pl.DataFrame(
        {"symbol": list(found), "found": list(found.values())}, schema={"symbol": pl.String, "found": pl.Date}
    )
    return (
        frame.join(dates, on="symbol", how="left", maintain_order="left")
        .with_columns(
            listed_date=pl.coalesce(
                "listed_date", pl.when(pl.col("found") <= pl.col("session")).then("found")
            )
        )
        .drop("found")
    )


def _known_listings(lake: Lake, before: date, until: date) -> Iterator[tuple[str, date]]:
    first_bars = lake.scan(DAILY_BARS, end=until, columns=["symbol", "session"])
    firsts = first_bars.group_by("symbol").agg(pl.col("session").min()).collect()
    if not firsts.is_empty():
        beginning: date = firsts["session"].min()  # type: ignore[assignment] # dates, and at least one
        settled = calendar.shift(beginning, SETTLING_SESSIONS)
        yield from firsts.filter(pl.col("session") > settled).iter_rows()
    stored = lake.scan(UNIVERSE, start=before, end=before, columns=["symbol", "listed_date"])
    yield from stored.drop_nulls().collect().iter_rows()
