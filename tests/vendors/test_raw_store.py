"""The raw store: vendors' bytes kept once, found by id or hash, and never believed when damaged."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.raw.responses import RawResponse
from resources.raw.store import PackedResponses, RawStore, pack
from trading_assets.errors import LakeError

AT = datetime(2016, 6, 30, 22, 0, tzinfo=UTC)


def response(body=b"{}", *, url="http://127.0.0.1:1/v1?x=1", status=200, at=AT):
    return RawResponse(url, status, at, body, "id-1")


@pytest.fixture
def store(tmp_path):
    return RawStore(tmp_path / "raw")


@given(
    bodies=st.lists(st.binary(max_size=3000), min_size=1, max_size=6),
    status=st.sampled_from([200, 404]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_comes_back(bodies, status, store):
    responses = [response(body, url=f"http://h/{n}", status=status) for n, body in enumerate(bodies)]
    batch = store.write("yahoo", "daily_bars", responses)
    assert store.read(batch.batch_id) == responses
    assert store.verify(batch.batch_id) == len(responses)
    assert batch.raw_bytes == sum(map(len, bodies))
    for body in bodies:
        assert store.body(batch.batch_id, hashlib.sha256(body).hexdigest()) == body


def test_the_same_content_is_stored_once_even_later_and_from_another_host(store):
    first = store.write("polygon", "daily_bars", [response(b"same")])
    later = response(b"same", url="http://127.0.0.1:9/v1?x=1", at=AT + timedelta(days=90))
    again = store.write("polygon", "daily_bars", [later])
    assert (first.created, again.created) == (True, False)
    assert again.batch_id == first.batch_id
    assert again.path == first.path
    assert first.path.parent == store.root / "2016" / "06"
    assert len(list(store.root.rglob("*.zst"))) == 1


@pytest.mark.parametrize(
    "other",
    [response(b"other"), response(b"same", status=404), response(b"same", url="http://h/v1?x=2")],
)
def test_other_content_is_another_batch(store, other):
    first = store.write("polygon", "daily_bars", [response(b"same")])
    assert store.write("polygon", "daily_bars", [other]).batch_id != first.batch_id


def test_packed_responses_are_the_same_batch_and_join(store):
    one, two = response(b"one"), response(b"two" * 5000)
    packed = PackedResponses([pack(one), pack(two)])
    assert list(packed) == [one, two]
    assert list(packed[1:]) == [two]
    assert store.write("alpaca", "daily_bars", packed).batch_id == (
        store.write("alpaca", "daily_bars", [one, two]).batch_id
    )
    assert list(PackedResponses.joined([one], packed)) == [one, one, two]
    assert sum(len(item.frame) for item in packed.packed) < 200


def test_a_damaged_body_is_refused(store):
    batch = store.write("yahoo", "daily_bars", [response(bytes(range(256)) * 40), response(b"fine")])
    content = bytearray(batch.path.read_bytes())
    content[60] ^= 0xFF
    batch.path.write_bytes(content)
    with pytest.raises(LakeError):
        store.read(batch.batch_id)
    batch.path.write_bytes(content[:-5])
    with pytest.raises(LakeError, match="damaged"):
        store.entries(batch.batch_id)


def test_a_pack_under_a_wrong_name_is_noticed(store):
    one = store.write("yahoo", "daily_bars", [response(b"one")])
    two = store.write("yahoo", "daily_bars", [response(b"two")])
    shutil.copy(one.path, two.path)
    assert store.read(two.batch_id)[0].body == b"one"
    with pytest.raises(LakeError, match="not what its id says"):
        store.verify(two.batch_id)


def test_an_interrupted_write_leaves_nothing_behind(store, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("resources.raw.store.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.write("yahoo", "daily_bars", [response(b"one")])
    monkeypatch.undo()
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
    assert store.write("yahoo", "daily_bars", [response(b"one")]).created


def test_writers_of_the_same_batch_do_not_disturb_each_other(store):
    responses = [response(bytes([n]) * 2000, url=f"http://h/{n}") for n in range(20)]
    written = []
    threads = [
        threading.Thread(target=lambda: written.append(store.write("yahoo", "daily_bars", responses)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({batch.batch_id for batch in written}) == 1
    assert store.verify(written[0].batch_id) == 20


@pytest.mark.parametrize("name", ["../../etc/passwd", "yahoo-daily_bars-xyz", "yahoo-daily_bars-" + "0" * 24])
def test_an_id_that_is_none_or_unknown_is_refused(store, name):
    with pytest.raises(LakeError):
        store.read(name)


def test_an_empty_batch_and_odd_names_are_refused(store):
    with pytest.raises(LakeError):
        store.write("yahoo", "daily_bars", [])
    with pytest.raises(LakeError):
        store.write("yahoo/..", "daily_bars", [response()])


def test_the_zstd_tool_prints_the_bodies_alone(store):
    tool = shutil.which("zstd")
    if tool is None:
        pytest.skip("the zstd command is not installed")
    batch = store.write("yahoo", "daily_bars", [response(b"first "), response(b"second")])
    shown = subprocess.run([tool, "-dc", batch.path], capture_output=True, check=True)
    assert shown.stdout == b"first second"
