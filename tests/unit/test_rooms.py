"""Every room of the product stands on a floor: one that no import contract names could import anything."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
FREE = {"simulator", "__init__", "__main__"}  # the simulator has contracts of its own


def rooms() -> set[str]:
    entries = (ROOT / "trading_assets").iterdir()
    return {entry.stem for entry in entries if entry.suffix == ".py" or (entry / "__init__.py").exists()}


def test_every_room_stands_on_a_floor():
    layers = next(contract for contract in CONTRACTS if contract["type"] == "layers")["layers"]
    named = {name.strip() for layer in layers for name in layer.split("|")}
    assert {f"trading_assets.{room}" for room in rooms() - FREE} <= named


def test_every_room_is_kept_from_the_simulator():
    (kept,) = [
        contract for contract in CONTRACTS if contract["name"] == "The simulator is reached over HTTP only"
    ]
    packages = {room for room in rooms() - FREE if (ROOT / "trading_assets" / room).is_dir()}
    assert {f"trading_assets.{room}" for room in packages} <= set(kept["source_modules"])


def test_a_folder_holds_at_most_25_files():
    counted = {
        folder: sum(1 for path in folder.glob("*.py"))
        for package in ("trading_assets", "resources", "sensors", "app")
        for folder in (ROOT / package).rglob("*")
        if folder.is_dir()
    }
    assert max(counted.values()) <= 25
