"""Feedback on win-back lists: the same counts on DuckDB and on PySpark."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.winback.counts import counts

pytestmark = pytest.mark.spark

START = pd.Timestamp("2025-03-20")


@pytest.fixture(scope="module")
def frames():
    """Customers on the list twice, in both arms, without reason; orders around the window."""
    rng = np.random.default_rng(2)
    n, m = 400, 900
    at = START + pd.to_timedelta(rng.integers(0, 60 * 86_400, n + m), unit="s")
    people = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.integers(0, 300, n)],
            "assigned_at": at[:n].astype("datetime64[us]"),
            "reason": rng.choice(["price", "服务", "campaign", None], n),
            "action": rng.choice(["call", "coupon"], n),
            "arm": rng.choice(["treated", "holdout"], n, p=[0.8, 0.2]),
            "cost": rng.choice([None, 1.5], n).astype("float64"),
        }
    )
    orders = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.integers(0, 300, m)],
            "ordered_at": at[n:].astype("datetime64[us]"),
            "amount": rng.integers(1, 90, m).astype("float64"),
        }
    )
    return people, orders


PEOPLE = {
    "customer_id": "string",
    "assigned_at": "timestamp",
    "reason": "string",
    "action": "string",
    "arm": "string",
    "cost": "decimal(18, 4)",
}
ORDERS = {"customer_id": "string", "ordered_at": "timestamp", "amount": "decimal(18, 4)"}


def test_counts_are_equal(on_both, frames):
    pairs = zip(on_both(frames[0], PEOPLE), on_both(frames[1], ORDERS), strict=True)
    keys = ["reason", "action", "arm", "over", "level"]
    found = [
        counts(
            *pair,
            begin=dt.datetime(2025, 3, 25),
            end=dt.datetime(2025, 5, 10),
            horizon_days=14,
        )
        .execute()
        .sort_values(keys, ignore_index=True)
        for pair in pairs
    ]
    pd.testing.assert_frame_equal(*found, check_dtype=False)
    assert set(found[0].arm) == {"treated", "holdout", "both"}
    assert found[0].over.nunique() == 2
    assert found[0].buyers.sum() > 30
