"""`raw`: the vendors' own answers behind the rows: show one batch, verify all of them, remove the old ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading_assets.cli.opened import opened_platform
from trading_assets.cli.options import JsonOption
from trading_assets.cli.output import EXIT_FAILED, friendly_errors, out, print_json, print_table
from trading_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resources.raw.responses import RawResponse

app = typer.Typer(
    name="raw", help="The vendors' own answers behind the rows in the lake.", no_args_is_help=True
)
SHOWN_CHARACTERS = 2000
_TYPES = {b"{": "json", b"[": "json", b"<": "html"}


@friendly_errors
def show(
    batch_id: Annotated[str, typer.Argument(help="As in the batch_id column of every vendor table.")],
    response: Annotated[
        int | None, typer.Option("--response", help="Print the whole body of this one, and nothing else.")
    ] = None,
    extract: Annotated[
        Path | None,
        typer.Option(help="Folder to write every body to, with an index.json of URLs, statuses and times."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what a vendor answered: URL, status, time and body of each response of a batch.

    [dim]Example:[/] trading-assets raw show polygon-daily_bars-0f1e2d3c4b5a69788796a5b4
    """
    with opened_platform() as platform:
        record = platform.raw_batches.record(batch_id)
        responses = platform.raw_batches.read(batch_id)
    if response is not None:
        if not 1 <= response <= len(responses):
            raise ConfigurationError(f"--response must be 1 to {len(responses)}")
        typer.echo(responses[response - 1].body, nl=False)
        return
    if extract is not None:
        _extract(extract, responses)
    if json:
        print_json({**record._asdict(), "bodies": [_facts(item) for item in responses]})
        return
    out.print(
        f"[bold]{record.batch_id}[/]: {record.source} {record.kind}, sessions {record.first_session} to "
        f"{record.last_session}, {record.rows:,} rows from {record.responses:,} responses, "
        f"{record.raw_bytes:,} bytes",
        highlight=False,
    )
    for number, item in enumerate(responses, start=1):
        out.rule(
            f"{number}/{len(responses)}  {item.status}  {item.fetched_at:%Y-%m-%d %H:%M:%S %Z}", align="left"
        )
        out.print(item.url, markup=False, highlight=False, soft_wrap=True)
        text = item.body.decode("utf-8", "replace")
        out.print(text[:SHOWN_CHARACTERS], markup=False, highlight=False, soft_wrap=True)
        if len(text) > SHOWN_CHARACTERS:
            left = len(text) - SHOWN_CHARACTERS
            out.print(
                f"[dim]... {left:,} more characters: --response {number} prints all of it[/]", highlight=False
            )
    if extract is not None:
        out.print(f"{len(responses):,} bodies written to {extract}", highlight=False, soft_wrap=True)


@friendly_errors
def verify(
    batch_id: Annotated[str | None, typer.Argument(help="One batch; default: all of them.")] = None,
    json: JsonOption = False,
) -> None:
    """Check every stored body against its hash, every batch against its id, and the files against the records.

    [dim]Example:[/] trading-assets raw verify
    """
    checked, wrong = 0, []
    with opened_platform() as platform:
        for name, fault in platform.raw_batches.verify(batch_id):
            checked += 1
            if fault:
                wrong.append({"batch_id": name, "fault": fault})
    if json:
        print_json({"checked": checked, "wrong": wrong})
    else:
        if wrong:
            rows = [(item["batch_id"], item["fault"]) for item in wrong]
            columns = ("batch", "what is wrong, and the mend")
            print_table("Wrong batches", columns, rows, folded=columns[1:])
        out.print(f"{checked:,} batches checked, {len(wrong):,} wrong", highlight=False)
    if wrong:
        raise typer.Exit(EXIT_FAILED)


@friendly_errors
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    json: JsonOption = False,
) -> None:
    """Remove the bodies of batches older than TRADING_RAW_KEEP_DAYS; rows and records stay.

    [dim]Example:[/] trading-assets raw prune --dry-run
    """
    with opened_platform() as platform:
        keep = platform.settings.raw_keep_days
        pruned = platform.raw_batches.prune(platform.clock.now(), keep, dry_run=dry_run)
    if json:
        print_json({"dry_run": dry_run, **pruned.__dict__})
        return
    did = "would be removed" if dry_run else "removed"
    out.print(
        f"{pruned.batches:,} batches last fetched before {pruned.before:%Y-%m-%d %H:%M %Z} {did}: "
        f"{pruned.stored_bytes / 2**20:,.1f} MiB",
        highlight=False,
    )


def _facts(response: RawResponse) -> dict[str, Any]:
    return {
        "url": response.url,
        "status": response.status,
        "fetched_at": response.fetched_at,
        "request_id": response.request_id,
        "bytes": len(response.body),
    }


def _extract(folder: Path, responses: Sequence[RawResponse]) -> None:
    import orjson

    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError("--extract needs a new or empty folder", folder=folder)
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for number, response in enumerate(responses, start=1):
        name = f"{number:05d}.{_TYPES.get(response.body.lstrip()[:1], 'txt')}"
        (folder / name).write_bytes(response.body)
        index.append({"file": name, **_facts(response)})
    (folder / "index.json").write_bytes(orjson.dumps(index, option=orjson.OPT_INDENT_2))


for command in (show, verify, prune):
    app.command()(command)
