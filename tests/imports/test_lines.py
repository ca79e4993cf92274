"""Records and lines of delimited files, however they are cut into chunks."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.imports import decoding, lines
from crmkit.imports.decoding import Reader


def tidied(folder: Path, data: bytes, **options):
    path, target = folder / "x.csv", folder / "copy.csv"
    path.write_bytes(data)
    reader = Reader(path, "utf-8", lambda size: None)
    copy = lines.Copy(target, path if reader.plain else None)
    found = lines.tidied(reader, copy, header=options.get("header", 1), delimiter=None)
    body = target.read_bytes() if copy.made else data.split(b"\n", found.skip)[-1]
    return found, copy.made, body


BAD = (
    b'a,b,c\n1,"x\ny",3\n2,3\n4,5,6,7\n5,"un"quoted,6\n\n6,"ok",7\n8,5" pipe,9\n'
    b'7,"unterminated,8\n9,10,11\n12,13,14'
)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64, 10_000])
def test_lines_that_are_no_records_are_told_and_the_rest_goes_on(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(decoding, "_CHUNK", chunk)
    found, made, body = tidied(tmp_path, BAD)
    assert [(r.line, r.reason, r.text) for r in found.rejects] == [
        (4, lines.TOO_FEW, "2,3"),
        (5, lines.TOO_MANY, "4,5,6,7"),
        (6, lines.BROKEN_QUOTE, '5,"un"quoted,6'),
        (10, lines.BROKEN_QUOTE, '7,"unterminated,8'),
    ]
    assert made
    assert list(csv.reader(io.StringIO(body.decode(), newline=""))) == [
        ["1", "x\ny", "3"],
        ["6", "ok", "7"],
        ["8", '5" pipe', "9"],
        ["9", "10", "11"],
        ["12", "13", "14"],
    ]
    assert lines.lines_of(np.arange(5), found.jumps).tolist() == [2, 8, 9, 11, 12]


def test_a_sound_file_is_read_in_place(tmp_path):
    found, made, body = tidied(tmp_path, b'a;b\n1;2\n"3;x";"4"\n')
    assert (found.rows, found.mark, made, found.rejects) == (2, ";", False, [])
    assert body == b'1;2\n"3;x";"4"\n'


@pytest.mark.parametrize("chunk", [3, 5, 10_000])
def test_windows_and_old_mac_line_ends_and_a_byte_order_mark(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(decoding, "_CHUNK", chunk)
    for data in (b"\xef\xbb\xbfa,b\r\n1,2\r\n", b"a,b\r1,2\r", b"a,b\n1,2\r\n"):
        found, _, body = tidied(tmp_path, data)
        assert (found.header, body) == (["a", "b"], b"1,2\n")


def test_the_header_may_stand_lower_and_span_lines(tmp_path):
    found, _, body = tidied(tmp_path, b'Report\n\na,"b\nc"\n1,2\n', header=3)
    assert (found.header, body) == (["a", "b\nc"], b"1,2\n")
    assert found.jumps == [(0, 5)]


@pytest.mark.parametrize("data", [b"", b"\n", b"  \n1,2\n"])
def test_no_header(tmp_path, data):
    assert tidied(tmp_path, data)[0].header == []


CELLS = st.text(st.sampled_from('ab",;\n é订'), max_size=5)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=12), chunk=st.integers(4, 40)
)
def test_what_the_csv_module_writes_comes_back_whole(tmp_path, monkeypatch, rows, chunk):
    monkeypatch.setattr(decoding, "_CHUNK", chunk)
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([["a", "b", "c"], *rows])
    found, _, body = tidied(tmp_path, out.getvalue().encode())
    assert found.rejects == []
    assert list(csv.reader(io.StringIO(body.decode(), newline=""))) == rows


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.sampled_from('ab",\n'), max_size=60), chunk=st.integers(1, 70))
def test_every_line_is_a_record_or_told_and_chunks_change_nothing(
    tmp_path, monkeypatch, text, chunk
):
    data = b"h,i\n" + text.encode()
    monkeypatch.setattr(decoding, "_CHUNK", 10_000)
    whole = tidied(tmp_path, data)
    monkeypatch.setattr(decoding, "_CHUNK", chunk)
    found = tidied(tmp_path, data)
    assert found[0] == whole[0]
    records = list(csv.reader(io.StringIO(whole[2].decode(), newline="")))
    assert [r for r in records if len(r) != 2 and r != []] == []
    assert len([r for r in records if r]) == whole[0].rows
