"""What the source of a strategy must not read: the clock, chance, the environment, files, the lake or the network; one line per place."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from importlib.abc import InspectLoader
from importlib.util import resolve_name

from trading_assets.strategies.contract import Strategy, modules_of

ALLOWED_MODULES = (
    "__future__", "abc", "bisect", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib",
    "heapq", "itertools", "json", "math", "operator", "re", "statistics", "typing",
    "numpy", "polars", "pydantic",
    "trading_assets.errors", "trading_assets.features.seams", "trading_assets.indicators", "trading_assets.pairs",
    "trading_assets.screener", "trading_assets.strategies",
)  # fmt: skip
"""What a strategy may import, with what is below it; modules of its own package as well, which are looked at as it is."""
FORBIDDEN_CALLS = frozenset(
    {"__import__", "compile", "eval", "exec", "globals", "hash", "id", "input", "open"}
)
CLOCK = frozenset({"now", "today", "utcnow"})
# what numpy and polars read and write, whatever it is called by; SQL of polars reads files, and what it deserialises may be code
_FILES = re.compile(
    r"(read|scan|sink|write)_\w+|load|loadtxt|load_from_file|from(file|regex)|genfromtxt|memmap|open_memmap|DataSource|tofile"
    r"|save|savez\w*|savetxt|save_to_file|sql|SQLContext|deserialize|serialize|ctypeslib"
)
# ways from an allowed module to others
_INTERPRETER = frozenset(
    {"__builtins__", "__globals__", "__loader__", "builtins", "importlib", "inspect", "os", "sys"}
)
_OWN = "trading_assets.strategies.contract"
_PRODUCT = "trading_assets"


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
        for name in _modules(type(strategy).__module__)
        if name != _OWN
        for line, what in _found(_tree(name), name)
    ]


def _tree(module: str) -> ast.AST:
    spec = sys.modules[module].__spec__
    source = spec.loader.get_source(module) if spec and isinstance(spec.loader, InspectLoader) else None
    # an empty file has no source for inspect; what is compiled has none at all, which is a finding
    return ast.parse("import compiled_code" if source is None else source)


def _modules(name: str) -> list[str]:
    # those whose classes and functions are used, and of a package of its own those that are imported for anything else
    found, left = set(modules_of(name)), modules_of(name)
    while left:
        module = left.pop()
        named = {
            target for node in ast.walk(_tree(module)) for target, _ in _imports(node, module)
            if _is_own(target, module) and target in sys.modules
        }  # fmt: skip
        left += named - found
        found |= named
    return sorted(found)


def _is_own(target: str, module: str) -> bool:
    package = module.partition(".")[0]
    return package != _PRODUCT and "." in module and target.partition(".")[0] == package


def _imports(node: ast.AST, module: str) -> Iterator[tuple[str, str]]:
    """Yield what a node imports: the module, and the name that is taken from it."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, ""
    elif isinstance(node, ast.ImportFrom):
        package = getattr(sys.modules[module], "__package__", None) or module
        source = (
            resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
        )
        for alias in node.names:
            yield source, alias.name
            if f"{source}.{alias.name}" in sys.modules:
                yield f"{source}.{alias.name}", ""


def _found(tree: ast.AST, module: str) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        what = (
            _imported(node, module) or (_called(node) if isinstance(node, ast.Call) else "") or _reached(node)
        )
        if what:
            found.append((getattr(node, "lineno", 0), what))
    return sorted(found)


def _imported(node: ast.AST, module: str) -> str:
    each = list(_imports(node, module))
    wrong = {target for target, _ in each if not _is_allowed(target) and not _is_own(target, module)}
    wrong |= {f"{target}.{name}" for target, name in each if _is_foreign(target, name)}
    taken = [name for target, taken in each for name in [*target.split("."), taken] if _is_reach(name)]
    wrong |= {name for name in taken if not any(name in target.split(".") for target in wrong)}
    return f"imports {', '.join(sorted(wrong))}" if wrong else ""


def _is_allowed(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in ALLOWED_MODULES)


def _is_foreign(target: str, name: str) -> bool:
    # what a module of the product has imported for itself, such as Path, is not its to give
    if target.partition(".")[0] != _PRODUCT or not name:
        return False
    value = getattr(sys.modules.get(target), name, None)
    home = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None)
    return isinstance(home, str) and not _is_allowed(home)


def _is_reach(name: str) -> bool:
    return name in _INTERPRETER or _FILES.fullmatch(name) is not None


def _reached(node: ast.AST) -> str:
    if isinstance(node, ast.Global):
        return "keeps state between calls (global)"
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if isinstance(node, ast.Attribute) and _FILES.fullmatch(name):
        return f"reads or writes files ({name})"
    if name in _INTERPRETER and (isinstance(node, ast.Attribute) or name.startswith("__")):
        return f"reaches the interpreter ({name})"
    return ""


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
