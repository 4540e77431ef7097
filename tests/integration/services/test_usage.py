"""Usage counters: what was asked of a vendor ends up in its row of the day, once."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from resources.vendors.http.pacing import Pace
from resources.vendors.http.policy import HttpGate, HttpPolicy, Reply
from resources.vendors.usage import Counts, record_usage
from trading_assets.errors import TransientError, VendorRefusedError

NOON = datetime(2024, 5, 2, 23, 30, tzinfo=UTC)


def gate(vendor="polygon", **policy):
    waited = []
    return HttpGate(
        HttpPolicy(vendor, attempts=3, **policy),
        sleep=waited.append,
        monotonic=lambda: sum(waited),
        jitter=lambda: 0.0,
    )


def send(made, *replies):
    answers = iter(replies)

    def attempt():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return made.send(attempt)


def reply(status=200, **headers):
    return Reply(
        "http://h", status, {name.replace("_", "-"): value for name, value in headers.items()}, b"0123456789"
    )


def rows(database):
    columns = "vendor, day, requests, retries, rate_limited, failures, received_bytes, waited_seconds, per_minute, remaining"
    return database.fetch(f"select {columns} from vendor_usage order by vendor, day")


def test_every_attempt_is_counted_with_its_fate():
    made = gate(pace=Pace(100, 60))
    send(made, reply(429, retry_after="3"), reply(503, retry_after="2"), reply())
    with pytest.raises(VendorRefusedError):
        send(made, reply(403))
    with pytest.raises(TransientError):
        send(made, *[TransientError("away")] * 3)
    counts = made.usage.counts()
    assert (counts.requests, counts.retries, counts.rate_limited, counts.failures) == (7, 4, 1, 2)
    assert counts.received_bytes == 40
    assert counts.waited_seconds == pytest.approx(3 + 2 + 0.25 + 0.5)


def test_the_row_of_a_day_grows_by_what_is_new_and_the_next_day_has_its_own(fresh_database):
    made, other = gate(pace=Pace(5, 60)), gate("yahoo")
    send(made, reply(x_ratelimit_remaining="4", x_ratelimit_limit="5"))
    assert record_usage(fresh_database, [made, other], NOON) == 1
    assert record_usage(fresh_database, [made, other], NOON) == 0
    send(made, reply())
    send(made, reply(x_ratelimit_remaining="3"))
    send(other, reply())
    assert record_usage(fresh_database, [made, other], NOON) == 2
    today = date(2024, 5, 2)
    assert rows(fresh_database) == [
        ("polygon", today, 3, 0, 0, 0, 30, 0.0, 5, 3),
        ("yahoo", today, 1, 0, 0, 0, 10, 0.0, None, None),
    ]
    send(other, reply())
    record_usage(fresh_database, [other], datetime(2024, 5, 3, 0, 1, tzinfo=UTC))
    assert rows(fresh_database)[-1][:3] == ("yahoo", date(2024, 5, 3), 1)


def test_what_the_database_refuses_stays_counted(fresh_database):
    made = gate()
    send(made, reply())
    fresh_database.execute("alter table vendor_usage rename to hidden")
    with pytest.raises(Exception, match="vendor_usage"):
        record_usage(fresh_database, [made], NOON)
    fresh_database.execute("alter table hidden rename to vendor_usage")
    assert made.usage.counts() == Counts(requests=1, received_bytes=10)
    record_usage(fresh_database, [made], NOON)
    assert rows(fresh_database)[0][2] == 1
