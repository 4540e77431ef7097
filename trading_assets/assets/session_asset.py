"""How every asset of a session is declared: partitioned by session, one run for any range, timed and reported.

Annotations are not postponed in this module: Dagster reads the type of ``context`` when the asset is declared.
"""

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import dagster as dg

from resources.clock import monotonic_seconds
from resources.platform import Platform
from trading_assets.assets.metadata import OWNERS, definition_metadata
from trading_assets.assets.partitions import session_partitions
from trading_assets.assets.platform_resource import PlatformResource
from trading_assets.market_data.findings import blocked_sessions
from trading_assets.session_window import session_window, skipped_sessions
from trading_assets.settings import load_settings
from trading_assets.tables.table import Table

SIMULATED_SESSIONS_AHEAD = 20
SESSIONS = session_partitions(
    load_settings().start, ahead=SIMULATED_SESSIONS_AHEAD if load_settings().mode == "sim" else 1
)
FULLY_SHOWN_SESSIONS = 5
SESSION_JOB = "session_job"
DATA_VERSION_TAG = "dagster/data_version"
COLUMNS = """
select attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum)
from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum
"""
STALE_AFTER = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=5), warn_window=timedelta(days=4))


@dataclass(frozen=True)
class Outcome:
    """What a body did: rows it stands for, the version of what it wrote, and what to show."""

    rows: int
    data_version: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    checks: Sequence[dg.AssetCheckResult] = ()


Body = Callable[[Platform, list[date], dg.AssetExecutionContext], Outcome]


def session_asset(
    *,
    group: str,
    kinds: set[str],
    deps: Sequence[str] = (),
    table: Table | None = None,
    grain: str = "",
    checks: Sequence[dg.AssetCheckSpec] = (),
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
    catches_up: bool = False,
    looks_back: bool = False,
    unless_blocked: Sequence[str] = (),
) -> Callable[[Body], dg.AssetsDefinition]:
    """Declare an asset partitioned by session.

    The body gets the platform and the run's sessions in order and says what it did; progress, timing and
    metadata are the same for all. The description is the grain followed by the body's docstring.

    In a session job of the newest session, one that ``catches_up`` also gets the sessions that were missed before it, and
    one that ``looks_back`` those that vendors may have corrected since; their partitions are reported where they changed.

    ``unless_blocked`` names tables whose blocking findings keep the asset from being made of a session. An earlier one
    that is blocked is not reported as done, and an asset that does not look back makes it within the look-back as soon
    as it is mended or accepted.
    """

    def decorate(body: Body) -> dg.AssetsDefinition:
        key = name or body.__name__
        lead = grain or (table.grain if table else "")

        with warnings.catch_warnings():
            # the policy parameter is beta in Dagster 1.13, and the only beta feature that this system needs
            warnings.simplefilter("ignore", dg.BetaWarning)
            declare = dg.asset(
                name=key,
                partitions_def=SESSIONS,
                backfill_policy=dg.BackfillPolicy.single_run(),
                group_name=group,
                owners=OWNERS,
                kinds=kinds,
                deps=list(deps),
                check_specs=list(checks),
                description=f"{lead}.\n\n{inspect.getdoc(body) or ''}".strip(),
                metadata=definition_metadata(table) if table else {"dagster/table_name": key},
                freshness_policy=STALE_AFTER,
                tags=dict(tags or {}),
            )

        def materialise(context: dg.AssetExecutionContext, platform: PlatformResource) -> Any:
            opened = platform.get()
            sessions = own_sessions(context)
            earlier = (
                _Earlier.of(context, opened, key, table, look_back=looks_back, tables=unless_blocked)
                if catches_up
                else None
            )
            opened.progress.started(key, len(sessions))
            began = monotonic_seconds()
            outcome = body(opened, [*(earlier.sessions if earlier else []), *sessions], context)
            seconds = monotonic_seconds() - began
            if earlier and earlier.sessions:
                outcome = earlier.reported(outcome)
            opened.progress.finished(key, outcome.rows, seconds)
            yield dg.MaterializeResult(
                metadata={
                    "dagster/row_count": outcome.rows,
                    "seconds": round(seconds, 3),
                    **(
                        _postgres_columns(opened, key)
                        if table is None and len(sessions) <= FULLY_SHOWN_SESSIONS
                        else {}
                    ),
                    **_shown(outcome, sessions),
                },
                data_version=dg.DataVersion(outcome.data_version) if outcome.data_version else None,
                check_results=list(outcome.checks),
            )

        return declare(materialise)

    return decorate


MultiBody = Callable[[Platform, list[date], dg.AssetExecutionContext], Mapping[str, Outcome]]


def session_multi_asset(
    *,
    name: str,
    tables: Sequence[Table],
    group: str,
    kinds: set[str],
    freshness: Any,
    deps: Sequence[str] = (),
) -> Callable[[MultiBody], dg.AssetsDefinition]:
    """Declare assets partitioned by session that one body makes together: one asset a table.

    The body says for each table, by name, what it did. Descriptions are as with `session_asset`.
    """

    def decorate(body: MultiBody) -> dg.AssetsDefinition:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # as with `session_asset`
            declare = dg.multi_asset(
                name=name,
                partitions_def=SESSIONS,
                backfill_policy=dg.BackfillPolicy.single_run(),
                specs=[
                    dg.AssetSpec(
                        table.name,
                        group_name=group,
                        owners=OWNERS,
                        kinds=kinds,
                        deps=list(deps),
                        description=f"{table.grain}.\n\n{inspect.getdoc(body) or ''}".strip(),
                        metadata=definition_metadata(table),
                        freshness_policy=freshness,
                    )
                    for table in tables
                ],
            )

        def materialise(context: dg.AssetExecutionContext, platform: PlatformResource) -> Any:
            opened = platform.get()
            sessions = own_sessions(context)
            opened.progress.started(tables[0].name, len(sessions))
            began = monotonic_seconds()
            outcomes = body(opened, sessions, context)
            seconds = monotonic_seconds() - began
            for key, outcome in outcomes.items():
                opened.progress.finished(key, outcome.rows, seconds)
                yield dg.MaterializeResult(
                    asset_key=key,
                    metadata={
                        "dagster/row_count": outcome.rows,
                        "seconds": round(seconds, 3),
                        **_shown(outcome, sessions),
                    },
                    data_version=dg.DataVersion(outcome.data_version) if outcome.data_version else None,
                )

        return declare(materialise)

    return decorate


def own_sessions(context: dg.AssetExecutionContext) -> list[date]:
    """Return the sessions whose partitions the run is about, in order."""
    return [date.fromisoformat(partition) for partition in context.partition_keys]


@dataclass(frozen=True)
class _Earlier:
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
    ) -> "_Earlier | None":
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


def _shown(outcome: Outcome, sessions: list[date]) -> Mapping[str, Any]:
    # Dagster stores the metadata once for each partition: previews of a long range would be most of its time.
    if len(sessions) <= FULLY_SHOWN_SESSIONS:
        return outcome.metadata
    return {"first_session": sessions[0].isoformat(), "last_session": sessions[-1].isoformat()}


def _postgres_columns(platform: Platform, table: str) -> Mapping[str, Any]:
    rows = platform.database.fetch(COLUMNS, (table,))
    columns = [
        dg.TableColumn(name, kind, comment, constraints=dg.TableColumnConstraints(nullable=not required))
        for name, kind, required, comment in rows
    ]
    return {"dagster/column_schema": dg.TableSchema(columns)} if columns else {}
