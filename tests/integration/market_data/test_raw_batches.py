"""Raw batches: bodies and records stay together, retention removes the old ones, and the reader is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from resources.raw.batches import RawBatches
from resources.raw.responses import RawResponse
from resources.raw.store import RawStore
from trading_assets.errors import ConfigurationError, LakeError

AT = datetime(2024, 5, 2, 22, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def batches(fresh_database, tmp_path):
    return RawBatches(fresh_database, RawStore(tmp_path / "raw"))


def keep(batches, body, *, at=AT):
    responses = [RawResponse("http://h/v1?x=1", 200, at, body, None)]
    return batches.keep(
        "yahoo", "daily_bars", responses, first=date(2024, 5, 2), last=date(2024, 5, 2), rows=3, now=at
    )


def faults(batches):
    return {batch_id: fault for batch_id, fault in batches.verify() if fault}


def test_what_is_kept_is_recorded_and_read_back(batches):
    batch = keep(batches, b"one")
    record = batches.record(batch.batch_id)
    assert (record.source, record.kind, record.rows, record.fetched_at) == ("yahoo", "daily_bars", 3, AT)
    assert [response.body for response in batches.read(batch.batch_id)] == [b"one"]
    assert dict(batches.verify()) == {batch.batch_id: None}


def test_a_refused_batch_says_why_until_the_same_bytes_are_believed(batches):
    batch = keep(batches, b"nothing")
    assert batches.record(batch.batch_id).refused is None
    batches.refuse(batch.batch_id, "next to nothing")
    assert batches.record(batch.batch_id).refused == "next to nothing"
    keep(batches, b"nothing", at=AT + DAY)
    assert batches.record(batch.batch_id).refused is None


def test_retention_removes_the_old_alone_and_its_reader_learns_when_and_why(batches):
    old, young = keep(batches, b"old"), keep(batches, b"young", at=AT + 25 * DAY)
    now = AT + 31 * DAY
    assert batches.prune(now, 30, dry_run=True).batches == 1
    assert old.path.exists()
    pruned = batches.prune(now, 30)
    assert (pruned.batches, pruned.stored_bytes) == (1, old.stored_bytes)
    assert not old.path.exists()
    assert batches.read(young.batch_id)[0].body == b"young"
    with pytest.raises(LakeError) as caught:
        batches.read(old.batch_id)
    assert caught.value.facts["removed_at"].startswith("2024-06-02")
    assert "30 days" in caught.value.facts["reason"]
    assert faults(batches) == {}
    assert batches.prune(now, 30).batches == 0


def test_what_a_vendor_still_sends_is_not_old(batches):
    first = keep(batches, b"same")
    again = keep(batches, b"same", at=AT + 25 * DAY)
    assert again.batch_id == first.batch_id
    assert batches.prune(AT + 31 * DAY, 30).batches == 0
    assert batches.record(first.batch_id).fetched_at == AT


def test_a_body_that_was_removed_and_is_sent_again_is_there_again(batches):
    old = keep(batches, b"same")
    batches.prune(AT + 31 * DAY, 30)
    keep(batches, b"same", at=AT + 32 * DAY)
    assert batches.read(old.batch_id)[0].body == b"same"
    record = batches.record(old.batch_id)
    assert (record.raw_removed_at, record.fetched_at) == (None, AT)
    assert faults(batches) == {}


def test_an_interrupted_removal_is_finished_by_the_next_run(batches, monkeypatch):
    keep(batches, b"one"), keep(batches, b"two")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(RawBatches, "_remove", interrupted)
    with pytest.raises(KeyboardInterrupt):
        batches.prune(AT + 31 * DAY, 30)
    monkeypatch.undo()
    assert all("marked as removed" in fault for fault in faults(batches).values())
    assert len(faults(batches)) == 2
    assert batches.prune(AT + 31 * DAY, 30).batches == 2
    assert faults(batches) == {}


def test_a_body_fetched_again_between_mark_and_removal_stays(batches, monkeypatch):
    batch = keep(batches, b"same")
    remove = RawBatches._remove

    def fetched_first(self, batch_id, path):
        keep(batches, b"same", at=AT + 31 * DAY)
        return remove(self, batch_id, path)

    monkeypatch.setattr(RawBatches, "_remove", fetched_first)
    assert batches.prune(AT + 31 * DAY, 30).batches == 0
    assert batches.read(batch.batch_id)[0].body == b"same"


def test_a_body_removed_between_write_and_record_is_written_again(batches, monkeypatch):
    keep(batches, b"same")
    write, pruned = RawStore.write, []

    def pruned_after(self, *arguments):
        batch = write(self, *arguments)
        if not pruned:
            pruned.append(batches.prune(AT + 31 * DAY, 30))
        return batch

    monkeypatch.setattr(RawStore, "write", pruned_after)
    again = keep(batches, b"same", at=AT + 31 * DAY)
    assert pruned[0].batches == 1
    assert batches.read(again.batch_id)[0].body == b"same"
    assert faults(batches) == {}


def test_an_unrecorded_file_is_named_and_never_removed(batches):
    stray = batches._store.write("yahoo", "daily_bars", [RawResponse("http://h", 200, AT, b"stray", None)])
    assert "not recorded" in faults(batches)[stray.batch_id]
    batches.prune(AT + 999 * DAY, 1)
    assert stray.path.exists()


def test_damage_and_loss_are_found(batches):
    damaged, lost = keep(batches, b"damaged" * 50), keep(batches, b"lost")
    content = bytearray(damaged.path.read_bytes())
    content[12] ^= 0xFF
    damaged.path.write_bytes(content)
    lost.path.unlink()
    found = faults(batches)
    assert "damaged" in found[damaged.batch_id] or "hash" in found[damaged.batch_id]
    assert "its file is gone" in found[lost.batch_id]


def test_kept_for_ever_means_that_nothing_is_pruned(batches):
    keep(batches, b"one")
    with pytest.raises(ConfigurationError, match="TRADING_RAW_KEEP_DAYS"):
        batches.prune(AT + 999 * DAY, 0)


def test_an_unknown_batch_says_where_ids_come_from(batches):
    with pytest.raises(LakeError, match="batch_id column"):
        batches.read("yahoo-daily_bars-" + "0" * 24)
