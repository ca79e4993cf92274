import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import phonenumbers
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import poisson

from crmkit.errors import ParameterError
from crmkit.imports import import_tables
from crmkit.schema import TABLES
from crmkit.settings import read_settings
from crmkit.simulate import World, firm, simulate
from crmkit.simulate.truth import customers_truth

LOGS = ("agent_log", "closer_log", "list", "log", "statuses")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(preset="small", out=tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(preset="demo", out=tmp_path_factory.mktemp("demo"))


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_folder_holds_the_book_the_truth_and_the_exports(small: Path) -> None:
    truths = [
        "arrivals",
        "assignments",
        "calls",
        "customers",
        "floor_leads",
        "floor_sales",
        "identities",
    ]
    truths += ["orders", "people", "trials"]
    assert list(hashes(small)) == sorted(
        [
            "crmkit.toml",
            *(f"{name}.parquet" for name in set(TABLES) - {"lead_checks"}),
            "raw/blacklist.csv",
            "raw/crmkit.toml",
            "raw/customers.csv",
            "raw/dialler/crmkit.toml",
            *(f"raw/dialler/vicidial_{name}.csv.gz" for name in LOGS),
            "raw/do_not_call.csv",
            "raw/identity_links.csv",
            "raw/new_leads.csv",
            "raw/orders_2024.csv",
            "truth.json",
            *(f"truth_{name}.parquet" for name in truths),
        ]
    )


def test_the_same_seed_gives_the_same_bytes_in_another_process(small: Path, tmp_path: Path) -> None:
    code = f"from crmkit.simulate import simulate; simulate(preset='small', out={str(tmp_path)!r})"
    environment = os.environ | {"PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert hashes(tmp_path) == hashes(small)


def test_the_numbers_of_a_seed_are_pinned(small: Path) -> None:
    """The raw orders of the small firm: exact text, on every machine with the locked numpy."""
    content = (small / "raw" / "orders_2024.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest().startswith("4a7197aaf4ddb86d")


def test_customers_and_orders_are_those_of_the_first_release(small: Path) -> None:
    """What is drawn around the orders must never change them."""
    for name, pinned in (("customers", "e10b24138eb61bea"), ("orders", "3df0073f3f0bdf11")):
        content = (small / f"{name}.parquet").read_bytes()
        assert hashlib.sha256(content).hexdigest().startswith(pinned)


def test_another_seed_gives_other_rows(small: Path, tmp_path: Path) -> None:
    other = hashes(simulate(preset="small", seed=8, out=tmp_path))
    for name in ("customers.parquet", "orders.parquet", "truth_customers.parquet"):
        assert other[name] != hashes(small)[name]


@pytest.mark.parametrize("name", ["customers", "orders"])
def test_tables_are_exactly_of_the_schema_and_in_its_order(small: Path, name: str) -> None:
    table = pq.read_table(small / f"{name}.parquet")
    assert table.schema.remove_metadata() == TABLES[name].schema().to_pyarrow()
    rows = table.select(TABLES[name].order).to_pylist()
    keys = [tuple((value is None, value or "") for value in row.values()) for row in rows]
    assert keys == sorted(keys)
    key = table.column(TABLES[name].key[0]).to_pylist()
    assert len(set(key)) == len(key)
    for column in TABLES[name].required:
        assert table.column(column).null_count == 0


def test_orders_belong_to_customers_and_lie_in_the_period(small: Path) -> None:
    customers = pq.read_table(small / "customers.parquet")
    orders = pq.read_table(small / "orders.parquet")
    known = set(customers["customer_id"].to_pylist())
    assert {c for c in orders["customer_id"].to_pylist() if c is not None} == known
    at = orders["ordered_at"].to_numpy()
    assert at.min() >= np.datetime64("2023-12-31T16:00:00")
    assert at.max() < np.datetime64("2024-12-31T16:00:00")
    for row in orders.to_pylist():
        assert (row["amount"] < 0) == row["refunded"]
        assert row["amount"] == row["amount"].quantize(Decimal("0.01"))


def test_customers_are_plausible_and_fictitious(small: Path) -> None:
    rows = pq.read_table(small / "customers.parquet").to_pylist()
    phones = [row["phone"] for row in rows if row["phone"]]
    assert 0.9 * len(rows) < len(phones) == len(set(phones)) < len(rows)
    for phone in phones:
        number = phonenumbers.parse(phone)
        assert phonenumbers.is_possible_number(number)
        assert phone.startswith("+86154")
        assert not phonenumbers.is_valid_number(number)  # nobody has it
    assert all(row["email"] is None or "@example." in row["email"] for row in rows)
    assert all(2 <= len(row["name"]) <= 4 for row in rows)
    assert {row["region"] for row in rows if row["city"] == "深圳"} == {"广东"}


def test_truth_agrees_with_the_tables(demo: Path) -> None:
    folder = demo
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    orders = pq.read_table(folder / "orders.parquet").to_pandas()
    bought = orders[orders.customer_id.notna() & ~orders.refunded]
    totals = truth["totals"]
    assert totals["order_rows"] == len(orders)
    assert totals["purchases_of_known_customers"] == len(bought)
    assert totals["revenue_of_known_customers"] == float(bought.amount.sum())
    assert totals["net_revenue"] == float(orders.amount.sum())
    assert totals["customers_with_repeats"] == int((bought.customer_id.value_counts() > 1).sum())
    local = bought.assign(month=(bought.ordered_at + np.timedelta64(8, "h")).dt.strftime("%Y-%m"))
    cohorts = local.groupby("customer_id").month.min().value_counts()
    assert {c["month"]: c["seen"]["customers"] for c in truth["cohorts"]} == cohorts.to_dict()
    traits = pq.read_table(folder / "truth_customers.parquet").to_pandas()
    counted = bought.customer_id.value_counts().reindex(traits.customer_id).to_numpy()
    assert np.array_equal(traits.repeats, counted - 1)
    assert int(traits.alive.sum()) == totals["customers_alive"]


def test_every_story_shows_in_the_data(demo: Path) -> None:
    folder = demo
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    stories = {story["story"]: story["seen"] for story in truth["stories"]}
    back = "back_within_90_days"
    once = stories["channel of one-time customers"]
    assert once["in_it"][back] < 0.6 * once["others"][back]
    loyal = stories["channel of loyal customers"]
    assert loyal["in_it"]["repeats_per_customer"] > 1.5 * loyal["others"]["repeats_per_customer"]
    assert loyal["in_it"]["customers"] < 0.1 * loyal["others"]["customers"]
    promotion = stories["promotion of one-time customers"]
    assert promotion["won_in_it"][back] < 0.7 * promotion["others"][back]
    price = stories["price change"]
    ratio = price["mean_order_60_days_after"] / price["mean_order_60_days_before"]
    assert abs(ratio - 1.08) < 0.04
    refunds = stories["category of refunds"]
    assert refunds["refunds_per_order"] > 3 * refunds["refunds_per_order_of_others"]


def test_a_world_without_effects_tells_no_stories(tmp_path: Path) -> None:
    world = World(categories=(World().categories[0],)).pure()
    truth = json.loads((simulate(world, out=tmp_path) / "truth.json").read_text(encoding="utf-8"))
    assert truth["stories"] == []
    assert {c["planted"]["rate"] for c in truth["channels"]} == {1.0}
    assert truth["world"]["buying"] == {"r": 0.75, "alpha": 6.0, "a": 0.6, "b": 2.9}


def test_expected_orders_are_the_sum_over_survivals() -> None:
    """E = sum over j of P(at least j purchases by then) times P(still there to make the j-th)."""
    traits = customers_truth(firm(World(customers=40))).to_pylist()
    assert any(row["alive"] for row in traits) and not all(row["alive"] for row in traits)
    j = np.arange(1, 2000)
    for row in traits:
        made = poisson.sf(j - 1, row["rate_per_week"] * 52) * (1 - row["dropout"]) ** (j - 1)
        expected = made.sum() if row["alive"] else 0.0
        assert row["expected_orders"] == pytest.approx(expected, abs=1e-7)
        assert row["expected_value"] == pytest.approx(
            row["expected_orders"] * row["mean_order_value"], abs=1e-6
        )


def raw_rows(folder: Path, pattern: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for path in sorted((folder / "raw").glob(pattern)):
        rows += csv.DictReader(path.read_text(encoding="gb18030").splitlines())
    return rows


def test_raw_orders_are_the_orders_and_the_told_faults(demo: Path) -> None:
    folder = demo
    expected = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["raw"]["orders"]
    rows = raw_rows(folder, "orders_*.csv")
    assert len(rows) == expected["rows"]
    assert expected["rows"] == sum(expected[k] for k in ("stored", "duplicates", "quarantined"))
    different = list({tuple(row.values()): row for row in rows}.values())
    assert len(rows) - len(different) == expected["duplicates"] == 12
    february = [row for row in different if "-02-31" in row["下单时间"]]
    negative = [r for r in different if r["实付金额"].startswith("-") and r["是否退款"] == "否"]
    assert len(february) == expected["on_31_february"] == 3
    assert len(negative) == expected["below_zero_without_refund"] == 2
    faults = {row["订单编号"] for row in [*february, *negative]}
    good = {row["订单编号"]: row for row in different if row["订单编号"] not in faults}
    orders = pq.read_table(folder / "orders.parquet")
    local = orders["ordered_at"].to_numpy() + np.timedelta64(8, "h")
    words = [str(at)[:19].replace("T", " ") for at in local]
    assert len(good) == orders.num_rows == expected["stored"]
    for order, at in zip(orders.to_pylist(), words, strict=True):
        row = good[order["order_id"]]
        assert row["客户编号"] == (order["customer_id"] or "")
        assert row["下单时间"] == at
        assert Decimal(row["实付金额"]) == order["amount"]
        assert (row["商品类别"], row["销售渠道"]) == (order["category"], order["channel"])
        assert (row["是否退款"] == "是") == order["refunded"]


def test_raw_customers_are_the_customers(small: Path) -> None:
    rows = raw_rows(small, "customers.csv")
    different = {row["客户编号"]: row for row in rows}
    assert len(rows) == len(different) + 5
    for customer in pq.read_table(small / "customers.parquet").to_pylist():
        row = different[customer["customer_id"]]
        assert row["省份"][:-1] == customer["region"]
        assert row["行业"] == (customer["industry"] or "无")
        if customer["phone"]:
            number = phonenumbers.parse(row["手机"], "CN")
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            assert e164 == customer["phone"]
        else:
            assert row["手机"] == "无"


def test_settings_are_read(small: Path) -> None:
    book = read_settings(small / "crmkit.toml").book
    assert (book.timezone, book.currency, book.country) == ("Asia/Shanghai", "CNY", "CN")
    assert book.store == small.resolve()
    raw = read_settings(small / "raw" / "crmkit.toml")
    assert raw.tables["orders"].encoding == "gb18030"
    assert set(raw.tables["orders"].columns) == set(TABLES["orders"].names)
    headers = set(raw_rows(small, "customers.csv")[0])
    assert set(raw.tables["customers"].columns.values()) == headers


def test_the_diallers_logs_come_back_as_the_calls(small: Path, tmp_path: Path) -> None:
    raw = tmp_path / "dialler"
    shutil.copytree(small / "raw" / "dialler", raw)
    import_tables(read_settings(raw / "crmkit.toml"))
    made, given = (
        {n: pq.read_table(f / f"{n}.parquet").to_pandas() for n in ("calls", "dispositions")}
        for f in (raw / "store", small)
    )
    key = ["started_at", "lead_id", "agent_id"]
    calls, back = given["calls"], made["calls"]
    assert len(back) == len(calls) > 5000
    for name in ("direction", "campaign_id", "agent_id", "result"):
        counts = [x[name].value_counts().to_dict() for x in (calls, back)]
        assert counts[0] == counts[1], name
    assert (back.disposition.notna() | back.raw_status.notna()).all()
    seconds = calls.assign(started_at=calls.started_at.dt.floor("s"))[key].sort_values(key)
    assert seconds.reset_index(drop=True).equals(back[key].sort_values(key).reset_index(drop=True))
    flags = [x["dispositions"].set_index("code").sort_index() for x in (given, made)]
    assert set(flags[0].index) <= set(flags[1].index)
    sale = flags[1].loc[flags[0].index, "sale"]
    assert (sale == flags[0].sale).all()


def test_the_demo_is_small(demo: Path) -> None:
    folder = demo
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 100e6
    assert pq.read_metadata(folder / "customers.parquet").num_rows == 20_000
    assert 60_000 < pq.read_metadata(folder / "orders.parquet").num_rows < 90_000


@pytest.mark.parametrize(
    ("customers", "days", "calendar"), [(0, 1, True), (0, 40, False), (1, 1, True), (1, 1, False)]
)
def test_the_smallest_firms(tmp_path: Path, customers: int, days: int, calendar: bool) -> None:
    world = World(customers=customers, days=days, calendar=calendar)
    folder = simulate(world, out=tmp_path / "new" / "folder")
    for name in ("customers", "orders"):
        table = pq.read_table(folder / f"{name}.parquet")
        assert table.schema.remove_metadata() == TABLES[name].schema().to_pyarrow()
    assert pq.read_table(folder / "customers.parquet").num_rows == customers
    assert pq.read_table(folder / "orders.parquet").num_rows >= customers
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert truth["raw"]["orders"]["stored"] == truth["totals"]["order_rows"]
    assert len(raw_rows(folder, "orders_*.csv")) == truth["raw"]["orders"]["rows"]


def test_years_of_an_older_run_do_not_stay(tmp_path: Path) -> None:
    simulate(World(customers=50, days=500), out=tmp_path)
    assert (tmp_path / "raw" / "orders_2025.csv").exists()
    simulate(World(customers=50, days=100), out=tmp_path)
    assert [p.name for p in sorted((tmp_path / "raw").glob("orders_*"))] == ["orders_2024.csv"]
    assert not list(tmp_path.rglob("*.part"))


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    simulate(World(customers=1), out=tmp_path, progress=lambda *step: told.append(step))
    assert [(done, of) for _, done, of in told] == [(1, 3), (2, 3), (3, 3)]


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("x")
    with pytest.raises(ParameterError, match="is a file"):
        simulate(World(customers=1), out=tmp_path / "demo")


def test_money_is_exact_beyond_a_double() -> None:
    from crmkit.simulate.firm import money

    cents = np.array([0, 1, -1, 12_345, -9_007_199_254_740_993 // 100])
    expected = [Decimal(int(c)) / 100 for c in cents]
    made = money(cents)
    assert made.type == pa.decimal128(18, 4)
    assert made.to_pylist() == expected


def test_the_simulator_is_a_public_name_that_can_be_called(tmp_path):
    import crmkit as ck

    folder = ck.simulate(World(customers=5), out=tmp_path / "firm")
    assert (folder / "orders.parquet").exists()
    assert ck.simulate.World is World
    with pytest.raises(AttributeError, match="nothing"):
        ck.nothing  # noqa: B018
