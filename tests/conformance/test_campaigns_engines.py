"""Campaigns give equal results on DuckDB and on PySpark."""

import datetime as dt
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crmkit.analyses.campaigns import contact_frequency
from crmkit.analyses.campaigns.arms import arms
from crmkit.analyses.campaigns.series import daily

pytestmark = pytest.mark.spark

START = pd.Timestamp("2025-03-20")
CAMPAIGNS = {"campaign_id": "string", "ended_at": "timestamp", "settings": "string"}
INTERVENTIONS = {
    "customer_id": "string",
    "assigned_at": "timestamp",
    "reason": "string",
    "action": "string",
    "arm": "string",
    "cost": "decimal(18, 4)",
}
ORDERS = {
    "customer_id": "string",
    "ordered_at": "timestamp",
    "amount": "decimal(18, 4)",
    "channel": "string",
}
TOUCHES = {"customer_id": "string", "occurred_at": "timestamp", "kind": "string"}


def moments(rng, n, days=60):
    return START + pd.to_timedelta(rng.integers(0, days * 86_400, n), unit="s")


@pytest.fixture(scope="module")
def tables():
    """Two months around a change of daylight saving, with nulls and customers in both arms."""
    rng = np.random.default_rng(1)
    n = 400
    who = np.array([f"客户{k}" for k in rng.integers(0, 150, n)])
    interventions = pd.DataFrame(
        {
            "customer_id": who,
            "assigned_at": START + pd.to_timedelta(rng.integers(0, 20, n), unit="D"),
            "reason": np.where(rng.random(n) < 0.9, "campaign", "price"),
            "action": np.where(rng.random(n) < 0.95, np.where(who < "客户5", "A", "B"), None),
            "arm": np.where(rng.random(n) < 0.7, "treated", "holdout"),
            "cost": [Decimal("0.0500") if k % 3 else None for k in range(n)],
        }
    )
    orders = pd.DataFrame(
        {
            "customer_id": [f"客户{k}" for k in rng.integers(0, 200, 1500)],
            "ordered_at": moments(rng, 1500),
            "amount": [Decimal(int(v)) / 100 for v in rng.integers(1, 90_000, 1500)],
            "channel": rng.choice(["web", "shop", None], 1500),
        }
    )
    touches = pd.DataFrame(
        {
            "customer_id": [f"客户{k}" for k in rng.integers(0, 200, 900)],
            "occurred_at": moments(rng, 900),
            "kind": rng.choice(["owned", "call", "paid", None], 900),
        }
    )
    campaigns = pd.DataFrame(
        {
            "campaign_id": ["A", "B"],
            "ended_at": [START + pd.Timedelta(25, "D"), pd.NaT],
            "settings": ['{"name": "春茶"}', None],
        }
    )
    return pa.Table.from_pandas(interventions, preserve_index=False), orders, touches, campaigns


def test_arms_are_equal(on_both, tables):
    interventions, orders, _, campaigns = tables
    pairs = (
        on_both(interventions, INTERVENTIONS),
        on_both(orders, ORDERS),
        on_both(campaigns, CAMPAIGNS),
    )
    frames = [
        arms(*some, end=dt.datetime(2025, 5, 10), days=14)
        .execute()
        .sort_values(["campaign", "arm"], ignore_index=True)
        for some in zip(*pairs, strict=True)
    ]
    pd.testing.assert_frame_equal(*frames, check_dtype=False)
    assert set(frames[0].arm) == {"treated", "holdout", "both"}


def test_days_are_equal(on_both, tables):
    frames = [
        daily(
            orders,
            control=ibis._.channel == "shop",
            first=dt.date(2025, 3, 20),
            last=dt.date(2025, 5, 1),
            timezone="Europe/London",
        )
        for orders in on_both(tables[1], ORDERS)
    ]
    pd.testing.assert_frame_equal(*frames)


def test_contacts_are_equal(on_both, tables):
    pairs = zip(on_both(tables[2], TOUCHES), on_both(tables[1], ORDERS), strict=True)
    frames = [
        contact_frequency(
            touches, orders, as_of="2025-05-10", timezone="Europe/London", horizon=20
        ).bands
        for touches, orders in pairs
    ]
    pd.testing.assert_frame_equal(*frames)
    assert frames[0].buyers.sum() > 50
