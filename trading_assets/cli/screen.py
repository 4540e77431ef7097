"""`screen`: which symbols pass, in plain English, a file or a saved screen; at any session, as known at any instant."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading_assets.cli.opened import opened_database, opened_platform, stored_lake
from trading_assets.cli.options import AsOfOption, JsonOption, parse_day, parse_instant
from trading_assets.cli.output import EXIT_USAGE, err, friendly_errors, out, print_json, print_table
from trading_assets.cli.screen_files import named_screen, read_text
from trading_assets.errors import ConfigurationError, NotUnderstoodError, TradingError

if TYPE_CHECKING:
    from resources.lake.lake import Lake
    from trading_assets.cli.screen_output import Asked
    from trading_assets.screener.filters import Query
    from trading_assets.screens.stored_sessions import Blocked
    from trading_assets.settings import Settings


@friendly_errors
def screen(
    text: Annotated[
        str | None, typer.Argument(help="What to look for, in English.", show_default=False)
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", help="A screen as JSON, as `screens export` writes it.")
    ] = None,
    saved: Annotated[str | None, typer.Option("--saved", help="Name of a shipped or saved screen.")] = None,
    session: Annotated[
        str | None, typer.Option("--session", metavar="YYYY-MM-DD", help="Session; default: the newest one.")
    ] = None,
    as_of: AsOfOption = None,
    csv: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write all rows as CSV; - for the screen.")
    ] = None,
    save: Annotated[
        str | None,
        typer.Option("--save", metavar="NAME", help="Save it: evaluated each session from now on."),
    ] = None,
    description: Annotated[str, typer.Option("--description", help="What it is for; kept with --save.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows to print.")] = 50,
    why: Annotated[
        str | None, typer.Option("--why", metavar="SYMBOL", help="Why this symbol is, or is not, in it.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find symbols: say what you look for, see how it was understood, and what each condition removed.

    [dim]Examples:[/]
    trading-assets screen "RSI below 30 and price above the 200-day moving average, top 20 by market cap"
    trading-assets screen "oversold large caps" --why AAPL
    trading-assets screen --saved golden_cross --session 2026-11-20 --csv crosses.csv
    """
    from trading_assets.settings import load_settings

    with _errors_as_json(asked_for=json):
        _check_times(session, as_of)
        if csv is not None:
            _check_csv(csv, json=json, why=why)
        settings = load_settings()
        query = _query(settings, text, file, saved, json=json)
        lake = stored_lake(settings)
        with _gate(settings, as_of) as blocked:
            asked = _asked(lake, query, session, as_of, blocked)
        if save:
            _save(query, save, description)
        if why:
            _explain(lake, asked, why.upper(), json=json)
        else:
            _results(lake, asked, csv, limit, json=json)


@contextmanager
def _errors_as_json(*, asked_for: bool) -> Iterator[None]:
    try:
        yield
    except TradingError as error:
        if asked_for:
            print_json({"error": str(error)})
        raise


def _check_times(session: str | None, as_of: str | None) -> None:
    """Refuse what is no date, before anything is started."""
    if session is not None:
        parse_day(session, "--session")
    if as_of is not None:
        parse_instant(as_of)


def _check_csv(csv: str, *, json: bool, why: str | None) -> None:
    if why is not None:
        raise ConfigurationError("--csv writes the results and --why explains one symbol: give one of them")
    if csv == "-" and json:
        raise ConfigurationError("--csv - and --json both write to standard output: give --csv a file")
    if csv != "-":
        from trading_assets.cli.screen_output import check_target

        check_target(Path(csv), "--csv")


def _results(lake: Lake, asked: Asked, csv: str | None, limit: int, *, json: bool) -> None:
    from trading_assets.cli.screen_output import document, print_results, write_text
    from trading_assets.screener.evaluate import evaluate
    from trading_assets.screener.filters import DEFAULT_SORT
    from trading_assets.screens.stored_market import ScreenerMarket

    # with what it is ordered by as a column, even if nobody asked for that order
    query = asked.query.model_copy(update={"sort": asked.query.sort or DEFAULT_SORT})
    found = evaluate(query, ScreenerMarket(lake).load(query, asked.session, as_of=asked.as_of))
    if json:
        if csv is not None:
            write_text(Path(csv), found.rows.write_csv(), "--csv")
        print_json(document(asked, found))
    else:
        print_results(asked, found, csv, limit)


def _query(
    settings: Settings, text: str | None, file: Path | None, saved: str | None, *, json: bool
) -> Query:
    if sum(item is not None for item in (text, file, saved)) != 1:
        raise ConfigurationError('Say what to look for: one of "TEXT", --file FILE and --saved NAME')
    if saved is not None:
        return named_screen(settings, saved).query
    if file is not None:
        from trading_assets.screener.screen_file import read_screen

        return read_screen(read_text(file)).query
    from trading_assets.screener.english.parse import parse

    try:
        return parse(text or "")
    except NotUnderstoodError as error:
        _not_understood(text or "", error, json=json)
        raise typer.Exit(EXIT_USAGE) from None


def _not_understood(text: str, error: NotUnderstoodError, *, json: bool) -> None:
    if json:
        problems = [vars(problem) for problem in error.problems]
        print_json({"understood": None, "problems": problems})
        return
    marks = [" "] * (max(len(text), *(problem.end for problem in error.problems)) + 1)
    for problem in error.problems:
        marks[problem.start : max(problem.end, problem.start + 1)] = "^" * max(1, problem.end - problem.start)
    err.print("[bold red]Not understood[/], so nothing was run:")
    for line in (f"  {text}", f"  {''.join(marks).rstrip()}"):
        err.print(line, markup=False, highlight=False, soft_wrap=True)
    for problem in error.problems:
        unsaid = [words for words in problem.suggestions if words not in problem.message]
        hint = f" (for example: {'; '.join(unsaid)})" if unsaid else ""
        err.print(f"  {problem.message}{hint}", markup=False, highlight=False, soft_wrap=True)
    err.print(
        "Fields are listed by `trading-assets screens fields`, words by `screens macros`.",
        style="dim",
        highlight=False,
    )


@contextmanager
def _gate(settings: Settings, as_of: str | None) -> Iterator[Blocked]:
    # Features are not made of a session whose checks failed; as of an instant they would be, so the findings are asked.
    if as_of is None:
        yield lambda _: ()
        return
    from trading_assets.market_data.findings import blocked_sessions

    with opened_database(settings) as database:
        yield lambda days: blocked_sessions(database, days)


def _asked(lake: Lake, query: Query, session: str | None, as_of: str | None, blocked: Blocked) -> Asked:
    from trading_assets.cli.screen_output import Asked
    from trading_assets.screener.english.wording import write
    from trading_assets.screens.stored_sessions import (
        blocked_in_words,
        missing_in_words,
        missing_sessions,
        newest_known,
        why_not_stored,
    )
    from trading_assets.sessions import is_session
    from trading_assets.settings import load_settings
    from trading_assets.tables.features import DAILY_FEATURES

    zone = load_settings().zone
    instant = parse_instant(as_of) if as_of else None
    day = parse_day(session, "--session") if session else None
    stored = lake.sessions(DAILY_FEATURES)
    if not stored:
        raise ConfigurationError("No session has features yet: run `trading-assets run` first")
    is_blocked = day is not None and bool(blocked([day]))
    is_within = is_blocked or (day is not None and stored[0] <= day <= stored[-1] and is_session(day))
    if day is not None and day not in stored and (instant is None or not is_within):
        raise ConfigurationError(why_not_stored(day, stored))
    if instant is not None:
        known = newest_known(lake, instant)
        then = f"{instant.astimezone(zone):%Y-%m-%d %H:%M %Z}"
        if known is None:
            raise ConfigurationError(f"Nothing was known at {then}: give a later --as-of")
        if day is not None and day > known:
            raise ConfigurationError(
                f"Of session {day} nothing was known at {then}, whose newest one is {known}: "
                "give a later --as-of or an earlier --session"
            )
        day = day or newest_known(lake, instant, blocked)
        if day is None:
            raise ConfigurationError(
                f"Of the sessions known at {then} none passed its checks: see `trading-assets quality list`, or name "
                "a --session"
            )
    day = day or stored[-1]
    notes = [
        blocked_in_words(day) if is_blocked else "",
        missing_in_words(missing_sessions(lake, query, day, as_of=instant), stored[0]),
    ]
    return Asked(query, write(query), day, instant, zone, ". ".join(note for note in notes if note))


def _save(query: Query, name: str, description: str) -> None:
    from trading_assets.screener.screen_file import named
    from trading_assets.screens.saved import SavedScreens

    made = named(query, name, description)
    with opened_platform() as platform:
        kept = SavedScreens(platform.database).save(made, by=getpass.getuser(), now=platform.clock.now())
    err.print(f"Saved as {name}, version {kept.version}", highlight=False)


def _explain(lake: Lake, asked: Asked, symbol: str, *, json: bool) -> None:
    from trading_assets.cli.screen_output import print_understood, when
    from trading_assets.screener.explain import explain
    from trading_assets.screens.absence import is_known, why_absent
    from trading_assets.screens.stored_market import ScreenerMarket

    seen = ScreenerMarket(lake).load(asked.query, asked.session, as_of=asked.as_of)
    told = explain(asked.query, seen, symbol)
    summary = told.summary if told.is_there else why_absent(lake, symbol, asked.session, as_of=asked.as_of)
    if not told.is_there and not is_known(lake, symbol, as_of=asked.as_of):
        raise TradingError(summary)
    verdicts = [(item.condition, item.outcome, item.reason) for item in told.verdicts]
    if json:
        named = [dict(zip(("condition", "outcome", "reason"), item, strict=True)) for item in verdicts]
        print_json({**when(asked), "symbol": symbol, "is_in": told.is_in, "rank": told.rank, "summary": summary,
                    "verdicts": named})  # fmt: skip
        return
    print_understood(asked)
    out.print(summary, markup=False, highlight=False)
    if verdicts:
        print_table(
            "",
            ("condition", "verdict", "because"),
            verdicts,
            folded=("condition", "because"),
        )
