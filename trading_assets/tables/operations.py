"""Operations in Postgres: fetches and quotas of vendors, findings and their acceptances, runs, and what people did."""

from __future__ import annotations

from trading_assets.tables.database_columns import (
    MODE,
    count,
    day,
    instant,
    json,
    long_count,
    number,
    numbered,
    text,
)
from trading_assets.tables.table import SESSION, DatabaseTable

_CHECK_NAME = text("Name of the check")
_TABLE_NAME = text("Table that was checked")

INGEST_BATCHES = DatabaseTable(
    name="ingest_batches",
    grain="One row per fetch from a vendor; raw_path leads to the compressed response bodies",
    columns={
        "batch_id": text("Hash of the bodies: the same bytes again are the same batch"),
        "source": text("Vendor"),
        "kind": text("What was asked for"),
        "first_session": day("First session that was asked for"),
        "last_session": day("Last session that was asked for"),
        "fetched_at": instant("When the vendor first sent these bytes"),
        "responses": count("Responses in the batch", "responses"),
        "rows": long_count("Rows that were read from them", "rows"),
        "raw_bytes": long_count("Size of the bodies before they were compressed", "bytes"),
        "raw_path": text("File with the bodies, below the data folder"),
        "content_hash": text("Hash of the bodies"),
        "raw_removed_at": instant(
            "When retention removed the raw bodies; null while they are there", nullable=True, inserted=False
        ),
        "raw_removed_reason": text(
            "Why they were removed; null while they are there", nullable=True, inserted=False
        ),
        "last_fetched_at": instant("When the vendor last sent just these bytes; retention counts from here"),
        "refused": text(
            "Why nothing of the batch was stored, in words; null if it was believed",
            nullable=True,
            inserted=False,
        ),
    },
    key=("batch_id",),
)

VENDOR_USAGE = DatabaseTable(
    name="vendor_usage",
    grain="One row per vendor and UTC day: requests sent, answered with 429, retried, failed",
    columns={
        "vendor": text("Vendor"),
        "day": day("UTC day"),
        "requests": long_count("Requests sent, retries included", "requests"),
        "retries": long_count("Requests that repeat one", "requests"),
        "rate_limited": long_count("Answers with status 429", "answers"),
        "failures": long_count("Calls that ended in an error", "calls"),
        "received_bytes": long_count("Bytes received", "bytes"),
        "waited_seconds": number("Waiting for the pace and before retries, over all threads", "seconds"),
        "per_minute": count("Our own pace; null for none", "requests per minute", nullable=True),
        "remaining": count(
            "What the vendor said was left of its quota, last time it said so", "requests", nullable=True
        ),
        "updated_at": instant("When it was last added to"),
    },
    key=("vendor", "day"),
)

HOURLY_PROGRESS = DatabaseTable(
    name="hourly_progress",
    grain="One row per (session, hourly asset): how far into the session it has got",
    columns={
        "session": SESSION,
        "asset": text("Name of the asset"),
        "finished_until": instant("End of the last hour that was finished when it was made"),
        "updated_at": instant("When it was made"),
    },
    key=("session", "asset"),
)

QUALITY_FINDINGS = DatabaseTable(
    name="quality_findings",
    grain="One row per (check, table, session, symbol, source, hour, value) that a check found, replaced when it runs again",
    columns={
        "finding_id": numbered("Number of the finding"),
        "check_name": _CHECK_NAME,
        "severity": text(
            "error: without a symbol it blocks the session, with one it stops new risk in the symbol; warn: information"
        ),
        "table_name": _TABLE_NAME,
        "session": SESSION,
        "symbol": text("Ticker; null if the finding is about the whole session", nullable=True),
        "source": text("Vendor; null if it is about no vendor's row", nullable=True),
        "value": text("What was found", nullable=True),
        "expectation": text("What was expected, in words"),
        "found_at": instant("Instant of the check"),
        "run_id": text("Run that found it", nullable=True),
        "bar_start": instant("Start of the hourly bar; null for a daily one", nullable=True),
    },
    key=("finding_id",),
)

FINDING_ACCEPTANCES = DatabaseTable(
    name="finding_acceptances",
    grain="One row per decision of a person that findings are no reason to stop; null symbol and source stand for any",
    columns={
        "acceptance_id": numbered("Number of the acceptance"),
        "check_name": _CHECK_NAME,
        "table_name": _TABLE_NAME,
        "session": SESSION,
        "bar_start": instant("Start of the hourly bar; null stands for any", nullable=True),
        "symbol": text("Ticker; null stands for any", nullable=True),
        "source": text("Vendor; null stands for any", nullable=True),
        "value": text(
            "Value that was looked at; a finding with another value is a new one. Null stands for any",
            nullable=True,
        ),
        "reason": text("Why it is no reason to stop"),
        "accepted_by": text("Who decided"),
        "accepted_at": instant("Instant of the decision"),
        "revoked_by": text("Who took it back; null while it is in force", nullable=True, inserted=False),
        "revoked_at": instant("Instant at which it was taken back", nullable=True, inserted=False),
        "revoke_reason": text("Why it was taken back", nullable=True, inserted=False),
    },
    key=("acceptance_id",),
)

SESSION_RUNS = DatabaseTable(
    name="session_runs",
    grain="One row per run of a whole session",
    columns={
        "run_id": text("Dagster's id of the run"),
        "session": SESSION,
        "mode": MODE,
        "started_at": instant("Instant of its start"),
        "finished_at": instant("Instant of its end", nullable=True),
        "outcome": text("succeeded or failed", nullable=True),
        "summary": json("What it did, or the error", nullable=True),
    },
    key=("run_id",),
)

AUDIT_LOG = DatabaseTable(
    name="audit_log",
    grain="One row per thing that a person or a safeguard did; rows are only added",
    columns={
        "audit_id": numbered("Number of the entry, in the order of time"),
        "actor": text("Who did it"),
        "action": text("What was done"),
        "reason": text("Why", nullable=True),
        "detail": json("To what"),
        "happened_at": instant("Instant at which it was done"),
    },
    key=("audit_id",),
)
