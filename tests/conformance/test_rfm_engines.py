"""RFM and movement give equal results on every engine."""

import datetime as dt
import random
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from crmkit.analyses.movement import movement
from crmkit.analyses.rfm import rfm

pytestmark = pytest.mark.spark

SCHEMA = {"customer_id": "string", "ordered_at": "timestamp", "amount": "decimal(18, 4)"}
OPTIONS = {"as_of": "2011-12-09", "timezone": "Europe/London"}


def orders(n=600):
    """Orders with ties, cents, unknown customers, and days that turn around midnight."""
    rng = random.Random(7)
    start = dt.datetime(2010, 12, 1)
    rows = []
    for _ in range(n):
        customer = None if rng.random() < 0.03 else f"客户{int(120 * rng.random() ** 2):03d}"
        at = start + dt.timedelta(
            days=rng.randint(0, 380), hours=rng.choice([0, 9, 22, 23]), minutes=30
        )
        rows.append((customer, at, f"{rng.choice([5, 12.5, 19.99, 100, 250.25]):.4f}"))
    customers, times, amounts = zip(*rows, strict=True)
    return pa.table(
        {
            "customer_id": pa.array(customers, pa.string()),
            "ordered_at": pa.array(times, pa.timestamp("us")),
            "amount": pa.array(map(Decimal, amounts), pa.decimal128(18, 4)),
        }
    )


def same(left, right):
    pd.testing.assert_frame_equal(left, right, check_dtype=False, check_exact=True)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rule": "quantile+1", "segments": "eight"},
        {"history": 90, "bins": 3, "segments": "eight"},
        {"thresholds": {"recency": [30, 60, 90, 180], "monetary": [50, 100.5, 300, 1000]}},
    ],
)
def test_rfm(on_both, options):
    here, there = (rfm(table, **OPTIONS, **options) for table in on_both(orders(), SCHEMA))
    assert here.customers > 50
    assert here.limits == there.limits
    for name in ("segments", "grid", "distribution", "thresholds", "concentration", "cells"):
        same(getattr(here, name), getattr(there, name))
    assert here.headline == there.headline
    same(here.actions(limit=20).frame, there.actions(limit=20).frame)


@pytest.mark.parametrize("options", [{}, {"scale": "earlier", "segments": "eight", "history": 120}])
def test_movement(on_both, options):
    here, there = (movement(table, **OPTIONS, **options) for table in on_both(orders(), SCHEMA))
    assert here.moved > 0
    same(here.moves, there.moves)
    same(here.segments, there.segments)
    same(here.actions(limit=20).frame, there.actions(limit=20).frame)


def test_an_empty_table(on_both):
    here, there = (rfm(table, **OPTIONS) for table in on_both(orders().slice(0, 0), SCHEMA))
    assert here.empty
    assert there.empty
    same(here.segments, there.segments)
