"""Retention against rows written by hand, plain Python, and published facts."""

import datetime as dt
import importlib.util
from decimal import Decimal
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit import text
from crmkit.analyses.retention import forty_twenty_ten, retention
from crmkit.errors import InputError, ParameterError
from crmkit.stats import wilson

_SPEC = importlib.util.spec_from_file_location(
    "oracle_retention", Path(__file__).with_name("oracle_retention.py")
)
oracle = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(oracle)

EVENTS = {
    "customer_id": "string",
    "occurred_at": "timestamp",
    "event": "string",
    "channel": "string",
    "amount": "decimal(18, 4)",
}
ORDERS = {"customer_id": "string", "ordered_at": "timestamp"}


def at(words):
    return dt.datetime.fromisoformat(words)


def orders(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at"])
    frame["ordered_at"] = pd.to_datetime(frame.ordered_at, format="ISO8601")
    return ibis.memtable(frame, schema=ORDERS)


def stream(rows):
    frame = pd.DataFrame(rows).rename(columns={"at": "occurred_at"})
    return ibis.memtable(frame, schema=EVENTS)


def counted(found, *, grouped=False):
    """{(cohort, group, period): [n, customers, partial]} of a result."""
    cells = found.groups if grouped else found.cells.assign(group=None)
    return {
        (row.cohort.date(), None if pd.isna(row.group) else row.group, row.period): [
            row.n,
            row.customers,
            row.partial,
        ]
        for row in cells.itertuples()
    }


def cell(found, cohort, period):
    cells = found.cells
    return cells[(cells.cohort == pd.Timestamp(cohort)) & (cells.period == period)].iloc[0]


# --- every option, against plain Python ---------------------------------------------------


@pytest.mark.parametrize("seed", range(24))
def test_cells_are_those_of_plain_python_for_random_options(seed):
    rows, options = oracle.stream(seed), oracle.options(seed)
    wanted = oracle.retention(rows, **options)
    found = retention(stream(rows), **options)
    assert counted(found, grouped=options["breakdown"] is not None) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1400))
def test_cells_are_those_of_plain_python_for_many_random_options(seed):
    rows, options = oracle.stream(seed), oracle.options(seed)
    wanted = oracle.retention(rows, **options)
    found = retention(stream(rows), **options)
    assert counted(found, grouped=options["breakdown"] is not None) == wanted


@pytest.mark.parametrize("cohort", ["first", "recurring"])
@pytest.mark.parametrize("criterion", ["on", "on_or_after"])
@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_the_short_way_and_the_long_way_give_the_same(cohort, criterion, period):
    events = stream(oracle.stream(3))
    plain = {"as_of": "2011-04-20", "cohort": cohort, "criterion": criterion, "period": period}
    short = retention(events, minimum=2, **plain)
    long = retention(events, minimum=2, since="2000-01-01", **plain)
    assert len(short.cells) > 3
    pd.testing.assert_frame_equal(short.cells, long.cells)
    pd.testing.assert_frame_equal(short.revenue, long.revenue)


@pytest.mark.parametrize("seed", range(300, 312))
def test_revenue_is_that_of_plain_python(seed):
    rows, options = oracle.stream(seed), oracle.options(seed)
    options |= {"criterion": "on", "brackets": None}
    wanted = {}
    oracle.retention(rows, **options, earned=wanted)
    found = retention(stream(rows), **options).revenue
    got = {(r.cohort.date(), r.period): r.revenue for r in found.itertuples()}
    assert got == wanted


def test_groups_add_up_to_the_whole():
    found = retention(stream(oracle.stream(5)), as_of="2011-04-20", breakdown="channel")
    sums = found.groups.groupby(["cohort", "period"])[["n", "customers"]].sum()
    whole = found.cells.set_index(["cohort", "period"])[["n", "customers"]]
    pd.testing.assert_frame_equal(sums, whole)
    assert set(found.groups.group.dropna()) == {"web", "电话"}
    assert found.groups.group.isna().any()


# --- published facts ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lines(shared_data):
    return pd.read_csv(
        shared_data / "online_retail.csv.gz",
        dtype={"CustomerID": "string", "InvoiceNo": "string"},
        parse_dates=["InvoiceDate"],
    )


def shop(lines):
    amount = lines.Quantity * lines.UnitPrice
    each = lines.assign(amount=amount).groupby(["InvoiceNo", "CustomerID"], dropna=False)
    invoices = each.agg(ordered_at=("InvoiceDate", "min"), amount=("amount", "sum")).reset_index()
    return ibis.memtable(
        pd.DataFrame(
            {
                "customer_id": invoices.CustomerID,
                "ordered_at": invoices.ordered_at,
                "amount": [Decimal(f"{value:.4f}") for value in invoices.amount],
            }
        ),
        schema={**ORDERS, "amount": "decimal(18, 4)"},
    )


def test_online_retail_cleaned(lines):
    kept = lines.CustomerID.notna() & ~lines.InvoiceNo.str.startswith("C")
    cleaned = lines[kept & (lines.Quantity > 0) & (lines.UnitPrice > 0)]
    assert len(cleaned) == 397_884
    found = retention(shop(cleaned), as_of="2011-12-09")
    assert found.cohorts.n.sum() == 4_338
    first = cell(found, "2010-12-01", 1)
    assert (first.n, first.customers) == (885, 324)
    assert round(first.rate, 3) == 0.366
    assert (first.rate_low, first.rate_high) == pytest.approx([float(x) for x in wilson(324, 885)])
    assert found.revenue.revenue.sum() == pytest.approx(8_911_407.904, abs=0.01)
    december = found.cells[found.cells.cohort == "2011-12-01"]
    assert december.partial.all() and december.period.tolist() == [0]
    assert cell(found, "2010-12-01", 12).partial
    assert not cell(found, "2010-12-01", 11).partial
    assert found.mean.period.max() == 11
    assert found.headline.startswith("Of 358 customers who first bought in Oct 2011, 24.0%")


def test_online_retail_uncleaned(lines):
    found = retention(shop(lines), as_of="2011-12-09")
    first = cell(found, "2010-12-01", 1)
    assert (first.n, first.customers) == (948, 362)
    assert found.cohorts.n.sum() == 4_372
    assert found.dropped == lines[lines.CustomerID.isna()].InvoiceNo.nunique()


# --- clocks and calendars -------------------------------------------------------------------


def test_an_hour_before_midnight_utc_belongs_to_the_next_day_in_a_london_summer():
    events = orders(("a", "2011-03-31 23:30"), ("a", "2011-05-01"), ("b", "2011-03-31 22:30"))
    london = retention(events, as_of="2011-05-31", timezone="Europe/London")
    assert london.cohorts.cohort.dt.month.tolist() == [3, 4]
    assert cell(london, "2011-04-01", 1).customers == 1
    greenwich = retention(events, as_of="2011-05-31", timezone="UTC")
    assert greenwich.cohorts.cohort.dt.month.tolist() == [3]


def test_an_elapsed_day_is_24_hours_across_the_change_of_the_clocks():
    # 27 March 2011 had 23 hours in London: 24 hours after noon is 13:00 the next day.
    events = orders(
        ("a", "2011-03-26 12:00"),
        ("a", "2011-03-27 11:59"),
        ("b", "2011-03-26 12:00"),
        ("b", "2011-03-27 12:00"),
    )
    found = retention(
        events, as_of="2011-03-31", timezone="Europe/London", period="day", clock="elapsed"
    )
    first = cell(found, "2011-03-26", 1)
    assert (first.n, first.customers) == (2, 1)


def test_elapsed_cells_count_only_members_whose_window_is_over():
    events = orders(("a", "2011-01-01"), ("a", "2011-02-05"), ("b", "2011-01-20"))
    found = retention(events, as_of="2011-03-02", clock="elapsed")  # a: 61 days, b: 42 days
    assert found.cells.n.tolist() == [2, 1]
    assert cell(found, "2011-01-01", 1).customers == 1
    assert found.cohorts.n.tolist() == [2]


def test_the_last_day_of_a_period_completes_it():
    events = orders(("a", "2011-01-05"), ("a", "2011-02-05"))
    whole = retention(events, as_of="2011-02-28")
    assert not cell(whole, "2011-01-01", 1).partial
    running = retention(events, as_of="2011-02-27")
    assert cell(running, "2011-01-01", 1).partial
    assert running.mean.period.tolist() == [0]
    assert "is not over for any cohort" in running.headline


def test_future_cells_are_absent_and_what_comes_after_as_of_is_not_seen():
    events = orders(("a", "2011-01-05"), ("a", "2011-02-05"), ("b", "2011-02-06"))
    found = retention(events, as_of="2011-01-31")
    assert counted(found) == {(dt.date(2011, 1, 1), None, 0): [1, 1, False]}


# --- meaning of the options -----------------------------------------------------------------


def test_minimum_applies_to_returns_and_never_to_the_size_of_a_cohort():
    events = orders(
        ("a", "2011-01-05"),
        ("a", "2011-02-05"),
        ("a", "2011-02-06"),
        ("b", "2011-01-05"),
        ("b", "2011-02-05"),
    )
    found = retention(events, as_of="2011-02-28", minimum=2)
    assert found.cohorts.n.tolist() == [2]
    assert cell(found, "2011-01-01", 1).customers == 1


def test_first_ever_looks_before_the_range_and_first_does_not():
    events = orders(("a", "2011-01-05"), ("a", "2011-02-05"), ("b", "2011-02-07"))
    choice = {"as_of": "2011-03-31", "since": "2011-02-01"}
    assert retention(events, cohort="first", **choice).cohorts.n.tolist() == [2]
    assert retention(events, cohort="first_ever", **choice).cohorts.n.tolist() == [1]


def test_same_period_return_needs_another_event_than_the_start():
    events = orders(("a", "2011-01-05"), ("b", "2011-01-05"), ("b", "2011-01-05"))
    found = retention(events, as_of="2011-01-31", same_period=True)
    assert cell(found, "2011-01-01", 0).customers == 1
    without = retention(events, as_of="2011-01-31")
    assert cell(without, "2011-01-01", 0).rate == 1.0


def test_start_and_back_may_be_events_or_conditions():
    rows = [
        {"customer_id": "a", "at": at("2011-01-05"), "event": "visit", "channel": "x", "amount": 1},
        {"customer_id": "a", "at": at("2011-02-05"), "event": "order", "channel": "x", "amount": 9},
        {"customer_id": "b", "at": at("2011-02-05"), "event": "order", "channel": "x", "amount": 9},
    ]
    named = retention(stream(rows), as_of="2011-02-28", start="visit", back="order")
    assert counted(named) == {
        (dt.date(2011, 1, 1), None, 0): [1, 1, False],
        (dt.date(2011, 1, 1), None, 1): [1, 1, False],
    }
    asked = retention(
        stream(rows), as_of="2011-02-28", start=ibis._.amount < 5, back=ibis._.amount > 5
    )
    assert counted(asked) == counted(named)
    assert "amount" in dict(asked.definition.items)["Start"]


def test_the_group_is_the_value_at_the_start_and_ties_are_settled():
    rows = [
        {"customer_id": "a", "at": at("2011-01-05"), "event": "x", "channel": "web", "amount": 1},
        {"customer_id": "a", "at": at("2011-01-05"), "event": "x", "channel": "app", "amount": 1},
        {"customer_id": "a", "at": at("2011-02-05"), "event": "x", "channel": "aaa", "amount": 1},
        {"customer_id": "b", "at": at("2011-01-05"), "event": "x", "channel": None, "amount": 1},
    ]
    found = retention(stream(rows), as_of="2011-02-28", breakdown="channel")
    named = {None if pd.isna(g) else g for g in found.groups.group}
    assert named == {"app", None}
    assert "unknown" in {row[0]["words"] for row in found.table("groups").json()["rows"]}


def test_revenue_retention_and_revenue_per_customer():
    rows = [("a", "2011-01-05", 100), ("a", "2011-02-05", 30), ("b", "2011-01-09", 50)]
    events = stream(
        [
            {"customer_id": c, "at": at(t), "event": "o", "channel": "w", "amount": m}
            for c, t, m in rows
        ]
    )
    found = retention(events, as_of="2011-02-28").revenue
    assert found.revenue.tolist() == [150.0, 30.0]
    assert found.retention.tolist() == [1.0, 0.2]
    assert found.per_customer.tolist() == [75.0, 90.0]


def test_the_mean_is_weighted_and_leaves_out_what_is_not_over():
    events = orders(
        *[(f"a{k}", "2011-01-05") for k in range(3)],
        ("a0", "2011-02-05"),
        ("b", "2011-02-05"),
        ("b", "2011-03-05"),
    )
    found = retention(events, as_of="2011-03-31")
    mean = found.mean.set_index("period")
    assert (mean.n[1], mean.customers[1], mean.rate[1]) == (4, 2, 0.5)
    running = retention(events, as_of="2011-03-30").mean.set_index("period")
    assert (running.n[1], running.customers[1]) == (3, 1)


# --- edges ----------------------------------------------------------------------------------


def test_nothing_gives_an_empty_result_that_says_so():
    found = retention(orders(), as_of="2011-12-09", breakdown=None)
    assert found.empty and found.cells.empty and found.mean.empty and found.revenue.empty
    assert found.headline == "No customer started by 9 Dec 2011, so there is no cohort to follow."
    assert found.plot().words == found.headline
    assert found.findings() == () and found.key_figures() == ()
    assert found.table().json()["rows"] == []
    assert "No customer" in found._repr_html_()


def test_one_row():
    found = retention(orders(("a", "2011-01-05")), as_of="2011-03-31")
    assert found.cells.customers.tolist() == [1, 0, 0]
    assert found.headline == (
        "Of 1 customers who first bought in Jan 2011, 0.0% (0.0–79.3%) bought again in the next "
        "month."
    )


def test_rows_without_a_customer_are_left_out_counted_and_said():
    events = orders((None, "2011-01-05"), (None, "2011-01-06"), ("a", "2011-01-05"))
    found = retention(events, as_of="2011-01-31")
    assert found.dropped == 2 and found.cohorts.n.tolist() == [1]
    assert dict(found.definition.items)["Without a customer"].startswith("2 rows")


@pytest.mark.parametrize(("again", "rate"), [(True, 1.0), (False, 0.0)])
def test_all_return_and_none_return(again, rate):
    rows = [(f"c{k}", "2011-01-05") for k in range(40)]
    rows += [(f"c{k}", "2011-02-05") for k in range(40)] if again else []
    found = retention(orders(*rows), as_of="2011-02-28")
    first = cell(found, "2011-01-01", 1)
    assert first.rate == rate
    assert 0 <= first.rate_low <= first.rate_high <= 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"criterion": "onn"}, "Did you mean 'on'"),
        ({"cohort": "frist"}, "Did you mean 'first'"),
        ({"clock": "sun"}, "Give one of: calendar, elapsed"),
        ({"period": "fortnight"}, "day, week, month, quarter, year"),
        ({"criterion": "brackets"}, "give them together"),
        ({"brackets": ((1, 2),)}, "give them together"),
        ({"criterion": "brackets", "brackets": ((1, 3), (3, 4))}, "none overlapping"),
        ({"criterion": "brackets", "brackets": ((0, 3),)}, "from 1 on"),
        ({"minimum": 0}, "give 1 or more"),
        ({"periods": 0}, "give 1 or more"),
        ({"since": "2011-02-01", "until": "2011-01-01"}, "lies after"),
        ({"start": "visit"}, "no column event"),
        ({"start": 7}, "neither an event name nor a condition"),
        ({"breakdown": "orderd_at"}, "Did you mean 'ordered_at'"),
        ({"timezone": "Europe/Londn"}, "Did you mean 'Europe/London'"),
    ],
)
def test_options_that_do_not_go_together_say_what_would_do(given, words):
    with pytest.raises(ParameterError, match=words):
        retention(orders(("a", "2011-01-05")), as_of="2011-01-31", **given)


def test_a_table_without_customer_or_time_says_so():
    with pytest.raises(InputError, match="no column customer_id"):
        retention(ibis.memtable({"x": [1]}), as_of="2011-01-31")
    with pytest.raises(InputError, match="exactly one of the time columns"):
        retention(ibis.memtable({"customer_id": ["a"]}), as_of="2011-01-31")


# --- words and pictures ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def busy():
    random = np.random.default_rng(1)
    rows = []
    for k in range(900):
        start = int(random.integers(0, 270))
        chance = 0.5 if start < 90 else 0.15
        days = [start] + [start + 30 * j for j in range(1, 6) if random.random() < chance]
        rows += [
            {
                "customer_id": f"c{k}",
                "at": dt.datetime(2011, 1, 1) + dt.timedelta(days=day),
                "event": "o",
                "channel": "电话" if k % 3 else "web",
                "amount": 10 + k % 7,
            }
            for day in days
        ]
    return stream(rows)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "options",
    [
        {"breakdown": "channel"},
        {"criterion": "on_or_after", "cohort": "recurring"},
        {"criterion": "brackets", "brackets": ((1, 1), (2, 3))},
        {"clock": "elapsed", "same_period": True, "since": "2011-02-01", "until": "2011-06-30"},
    ],
)
def test_every_table_and_chart_can_be_shown(busy, options, language):
    found = retention(busy, as_of="2011-10-15", **options)
    with text.reading(language=language, currency="CNY"):
        for name in found.tables():
            assert found.table(name).json()["rows"]
        for kind in found.plots():
            assert found.plot(kind).wide.startswith("<svg")
        assert "{" not in f"{found.headline}{found.definition}{found.findings()}".replace("{}", "")
        if language == "zh":
            assert "留存" in found.headline + str(found.definition)


def test_a_cohort_far_from_the_others_is_found(busy):
    words = " ".join(finding.words for finding in retention(busy, as_of="2011-10-15").findings())
    assert "the best cohort" in words


def test_key_figures_are_those_of_the_frames(busy):
    found = retention(busy, as_of="2011-10-31")
    latest = found.cells[(found.cells.period == 1) & ~found.cells.partial].iloc[-1]
    figure = found.key_figures()[0]
    assert (figure.value, figure.low, figure.high) == (
        latest.rate,
        latest.rate_low,
        latest.rate_high,
    )


# --- the 40-20-10 rule ----------------------------------------------------------------------


def test_the_rule_is_met_missed_or_open():
    rows = [(f"c{k}", "2011-01-03") for k in range(100)]
    rows += [(f"c{k}", "2011-01-04") for k in range(80)]
    rows += [(f"c{k}", "2011-01-12") for k in range(20)]
    found = forty_twenty_ten(orders(*rows), as_of="2011-02-28")
    rule = found.rule.set_index("period")
    assert rule.customers.tolist() == [80, 20, 0]
    assert rule.verdict.tolist() == ["met", "open", "missed"]
    assert found.headline == (
        "Day 1 80.0%, Week 1 20.0%, Month 1 0.0%: 1 of 3 targets of the 40-20-10 rule are met."
    )
    assert [finding.words[:7] for finding in found.findings()] == ["Month 1"]
    assert found.plot().wide and found.table().json()["rows"]


def test_the_rule_is_blank_where_nothing_can_be_observed():
    found = forty_twenty_ten(orders(("a", "2011-01-03")), as_of="2011-01-03")
    assert found.empty and found.rule.rate.isna().all()
    assert found.rule.verdict.tolist() == ["unknown"] * 3
    assert found.plot().words == "No first day after a start is over yet."


def test_the_rule_agrees_with_retention():
    events = stream(oracle.stream(11))
    rule = forty_twenty_ten(events, as_of="2011-04-20").rule.set_index("period")
    for period in ("day", "week", "month"):
        mean = retention(events, as_of="2011-04-20", period=period).mean.set_index("period")
        assert (rule.n[period], rule.customers[period]) == (mean.n[1], mean.customers[1])
