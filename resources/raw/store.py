"""Raw store: one pack file per ingest batch with the vendors' response bodies as they came."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, overload
from urllib.parse import urlsplit

import orjson
import zstandard

from resources.leftovers import remove_from
from resources.raw.responses import RawResponse
from trading_assets.errors import LakeError

LEVEL = 1
# A zstd skippable frame holds the index, so that `zstd -dc FILE` prints the bodies and nothing else.
_SKIPPABLE = struct.Struct("<II")
_SKIPPABLE_MAGIC = 0x184D2A50
_TAIL = struct.Struct("<Q8s")
_MAGIC = b"TARAWPK1"
_BATCH_ID = re.compile(r"[a-z]+-[a-z_]+-[0-9a-f]{24}")
_NAME = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class PackedResponse:
    """One response with its body compressed and hashed."""

    url: str
    status: int
    fetched_at: datetime
    request_id: str | None
    sha256: str
    length: int
    frame: bytes = field(repr=False)

    def unpack(self) -> RawResponse:
        """Return the response with its body as it came."""
        return RawResponse(self.url, self.status, self.fetched_at, _decompress(self.frame), self.request_id)


def pack(response: RawResponse) -> PackedResponse:
    """Compress and hash one response (releases the interpreter lock while it works)."""
    return PackedResponse(
        url=response.url,
        status=response.status,
        fetched_at=response.fetched_at,
        request_id=response.request_id,
        sha256=hashlib.sha256(response.body).hexdigest(),
        length=len(response.body),
        frame=zstandard.ZstdCompressor(level=LEVEL).compress(response.body),
    )


class PackedResponses(Sequence[RawResponse]):
    """Responses held compressed: a third to a tenth of the memory; bodies are unpacked when asked for."""

    def __init__(self, packed: Sequence[PackedResponse]) -> None:
        self.packed = tuple(packed)

    @classmethod
    def joined(cls, *parts: Sequence[RawResponse]) -> PackedResponses:
        """Join several fetches' responses into one batch."""
        return cls([item for part in parts for item in _packed(part)])

    def __len__(self) -> int:
        return len(self.packed)

    @overload
    def __getitem__(self, index: int) -> RawResponse: ...
    @overload
    def __getitem__(self, index: slice) -> PackedResponses: ...
    def __getitem__(self, index: int | slice) -> RawResponse | PackedResponses:
        if isinstance(index, slice):
            return PackedResponses(self.packed[index])
        return self.packed[index].unpack()

    def __iter__(self) -> Iterator[RawResponse]:
        return (item.unpack() for item in self.packed)


@dataclass(frozen=True)
class Batch:
    """A stored batch: its id, file and size. ``created`` is false if the same bytes were stored before."""

    batch_id: str
    path: Path
    responses: int
    raw_bytes: int
    stored_bytes: int
    created: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """Index line of one response in a pack file."""

    url: str
    status: int
    fetched_at: datetime
    request_id: str | None
    sha256: str
    length: int
    offset: int
    stored_length: int


class RawStore:
    """Content-addressed pack files under ``root/YYYY/MM/<batch_id>.zst``.

    Parameters
    ----------
    root
        Folder of the store; made on the first write.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, source: str, kind: str, responses: Sequence[RawResponse]) -> Batch:
        """Store the responses of one fetch; the same content again changes nothing.

        Returns
        -------
        Batch
            Whose id depends on source, kind and, for each response in order, path, query, status and body.
        """
        if not (_NAME.fullmatch(source) and _NAME.fullmatch(kind)):
            raise LakeError("Source and kind must be lower-case names", source=source, kind=kind)
        if not responses:
            raise LakeError("A batch without responses has nothing to store", source=source, kind=kind)
        packed = _packed(responses)
        batch_id = f"{source}-{kind}-{_content_hash(packed)[:24]}"
        raw_bytes = sum(item.length for item in packed)
        existing = self._find(batch_id)
        if existing is not None:
            return Batch(batch_id, existing, len(packed), raw_bytes, existing.stat().st_size, created=False)
        first = packed[0].fetched_at
        path = self.root / f"{first:%Y}" / f"{first:%m}" / f"{batch_id}.zst"
        _write_pack(path, packed)
        return Batch(batch_id, path, len(packed), raw_bytes, path.stat().st_size, created=True)

    def entries(self, batch_id: str) -> list[Entry]:
        """List what a batch holds, without reading bodies."""
        return _read_index(self.path(batch_id))

    def read(self, batch_id: str) -> list[RawResponse]:
        """Return the responses of a batch; each body is checked against its hash."""
        path = self.path(batch_id)
        with path.open("rb") as file:
            return [
                RawResponse(
                    entry.url, entry.status, entry.fetched_at, _body(file, entry, path), entry.request_id
                )
                for entry in _read_index(path)
            ]

    def body(self, batch_id: str, sha256: str) -> bytes:
        """Return the one body with that hash."""
        path = self.path(batch_id)
        for entry in _read_index(path):
            if entry.sha256 == sha256:
                with path.open("rb") as file:
                    return _body(file, entry, path)
        raise LakeError("The batch has no body with that hash", batch_id=batch_id, sha256=sha256)

    def verify(self, batch_id: str) -> int:
        """Check every body and the id itself against the content; return the number of bodies."""
        responses = self.read(batch_id)
        if _content_hash([pack(response) for response in responses])[:24] != batch_id.rpartition("-")[2]:
            raise LakeError("The batch is not what its id says", batch_id=batch_id)
        return len(responses)

    def batch_ids(self) -> set[str]:
        """Return the ids of all batches whose file is there."""
        return {path.stem for path in self.root.glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]/*.zst")}

    def path(self, batch_id: str) -> Path:
        """Return the file of a batch."""
        found = self._find(batch_id)
        if found is None:
            raise LakeError("No such raw batch: it was never stored or has been removed", batch_id=batch_id)
        return found

    def _find(self, batch_id: str) -> Path | None:
        if not _BATCH_ID.fullmatch(batch_id):
            raise LakeError("Not a batch id", batch_id=batch_id)
        return next(self.root.glob(f"[0-9][0-9][0-9][0-9]/[0-9][0-9]/{batch_id}.zst"), None)


def _packed(responses: Sequence[RawResponse]) -> tuple[PackedResponse, ...]:
    if isinstance(responses, PackedResponses):
        return responses.packed
    return tuple(pack(response) for response in responses)


def _content_hash(packed: Sequence[PackedResponse]) -> str:
    digest = hashlib.sha256()
    for item in packed:
        # without the host: the same bytes from a simulator on another port are the same batch
        parts = urlsplit(item.url)
        digest.update(f"{item.status} {parts.path}?{parts.query} {item.sha256}\n".encode())
    return digest.hexdigest()


def _write_pack(path: Path, packed: Sequence[PackedResponse]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_from(path.parent)
    lines, offset = [], 0
    for item in packed:
        lines.append(
            {
                "url": item.url,
                "status": item.status,
                "fetched_at": item.fetched_at,
                "request_id": item.request_id,
                "sha256": item.sha256,
                "length": item.length,
                "offset": offset,
                "stored_length": len(item.frame),
            }
        )
        offset += len(item.frame)
    index = zstandard.ZstdCompressor(level=LEVEL).compress(orjson.dumps(lines))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(item.frame for item in packed)
            file.write(_SKIPPABLE.pack(_SKIPPABLE_MAGIC, len(index) + _TAIL.size))
            file.write(index)
            file.write(_TAIL.pack(len(index), _MAGIC))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _read_index(path: Path) -> list[Entry]:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size < _TAIL.size:
            raise LakeError("The raw pack file is damaged", path=path)
        file.seek(size - _TAIL.size)
        length, magic = _TAIL.unpack(file.read(_TAIL.size))
        if magic != _MAGIC or length > size - _TAIL.size:
            raise LakeError("The raw pack file is damaged", path=path)
        file.seek(size - _TAIL.size - length)
        lines = orjson.loads(_decompress(file.read(length)))
    return [Entry(**{**line, "fetched_at": datetime.fromisoformat(line["fetched_at"])}) for line in lines]


def _body(file: BinaryIO, entry: Entry, path: Path) -> bytes:
    file.seek(entry.offset)
    body = _decompress(file.read(entry.stored_length))
    if hashlib.sha256(body).hexdigest() != entry.sha256:
        raise LakeError("A stored response does not match its hash", path=path, url=entry.url)
    return body


def _decompress(frame: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(frame)
    except zstandard.ZstdError as error:
        raise LakeError("A stored response is damaged") from error
