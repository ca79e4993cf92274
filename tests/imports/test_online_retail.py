"""The Online Retail example gives the published numbers."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from crmkit.imports import import_tables
from crmkit.settings import read_settings

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "online_retail"
CLEANED = "Quantity > 0 AND UnitPrice > 0 AND CustomerID IS NOT NULL AND InvoiceNo NOT LIKE 'C%'"


@pytest.fixture
def example(shared_data, tmp_path):
    if not (shared_data / "online_retail.csv.gz").exists():
        pytest.skip("the Online Retail data is not here")
    settings = read_settings(EXAMPLE)
    book = settings.book.model_copy(update={"raw": shared_data, "store": tmp_path / "store"})
    return settings.model_copy(update={"book": book})


def test_published_numbers(example):
    table = import_tables(example).table("orders")
    assert (table.rows, table.kept, table.quarantined, table.stored) == (
        541_909,
        541_909,
        0,
        25_900,
    )
    purchases = duckdb.execute(
        "SELECT count(DISTINCT customer_id), sum(amount) FROM read_parquet(?)"
        " WHERE NOT refunded AND amount > 0 AND customer_id IS NOT NULL",
        [str(example.book.store / "orders.parquet")],
    ).fetchone()
    assert purchases == (4338, Decimal("8911407.9040"))


def test_the_usual_cleaning_as_a_setting(example):
    orders = example.tables["orders"].model_copy(update={"keep": CLEANED})
    table = import_tables(example.model_copy(update={"tables": {"orders": orders}})).table("orders")
    assert (table.rows, table.kept) == (541_909, 397_884)
    assert table.rows == table.kept + table.quarantined
