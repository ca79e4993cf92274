"""Retention gives the same frames, bit for bit, on DuckDB and on PySpark."""

import datetime as dt
import importlib.util
import itertools
from pathlib import Path

import pandas as pd
import pandas.testing as pdt
import pytest

from crmkit.analyses.lifecycle import lifecycle
from crmkit.analyses.retention import forty_twenty_ten, retention
from crmkit.analyses.stickiness import stickiness
from crmkit.analyses.survival import time_to_return

_SPEC = importlib.util.spec_from_file_location(
    "oracle_retention", Path(__file__).parents[1] / "analyses" / "oracle_retention.py"
)
oracle = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(oracle)

SCHEMA = {
    "customer_id": "string",
    "occurred_at": "timestamp",
    "event": "string",
    "channel": "string",
    "amount": "decimal(18, 4)",
}
FRAMES = ["cohorts", "cells", "mean", "revenue", "groups", "group_mean"]
KINDS = list(
    itertools.product(
        ["on", "on_or_after", "brackets"],
        ["first", "first_ever", "recurring"],
        ["calendar", "elapsed"],
    )
)

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def rows():
    return pd.DataFrame(oracle.stream(7)).rename(columns={"at": "occurred_at"})


def same(one, other):
    for name in FRAMES:
        pdt.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


@pytest.mark.parametrize(("criterion", "cohort", "clock"), KINDS)
def test_the_engines_agree_with_every_option(on_both, rows, criterion, cohort, clock):
    here, there = on_both(rows, SCHEMA)
    chosen = {
        "as_of": "2011-04-20",
        "timezone": "Europe/London",
        "period": "week",
        "criterion": criterion,
        "brackets": ((1, 1), (2, 3), (5, 6)) if criterion == "brackets" else None,
        "cohort": cohort,
        "clock": clock,
        "start": "visit",
        "minimum": 2 if cohort == "recurring" else 1,
        "breakdown": "channel",
        "since": "2011-02-10",
        "same_period": clock == "elapsed",
    }
    found = retention(here, **chosen)
    assert len(found.cells) > 5
    same(found, retention(there, **chosen))


@pytest.mark.parametrize("cohort", ["first", "recurring"])
@pytest.mark.parametrize("period", ["day", "month"])
def test_the_engines_agree_on_the_short_way(on_both, rows, cohort, period):
    here, there = on_both(rows, SCHEMA)
    chosen = {"as_of": dt.date(2011, 4, 20), "timezone": "Asia/Shanghai"}
    found = retention(here, period=period, cohort=cohort, **chosen)
    assert len(found.cells) > 5
    same(found, retention(there, period=period, cohort=cohort, **chosen))


def test_the_engines_agree_on_the_questions_beside_it(on_both, rows):
    here, there = on_both(rows, SCHEMA)
    chosen = {"as_of": dt.date(2011, 4, 20), "timezone": "Europe/London"}
    asked = [
        (lifecycle, {"period": "week"}, ["periods"]),
        (stickiness, {}, ["cells", "means"]),
        (forty_twenty_ten, {"start": "visit"}, ["rule"]),
        (time_to_return, {"by": "channel"}, ["curve", "points", "groups", "group_curves"]),
    ]
    for question, options, frames in asked:
        one, other = question(here, **chosen, **options), question(there, **chosen, **options)
        for name in frames:
            assert len(getattr(one, name))
            pdt.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


def test_the_engines_agree_on_who_is_new_by_creation(on_both, rows):
    names = sorted(rows.customer_id.dropna().unique())
    created = [dt.datetime(2011, 1, 1) + dt.timedelta(days=9 * k) for k in range(len(names))]
    people = {"customer_id": names, "created_at": created}
    schema = {"customer_id": "string", "created_at": "timestamp"}
    chosen = {"as_of": "2011-04-20", "new": "created"}
    tables = zip(on_both(rows, SCHEMA), on_both(people, schema), strict=True)
    one, other = (lifecycle(events, customers, **chosen).periods for events, customers in tables)
    pdt.assert_frame_equal(one, other, check_exact=True)
