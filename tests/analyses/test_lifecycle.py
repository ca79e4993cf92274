"""Lifecycle and stickiness against rows written by hand and plain Python."""

import datetime as dt
import importlib.util
from collections import Counter
from pathlib import Path

import ibis
import pandas as pd
import pytest

from crmkit import text
from crmkit.analyses.lifecycle import lifecycle
from crmkit.analyses.stickiness import stickiness
from crmkit.errors import BookError, ParameterError

_SPEC = importlib.util.spec_from_file_location(
    "oracle_retention", Path(__file__).with_name("oracle_retention.py")
)
oracle = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(oracle)

COUNTS = ["active", "new", "returning", "resurrecting"]


def events(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "occurred_at"])
    frame["occurred_at"] = pd.to_datetime(frame.occurred_at, format="ISO8601")
    return ibis.memtable(frame, schema={"customer_id": "string", "occurred_at": "timestamp"})


def people(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "created_at"])
    frame["created_at"] = pd.to_datetime(frame.created_at, format="ISO8601")
    return ibis.memtable(frame, schema={"customer_id": "string", "created_at": "timestamp"})


LIFE = events(
    ("a", "2011-01-05"),
    ("b", "2011-01-06"),
    ("b", "2011-01-07"),
    ("b", "2011-02-06"),
    ("c", "2011-02-08"),
    ("a", "2011-04-01"),
    (None, "2011-04-02"),
)


def test_every_state_by_hand_and_a_quiet_month_too():
    found = lifecycle(LIFE, as_of="2011-04-30").periods
    assert found[COUNTS].to_numpy().tolist() == [
        [2, 2, 0, 0],
        [2, 1, 1, 0],
        [0, 0, 0, 0],
        [1, 0, 0, 1],
    ]
    assert found.dormant.tolist() == [0, 1, 2, 0]
    assert found.quick_ratio.tolist()[1:3] == [1.0, 0.0]
    assert found.kept.tolist()[1:3] == [0.5, 0.0]
    assert not found.partial.any()


def test_the_running_period_is_partial_and_its_dormant_are_not_known():
    found = lifecycle(LIFE, as_of="2011-04-29")
    assert found.periods.partial.tolist() == [False, False, False, True]
    assert found.periods.dormant.isna().tolist() == [False, False, False, True]
    assert found.headline.startswith("Mar 2011: 0 active customers")
    assert found.dropped == 1


def test_new_may_mean_created_in_the_period():
    customers = people(("a", "2010-12-01"), ("b", "2011-01-01"), ("c", None))
    found = lifecycle(LIFE, customers, as_of="2011-04-30", new="created").periods
    assert found.new.tolist() == [1, 1, 0, 0]  # a was created before; c has no date
    assert found.resurrecting.tolist() == [1, 0, 0, 1]
    with pytest.raises(BookError, match="needs the table customers"):
        lifecycle(LIFE, as_of="2011-04-30", new="created")
    with pytest.raises(ParameterError, match="first, created"):
        lifecycle(LIFE, as_of="2011-04-30", new="borned")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_the_states_are_those_of_plain_python(seed, period):
    rows = [row for row in oracle.stream(seed) if row["customer_id"]]
    as_of, zone = dt.date(2011, 4, 12), "America/New_York"
    active = {}
    for row in rows:
        day = oracle.local_day(row["at"], zone)
        if day <= as_of:
            active.setdefault(oracle.first_day(day, period), set()).add(row["customer_id"])
    table = events(*[(row["customer_id"], row["at"].isoformat()) for row in rows])
    found = lifecycle(table, as_of=as_of, timezone=zone, period=period).periods
    seen, before = set(), set()
    for row in found.itertuples():
        now = active.get(row.period.date(), set())
        assert (row.active, row.new, row.returning) == (
            len(now),
            len(now - seen),
            len(now & before),
        )
        assert row.resurrecting == len((now & seen) - before)
        assert row.partial or row.dormant == len(before - now)
        seen, before = seen | now, now
    assert found.active.sum() == sum(len(who) for who in active.values())


def test_stickiness_counts_exactly_and_at_least():
    table = events(
        ("a", "2011-01-05"),
        ("a", "2011-01-05 20:00"),
        ("b", "2011-01-05"),
        ("b", "2011-01-06"),
        ("b", "2011-01-09"),
        ("b", "2011-02-01"),
        (None, "2011-01-01"),
    )
    found = stickiness(table, as_of="2011-02-05")
    january = found.cells[found.cells.over == "2011-01-01"]
    assert january[["k", "exactly", "at_least"]].to_numpy().tolist() == [
        [1, 1, 2],
        [2, 0, 1],
        [3, 1, 1],
    ]
    assert january.rate.tolist() == [1.0, 0.5, 0.5]
    assert found.means["mean"].tolist() == [2.0, 1.0]
    assert found.means.partial.tolist() == [False, True]
    assert found.dropped == 1
    assert found.headline.startswith("Jan 2011: 2 active customers came on 2.0 days on average")


@pytest.mark.parametrize("seed", range(4))
def test_stickiness_is_that_of_plain_python(seed):
    rows = [row for row in oracle.stream(seed) if row["customer_id"]]
    days = {(row["customer_id"], oracle.local_day(row["at"], "Asia/Shanghai")) for row in rows}
    each = Counter((who, oracle.first_day(day, "month")) for who, day in days)
    wanted = Counter((month, k) for (_, month), k in each.items())
    table = events(*[(row["customer_id"], row["at"].isoformat()) for row in rows])
    found = stickiness(table, as_of="2011-12-31", timezone="Asia/Shanghai").cells
    got = {(r.over.date(), r.k): r.exactly for r in found.itertuples() if r.exactly}
    assert got == wanted


def test_the_shorter_period_must_be_shorter():
    with pytest.raises(ParameterError, match="must be shorter"):
        stickiness(LIFE, as_of="2011-04-30", over="week", period="month")


@pytest.mark.parametrize("analysis", [lifecycle, stickiness])
def test_nothing_gives_an_empty_result(analysis):
    found = analysis(events(), as_of="2011-04-30")
    assert found.empty and found.headline == "No customer was active by 30 Apr 2011."
    assert found.plot().words == found.headline
    assert found.key_figures() == () and found.findings() == ()
    assert found.table().json()["rows"] == []


@pytest.mark.parametrize("analysis", [lifecycle, stickiness])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("as_of", ["2011-01-20", "2011-02-28", "2011-04-29"])
def test_tables_and_charts_can_be_shown(analysis, language, as_of):
    found = analysis(LIFE, as_of=as_of)
    with text.reading(language=language):
        for name in found.tables():
            assert found.table(name).json()["rows"]
        assert found.plot().wide.startswith("<svg")
        shown = f"{found.headline}{found.definition}{found.findings()}"
        assert "{" not in shown
        assert len(found.key_figures()) >= (0 if as_of == "2011-01-20" else 1)
