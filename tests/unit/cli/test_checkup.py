"""What `doctor` says of an installation's files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trading_assets.cli.checkup import files_of


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(
    ("mode", "verdict"),
    [(0o700, "pass"), (0o710, "pass"), (0o711, "pass"), (0o755, "warn"), (0o750, "warn"), (0o702, "warn")],
)
def test_a_data_folder_that_others_can_look_into_is_told_with_the_mend(
    mode: int, verdict: str, tmp_path: Path
) -> None:
    folder = tmp_path / "da ta"
    folder.mkdir()
    folder.chmod(mode)
    found = files_of(folder)
    assert (found.subject, found.verdict) == ("files", verdict)
    if verdict == "warn":
        assert os.system(found.mend) == 0
        assert files_of(folder).verdict == "pass"
