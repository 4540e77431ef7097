"""How every asset of a session is declared: partitioned by session, one run for any range, timed and reported.

Annotations are not postponed in this module: Dagster reads the type of ``context`` when the asset is made.
"""

import inspect
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

import dagster as dg

from resources.clock import monotonic_seconds
from resources.platform import Platform
from trading_assets.assets.earlier import Earlier
from trading_assets.assets.metadata import OWNERS, definition_metadata
from trading_assets.assets.outcome import Outcome, own_sessions
from trading_assets.tables.table import DatabaseTable, Table

FULLY_SHOWN_SESSIONS = 5
STALE_AFTER = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=5), warn_window=timedelta(days=4))
Body = Callable[[Platform, list[date], dg.AssetExecutionContext], Outcome]
MultiBody = Callable[[Platform, list[date], dg.AssetExecutionContext], Mapping[str, Outcome]]


class DeclaredAsset(Protocol):
    """One or more assets that one body makes, before an installation says over which sessions."""

    @property
    def names(self) -> tuple[str, ...]:
        """Keys of the assets."""
        ...

    @property
    def group(self) -> str:
        """Group of the assets in the Dagster UI."""
        ...

    def build(self, sessions: dg.PartitionsDefinition[str], made: Collection[str]) -> dg.AssetsDefinition:
        """Make the Dagster asset; of what it is made from, only what this installation makes (``made``) is named."""
        ...


@dataclass(frozen=True)
class SessionAsset:
    """An asset partitioned by session; see `session_asset`."""

    name: str
    body: Body
    group: str
    kinds: frozenset[str]
    deps: tuple[str, ...]
    table: Table | DatabaseTable | None
    grain: str
    checks: tuple[dg.AssetCheckSpec, ...]
    tags: Mapping[str, str]
    catches_up: bool
    looks_back: bool
    unless_blocked: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The key of the asset."""
        return (self.name,)

    def build(self, sessions: dg.PartitionsDefinition[str], made: Collection[str]) -> dg.AssetsDefinition:
        """Make the Dagster asset over these partitions."""
        lead = self.grain or (self.table.grain if self.table else "")
        with warnings.catch_warnings():
            # the policy parameter is beta in Dagster 1.13, and the only beta feature that this system needs
            warnings.simplefilter("ignore", dg.BetaWarning)
            declare = dg.asset(
                name=self.name,
                partitions_def=sessions,
                backfill_policy=dg.BackfillPolicy.single_run(),
                group_name=self.group,
                owners=OWNERS,
                kinds=set(self.kinds),
                deps=[name for name in self.deps if name in made],
                check_specs=list(self.checks),
                description=f"{lead}.\n\n{inspect.getdoc(self.body) or ''}".strip(),
                metadata=definition_metadata(self.table) if self.table else {"dagster/table_name": self.name},
                freshness_policy=STALE_AFTER,
                tags=dict(self.tags),
            )

        def materialise(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Any:
            yield self._run(context, platform)

        return declare(materialise)

    def _run(self, context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
        sessions = own_sessions(context)
        earlier = (
            Earlier.of(
                context,
                platform,
                self.name,
                self.table if isinstance(self.table, Table) else None,
                look_back=self.looks_back,
                tables=self.unless_blocked,
            )
            if self.catches_up
            else None
        )
        platform.progress.started(self.name, len(sessions))
        began = monotonic_seconds()
        outcome = self.body(platform, [*(earlier.sessions if earlier else []), *sessions], context)
        seconds = monotonic_seconds() - began
        if earlier and earlier.sessions:
            outcome = earlier.reported(outcome)
        platform.progress.finished(self.name, outcome.rows, seconds)
        return dg.MaterializeResult(
            metadata={**_counted(outcome, seconds), **_shown(outcome, sessions)},
            data_version=dg.DataVersion(outcome.data_version) if outcome.data_version else None,
            check_results=list(outcome.checks),
        )


def session_asset(
    *,
    group: str,
    kinds: set[str],
    deps: Sequence[str] = (),
    table: Table | DatabaseTable | None = None,
    grain: str = "",
    checks: Sequence[dg.AssetCheckSpec] = (),
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
    catches_up: bool = False,
    looks_back: bool = False,
    unless_blocked: Sequence[str] = (),
) -> Callable[[Body], SessionAsset]:
    """Declare an asset partitioned by session.

    The body gets the platform and the run's sessions in order and says what it did; progress, timing and
    metadata are the same for all. The description is the grain followed by the body's docstring.

    In a session job of the newest session, one that ``catches_up`` also gets the sessions that were missed before it, and
    one that ``looks_back`` those that vendors may have corrected since; their partitions are reported where they changed.

    ``unless_blocked`` names tables whose blocking findings keep the asset from being made of a session. An earlier one
    that is blocked is not reported as done, and an asset that does not look back makes it within the look-back as soon
    as it is mended or accepted.

    ``deps`` names everything that the asset may be made from; what an installation does not make is left out of its graph.
    """

    def declare(body: Body) -> SessionAsset:
        return SessionAsset(
            name=name or str(getattr(body, "__name__", "")),
            body=body,
            group=group,
            kinds=frozenset(kinds),
            deps=tuple(deps),
            table=table,
            grain=grain,
            checks=tuple(checks),
            tags=dict(tags or {}),
            catches_up=catches_up,
            looks_back=looks_back,
            unless_blocked=tuple(unless_blocked),
        )

    return declare


@dataclass(frozen=True)
class SessionAssets:
    """Assets partitioned by session that one body makes together: one asset a table; see `session_multi_asset`."""

    name: str
    body: MultiBody
    group: str
    kinds: frozenset[str]
    deps: tuple[str, ...]
    tables: tuple[Table, ...]
    freshness: dg.FreshnessPolicy

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of the assets."""
        return tuple(table.name for table in self.tables)

    def build(self, sessions: dg.PartitionsDefinition[str], made: Collection[str]) -> dg.AssetsDefinition:
        """Make the Dagster assets over these partitions."""
        deps = [name for name in self.deps if name in made]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # as with `SessionAsset`
            declare = dg.multi_asset(
                name=self.name,
                partitions_def=sessions,
                backfill_policy=dg.BackfillPolicy.single_run(),
                specs=[
                    dg.AssetSpec(
                        table.name,
                        group_name=self.group,
                        owners=OWNERS,
                        kinds=set(self.kinds),
                        deps=deps,
                        description=f"{table.grain}.\n\n{inspect.getdoc(self.body) or ''}".strip(),
                        metadata=definition_metadata(table),
                        freshness_policy=self.freshness,
                    )
                    for table in self.tables
                ],
            )

        def materialise(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Any:
            sessions = own_sessions(context)
            platform.progress.started(self.tables[0].name, len(sessions))
            began = monotonic_seconds()
            outcomes = self.body(platform, sessions, context)
            seconds = monotonic_seconds() - began
            for key, outcome in outcomes.items():
                platform.progress.finished(key, outcome.rows, seconds)
                yield dg.MaterializeResult(
                    asset_key=key,
                    metadata={**_counted(outcome, seconds), **_shown(outcome, sessions)},
                    data_version=dg.DataVersion(outcome.data_version) if outcome.data_version else None,
                )

        return declare(materialise)


def session_multi_asset(
    *,
    name: str,
    tables: Sequence[Table],
    group: str,
    kinds: set[str],
    freshness: dg.FreshnessPolicy,
    deps: Sequence[str] = (),
) -> Callable[[MultiBody], SessionAssets]:
    """Declare assets partitioned by session that one body makes together: one asset a table.

    The body says for each table, by name, what it did. Descriptions are as with `session_asset`.
    """

    def declare(body: MultiBody) -> SessionAssets:
        return SessionAssets(name, body, group, frozenset(kinds), tuple(deps), tuple(tables), freshness)

    return declare


def _counted(outcome: Outcome, seconds: float) -> Mapping[str, Any]:
    return {"dagster/row_count": outcome.rows, "seconds": round(seconds, 3)}


def _shown(outcome: Outcome, sessions: list[date]) -> Mapping[str, Any]:
    # Dagster stores the metadata once for each partition: previews of a long range would be most of its time.
    if len(sessions) <= FULLY_SHOWN_SESSIONS:
        return outcome.metadata
    return {"first_session": sessions[0].isoformat(), "last_session": sessions[-1].isoformat()}
