"""Audit of the locked dependencies: fails on a known vulnerability, and never passes in silence for one that did not happen.

pip-audit ends with 0 where its advisory service knows none of the packages, as on a mirror. Such packages are counted here:
the step then says in red that it did not audit them, and fails if REQUIRE_AUDIT is set. Without any report it fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

RED, PLAIN = "\033[1;31m", "\033[0m"
COMMAND = (
    "--requirement", "requirements.lock", "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json",
)  # fmt: skip


@dataclass(frozen=True)
class Audit:
    """What an audit found: how many packages were looked up, which were not, and which have a vulnerability."""

    audited: int
    skipped: tuple[str, ...]
    vulnerable: tuple[str, ...]

    @classmethod
    def of(cls, report: str) -> Audit:
        """Read pip-audit's report; anything that is none counts as no audit."""
        try:
            packages = json.loads(report)["dependencies"]
        except (ValueError, KeyError, TypeError):
            packages = []
        looked_up = [package for package in packages if "skip_reason" not in package]
        return cls(
            len(looked_up),
            tuple(package["name"] for package in packages if "skip_reason" in package),
            tuple(
                f"{package['name']} {package.get('version', '')}: {', '.join(found['id'] for found in package['vulns'])}"
                for package in looked_up
                if package.get("vulns")
            ),
        )

    def verdict(self, *, required: bool) -> tuple[int, str]:
        """Return the exit code and what to print; without a report it is 1, required or not."""
        if self.vulnerable:
            return 1, f"{RED}[ci] vulnerable: {'; '.join(self.vulnerable)}{PLAIN}"
        if self.audited and not self.skipped:
            return 0, f"[ci] {self.audited} packages audited, no known vulnerability"
        missed = (
            f"{len(self.skipped)} of {len(self.skipped) + self.audited} packages"
            if self.skipped
            else "the dependencies"
        )
        why = "the advisory service was not reached, or does not know them"
        return int(required or not self.skipped), f"{RED}[ci] NOT AUDITED: {missed}; {why}{PLAIN}"


def main() -> int:
    """Run pip-audit and judge its report."""
    command = [sys.executable, "-m", "pip_audit", *COMMAND]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        done = subprocess.CompletedProcess(command, 1, "", "pip-audit took more than five minutes")
    code, text = Audit.of(done.stdout).verdict(required=bool(os.environ.get("REQUIRE_AUDIT")))
    if not done.stdout:
        print(done.stderr, file=sys.stderr)
    print(text, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
