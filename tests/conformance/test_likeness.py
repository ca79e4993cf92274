"""Customers entered twice with a slip, found by Splink: how many of them, and how many wrongly."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from crmkit.imports import import_tables
from crmkit.imports.identity.likeness import alike
from crmkit.settings import read_settings
from crmkit.simulate import World
from crmkit.simulate.firm import firm

pytestmark = [
    pytest.mark.match,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
TWICE = 400
COLUMNS = ("customer_id", "name", "phone", "email", "city")


@pytest.fixture(scope="module")
def people():
    """The demo firm's customers, some of them twice: a wrong digit, a title for a name, no mail."""
    rng = np.random.default_rng(1)
    given = firm(World.preset("demo")).tables["customers"].select(COLUMNS)
    rows = given.slice(0, 8_000).to_pylist()
    again = []
    for number, place in enumerate(rng.choice(len(rows), TWICE, replace=False)):
        row = rows[place] | {"customer_id": f"D{number:04d}"}
        slip = number % 3
        if slip == 0 and row["phone"]:
            at = rng.integers(6, len(row["phone"]))
            row["phone"] = f"{row['phone'][:at]}{rng.integers(10)}{row['phone'][at + 1 :]}"
        elif slip == 1:
            row["name"] = row["name"][:1] + "女士"
        if slip != 2:
            row["email"] = None
        again.append((rows[place]["customer_id"], row))
    table = pa.Table.from_pylist(rows + [row for _, row in again], schema=given.schema)
    truth = {(who, row["customer_id"]) for who, row in again}
    return table, truth


def _pairs(table, threshold):
    con = duckdb.connect()
    con.register("people", table)
    found = alike(con, "SELECT * FROM people", threshold).to_pydict()
    return list(zip(found["id_a"], found["id_b"], found["chance"], strict=True))


def test_who_was_entered_twice(people):
    table, truth = people
    found = _pairs(table, 0.8)
    pairs = {(a, b) for a, b, _ in found}
    assert len(pairs & truth) / len(pairs) > 0.99
    assert len(pairs & truth) / len(truth) > 0.8
    assert all(chance >= 0.8 for *_, chance in found)
    shuffled = table.take(np.random.default_rng(2).permutation(len(table)))
    assert {(a, b) for a, b, _ in _pairs(shuffled, 0.8)} == pairs


def test_nobody_is_found_where_nothing_can_be_learnt(people):
    table, _ = people
    assert _pairs(table.slice(0, 8_000), 0.5) == []  # nobody twice: names agree by chance alone
    assert _pairs(table.slice(0, 100), 0.5) == []
    bare = table.select(["customer_id", "name"])
    for name in ("phone", "email", "city"):
        bare = bare.append_column(name, pa.nulls(len(bare), pa.string()))
    assert _pairs(bare, 0.5) == []


def test_an_import_makes_one_person_of_them(people, tmp_path):
    table, truth = people
    con = duckdb.connect()
    con.register("people", table)
    con.execute(f"COPY people TO '{tmp_path / 'who.parquet'}' (FORMAT parquet)")
    (tmp_path / "links.csv").write_text("source_a,id_a,source_b,id_b\ncrm,C000001,cookie,V1\n")
    columns = ", ".join(f'{name} = "{name}"' for name in COLUMNS)
    (tmp_path / "crmkit.toml").write_text(
        '[book]\nname = "F"\ntimezone = "Asia/Shanghai"\ncurrency = "CNY"\ncountry = "CN"\n'
        f'[tables.customers]\nfrom = "who.parquet"\ncolumns = {{{columns}}}\n'
        '[identity]\nlinks = "links.csv"\nlikeness = 0.8\n'
    )
    report = import_tables(read_settings(tmp_path))
    rows = report.table("identities")
    alike_ = (tmp_path / "data" / "store" / "identity" / "alike.csv").read_text().splitlines()
    assert rows.rows == 1 + len(alike_) - 1
    assert rows.remarks[0].rows == len(alike_) - 1 > 0.8 * len(truth)
    assert "alike enough" in " ".join(report.notes())
