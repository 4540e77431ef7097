"""`make.py strategy FOLDER` installs a strategy of one's own and remembers it, so that an update installs it again."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def make(tmp_path, monkeypatch):
    """The script, with what it runs written down instead."""
    spec = spec_from_file_location("make_script", ROOT / "make.py")
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    script.ran = []
    monkeypatch.setattr(script, "OWN_STRATEGIES", tmp_path / "own_strategies.txt")
    monkeypatch.setattr(script, "install", lambda: None)
    monkeypatch.setattr(script, "uv", lambda: Path("uv"))
    monkeypatch.setattr(script, "run", lambda *command: script.ran.append([str(part) for part in command]))
    return script


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "near_high"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\n")
    return folder


def test_it_is_installed_from_its_folder_and_remembered_once(make, package, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    make.strategy("near_high")
    make.strategy(str(package))
    assert make.OWN_STRATEGIES.read_text() == f"{package}\n"
    assert [command[-2:] for command in make.ran] == [["-e", str(package)]] * 2


def test_an_update_installs_what_is_still_there(make, package, tmp_path, capsys):
    make.OWN_STRATEGIES.write_text(f"{package}\n{tmp_path / 'gone'}\n")
    make._install_strategies(Path("uv"))
    assert len(make.ran) == 1
    assert "gone is not there any more" in capsys.readouterr().out


@pytest.mark.parametrize("folders", [(), ("nowhere",)])
def test_a_folder_that_is_no_package_is_refused(make, folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"usage: python make.py strategy FOLDER"):
        make.strategy(*folders)
    assert make.ran == []
