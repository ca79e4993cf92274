"""Attribution gives equal results on every engine."""

import datetime as dt
import random
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from crmkit.analyses.attribution import attribution, attribution_sensitivity

pytestmark = pytest.mark.spark

TOUCHES = {
    "customer_id": "string",
    "occurred_at": "timestamp",
    "channel": "string",
    "campaign": "string",
    "kind": "string",
}
CONVERSIONS = {"customer_id": "string", "ordered_at": "timestamp", "amount": "decimal(18, 4)"}
OPTIONS = {"as_of": "2011-12-09", "timezone": "Asia/Shanghai"}
FRAMES = ("credit", "channels", "agreement", "flow", "paths")


def touches(n=900):
    """Touches with ties, duplicates, unknown channels and customers."""
    rng = random.Random(5)
    start = dt.datetime(2011, 1, 1)
    rows = []
    for _ in range(n):
        customer = None if rng.random() < 0.03 else f"客户{int(70 * rng.random() ** 2):03d}"
        at = start + dt.timedelta(days=rng.randint(0, 350), hours=rng.choice([0, 9, 22]))
        channel = rng.choice(["搜索", "mail", "短信", "direct", "live", None, " "])
        kind = "direct" if channel == "direct" else rng.choice(["paid", None])
        row = (customer, at, channel, rng.choice(["a", "b", None]), kind)
        rows += [row] * rng.choice([1, 1, 1, 2])
    return pa.table(
        [pa.array(column) for column in zip(*rows, strict=True)], names=list(TOUCHES)
    ).cast(
        pa.schema([(n, pa.timestamp("us") if n == "occurred_at" else pa.string()) for n in TOUCHES])
    )


def conversions(n=160):
    """Orders, some at one instant, some of nobody known, some below zero or without a value."""
    rng = random.Random(6)
    start = dt.datetime(2011, 1, 10)
    rows = []
    for _ in range(n):
        customer = None if rng.random() < 0.03 else f"客户{int(80 * rng.random() ** 2):03d}"
        at = start + dt.timedelta(days=rng.randint(0, 340), hours=rng.choice([0, 9, 22]))
        amount = rng.choice([None, Decimal("5.0000"), Decimal("19.9900"), Decimal("-3.0000")])
        rows += [(customer, at, amount)] * rng.choice([1, 1, 2])
    who, when, amounts = zip(*rows, strict=True)
    return pa.table(
        {
            "customer_id": pa.array(who, pa.string()),
            "ordered_at": pa.array(when, pa.timestamp("us")),
            "amount": pa.array(amounts, pa.decimal128(18, 4)),
        }
    )


def same(left, right):
    """Equal but for the last digits of time decay, whose powers engines round differently."""
    pd.testing.assert_frame_equal(left, right, check_dtype=False, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"bootstrap": 40},
        {"transform": "frequency", "order": 3, "bootstrap": 10, "start": "2011-03-01"},
        {"transform": "unique", "order": 2, "lookback": 10, "game": "conversions", "top": 3},
        {"transform": "first", "by": "campaign", "direct": ["a"], "open_paths": False},
    ],
)
def test_attribution(on_both, options):
    seen, won = on_both(touches(), TOUCHES), on_both(conversions(), CONVERSIONS)
    here, there = (
        attribution(s, w, **{**OPTIONS, "bootstrap": 0, **options})
        for s, w in zip(seen, won, strict=True)
    )
    assert here.touched > 30
    assert here.facts == there.facts
    assert here.facts["copies"] > 20
    for name in FRAMES:
        same(getattr(here, name), getattr(there, name))
    assert here.headline == there.headline


def test_sensitivity(on_both):
    seen, won = on_both(touches(), TOUCHES), on_both(conversions(), CONVERSIONS)
    here, there = (
        attribution_sensitivity(s, w, **OPTIONS, lookbacks=[7, 30], transforms=["first"])
        for s, w in zip(seen, won, strict=True)
    )
    same(here.credit, there.credit)


@pytest.mark.parametrize("empty", ["touches", "conversions", "both"])
def test_empty_tables(on_both, empty):
    seen = touches().slice(0, 0) if empty != "conversions" else touches()
    won = conversions().slice(0, 0) if empty != "touches" else conversions()
    tables = on_both(seen, TOUCHES), on_both(won, CONVERSIONS)
    here, there = (attribution(s, w, **OPTIONS, bootstrap=5) for s, w in zip(*tables, strict=True))
    assert here.empty == (empty != "touches")
    for name in FRAMES:
        same(getattr(here, name), getattr(there, name))
    assert here.facts == there.facts
