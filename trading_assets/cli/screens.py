"""`screens`: the shipped and the saved screens, as files to share, and the fields and words that a screen may use."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from trading_assets.cli.opened import opened_platform, saved_screens
from trading_assets.cli.options import JsonOption
from trading_assets.cli.output import err, friendly_errors, out, print_json, print_table
from trading_assets.cli.screen_files import named_screen, read_text

app = typer.Typer(
    name="screens", help="Shipped and saved screens, and what a screen may name.", no_args_is_help=True
)
NameArgument = Annotated[str, typer.Argument(help="Name of a screen.", show_default=False)]


@friendly_errors
def list_screens(json: JsonOption = False) -> None:
    """List the screens that each session is evaluated with.

    [dim]Example:[/] trading-assets screens list
    """
    from trading_assets.screener.english.wording import write
    from trading_assets.screener.presets import SCREENS
    from trading_assets.settings import load_settings

    with saved_screens(load_settings()) as store:
        saved = store.all()
    rows = [
        {"name": name, "source": "shipped", "version": None, "description": item.description,
         "looks_for": write(item.query), "problem": ""}
        for name, item in SCREENS.items()
    ] + [
        {"name": item.name, "source": f"saved by {item.saved_by}", "version": item.version,
         "description": item.screen.description if item.screen else "",
         "looks_for": write(item.screen.query) if item.screen else "", "problem": item.problem}
        for item in saved
    ]  # fmt: skip
    if json:
        print_json(rows)
        return
    shown = [(row["name"], row["source"], row["problem"] or row["looks_for"]) for row in rows]
    print_table("Screens", ("name", "source", "looks for"), shown, folded=("looks for",))


@friendly_errors
def show(name: NameArgument, json: JsonOption = False) -> None:
    """Show a screen: what it looks for and, of a saved one, its versions.

    [dim]Example:[/] trading-assets screens show golden_cross
    """
    from trading_assets.screener.english.wording import write
    from trading_assets.screener.presets import SCREENS
    from trading_assets.settings import load_settings

    settings = load_settings()
    found, versions = named_screen(settings, name), []
    if name not in SCREENS:
        with saved_screens(settings) as store:
            versions = store.versions(name)
    if json:
        told = [{"version": item.version, "saved_at": item.saved_at, "saved_by": item.saved_by,
                 "is_removed": item.screen is None and not item.problem} for item in versions]  # fmt: skip
        print_json({**found.model_dump(mode="json"), "looks_for": write(found.query), "versions": told})
        return
    out.print(
        f"{found.name}: {found.description}" if found.description else found.name,
        markup=False,
        highlight=False,
    )
    out.print(write(found.query), style="bold", markup=False, highlight=False)
    if versions:
        rows = [
            (item.version, item.saved_at, item.saved_by,
             item.problem or (write(item.screen.query) if item.screen else "removed"))
            for item in versions
        ]  # fmt: skip
        columns = ("version", "saved", "by", "looks for")
        print_table("Versions", columns, rows, folded=columns[3:], optional=("by",), zone=settings.zone)


@friendly_errors
def export(
    name: NameArgument,
    file: Annotated[Path | None, typer.Option("--out", help="Write to a file instead of the screen.")] = None,
) -> None:
    """Write a screen as JSON, to keep or to share.

    [dim]Example:[/] trading-assets screens export golden_cross --out golden_cross.json
    """
    from trading_assets.cli.screen_output import check_target, write_text
    from trading_assets.screener.screen_file import write_screen
    from trading_assets.settings import load_settings

    if file is not None:
        check_target(file, "--out")
    text = write_screen(named_screen(load_settings(), name))
    if file is None:
        typer.echo(text, nl=False)
        return
    write_text(file, text, "--out")
    err.print(f"{name} written to {file}", highlight=False, soft_wrap=True)


@friendly_errors
def import_screen(
    file: Annotated[Path, typer.Argument(help="A screen as JSON; - for standard input.", show_default=False)],
    name: Annotated[str | None, typer.Option("--name", help="Save it under another name.")] = None,
) -> None:
    """Save a screen from a file: it is evaluated each session from now on.

    [dim]Example:[/] trading-assets screens import my_screen.json
    """
    from trading_assets.screener.screen_file import named, read_screen
    from trading_assets.screens.saved import SavedScreens

    screen = read_screen(read_text(file))
    if name is not None:
        screen = named(screen.query, name, screen.description)
    with opened_platform() as platform:
        kept = SavedScreens(platform.database).save(screen, by=getpass.getuser(), now=platform.clock.now())
    out.print(f"Saved as {kept.name}, version {kept.version}", highlight=False)


@friendly_errors
def remove(name: NameArgument) -> None:
    """Take a saved screen away; its versions and results stay on record.

    [dim]Example:[/] trading-assets screens remove my_screen
    """
    from trading_assets.screens.saved import SavedScreens

    with opened_platform() as platform:
        SavedScreens(platform.database).remove(name, by=getpass.getuser(), now=platform.clock.now())
    out.print(f"Removed {name}", highlight=False)


@friendly_errors
def fields(json: JsonOption = False) -> None:
    """List the fields that a screen may name, with unit, meaning and words for them.

    [dim]Example:[/] trading-assets screens fields
    """
    from trading_assets.screener.display import explained
    from trading_assets.screener.fields import FIELDS

    if json:
        names = ("name", "kind", "group", "unit", "aliases")
        print_json(
            [
                {**{name: getattr(item, name) for name in names}, "description": explained(item.name)}
                for item in FIELDS.values()
            ]
        )
        return
    rows = [(item.label, item.name, item.unit, explained(item.name), ", ".join(item.aliases[1:4])) for item in FIELDS.values()]  # fmt: skip
    columns = ("field", "column", "unit", "meaning", "also")
    print_table("Fields", columns, rows, folded=columns[3:], optional=("also", "unit", "field"))


@friendly_errors
def macros(json: JsonOption = False) -> None:
    """List the words that stand for whole conditions, with what they mean.

    [dim]Example:[/] trading-assets screens macros
    """
    from trading_assets.screener.english.macros import MACROS
    from trading_assets.screener.english.wording import describe

    if json:
        print_json(
            [
                {"name": item.name, "description": item.description, "definition": describe(item.filter),
                 "phrases": item.phrases}
                for item in MACROS.values()
            ]
        )  # fmt: skip
        return
    rows = [(item.name, describe(item.filter), item.description) for item in MACROS.values()]
    print_table("Words for conditions", ("word", "means", "why"), rows, folded=("means", "why"))


app.command("list")(list_screens)
app.command("import")(import_screen)
for command in (show, export, remove, fields, macros):
    app.command()(command)
