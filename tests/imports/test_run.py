"""Imports from end to end: hand-made files, and exactly what becomes of every row."""

# ruff: noqa: E501 (a file or a message reads best on one line)

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import sqlite3
from decimal import Decimal

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit import schema, text
from crmkit.errors import CrmkitError, InputError, ParameterError, SettingsError
from crmkit.imports import import_tables
from crmkit.settings import read_settings

HEAD = "id,who,at,paid\n"
ONE = HEAD + "A1,C1,2011-12-09 08:26:00,10.50\n"
NOON = dt.datetime(2011, 12, 9, 12)


def counts(report, table="orders"):
    found = report.table(table)
    return found.rows, found.kept, found.duplicates, found.quarantined, found.stored


def test_one_order(shop):
    report = shop.orders(ONE)
    assert counts(report) == (1, 1, 0, 0, 1)
    stored = pq.read_table(shop.store / "orders.parquet")
    assert stored.to_pylist() == [
        {
            "order_id": "A1",
            "customer_id": "C1",
            "ordered_at": dt.datetime(2011, 12, 9, 8, 26),
            "amount": Decimal("10.5000"),
            "category": None,
            "channel": None,
            "refunded": None,
        }
    ]


@pytest.mark.parametrize("name", list(schema.TABLES))
def test_every_table_is_stored_with_exactly_its_types_even_when_empty(shop, name):
    table = schema.TABLES[name]
    shop.file("t.csv", ",".join(table.names) + "\n")
    columns = ", ".join(f'{c} = "{c}"' for c in table.names)
    report = shop.load(
        f'[tables.{name}]\nfrom = "t.csv"\ncolumns = {{{columns}}}\n', more='country = "CN"'
    )
    assert counts(report, name) == (0, 0, 0, 0, 0)
    assert f"{name}: there were no rows." in report.notes()
    stored = pq.read_schema(shop.store / f"{name}.parquet")
    wanted = table.schema().to_pyarrow()
    assert [(f.name, f.type) for f in stored] == [(f.name, f.type) for f in wanted]


def test_gb18030_with_chinese_text_and_dates_in_shanghai(shop):
    data = "订单号,客户,下单时间,金额,类别\n甲1,张三,2011年12月9日 20:00,￥1，234.50,保健品\n"
    shop.file("订单.csv", data.encode("gb18030"))
    shop.load(
        '[tables.orders]\nfrom = "订单.csv"\nencoding = "GB18030"\n[tables.orders.columns]\n'
        'order_id = "订单号"\ncustomer_id = "客户"\nordered_at = "下单时间"\namount = "金额"\n'
        'category = "类别"\n[tables.orders.values]\ncategory = {"保健品" = "health"}\n',
        zone="Asia/Shanghai",
    )
    assert shop.rows("orders", "order_id", "customer_id", "ordered_at", "amount", "category") == [
        ("甲1", "张三", NOON, Decimal("1234.5"), "health")
    ]


def test_a_file_in_the_wrong_encoding_names_the_place_and_the_right_one(shop):
    data = (HEAD + "A1,C1,2011-12-09,1\nA2,张三,2011-12-09,1\n").encode("gb18030")
    with pytest.raises(
        InputError, match=r"orders\.csv is not utf-8 text: byte 37, line 3.*gb18030"
    ):
        shop.orders(data)
    with pytest.raises(InputError, match='set encoding = "cp1252"'):
        shop.orders((HEAD + "A1,Caf\xe9,2011-12-09,1\n").encode("latin-1"))
    with pytest.raises(InputError, match="is UTF-8, but its encoding is set as 'gb18030'"):
        shop.orders(HEAD + "A1,客户甲客户乙客户丙客户丁,2011-12-09,1\n", 'encoding = "gb18030"')
    assert not (shop.store / "orders.parquet").exists()


def test_utf16(shop):
    assert counts(shop.orders(ONE.encode("utf-16"), 'encoding = "utf-16"')) == (1, 1, 0, 0, 1)


def test_impossible_rows_go_to_quarantine_with_file_line_and_reason(shop):
    report = shop.orders(
        HEAD
        + "A1,C1,2011-02-31,1\n"
        + "A2,C1,2011-03-01,-5\n"
        + "A3,C1,2011-03-01,abc\n"
        + "A4,C1,,1\n"
        + ",C1,2011-03-01,1\n"
        + "A6,NULL,2011-03-01,6\n"
        + "A6,C2,2011-03-01,7\n"
        + "A8,C1,2011-03-01\n"
    )
    assert counts(report) == (8, 1, 0, 7, 1)
    assert shop.rows("orders", "order_id", "customer_id") == [("A6", None)]
    assert shop.refused("orders") == [
        ("orders.csv", 2, "ordered_at is not a date"),
        ("orders.csv", 3, "amount is below zero without a refund"),
        ("orders.csv", 4, "amount is not an amount"),
        ("orders.csv", 5, "ordered_at is missing"),
        ("orders.csv", 6, "order_id is missing"),
        ("orders.csv", 8, "order_id already used by another row"),
        ("orders.csv", 9, "fewer columns than the header"),
    ]
    assert shop.raw("orders")[0] == {"id": "A1", "who": "C1", "at": "2011-02-31", "paid": "1"}
    assert shop.raw("orders")[-1] == "A8,C1,2011-03-01"


def test_reasons_are_told_in_the_books_language(shop):
    path = shop.settings(
        '[tables.orders]\nfrom = "orders.csv"\ncolumns = {order_id = "id", ordered_at = "at", amount = "paid"}'
    )
    path.write_text(path.read_text().replace('language = "en"', 'language = "zh"'))
    shop.file("orders.csv", HEAD + "A1,C1,2011-02-31,1\n")
    import_tables(read_settings(path))
    assert shop.refused("orders") == [("orders.csv", 2, "ordered_at 不是有效日期")]


def test_a_negative_amount_stands_where_it_is_a_refund(shop):
    shop.file("orders.csv", "id,at,paid,back\nA1,2011-03-01,-5,是\nA2,2011-03-01,-5,否\n")
    shop.load(
        '[tables.orders]\nfrom = "orders.csv"\n'
        'columns = {order_id = "id", ordered_at = "at", amount = "paid", refunded = "back"}'
    )
    assert shop.rows("orders", "order_id", "refunded") == [("A1", True)]
    assert [line for _, line, _ in shop.refused("orders")] == [3]


def test_quoted_fields_of_several_lines_keep_the_count_of_lines(shop):
    report = shop.orders(HEAD + 'A1,"C\n1",2011-12-09,1\n\nA2,C2,never,1\nA3,C3,2011-12-09,1\n')
    assert counts(report) == (3, 2, 0, 1, 2)
    assert shop.refused("orders") == [("orders.csv", 5, "ordered_at is not a date")]
    assert shop.rows("orders", "order_id", "customer_id") == [("A1", "C\n1"), ("A3", "C3")]


def test_exact_duplicates_are_dropped_and_counted_or_kept(shop):
    line = "C1,2011-12-09,web,call\n"
    data = "who,at,from,kind\n" + line + line + "C1 ,2011-12-09,web,call\n"
    shop.file("t.csv", data)
    toml = (
        '[tables.touches]\nfrom = "t.csv"\n{}\n'
        'columns = {{customer_id = "who", occurred_at = "at", channel = "from", kind = "kind"}}'
    )
    # the third row says the same, but is not the same row of the source
    assert counts(shop.load(toml.format("")), "touches") == (3, 2, 1, 0, 2)
    kept = shop.load(toml.format('duplicates = "keep"'))
    assert counts(kept, "touches") == (3, 3, 0, 0, 3)


def test_duplicates_across_overlapping_files_and_the_ledger_of_each(shop):
    shop.file("raw/w1.csv", HEAD + "A1,C1,2011-12-01,1\nA2,C1,2011-12-02,2\n")
    shop.file(
        "raw/w2.csv", "paid,id,who,at\n2,A2,C1,2011-12-02\n3,A3,C1,2011-12-03\n9,A1,C9,2011-12-01\n"
    )
    report = shop.load(
        '[tables.orders]\nfrom = "raw/w*.csv"\n'
        'columns = {order_id = "id", customer_id = "who", ordered_at = "at", amount = "paid"}'
    )
    assert report.rows() == [
        ("orders", "raw/w1.csv", "2", "2", "0", "0", ""),
        ("orders", "raw/w2.csv", "3", "1", "1", "1", ""),
        ("orders", "all files", "5", "3", "1", "1", "3"),
    ]
    assert len(report.columns) == 7
    assert shop.refused("orders") == [("raw/w2.csv", 4, "order_id already used by another row")]
    first = report.table("orders").files[0]
    assert first.sha256 == hashlib.sha256((shop.folder / "raw/w1.csv").read_bytes()).hexdigest()


def test_of_records_sent_again_the_latest_stays(shop):
    """Whatever order they come in; a system that delivers at least once sends some twice."""
    shop.file(
        "ctr.csv",
        "ContactId,start,LastUpdateTimestamp,who\n"
        "c1,2025-03-03 10:00,2025-03-03T10:05:00Z,A1\n"
        "c2,2025-03-03 10:01,2025-03-03T10:06:00Z,A1\n"
        "c1,2025-03-03 10:00,2025-03-03T11:30:00Z,A2\n"
        "c1,2025-03-03 10:00,2025-03-03T10:07:00+01:00,A3\n"
        "c2,2025-03-03 10:01,2025-03-03T10:06:00Z,A1\n"
        "c2,2025-03-03 10:01,,A4\n",
    )
    columns = 'columns = {call_id = "ContactId", started_at = "start", agent_id = "who"}\n'
    section = f'[tables.calls]\nfrom = "ctr.csv"\nlatest = "LastUpdateTimestamp"\n{columns}'
    report = shop.load(section)
    assert shop.rows("calls", "call_id", "agent_id") == [("c1", "A2"), ("c2", "A1")]
    assert counts(report, "calls") == (6, 2, 4, 0, 2)
    with pytest.raises(InputError, match=r"tables\.calls\.latest: .*Did you mean 'LastUpdate"):
        shop.load(section.replace('"LastUpdateTimestamp"', '"LastUpdateTimestmp"'))


def test_rows_are_stored_by_customer_and_time_unknown_customers_last(shop):
    shop.orders(
        HEAD + "A1,,2011-12-01,1\nA2,C2,2011-12-01,1\nA3,C1,2011-12-03,1\nA4,C1,2011-12-02,1\n"
    )
    assert [row[0] for row in shop.rows("orders", "order_id")] == ["A4", "A3", "A2", "A1"]


def test_lines_are_added_up_into_orders(shop):
    report = shop.orders(
        HEAD
        + "A1,,2011-12-02,1.10\nA2,C2,2011-12-01,5\nA1,C1,2011-12-01,2.20\nA1,C3,2011-12-03,-0.30\n"
        + "A4,C4,2011-12-03,-9\nA1,C1,soon,7\n",
        'one_row_per = "order_id"\nduplicates = "keep"',
    )
    assert counts(report) == (6, 4, 0, 2, 2)
    assert shop.rows("orders", "order_id", "customer_id", "ordered_at", "amount") == [
        ("A1", "C1", dt.datetime(2011, 12, 1), Decimal("3.0")),
        ("A2", "C2", dt.datetime(2011, 12, 1), Decimal("5.0")),
    ]
    assert shop.refused("orders") == [
        ("orders.csv", 6, "amount is below zero without a refund"),
        ("orders.csv", 7, "ordered_at is not a date"),
    ]


def test_expressions_constants_and_keep(shop):
    shop.file(
        "o.csv",
        "id,at,Qty,单价,Discount\nA1,2011-12-09,3,2.55,\nA2,2011-12-09,10,9,0.5\nA3,2011-12-09,NULL,1,\nC4,2011-12-09,9,1,\n",
    )
    report = shop.load(
        '[tables.orders]\nfrom = "o.csv"\nkeep = "Qty > 0 AND id NOT LIKE \'C%\'"\n[tables.orders.columns]\n'
        'order_id = "id"\nordered_at = "at"\nchannel = { value = "shop" }\n'
        'refunded = { sql = "Qty < 5" }\n'
        'amount = { sql = "Qty * 单价 * (1 - coalesce(Discount, 0))" }\n'
    )
    assert shop.rows("orders", "order_id", "amount", "channel", "refunded") == [
        ("A1", Decimal("7.65"), "shop", True),
        ("A2", Decimal("45.0"), "shop", False),
    ]
    assert [r[1:] for r in shop.refused("orders")] == [
        (4, "left out by the setting keep"),
        (5, "left out by the setting keep"),
    ]
    assert counts(report) == (4, 2, 0, 2, 2)


def test_numbers_in_expressions_may_be_written_as_people_do(shop):
    shop.file("o.csv", 'id,at,Qty,Price\nA1,2011-12-09,"1,200",￥０．５\nA2,2011-12-09,(2),$3\n')
    shop.load(
        '[tables.orders]\nfrom = "o.csv"\n[tables.orders.columns]\norder_id = "id"\n'
        'ordered_at = "at"\namount = { sql = "Qty * Price" }\nrefunded = { sql = "Qty < 0" }\n'
    )
    assert shop.rows("orders", "order_id", "amount") == [("A1", Decimal(600)), ("A2", Decimal(-6))]


def test_names_of_columns_may_be_anything(shop):
    shop.file("o.csv", '#,"a ""b"" {}",_hash,id,ID,,row\nA1,2011-12-09,5,6,7,8,9\n')
    shop.load(
        '[tables.orders]\nfrom = "o.csv"\n[tables.orders.columns]\norder_id = "#"\n'
        'ordered_at = \'a "b" {}\'\namount = { sql = "_hash + row" }\n'
        'customer_id = "ID (2)"\ncategory = "column 6"\n'
    )
    assert shop.rows("orders", "order_id", "amount", "customer_id", "category") == [
        ("A1", Decimal(14), "7", "8")
    ]


def test_numbers_are_compared_as_numbers_not_as_text(shop):
    shop.orders(
        HEAD + "A1,C1,2011-12-09,0.4\nA2,C1,2011-12-09,10\n", 'keep = "paid > 0 AND paid < 9"'
    )
    assert shop.rows("orders", "order_id") == [("A1",)]


def test_unreadable_optional_values_become_unknown_and_are_counted(shop):
    shop.file(
        "c.csv",
        'id,since,tel,tags\n1,2011-02-31,138 0013 8000,"a,b"\n2,未知,12345,\n3,2011-03-01,+44 20 7946 0958,x\n',
    )
    report = shop.load(
        '[tables.customers]\nfrom = "c.csv"\n'
        'columns = {customer_id = "id", created_at = "since", phone = "tel", tags = "tags"}',
        more='country = "CN"',
    )
    assert report.table("customers").unknown == (("created_at", 1), ("phone", 1))
    assert shop.rows("customers", "customer_id", "created_at", "phone", "tags") == [
        ("1", None, "+8613800138000", ["a", "b"]),
        ("2", None, None, None),
        ("3", dt.datetime(2011, 3, 1), "+442079460958", ["x"]),
    ]
    assert counts(report, "customers") == (3, 3, 0, 0, 3)


def test_names_not_in_the_list_are_refused(shop):
    shop.file("s.csv", "a,s,t\n7,READY,2011-12-09\n7,lunch,2011-12-10\n7,午休,2011-12-11\n")
    shop.load(
        '[tables.agent_states]\nfrom = "s.csv"\ncolumns = {agent_id = "a", state = "s", started_at = "t"}\n'
        '[tables.agent_states.values]\nstate = {"午休" = "pause"}\n'
    )
    assert shop.rows("agent_states", "state") == [("ready",), ("pause",)]
    assert shop.refused("agent_states") == [
        ("s.csv", 3, "state is not one of the names it may have")
    ]


def test_persons_are_masked_in_the_listing_for_people(shop):
    shop.file("c.csv", "id,n,extra,g\n,王小明,13800138000,north\nx\n")
    shop.load(
        '[tables.customers]\nfrom = "c.csv"\ncolumns = {customer_id = "id", name = "n", region = "g"}'
    )
    listing = (shop.store / "quarantine" / "customers.csv").read_text(encoding="utf-8")
    assert "王小明" not in listing and "13800138000" not in listing and "north" in listing
    rows = list(csv.DictReader(io.StringIO(listing)))
    assert [row["line"] for row in rows] == ["2", "3"]
    assert json.loads(rows[0]["raw"]) == {"id": None, "n": "***", "extra": "***", "g": "north"}
    assert rows[1]["raw"] == "***"
    assert shop.raw("customers")[0]["n"] == "王小明"


def test_gz_and_delimiters(shop):
    data = HEAD.replace(",", ";") + "A1;C1;2011-12-09 12:00;1.234,5\n"
    shop.file("orders.csv.gz", gzip.compress(data.encode()))
    shop.load(
        '[tables.orders]\nfrom = "orders.csv.gz"\ndecimal = ","\n'
        'columns = {order_id = "id", ordered_at = "at", amount = "paid"}'
    )
    assert shop.rows("orders", "ordered_at", "amount") == [(NOON, Decimal("1234.5"))]
    shop.file("orders.csv.gz", gzip.compress(data.encode())[:-9])
    with pytest.raises(InputError, match="not a whole gzip file"):
        import_tables(read_settings(shop.folder))


def test_excel(shop):
    book = openpyxl.Workbook()
    page = book.active
    page.title = "订单"
    for row in (
        ["Report"],
        ["id", "who", "at", "paid"],
        ["A1", 17850.0, NOON, 10.5],
        [],
        ["A2", "C2", "31 Feb", 1],
        ["A3", None, 40886.5, 2],
    ):
        page.append(row)
    book.save(shop.folder / "o.xlsx")
    toml = (
        '[tables.orders]\nfrom = "o.xlsx"\nheader = 2\n{}\n'
        'columns = {{order_id = "id", customer_id = "who", ordered_at = "at", amount = "paid"}}'
    )
    shop.load(toml.format('sheet = "订单"'))
    assert shop.rows("orders", "order_id", "customer_id", "ordered_at", "amount") == [
        ("A1", "17850", NOON, Decimal("10.5")),
        ("A3", None, NOON, Decimal("2")),
    ]
    assert shop.refused("orders") == [("o.xlsx#订单", 5, "ordered_at is not a date")]
    with pytest.raises(InputError, match=r"has no sheet '订货单'. Did you mean '订单'"):
        shop.load(toml.format('sheet = "订货单"'))
    shop.file("o.xlsx", "not a workbook")
    with pytest.raises(InputError, match="is not a whole Excel workbook"):
        shop.load(toml.format(""))


COLUMNS = 'columns = {order_id = "id", ordered_at = "at", amount = "paid"}'


def test_parquet(shop):
    pq.write_table(
        pa.table({"id": [1, 2], "at": [NOON, NOON], "paid": [1.25, -1.0]}),
        shop.folder / "o.parquet",
    )
    shop.load(f'[tables.orders]\nfrom = "o.parquet"\n{COLUMNS}')
    assert shop.rows("orders", "order_id", "ordered_at", "amount") == [("1", NOON, Decimal("1.25"))]
    assert shop.refused("orders") == [("o.parquet", 2, "amount is below zero without a refund")]
    shop.file("o.parquet", "no")
    with pytest.raises(InputError, match="is not a Parquet file"):
        shop.load(f'[tables.orders]\nfrom = "o.parquet"\n{COLUMNS}')


def test_duckdb_table_and_query(shop):
    with duckdb.connect(str(shop.folder / "crm.duckdb")) as con:
        con.execute(
            "CREATE TABLE o AS SELECT 'A' || i AS id, TIMESTAMP '2011-12-09 12:00' AS at, i AS paid FROM range(3) AS r(i)"
        )
    shop.load(f'[tables.orders]\nurl = "crm.duckdb"\nfrom = "o"\n{COLUMNS}')
    assert shop.rows("orders", "order_id") == [("A0",), ("A1",), ("A2",)]
    shop.load(
        f'[tables.orders]\nurl = "crm.duckdb"\nfrom = "SELECT * FROM o WHERE paid > 1"\n{COLUMNS}'
    )
    assert shop.rows("orders", "order_id", "ordered_at") == [("A2", NOON)]
    with pytest.raises(InputError, match="no such table"):
        shop.load(f'[tables.orders]\nurl = "crm.duckdb"\nfrom = "orders"\n{COLUMNS}')
    with pytest.raises(InputError, match="There is no DuckDB file"):
        shop.load(f'[tables.orders]\nurl = "cmr.duckdb"\nfrom = "o"\n{COLUMNS}')


def test_any_database_that_ibis_reads(shop, monkeypatch):
    path = shop.folder / "crm.sqlite"
    con = sqlite3.connect(path)
    con.execute("CREATE TABLE o (id TEXT, at TEXT, paid REAL)")
    con.execute("INSERT INTO o VALUES ('A1', '2011-12-09 12:00:00', 1.25)")
    con.commit()
    con.close()
    monkeypatch.setenv("CRM_FILE", str(path))
    for wanted in ("o", "select id, at, paid from o"):
        shop.load(f'[tables.orders]\nurl = "sqlite://${{CRM_FILE}}"\nfrom = "{wanted}"\n{COLUMNS}')
        assert shop.rows("orders", "order_id", "ordered_at", "amount") == [
            ("A1", NOON, Decimal("1.25"))
        ]
    with pytest.raises(InputError, match=r"there is no such table. There are: o"):
        shop.load(f'[tables.orders]\nurl = "sqlite://{path}"\nfrom = "oo_"\n{COLUMNS}')


def test_wrong_columns_and_missing_files_are_named_with_what_is_near(shop):
    shop.file("orders.csv", ONE)
    toml = '[tables.orders]\nfrom = "{}"\ncolumns = {{order_id = "{}", ordered_at = "at", amount = {}}}'
    with pytest.raises(
        InputError,
        match=r"orders\.csv has no column 'idd'. Did you mean 'id'\? It has: id, who, at, paid",
    ):
        shop.load(toml.format("orders.csv", "idd", '"paid"'))
    with pytest.raises(InputError, match=r"there is no column 'payd'. Did you mean 'paid'\?"):
        shop.load(toml.format("orders.csv", "id", '{sql = "payd * 2"}'))
    with pytest.raises(InputError, match="nosuch"):
        shop.load(toml.format("orders.csv", "id", '{sql = "nosuch(paid)"}'))
    with pytest.raises(
        InputError, match=r"no file matches 'order\.csv'.*Did you mean 'orders\.csv'"
    ):
        shop.load(toml.format("order.csv", "id", '"paid"'))
    with pytest.raises(InputError, match="There is no folder"):
        shop.load(toml.format("nowhere/*.csv", "id", '"paid"'))
    with pytest.raises(SettingsError, match=r"ending of 'orders.doc' does not tell"):
        shop.file("orders.doc", ONE)
        shop.load(toml.format("orders.doc", "id", '"paid"'))


def test_empty_files(shop):
    with pytest.raises(InputError, match=r"orders.csv is an empty file"):
        shop.orders("")
    with pytest.raises(InputError, match="no column names on line 1"):
        shop.orders("\n\n")
    assert counts(shop.orders(HEAD)) == (0, 0, 0, 0, 0)


def test_a_failed_import_leaves_the_store_as_it_was(shop):
    shop.orders(ONE)
    before = {p.name: p.read_bytes() for p in shop.store.rglob("*") if p.is_file()}
    shop.file("agents.csv", "x\n1\n")
    with pytest.raises(InputError):
        shop.load(
            f'[tables.orders]\nfrom = "orders.csv"\n{COLUMNS}\n'
            '[tables.agents]\nfrom = "agents.csv"\ncolumns = {agent_id = "id"}'
        )
    assert {p.name: p.read_bytes() for p in shop.store.rglob("*") if p.is_file()} == before
    assert {p.name for p in shop.store.parent.iterdir()} == {"store", ".store.lock"}


def test_only_the_tables_asked_for_are_imported_the_others_stay(shop):
    shop.file("agents.csv", "id\n1\n")
    shop.file("orders.csv", ONE)
    path = shop.settings(
        f'[tables.orders]\nfrom = "orders.csv"\n{COLUMNS}\n'
        '[tables.agents]\nfrom = "agents.csv"\ncolumns = {agent_id = "id"}'
    )
    import_tables(read_settings(path), tables=["agents"])
    assert not (shop.store / "orders.parquet").exists()
    import_tables(read_settings(path), tables=["orders"])
    ledger = json.loads((shop.store / "ledger.json").read_text())
    assert list(ledger["tables"]) == ["agents", "orders"]
    with pytest.raises(ParameterError, match="Did you mean 'orders'"):
        import_tables(read_settings(path), tables=["order"])


def test_quarantine_is_cleared_when_nothing_is_refused_any_more(shop):
    shop.orders(HEAD + "A1,C1,soon,1\n")
    assert len(shop.refused("orders")) == 1
    shop.orders(ONE)
    assert list((shop.store / "quarantine").iterdir()) == []


def test_progress_is_told_in_the_readers_language(shop):
    shop.file("orders.csv", ONE)
    told = []
    path = shop.settings(f'[tables.orders]\nfrom = "orders.csv"\n{COLUMNS}')
    text.set_reader(language="zh", currency="CNY")
    import_tables(read_settings(path), progress=lambda *a: told.append(a))
    assert told[0] == ("正在读取 orders.csv", len(ONE), len(ONE))
    assert told[-1] == ("正在写入 orders", 1, 1)


def big(rows: int, bad: bool) -> str:
    lines = [
        f"A{i},C{i * 7 % 5003},2011-{i % 12 + 1:02d}-{i % 28 + 1:02d} 10:{i % 60:02d}:00,{i % 997}.5,{'x' * 30}"
        for i in range(rows)
    ]
    if bad:
        lines[99] = 'A99,"C99,2011-01-01,1,x'
        lines[1999] = "A1999,C1,2011-01-01"
        lines[rows - 1] = "A,C1,2011-01-01,1,x,y"
    return "id,who,at,paid,note\n" + "\n".join(lines) + "\n"


def test_twenty_megabytes_with_three_bad_lines(shop):
    content = big(290_000, bad=True)
    assert len(content) > 20_000_000
    report = shop.orders(content)
    assert counts(report) == (290_000, 289_997, 0, 3, 289_997)
    assert shop.refused("orders") == [
        ("orders.csv", 101, "a quote stands open or in the wrong place"),
        ("orders.csv", 2001, "fewer columns than the header"),
        ("orders.csv", 290_001, "more columns than the header"),
    ]


def test_again_on_the_same_files_gives_the_same_bytes(shop, new_shop):
    content = big(150_000, bad=True).replace("C7,", ",")
    found = []
    for folder in (shop, new_shop()):
        folder.orders(content)
        folder.orders(content)
        found.append(
            {
                str(p.relative_to(folder.store)): hashlib.sha256(p.read_bytes()).hexdigest()
                for p in folder.store.rglob("*")
                if p.is_file()
            }
        )
    assert found[0] == found[1]
    assert set(found[0]) == {
        "ledger.json",
        "orders.parquet",
        "quarantine/orders.csv",
        "quarantine/orders.parquet",
    }


MESSY = st.text(st.sampled_from('AC1259-:., "\n\t;￥未知é(/'), max_size=120)
CELL = st.sampled_from(
    ["A1", "A2", "C1", "2011-12-09", "2011-02-30", "1.5", "-2", "", "NULL", '"x', "￥3", "9\n"]
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=5), max_size=8),
    tail=MESSY,
    one=st.booleans(),
    keep=st.booleans(),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
)
def test_whatever_comes_every_row_is_accounted_for(new_shop, rows, tail, one, keep, encoding):
    shop = new_shop()
    body = HEAD + "".join(",".join(row) + "\n" for row in rows) + tail
    extra = ('one_row_per = "order_id"\n' if one else "") + (
        'duplicates = "keep"\n' if keep else ""
    )
    try:
        report = shop.orders(body.encode(encoding), f'{extra}encoding = "{encoding}"')
    except CrmkitError:
        return
    rows_in, kept, duplicates, quarantined, stored = counts(report)
    assert rows_in == kept + duplicates + quarantined
    assert quarantined == len(shop.refused("orders"))
    assert stored == len(shop.rows("orders", "order_id")) <= kept
    assert one or stored == kept
