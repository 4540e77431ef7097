"""Earlier sessions: those before the newest one that its run does along; missed ones, and those looked back on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import dagster as dg

from resources.platform import Platform
from trading_assets.assets.outcome import Outcome, own_sessions
from trading_assets.market_data.findings import blocked_sessions
from trading_assets.missing_work import session_window, skipped_sessions
from trading_assets.tables.table import Table

SESSION_JOB = "session_job"
DATA_VERSION_TAG = "dagster/data_version"


@dataclass(frozen=True)
class Earlier:
    """Sessions before the newest one that its run does along: missed ones, and those looked back on."""

    context: dg.AssetExecutionContext
    platform: Platform
    key: str
    table: Table | None
    sessions: list[date]
    done: frozenset[date]
    blocked: frozenset[date]
    hashes: Mapping[date, str]

    @classmethod
    def of(
        cls,
        context: dg.AssetExecutionContext,
        platform: Platform,
        key: str,
        table: Table | None,
        *,
        look_back: bool,
        tables: Sequence[str],
    ) -> Earlier | None:
        own, settings = own_sessions(context), platform.settings
        newest = platform.latest_session()
        if context.run.job_name != SESSION_JOB or own != [newest]:
            return None
        partitions = context.instance.get_materialized_partitions(dg.AssetKey(key))
        done = frozenset(date.fromisoformat(partition) for partition in partitions)
        reach = settings.look_back_sessions if look_back else 0
        window = session_window(newest, done, look_back=reach)[:-1]
        blocked: set[date] = set()
        if (
            tables and not look_back
        ):  # it makes what was blocked and is not any more, and leaves the rest alone
            window = [*skipped_sessions(newest, done, look_back=settings.look_back_sessions), *window]
        if tables:
            blocked = blocked_sessions(platform.database, window, tables)
        sessions = [day for day in window if day >= settings.start and (look_back or day not in blocked)]
        hashes = {day: platform.lake.content_hash(table, day) for day in sessions} if table else {}
        return cls(context, platform, key, table, sessions, done, frozenset(blocked), hashes)

    def reported(self, outcome: Outcome) -> Outcome:
        """Report the earlier partitions that were missed or have changed; the outcome is then of the own session."""
        changed = []
        for day in self.sessions:
            version = self.platform.lake.content_hash(self.table, day) if self.table else None
            same = version == self.hashes.get(day)
            if same if day in self.done else day in self.blocked:
                continue
            changed.append(day)
            tags = {DATA_VERSION_TAG: version} if version else None
            self.context.log_event(dg.AssetMaterialization(self.key, partition=day.isoformat(), tags=tags))
        facts = {
            "earlier_sessions": f"{self.sessions[0]} to {self.sessions[-1]}",
            "earlier_sessions_changed": ", ".join(map(str, changed)) or "none",
        }
        if not self.table or self.table.partition_by != "session":
            return replace(outcome, metadata={**outcome.metadata, **facts})
        own, lake = own_sessions(self.context)[0], self.platform.lake
        rows = lake.row_counts(self.table, own, own).get(own, 0)
        return replace(
            outcome,
            rows=rows,
            data_version=lake.content_hash(self.table, own),
            metadata={**outcome.metadata, **facts, "dagster/row_count": rows},
        )
