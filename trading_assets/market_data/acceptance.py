"""Acceptances of data-quality findings: one row per finding that a person decided is no reason to stop, audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from resources.database.audit import audit
from resources.database.database import Database
from resources.database.writes import insert
from trading_assets.errors import ConfigurationError
from trading_assets.quality.outcome import ACCEPTED_SCHEMA
from trading_assets.quality.refused import JUMP_CHECK
from trading_assets.tables.operations import FINDING_ACCEPTANCES

OPEN = """
select distinct check_name, table_name, session, bar_start, symbol, source, value from open_findings
where session = %s and check_name = %s and (%s::text is null or symbol = %s) and (%s::text is null or source = %s)
"""


@dataclass(frozen=True)
class Acceptance:
    """One accepted finding."""

    acceptance_id: int
    check_name: str
    table_name: str
    session: date
    symbol: str | None
    source: str | None
    value: str | None

    @property
    def consequence(self) -> str:
        """What the acceptance leads to, in words."""
        if self.symbol is None:
            return "no longer a reason to stop the session"
        if self.check_name == JUMP_CHECK:
            return "the bar is taken as it is when the session is run again"
        return "no longer a reason to stop; a refused bar stays out"


def accept(
    database: Database,
    *,
    check: str,
    session: date,
    actor: str,
    reason: str,
    now: datetime,
    symbol: str | None = None,
    source: str | None = None,
) -> list[Acceptance]:
    """Accept the open findings of one check on one session, each with the value that it has now.

    Without a symbol those findings are accepted that block the whole session: their symbols keep getting no new risk. A later
    finding with another value is a new one. It takes effect on what is started from now on; a bar is taken only when
    the session is consolidated again.

    Parameters
    ----------
    database
        Database of the product.
    check
        Name of the check.
    session
        Session of the findings.
    actor
        Who decides.
    reason
        Why; kept with the acceptance and in the audit log.
    now
        Instant of the decision.
    symbol, source
        Which findings; None for any source, and for the findings without symbol.

    Returns
    -------
    list of Acceptance
        What was accepted.

    Raises
    ------
    ConfigurationError
        If the reason is empty or there is no such open finding; says what there is.
    """
    if not reason.strip():
        raise ConfigurationError("Accepting a finding needs a reason: it is kept in the audit log")
    with database.connection() as connection:
        rows = connection.execute(OPEN, (session, check, symbol, symbol, source, source)).fetchall()
        chosen = [row for row in rows if symbol is not None or row[4] is None]
        if not chosen:
            raise ConfigurationError(_nothing_open(database, check, session, symbol))
        accepted = []
        for row in chosen:
            name, table, day, start, who, origin, value = row
            found = {"check_name": name, "table_name": table, "session": day, "bar_start": start, "symbol": who,
                     "source": origin, "value": value}  # fmt: skip
            decision = {"reason": reason, "accepted_by": actor, "accepted_at": now}
            inserted = insert(
                connection, FINDING_ACCEPTANCES, {**found, **decision}, returning="acceptance_id"
            ).fetchone()
            assert inserted is not None  # noqa: S101 (narrows for the type checker: `returning` gives a row)
            accepted.append(Acceptance(inserted[0], name, table, day, who, origin, value))
            detail = {"acceptance_id": inserted[0], "check": name, "table": table, "session": str(day), "symbol": who,
                      "source": origin, "value": value}  # fmt: skip
            audit(connection, actor, "accept_finding", reason=reason, detail=detail, now=now)
    return accepted


def revoke(database: Database, acceptance_id: int, *, actor: str, reason: str, now: datetime) -> Acceptance:
    """Take an acceptance back: its finding counts again for whatever is started from now on.

    Raises
    ------
    ConfigurationError
        If the reason is empty, or there is no such acceptance in force.
    """
    if not reason.strip():
        raise ConfigurationError("Revoking an acceptance needs a reason: it is kept in the audit log")
    with database.connection() as connection:
        row = connection.execute(
            "update finding_acceptances set revoked_by = %(by)s, revoked_at = %(now)s, revoke_reason = %(reason)s"
            " where acceptance_id = %(acceptance_id)s and revoked_at is null"
            " returning acceptance_id, check_name, table_name, session, symbol, source, value",
            {"by": actor, "now": now, "reason": reason, "acceptance_id": acceptance_id},
        ).fetchone()
        if row is None:
            raise ConfigurationError(
                f"No acceptance {acceptance_id} is in force; see: trading-assets quality list --accepted"
            )
        revoked = Acceptance(*row)
        detail = {
            "acceptance_id": acceptance_id,
            "check": revoked.check_name,
            "session": str(revoked.session),
        }
        audit(connection, actor, "revoke_acceptance", reason=reason, detail=detail, now=now)
    return revoked


def accepted_findings(database: Database, table: str, days: Sequence[date]) -> pl.DataFrame:
    """Read the acceptances in force on these days (``ACCEPTED_SCHEMA``)."""
    rows = database.fetch(
        f"select {', '.join(ACCEPTED_SCHEMA)} from finding_acceptances"  # noqa: S608 (our own names)
        " where revoked_at is null and table_name = %s and session = any(%s)",
        (table, list(days)),
    )
    return pl.DataFrame(rows, schema=ACCEPTED_SCHEMA, orient="row")


def bars_taken(accepted: pl.DataFrame) -> pl.DataFrame:
    """Select the doubtful bars that a person took with just their values."""
    return accepted.filter(pl.col("check_name") == JUMP_CHECK, pl.col("symbol").is_not_null())


def _nothing_open(database: Database, check: str, session: date, symbol: str | None) -> str:
    found = database.fetch(
        "select check_name, count(*) from open_findings where session = %s group by 1 order by 1",
        (session,),
    )
    there = ", ".join(f"{name} ({count})" for name, count in found) or "none"
    whose = f" for {symbol}" if symbol else " that blocks the session (name a symbol for those of one symbol)"
    return f"There is no open finding of {check} on {session}{whose}. Open findings of that session: {there}"
