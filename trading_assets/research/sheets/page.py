"""Page of a tear sheet: the template with its style, scripts and data put in; a policy in it forbids the browser every request.

The charts are drawn by the reader's browser from scripts in the page, not beforehand: drawing them in Python takes half a second
a chart. The scripts are a file of this package, because bundling them takes seconds and vl-convert is many times their size.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import fields
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import orjson

from trading_assets.palette import DARK, LIGHT, Palette

VEGA = "vega.js"
"""Vega, Vega-Lite and Vega-Embed as vl-convert bundles them; ``tests/golden/test_vega_bundle.py`` says how it is made anew."""


def page(facts: dict[str, Any], data: dict[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    facts
        What the template names.
    data
        What its script reads: ``columns`` and ``charts``, and ``rows`` of those that are not over time.
    """
    style = _colours() + text("sheet.css")
    scripts = text(VEGA), text("sheet.js")
    return _template().render(
        **facts,
        charts=data["charts"],
        policy=_policy(*scripts),
        style=style,
        data=in_script(data),
        vega=scripts[0],
        script=scripts[1],
    )


def in_script(data: dict[str, Any]) -> str:
    """Return data as JSON that cannot end the script element that it stands in."""
    written = orjson.dumps(data).decode()
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def text(name: str) -> str:
    """Return one of the files beside this one."""
    return files("trading_assets.research.sheets").joinpath(name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text("sheet.html"))


@cache
def _policy(*scripts: str) -> str:
    # our own scripts by their digest: neither a request, nor a script that came with the data
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def _colours() -> str:
    def variables(colours: Palette) -> str:
        plain = (item.name for item in fields(colours) if item.name != "ramp")
        return "".join(f"--{name}:{getattr(colours, name)};" for name in plain)

    dark = f"@media screen and (prefers-color-scheme: dark){{:root{{{variables(DARK)}color-scheme:dark}}}}"
    return f":root{{{variables(LIGHT)}color-scheme:light}}\n{dark}\n"
