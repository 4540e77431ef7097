"""What the source of a strategy must not read: the clock, chance, the environment, files or the network; one line per place."""

from __future__ import annotations

import ast
import inspect
import sys

from trading_assets.strategies.contract import Strategy, modules_of

FORBIDDEN_MODULES = frozenset(
    {
        "asyncio", "builtins", "ctypes", "duckdb", "ftplib", "http", "httpx", "importlib", "multiprocessing", "os", "pathlib", "pickle",
        "psycopg", "random", "requests", "secrets", "shelve", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "threading",
        "time", "urllib", "urllib3", "uuid",
    }
)  # fmt: skip
FORBIDDEN_CALLS = frozenset(
    {"__import__", "compile", "eval", "exec", "globals", "hash", "id", "input", "open"}
)
CLOCK = frozenset({"now", "today", "utcnow"})
_OWN = "trading_assets.strategies.contract"


def impurities(strategy: Strategy) -> list[str]:
    """List what the module of a strategy, and those of its package that it uses, take from outside the features.

    It reads the source, so it sees what is written there and not what another library does: the other checks run the
    strategy.

    Returns
    -------
    list of str
        ``file.py:12 reads the clock (now)``, in the order of the lines.
    """
    return [
        f"{name.rpartition('.')[2]}.py:{line} {what}"
        for name in modules_of(type(strategy).__module__)
        if name != _OWN
        for line, what in _found(ast.parse(inspect.getsource(sys.modules[name])))
    ]


def _found(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        what = _imported(node) or (_called(node) if isinstance(node, ast.Call) else "") or _kept(node)
        if what:
            found.append((getattr(node, "lineno", 0), what))
    return sorted(found)


def _imported(node: ast.AST) -> str:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    else:
        return ""
    wrong = [name for name in names if name.partition(".")[0] in FORBIDDEN_MODULES]
    return f"imports {', '.join(wrong)}" if wrong else ""


def _called(node: ast.Call) -> str:
    called = node.func
    if isinstance(called, ast.Name):
        name, is_method = called.id, False
    elif isinstance(called, ast.Attribute):
        name, is_method = called.attr, True
    else:
        return ""
    if not is_method and name in FORBIDDEN_CALLS:
        return f"calls {name}()"
    if is_method and name in CLOCK:
        return f"reads the clock ({name})"
    if is_method and name.startswith(("read_", "scan_", "write_", "sink_")):
        return f"reads or writes files ({name})"
    return f"draws random numbers without a seed ({name})" if _draws(node, name) else ""


def _draws(node: ast.Call, name: str) -> bool:
    if name == "default_rng":
        return not (node.args or node.keywords)
    if not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value
    of_numpy = isinstance(owner, ast.Attribute) and owner.attr == "random" and name.islower()
    is_seeded = any(word.arg == "seed" for word in node.keywords)
    return of_numpy or (name in {"sample", "shuffle"} and not is_seeded)


def _kept(node: ast.AST) -> str:
    return "keeps state between calls (global)" if isinstance(node, ast.Global) else ""
