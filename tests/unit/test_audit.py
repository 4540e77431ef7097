"""The audit of the dependencies cannot pass in silence without having happened."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "audit.py"
SOUND = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "not found on PyPI"}
SICK = {"name": "c", "version": "2", "vulns": [{"id": "GHSA-1"}, {"id": "CVE-2"}]}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ci_audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ci_audit"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("report", "code", "code_if_required", "words"),
    [
        (json.dumps({"dependencies": [SOUND]}), 0, 0, "1 packages audited"),
        (json.dumps({"dependencies": [SOUND, SICK, SKIPPED]}), 1, 1, "c 2: GHSA-1, CVE-2"),
        (json.dumps({"dependencies": [SOUND, SKIPPED]}), 0, 1, "NOT AUDITED: 1 of 2 packages"),
        (json.dumps({"dependencies": [SKIPPED]}), 0, 1, "NOT AUDITED: 1 of 1 packages"),
        (json.dumps({"dependencies": []}), 1, 1, "NOT AUDITED: the dependencies"),
        ("", 1, 1, "NOT AUDITED: the dependencies"),
        ("Traceback ...", 1, 1, "NOT AUDITED: the dependencies"),
    ],
)
def test_only_an_audit_that_happened_says_so(audit, report, code, code_if_required, words):
    found = audit.Audit.of(report)
    (given, text), (strict, _) = (found.verdict(required=required) for required in (False, True))
    assert (given, strict) == (code, code_if_required)
    assert words in text
    assert ("NOT AUDITED" in text or "vulnerable" in text) == ("\033[1;31m" in text)
