"""A submitter that kills itself (SIGKILL) at one step, as a process of its own.

Arguments: database URL, simulator URL, account, step. Steps: ``never``, ``before_request`` (claimed, nothing sent),
``answer_unread`` (the broker has answered, nothing of it was read), ``outcome_unstored`` (read, not yet stored),
``while_looking`` (stored as unknown, dies during the look-up).
"""

from __future__ import annotations

import os
import signal
import sys
import time

from resources.clock import SimulatorClock
from resources.database.database import Database
from resources.vendors.alpaca.broker import AlpacaBroker
from trading_assets.execution.submission import submit_planned
from trading_assets.execution.trading_account import TradingAccount


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalBroker(AlpacaBroker):
    step = "never"

    def submit(self, order):
        if self.step == "before_request":
            die()
        if self.step == "answer_unread":
            self._session.hooks["response"].insert(0, die)
        result = super().submit(order)
        if self.step == "outcome_unstored":
            die()
        return result

    def order_by_client_id(self, client_order_id):
        if self.step == "while_looking":
            die()
        return super().order_by_client_id(client_order_id)


def main() -> None:
    database_url, simulator_url, account, step = sys.argv[1:]
    broker = MortalBroker(simulator_url, api_key="k", secret_key="s")
    broker.step = step
    clock = SimulatorClock(simulator_url)
    with Database(database_url) as database:
        database.fetch("select 1")
        print("ready", flush=True)
        sys.stdin.readline()
        trading = TradingAccount(
            database, broker, clock, account, "sim", wait=lambda seconds: time.sleep(seconds / 20)
        )
        report = submit_planned(trading)
        print("busy" if report.is_busy else len(report.sent), flush=True)


if __name__ == "__main__":
    main()
