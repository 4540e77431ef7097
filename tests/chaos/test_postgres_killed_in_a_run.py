"""Postgres is killed amid a run: the command says so in one sentence, and goes on when it is given again."""

from __future__ import annotations

import json

import psutil
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("step", ["universe", "orders"])
def test_the_command_says_so_and_goes_on_when_it_is_given_again(install, step):
    installation = install()
    process = installation.start("run")
    said = ""
    while f"✓ {step} " not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    server = psutil.Process(int((installation.data / "postgres" / "postmaster.pid").read_text().split()[0]))
    server.kill()  # its children end by themselves
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Traceback" not in said + out + err
    told = [
        line for line in (said + err).splitlines() if line and "✓" not in line and "pass through" not in line
    ]
    assert len(told) == 1, "\n".join(told)
    assert "goes on from there" in told[0]

    again = json.loads(installation.command("run", "--json").stdout)
    assert again["reconciled"] is True
    with installation.opened() as platform:
        placed, known = platform.database.fetch(
            "select count(*), count(distinct client_order_id) from orders join order_intents using (client_order_id)"
        )[0]
        assert placed == known > 5
