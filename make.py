#!/usr/bin/env python3
"""Set up and drive the project with nothing but Python: `python make.py up|test|install|lint|bench|strategy|clean`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
WINDOWS = os.name == "nt"
BIN = "Scripts" if WINDOWS else "bin"
EXE = ".exe" if WINDOWS else ""
VENV = ROOT / ".venv"
UV_HOME = ROOT / ".uv"
PYTHON = VENV / BIN / f"python{EXE}"
STAMP = VENV / "installed.sha256"
OWN_STRATEGIES = ROOT / "own_strategies.txt"
LOCKS = ("requirements.lock", "requirements-uv.lock", "pyproject.toml")


def environment() -> dict[str, str]:
    """Return the environment of every child: byte code is kept, because starting without it takes twice as long."""
    env = {
        key: value
        for key, value in os.environ.items()
        if key not in {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"}
    }
    return env | {"PYTHONUTF8": "1"}


def run(*command: str | Path, check: bool = True) -> int:
    """Run a command in the project's folder; stop here with its exit code if it fails."""
    code = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=environment(), check=False
    ).returncode
    if check and code:
        sys.exit(code)
    return code


def say(text: str) -> None:
    print(f"[make] {text}", flush=True)


def uv() -> Path:
    """Return uv, installing it into .uv (from the locked version) if the machine has none."""
    own = UV_HOME / BIN / f"uv{EXE}"
    if own.exists():
        return own
    if found := shutil.which("uv"):
        return Path(found)
    say("installing uv into .uv (once)")
    try:
        run(sys.executable, "-m", "venv", UV_HOME)
        pip = UV_HOME / BIN / f"python{EXE}"
        run(pip, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements-uv.lock")
    except SystemExit:
        shutil.rmtree(UV_HOME, ignore_errors=True)
        say(
            "could not install uv: Python's venv module is needed (on Debian and Ubuntu: apt install python3-venv)"
        )
        raise
    return own


def fingerprint() -> str:
    parts = [sys.version, *((ROOT / name).read_text(encoding="utf-8") for name in LOCKS)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def install() -> None:
    """Install the locked requirements and the project into .venv; nothing happens if they are there."""
    if sys.version_info < (3, 11) or sys.version_info >= (3, 14):
        sys.exit(
            f"Python 3.11 to 3.13 is needed; this is {sys.version.split()[0]}: run make PYTHON=python3.12"
        )
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == fingerprint():
        return
    tool = uv()
    if not PYTHON.exists():
        run(tool, "venv", "--quiet", "--python", sys.executable, VENV)
    say("installing the locked requirements into .venv (a minute or two the first time)")
    run(
        tool,
        "pip",
        "sync",
        "--quiet",
        "--python",
        PYTHON,
        "--require-hashes",
        "--compile-bytecode",
        "requirements.lock",
    )
    run(tool, "pip", "install", "--quiet", "--python", PYTHON, "--no-deps", "--no-build-isolation", "-e", ".")
    _install_strategies(tool)
    say("compiling the kernels of indicators, pairs and backtests")
    for kernels in ("features", "pairs", "backtest"):
        run(PYTHON, "-m", f"trading_assets.{kernels}.compile")
    STAMP.write_text(fingerprint(), encoding="utf-8")
    say("installed")


def _install_strategies(tool: Path) -> None:
    """Install the strategies of one's own again: those whose folders OWN_STRATEGIES names and that are still there."""
    folders = OWN_STRATEGIES.read_text(encoding="utf-8").splitlines() if OWN_STRATEGIES.exists() else []
    for folder in folders:
        if Path(folder, "pyproject.toml").exists():
            run(
                tool,
                "pip",
                "install",
                "--quiet",
                "--python",
                PYTHON,
                "--no-deps",
                "--no-build-isolation",
                "-e",
                folder,
            )
        else:
            say(f"{folder} is not there any more: its strategy is left out")


def strategy(*folders: str) -> int:
    """Install, then install strategies of one's own from their folders; they stay installed when the project is updated."""
    lacking = [folder for folder in folders if not Path(folder, "pyproject.toml").exists()]
    if lacking or not folders:
        sys.exit(
            f"usage: python make.py strategy FOLDER (with a pyproject.toml in it; {' '.join(lacking) or 'none given'})"
        )
    install()
    known = OWN_STRATEGIES.read_text(encoding="utf-8").splitlines() if OWN_STRATEGIES.exists() else []
    found = dict.fromkeys([*known, *(str(Path(folder).resolve()) for folder in folders)])
    OWN_STRATEGIES.write_text("".join(f"{folder}\n" for folder in found), encoding="utf-8")
    _install_strategies(uv())
    return 0


def up(*arguments: str) -> int | None:
    """Install, run the latest session end to end, then serve Dagster and the app until Ctrl-C."""
    install()
    command = [str(VENV / BIN / f"trading-assets{EXE}"), "up", *arguments]
    if WINDOWS:
        return run(*command, check=False)
    return os.execve(command[0], command, environment())  # noqa: S606 (so that Ctrl-C and SIGTERM reach the product itself)


# Three on two cores: a quarter of the time of a test is spent waiting for its services.
PROCESSES = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")


def test(*arguments: str) -> int:
    """Install, then run the whole test suite."""
    install()
    return run(PYTHON, "-m", "pytest", *(arguments or (*PROCESSES, "-q")), check=False)


def smoke() -> int:
    """Install, then run the tests that take less than a minute together."""
    install()
    return run(PYTHON, "-m", "pytest", "-m", "smoke", *PROCESSES, "-q", check=False)


def lint() -> int:
    """Check style, format, types, and that imports point down."""
    install()
    codes = [
        run(PYTHON, "-m", "ruff", "check", ".", check=False),
        run(PYTHON, "-m", "ruff", "format", "--check", ".", check=False),
        run(PYTHON, "-m", "mypy", check=False),
        run(VENV / BIN / f"lint-imports{EXE}", "--no-cache", check=False),
    ]
    return max(codes)


def bench(*arguments: str) -> int:
    """Run the benchmarks, alone and one after the other."""
    install()
    return run(
        PYTHON,
        "-m",
        "pytest",
        "tests/benchmarks",
        "--benchmark-only",
        "--benchmark-enable",
        "-q",
        *arguments,
        check=False,
    )


def lock() -> int:
    """Resolve the requirements again and write the lock files."""
    tool = uv()
    for source, target, group in (
        ("pyproject.toml", "requirements.lock", ("--group", "dev")),
        ("-", "requirements-uv.lock", ()),
    ):
        command = [str(tool), "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--upgrade", "--no-header",
                   "--python-version", "3.11", *group, source, "-o", target]  # fmt: skip
        subprocess.run(
            command, cwd=ROOT, env=environment(), input=b"uv\n" if source == "-" else None, check=True
        )
    return 0


def clean() -> int:
    """Remove what install and the tools made; run-time data under data/ stay."""
    for name in (
        ".venv",
        ".uv",
        ".ruff_cache",
        ".mypy_cache",
        ".pytest_cache",
        ".hypothesis",
        ".benchmarks",
        "dist",
    ):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for folder in ROOT.rglob("__pycache__"):
        shutil.rmtree(folder, ignore_errors=True)
    return 0


COMMANDS = {
    "install": install,
    "up": up,
    "test": test,
    "smoke": smoke,
    "lint": lint,
    "bench": bench,
    "strategy": strategy,
    "lock": lock,
    "clean": clean,
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(f"usage: python make.py {'|'.join(COMMANDS)} [arguments]")
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]) or 0)
