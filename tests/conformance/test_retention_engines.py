"""Retention gives the same frames, bit for bit, on DuckDB and on PySpark."""

import datetime as dt
import importlib.util
import itertools
from pathlib import Path

import pandas as pd
import pandas.testing as pdt
import pytest

from crmkit.analyses.retention import retention

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
