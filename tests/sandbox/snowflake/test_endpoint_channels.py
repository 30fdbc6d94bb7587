"""The sequencing rules, and blobs that carry a header."""

from __future__ import annotations

import base64
import io
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.snowflake.blobs import BadBlobError, open_blob
from sandbox.snowflake.channels import NEW_CHANNEL, ChannelState, ChannelWrite, Status, judge, judge_chunk
from sandbox.snowflake.faults import Faults, UnknownFaultError, parse_fault
from tests.sandbox.snowflake.sdk import md5, seal

STATE = ChannelState(client_sequencer=3, row_sequencer=5, offset_token="50", last_chunk="blob@0")


@pytest.mark.parametrize(
    ("client", "row", "chunk", "expected"),
    [
        (3, 6, "next@0", (Status.SUCCESS, False)),
        (3, 5, "blob@0", (Status.SUCCESS, True)),
        (3, 5, "other@0", (Status.INVALID_ROW_SEQUENCER, False)),
        (3, 4, "older@0", (Status.INVALID_ROW_SEQUENCER, False)),
        (3, 7, "gap@0", (Status.INVALID_ROW_SEQUENCER, False)),
        (2, 6, "zombie@0", (Status.INVALID_CLIENT_SEQUENCER, False)),
        (2, 5, "blob@0", (Status.INVALID_CLIENT_SEQUENCER, False)),
    ],
)
def test_one_write(client: int, row: int, chunk: str, expected: tuple[Status, bool]) -> None:
    assert judge(STATE, ChannelWrite("c", client, row, "60"), chunk) == expected


def test_opening_keeps_the_offset_and_takes_the_channel() -> None:
    again = STATE.reopened()
    assert (again.client_sequencer, again.row_sequencer, again.offset_token) == (4, 0, "50")
    assert NEW_CHANNEL.reopened().client_sequencer == 0


def test_a_chunk_is_stored_whole_or_not_at_all() -> None:
    good, stale, repeated = (ChannelWrite(n, c, r, "1") for n, c, r in (("a", 3, 6), ("b", 2, 6), ("c", 3, 5)))
    assert judge_chunk([STATE, STATE], [good, good], "n@0") == ([Status.SUCCESS] * 2, True)
    assert judge_chunk([STATE], [repeated], "blob@0") == ([Status.SUCCESS], False)
    assert judge_chunk([STATE, None], [good, good], "n@0")[1] is False
    statuses, needed = judge_chunk([STATE, STATE], [good, stale], "n@0")
    assert (statuses, needed) == ([Status.OTHER_CHANNEL_HAS_ISSUE, Status.INVALID_CLIENT_SEQUENCER], False)
    assert judge_chunk([STATE, STATE], [good, repeated], "blob@0")[1] is False


def with_header(folder: Path, key: str, spoil: int | None = None) -> tuple[str, dict[str, object]]:
    """A blob with a header and two chunks; returns its MD5 and the registration of the second chunk."""
    buffer = io.BytesIO()
    pq.write_table(pa.table({"A": [1, 2, 3]}), buffer)
    first, _ = seal(buffer.getvalue(), key, "x.bdec")
    second, length = seal(buffer.getvalue(), key, "x.bdec", counter=len(first) // 16)
    listed, data = b"[{}]", first + second
    size = 25 + len(listed) + len(data)
    crc = zlib.crc32(data).to_bytes(8, "big")
    raw = bytearray(b"bdec\x03" + size.to_bytes(8, "big") + crc + len(listed).to_bytes(4, "big") + listed + data)
    if spoil is not None:
        raw[spoil] ^= 1
    (folder / "x.bdec").write_bytes(raw)
    start = 25 + len(listed) + len(first)
    chunk = {"chunk_start_offset": start, "chunk_length": length, "chunk_md5": md5(second[:length]), "eps": {"rows": 3}}
    return md5(bytes(raw)), chunk


def test_a_second_chunk_behind_a_header(tmp_path: Path) -> None:
    key = base64.b64encode(b"k" * 32).decode()
    digest, chunk = with_header(tmp_path, key)
    assert open_blob(tmp_path, "x.bdec", digest).chunk(chunk, key).to_pydict() == {"A": [1, 2, 3]}
    other = base64.b64encode(b"o" * 32).decode()
    with pytest.raises(BadBlobError, match="not Parquet"):
        open_blob(tmp_path, "x.bdec", digest).chunk(chunk, other)


@pytest.mark.parametrize(("spoil", "why"), [(12, "size"), (20, "CRC"), (60, "CRC")])
def test_a_header_that_does_not_fit(tmp_path: Path, spoil: int, why: str) -> None:
    digest, _ = with_header(tmp_path, base64.b64encode(b"k" * 32).decode(), spoil)
    with pytest.raises(BadBlobError, match=why):
        open_blob(tmp_path, "x.bdec", digest)


def test_faults_count_and_choose() -> None:
    faults = Faults()
    faults.switch_on("server-error", {"times": 2, "path": "/blobs/"})
    hits = [faults.hit("server-error", path) is not None for path in ("/open/", "/blobs/", "/blobs/", "/blobs/")]
    assert hits == [False, True, True, False]
    assert parse_fault("slow") == ("slow", {}) and parse_fault("slow=3") == ("slow", {"times": 3})
    for name, options in (("nonsense", {}), ("slow", {"colour": "red"})):
        with pytest.raises(UnknownFaultError):
            faults.switch_on(name, options)
