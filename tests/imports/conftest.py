"""A folder with a crmkit.toml and exports, imported in a test."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from crmkit.imports import ImportReport, import_tables
from crmkit.settings import read_settings

BOOK = '[book]\nname = "Shop"\ntimezone = "{zone}"\ncurrency = "CNY"\nlanguage = "en"\n{more}\n'
ORDERS = 'columns = {order_id = "id", customer_id = "who", ordered_at = "at", amount = "paid"}\n'


class Shop:
    """Files of a made-up firm, and what their import gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "data" / "store"

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def settings(self, tables: str, zone: str = "UTC", more: str = "") -> Path:
        return self.file("crmkit.toml", BOOK.format(zone=zone, more=more) + tables)

    def load(self, tables: str, zone: str = "UTC", more: str = "") -> ImportReport:
        return import_tables(read_settings(self.settings(tables, zone, more)))

    def orders(self, content: str | bytes, extra: str = "", zone: str = "UTC") -> ImportReport:
        """Import orders.csv with the columns id, who, at, paid."""
        self.file("orders.csv", content)
        return self.load(f'[tables.orders]\nfrom = "orders.csv"\n{extra}\n{ORDERS}', zone)

    def rows(self, table: str, *columns: str) -> list[tuple]:
        found = pq.read_table(self.store / f"{table}.parquet")
        names = columns or found.column_names
        return list(zip(*(found[name].to_pylist() for name in names), strict=True))

    def refused(self, table: str) -> list[tuple]:
        path = self.store / "quarantine" / f"{table}.parquet"
        if not path.exists():
            return []
        found = pq.read_table(path).to_pylist()
        return [(row["file"], row["line"], row["reason"]) for row in found]

    def raw(self, table: str) -> list[object]:
        found = pq.read_table(self.store / "quarantine" / f"{table}.parquet")["raw"].to_pylist()
        return [json.loads(raw) if raw.startswith("{") else raw for raw in found]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def new_shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Shop]:
    return lambda: Shop(tmp_path_factory.mktemp("shop"))
