"""Snapshots and the churn warning are alike on DuckDB and PySpark."""

import datetime as dt
import random
from decimal import Decimal

import pandas as pd
import pytest

from crmkit.analyses.churn import Leaving, churn
from crmkit.snapshots import snapshots

pytestmark = pytest.mark.spark
DAY = dt.datetime(2025, 1, 1, 12)
ORDERS = {
    "order_id": "string", "customer_id": "string", "ordered_at": "timestamp",
    "amount": "decimal(18, 4)", "refunded": "boolean",
}  # fmt: skip
EVENTS = {
    "event_id": "string", "customer_id": "string", "visitor_id": "string",
    "occurred_at": "timestamp", "event": "string",
}  # fmt: skip


def _orders() -> pd.DataFrame:
    rng = random.Random(1)
    rows = [
        (f"o{i}", f"客{int(150 * rng.random() ** 2)}" if rng.random() < 0.98 else None,
         DAY + dt.timedelta(days=rng.randrange(500), hours=rng.choice([0, 4, 11])),
         Decimal(rng.choice(["5", "12.34", "99.99"])), rng.random() < 0.03)
        for i in range(2500)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(ORDERS))


def _events() -> pd.DataFrame:
    rng = random.Random(2)
    names = ["view", "complaint", "search_discount"]
    rows = [
        (f"e{i}", f"客{rng.randrange(150)}" if rng.random() < 0.6 else None,
         f"v{rng.randrange(170)}",
         DAY + dt.timedelta(minutes=rng.randrange(-100 * 1440, 500 * 1440)),
         rng.choices(names, [20, 1, 1])[0])
        for i in range(4000)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(EVENTS))


def test_snapshots_are_equal(on_both):
    days = ["2025-06-30", "2025-09-15", "2026-01-01"]
    frames = [
        snapshots(
            orders, events, days=days, timezone="Asia/Shanghai", gap=7, followed=60,
            until="2026-04-30",
        ).execute()
        for orders, events in zip(
            on_both(_orders(), ORDERS), on_both(_events(), EVENTS), strict=True
        )
    ]  # fmt: skip
    ours, theirs = (f.sort_values(["snapshot", "customer_id"], ignore_index=True) for f in frames)
    assert len(ours) > 300
    blank = {"end_in": float}  # a column of nothing has no type of its own
    pd.testing.assert_frame_equal(ours.astype(blank), theirs.astype(blank), check_dtype=False)


def test_the_warning_is_equal(on_both):
    found = [
        churn(
            orders, events, as_of="2026-05-01", timezone="Asia/Shanghai", history=3, capacity=20,
            leaving=Leaving(days=30),
        )
        for orders, events in zip(
            on_both(_orders(), ORDERS), on_both(_events(), EVENTS), strict=True
        )
    ]  # fmt: skip
    for name in ("scores", "grades", "rules", "backtest", "when"):
        ours, theirs = (getattr(result, name) for result in found)
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-7)
    assert found[0].trained > 100
