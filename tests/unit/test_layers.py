"""Imports point down only: shells over edges over pure code, and the simulator stands apart."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL_NAMES = {
    "assets",
    "asset_checks",
    "definitions",
    "jobs",
    "schedules",
    "dagster_resources",
    "observability",
    "session_asset",
    "runs",
}
PURE_PACKAGES = {"indicators", "features", "screener", "strategies", "risk", "quality", "analytics"}
PURE_EXECUTION = {"order_states", "intents"}
IMPURE_IMPORTS = {
    "os", "time", "socket", "subprocess", "random", "requests", "urllib3", "psycopg", "duckdb", "dagster", "streamlit",
    "resources", "sensors", "app",
}  # fmt: skip
SHELL_PACKAGES = {"sensors", "app"}


def modules() -> list[Path]:
    return [
        path
        for top in ("trading_assets", "resources", "sensors", "app")
        for path in (ROOT / top).rglob("*.py")
    ]


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layer(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if (
        parts[0] in SHELL_PACKAGES
        or parts[-1] in SHELL_NAMES
        or "cli" in parts
        or (parts[-1] == "__main__" and parts[-2] == "trading_assets")
    ):
        return "shell"
    if parts[:2] == ("trading_assets", "simulator"):
        return "simulator"
    if parts[0] == "resources":
        return "edge"
    if len(parts) > 2 and (
        parts[1] in PURE_PACKAGES or (parts[1] == "execution" and parts[2] in PURE_EXECUTION)
    ):
        return "pure"
    return "edge" if len(parts) > 2 else "ground"


def touches(names: set[str], *packages: str) -> set[str]:
    return {
        name
        for name in names
        if any(name == package or name.startswith(f"{package}.") for package in packages)
    }


def is_shell(name: str) -> bool:
    return bool(set(name.split(".")) & SHELL_NAMES) and name.startswith("trading_assets")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_only(path: Path) -> None:
    names, kind = imports(path), layer(path)
    relative = path.relative_to(ROOT)
    if kind == "pure":
        assert not {name for name in names if name.split(".")[0] in IMPURE_IMPORTS}, (
            f"{relative} must stay pure"
        )
    if kind in {"pure", "edge", "ground"}:
        assert not touches(names, "sensors", "app", "streamlit", "trading_assets.cli"), relative
        assert not {name for name in names if is_shell(name)}, f"{relative} must not know the shells"
        assert not touches(names, "trading_assets.simulator"), (
            f"{relative} must reach the simulator over HTTP only"
        )
    if kind == "edge" and relative.parts[-1] != "dagster_home.py":
        assert not touches(names, "dagster"), f"{relative} must not know Dagster"
    if kind == "simulator":
        own = touches(names, "trading_assets", "resources", "sensors", "app")
        allowed = touches(own, "trading_assets.simulator", "trading_assets.sessions", "trading_assets.errors")
        assert own - allowed <= {"trading_assets.sessions", "trading_assets.errors"}, relative
    if relative.parts[0] == "app":
        assert not touches(names, "dagster", "sensors", "alpaca", "polygon", "yfinance"), (
            f"{relative} reads only"
        )
