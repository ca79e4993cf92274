"""Any export whatever is imported with every row accounted for, or refused with a message."""

import gzip
import io
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.errors import CrmkitError
from crmkit.imports import import_tables
from crmkit.settings import read_settings

TOML = """[book]
name = "F"
timezone = "Asia/Shanghai"
currency = "CNY"
country = "CN"
store = "store"

[tables.{table}]
from = "{file}"
encoding = "{encoding}"
columns = {columns}
"""
COLUMNS = {
    "orders": '{order_id = "id", customer_id = "who", ordered_at = "at", amount = "paid"}',
    "customers": '{customer_id = "id", name = "who", created_at = "at", phone = "paid"}',
}
HEAD = ["id", "who", "at", "paid"]
CELLS = st.one_of(
    st.sampled_from([
        "", "1", "王芳", "2025-03-03", "2025年3月3日 14:05", "31/12/2025", "0000-00-00", "1e400",
        "￥1,234.5", "NaN", "+86 138 0013 8000", '"', "''", "a,b", "a\nb", "\x00", "\ufeff",
        "9" * 400, "2025-02-30", "1970-01-01 00:00:00+99:99", "\u202e", "№", "１２３", "=1+1", "-0",
    ]),
    st.text(st.characters(codec="utf-8"), max_size=8),
)  # fmt: skip
ROWS = st.lists(st.lists(CELLS, min_size=0, max_size=6), max_size=8)
TABLE = st.sampled_from(sorted(COLUMNS))
ENCODING = st.sampled_from(["utf-8", "gb18030", "utf-16"])
RUNS = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MANY = settings(RUNS, max_examples=2_000)


def check(folder: Path, table: str, name: str, content: bytes, encoding: str = "utf-8") -> None:
    (folder / name).write_bytes(content)
    words = TOML.format(table=table, file=name, encoding=encoding, columns=COLUMNS[table])
    (folder / "crmkit.toml").write_text(words, encoding="utf-8")
    try:
        report = import_tables(read_settings(folder))
    except CrmkitError as error:
        assert name in str(error), error
        return
    counted = report.table(table)
    assert counted.rows == counted.kept + counted.duplicates + counted.quarantined
    stored = pq.read_table(folder / "store" / f"{table}.parquet").num_rows
    assert stored == counted.stored


def csv(rows: list[list[str]], quoted: bool) -> str:
    def cell(words: str) -> str:
        return '"' + words.replace('"', '""') + '"' if quoted else words

    return "\n".join(",".join(map(cell, row)) for row in [HEAD, *rows])


def changed(content: bytes, edits: list[tuple[int, int]], cut: int | None) -> bytes:
    """Bytes with some of them replaced, and perhaps without their end."""
    made = bytearray(content)
    for place, byte in edits:
        made[place % len(made)] = byte
    return bytes(made[: cut % len(made)] if cut else made)


EDITS = st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), max_size=6)
CUT = st.none() | st.integers(1, 2**20)
SOUND = [[str(n), f"客户{n % 3}", f"2025-03-{n:02d} 10:00:00", f"{n}.5"] for n in range(1, 13)]


def parquet() -> bytes:
    page = io.BytesIO()
    columns = list(zip(*SOUND, strict=True))
    pq.write_table(pa.table(dict(zip(HEAD, map(list, columns), strict=True))), page)
    return page.getvalue()


def excel() -> bytes:
    book = openpyxl.Workbook()
    for row in [HEAD, *SOUND]:
        book.active.append(row)
    page = io.BytesIO()
    book.save(page)
    return page.getvalue()


FILES = {
    "f.csv": csv(SOUND, True).encode(),
    "f.csv.gz": gzip.compress(csv(SOUND, False).encode(), mtime=0),
    "f.parquet": parquet(),
    "f.xlsx": excel(),
}


def any_rows(table: str, rows: list, quoted: bool, encoding: str, folder: Path) -> None:
    check(folder, table, "f.csv", csv(rows, quoted).encode(encoding, "replace"), encoding)


@RUNS
@given(table=TABLE, rows=ROWS, quoted=st.booleans(), encoding=ENCODING)
def test_any_rows(table, rows, quoted, encoding, tmp_path: Path) -> None:
    any_rows(table, rows, quoted, encoding, tmp_path)


@RUNS
@given(table=TABLE, content=st.binary(max_size=300), encoding=ENCODING)
def test_any_bytes(table, content, encoding, tmp_path: Path) -> None:
    check(tmp_path, table, "f.csv", content, encoding)


@pytest.mark.parametrize("name", FILES)
@settings(RUNS, max_examples=25)
@given(edits=EDITS, cut=CUT)
def test_a_damaged_file(name, edits, cut, tmp_path: Path) -> None:
    check(tmp_path, "orders", name, changed(FILES[name], edits, cut))


@pytest.mark.slow
@MANY
@given(table=TABLE, rows=ROWS, quoted=st.booleans(), encoding=ENCODING)
def test_any_rows_many_times(table, rows, quoted, encoding, tmp_path: Path) -> None:
    any_rows(table, rows, quoted, encoding, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
@settings(MANY, max_examples=1_000)
@given(edits=EDITS, cut=CUT)
def test_a_damaged_file_many_times(name, edits, cut, tmp_path: Path) -> None:
    check(tmp_path, "orders", name, changed(FILES[name], edits, cut))
