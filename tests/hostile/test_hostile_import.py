"""Nothing that somebody wrote into an export is lost on its way into the book, and nothing runs."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from corpus import CORPUS, core
from hostile_firm import LONG, write_firm

from crmkit.imports import import_tables
from crmkit.settings import read_settings


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("firm")
    report = import_tables(read_settings(write_firm(folder)))
    assert all(row[2] == str(sum(map(int, row[3:6]))) for row in report.rows())
    return folder / "data" / "store"


def _column(store: Path, table: str, name: str) -> list:
    return pq.read_table(store / f"{table}.parquet")[name].to_pylist()


def test_there_are_enough_of_them():
    assert len({each.words for each in CORPUS}) == len(CORPUS) >= 150


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("customers", "name"),
        ("lead_events", "note"),
        ("orders", "category"),
        ("touches", "keyword"),
    ],
)
def test_every_word_is_stored_as_it_was_written(store, table, name):
    stored = set(_column(store, table, name))
    for each in CORPUS:
        assert core(each.words) in {core(words) for words in stored if words}, each


def test_a_word_of_a_megabyte_is_stored_whole_and_a_longer_line_refused(store):
    assert LONG in _column(store, "customers", "city")
    refused = pq.read_table(store / "quarantine" / "customers.parquet").to_pylist()
    assert [row["reason"] for row in refused] == ["a line longer than 1 MB"]


def test_columns_that_are_sql_are_only_names(store):
    assert len(_column(store, "orders", "amount")) == 4 * len(CORPUS)
