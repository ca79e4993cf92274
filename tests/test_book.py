"""A book opens from any source, checks itself, masks people and knows where it comes from."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import crmkit as ck
from crmkit import text
from crmkit.errors import BookError, ParameterError, Skip
from crmkit.schema import TABLES

ROWS = {
    "order_id": ["1", "2", "3", "4"],
    "customer_id": ["a", "a", "b", None],
    "ordered_at": [dt.datetime(2011, 11, d, 23, 30) for d in (1, 2, 3, 4)],
    "amount": [Decimal("10.5"), Decimal("-10.5"), Decimal("3"), Decimal("4")],
    "refunded": [False, True, None, False],
}


def _orders(**changed: list) -> pa.Table:
    kinds = TABLES["orders"].schema().to_pyarrow()
    rows = {**ROWS, **changed}
    return pa.table({name: pa.array(rows[name], kinds.field(name).type) for name in rows})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pq.write_table(_orders(), tmp_path / "orders.parquet")
    customers = {"customer_id": ["a", "b"], "name": ["王芳", None], "phone": ["+8613800001234", ""]}
    pq.write_table(pa.table(customers), tmp_path / "customers.parquet")
    return tmp_path


def _settings(folder: Path, words: str = "") -> Path:
    path = folder / "crmkit.toml"
    path.write_text(
        '[book]\nname = "茶行"\ntimezone = "Asia/Shanghai"\ncurrency = "CNY"\nstore = "."\n'
        + words,
        encoding="utf-8",
    )
    return path


def test_a_folder_of_parquet(folder):
    book = ck.connect(folder, timezone="Europe/London", currency="GBP")
    assert book.orders.count().execute() == 4
    assert book.timezone == "Europe/London"
    assert book.orders.columns == TABLES["orders"].names  # lacking columns are there, unknown
    assert book.orders.category.notnull().sum().execute() == 0


def test_settings_give_name_zone_and_currency(folder):
    book = ck.connect(_settings(folder), language="zh")
    assert (book.name, book.timezone, book.currency) == ("茶行", "Asia/Shanghai", "CNY")
    assert text.reader() == text.Reader("zh", "CNY")


def test_a_bare_name_is_found_in_the_folders_above(folder, monkeypatch):
    _settings(folder)
    (folder / "notebooks").mkdir()
    monkeypatch.chdir(folder / "notebooks")
    assert ck.connect("crmkit.toml").name == "茶行"


def test_a_duckdb_file_and_a_url(folder):
    path = folder / "firm.duckdb"
    with duckdb.connect(str(path)) as engine:
        engine.execute(f"create table orders as from '{folder}/orders.parquet'")
        engine.execute("create table leads_of_last_year as select 1 as x")
    for source in (path, f"duckdb://{path}?read_only=True"):
        book = ck.connect(source)
        assert list(book.tables) == ["orders"]
        assert book.orders.amount.sum().execute() == Decimal("7")


def test_foreign_types_become_canonical(tmp_path):
    with duckdb.connect(str(tmp_path / "x.duckdb")) as engine:
        engine.execute(
            "create table orders as select 1 as order_id, 7 as customer_id, "
            "timestamptz '2011-07-01 00:30:00+01' as ordered_at, 2.5::double as amount"
        )
    row = ck.connect(tmp_path / "x.duckdb").orders.execute().iloc[0]
    assert row["order_id"] == "1"
    assert row["ordered_at"] == dt.datetime(2011, 6, 30, 23, 30)
    assert row["amount"] == Decimal("2.5")


def test_purchases_are_paid_kept_and_of_someone(folder):
    assert sorted(ck.connect(folder).purchases.order_id.execute()) == ["1", "3"]


def test_people_are_masked_unless_asked_for(folder):
    shown = ck.connect(folder).customers.order_by("customer_id").execute()
    assert shown["name"].tolist()[0] == "王**"
    assert shown["phone"].tolist()[0] == "***1234"
    bare = ck.connect(folder, unmasked=True).customers.order_by("customer_id").execute()
    assert bare["phone"].tolist()[0] == "+8613800001234"


def test_ids_are_masked_by_their_kind_and_those_of_visitors_stay_to_link(folder):
    ids = {
        "source": ["cookie", "phone", "email", "wechat"],
        "source_id": ["V7", "+8613800001234", "wang@example.com", "oX1"],
        "customer_id": ["a"] * 4,
    }
    pq.write_table(pa.table(ids), folder / "identities.parquet")
    shown = ck.connect(folder).identities.execute()
    assert sorted(shown["source_id"]) == ["***", "***1234", "V7", "w**"]


def test_check_counts_rows_days_and_faults(folder):
    pq.write_table(
        _orders(order_id=["1", "1", "3", "4"], ordered_at=[*ROWS["ordered_at"][:3], None]),
        folder / "orders.parquet",
    )
    health = ck.connect(folder, timezone="Europe/London").check(as_of="2011-11-02")
    row = health.frame.set_index("table").loc["orders"]
    assert (row["rows"], row["duplicate_keys"], row["missing"], row["later"]) == (4, 1, 1, 1)
    assert (row["first_day"], row["last_day"]) == (dt.date(2011, 11, 1), dt.date(2011, 11, 2))
    assert health.level == "warning"
    assert health.faults == 2


def test_masked_columns_are_checked_as_they_are(folder):
    ids = {"source": ["wechat"] * 2, "source_id": ["k1", "k2"], "customer_id": ["a", "a"]}
    pq.write_table(pa.table(ids), folder / "identities.parquet")
    book = ck.connect(folder)
    assert set(book.identities.source_id.execute()) == {"***"}
    frame = book.check(as_of="2011-11-02").frame.set_index("table")
    assert frame.loc["identities", "duplicate_keys"] == 0


def test_days_follow_the_timezone(folder):
    assert ck.connect(folder, timezone="UTC").last_day() == dt.date(2011, 11, 4)
    assert ck.connect(folder, timezone="Asia/Shanghai").last_day() == dt.date(2011, 11, 5)


def test_stale_data_stop_a_report_early(folder):
    book = ck.connect(_settings(folder, "stale_after_days = 3\n"))
    book.require("orders", as_of="2011-11-08")
    with pytest.raises(BookError, match=r"4 days older than 2011-11-09"):
        book.require("orders", as_of="2011-11-09")


def test_a_report_without_its_tables_is_skipped(folder):
    with pytest.raises(Skip, match="leads, calls"):
        ck.connect(folder).require("orders", "leads", "calls", as_of="2011-11-05")


def test_an_empty_book(tmp_path):
    pq.write_table(_orders().slice(0, 0), tmp_path / "orders.parquet")
    book = ck.connect(tmp_path)
    assert book.check(as_of="2011-11-05").level == "error"
    with pytest.raises(BookError, match="no last day"):
        book.last_day()


def test_one_changed_order_changes_the_fingerprint(folder):
    before = ck.connect(folder).provenance().fingerprint
    assert ck.connect(folder).provenance().fingerprint == before
    pq.write_table(
        _orders(amount=[Decimal("10.51"), *ROWS["amount"][1:]]), folder / "orders.parquet"
    )
    assert ck.connect(folder).provenance().fingerprint != before


def test_the_fingerprint_of_a_database_ignores_the_order_of_rows(tmp_path):
    prints = []
    for name, order in (("a", "asc"), ("b", "desc"), ("c", "desc limit 1")):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as engine:
            rows = "(values ('1', 'x'), ('2', null)) t(order_id, customer_id)"
            engine.execute(f"create table orders as select * from {rows} order by 1 {order}")
        prints.append(ck.connect(tmp_path / f"{name}.duckdb").provenance().fingerprint)
    assert prints[0] == prints[1]
    assert prints[2] != prints[0]


def test_errors_say_what_would_do(folder, tmp_path):
    with pytest.raises(BookError, match="crmkit import"):
        (tmp_path / "none").mkdir()
        ck.connect(tmp_path / "none")
    with pytest.raises(BookError, match=r"nothing at 'nowhere\.toml'"):
        ck.connect("nowhere.toml")
    with pytest.raises(BookError, match="no table 'leads'; it has: customers, orders"):
        _ = ck.connect(folder).leads
    with pytest.raises(AttributeError, match="Did you mean 'orders'"):
        _ = ck.connect(folder).order
    with pytest.raises(ParameterError, match="cannot be a book"):
        (tmp_path / "x.txt").write_text("")
        ck.connect(tmp_path / "x.txt")


def test_a_table_that_is_not_there_is_empty(tmp_path):
    pq.write_table(pa.table({"customer_id": ["1"]}), tmp_path / "customers.parquet")
    book = ck.connect(tmp_path)
    assert book.optional("customers").count().execute() == 1
    states = book.optional("agent_states")
    assert states.count().execute() == 0 and "state" in states.columns
    with pytest.raises(ParameterError, match="Did you mean 'agents'"):
        book.optional("agent")
