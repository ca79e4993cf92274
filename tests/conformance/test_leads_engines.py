"""Leads: the same counts on DuckDB and on PySpark."""

import numpy as np
import pandas as pd
import pytest

import crmkit as ck

pytestmark = pytest.mark.spark

LEADS = {"lead_id": "string", "customer_id": "string", "list_id": "string", "source": "string",
         "created_at": "timestamp"}  # fmt: skip
STEPS = {"lead_id": "string", "occurred_at": "timestamp", "kind": "string", "agent_id": "string"}
ORDERS = {"order_id": "string", "customer_id": "string", "ordered_at": "timestamp",
          "amount": "float64"}  # fmt: skip
KINDS = ["dispatched", "contacted", "interacted", "intent", "won", "lost", "released", "recycled",
         "follow_up"]  # fmt: skip
WHEN = {"as_of": "2025-06-30", "timezone": "Asia/Shanghai"}


@pytest.fixture(scope="module")
def frames():
    """Leads named twice or not at all, steps at one second, unknown agents, leads of no list."""
    rng = np.random.default_rng(9)
    n, m, k = 300, 2_000, 200
    start = pd.Timestamp("2025-02-20")

    def at(size: int, days: int) -> pd.Series:
        seconds = rng.integers(0, days * 86_400, size) // 900 * 900
        return (start + pd.to_timedelta(seconds, unit="s")).astype("datetime64[us]")

    leads = pd.DataFrame({
        "lead_id": [None, *(f"L{i}" for i in rng.integers(0, 280, n - 1))],
        "customer_id": rng.choice(["c1", "c2", "c3", None], n), "list_id": "a",
        "source": rng.choice(["网站", "展会", None], n), "created_at": at(n, 40),
    })  # fmt: skip
    steps = pd.DataFrame({
        "lead_id": [f"L{i}" for i in rng.integers(0, 300, m)], "occurred_at": at(m, 130),
        "kind": rng.choice(KINDS, m), "agent_id": rng.choice(["A1", "A2", None], m),
    })  # fmt: skip
    orders = pd.DataFrame({
        "order_id": [f"o{i}" for i in range(k)], "customer_id": rng.choice(["c1", "c2"], k),
        "ordered_at": at(k, 120), "amount": rng.integers(1, 90, k).astype("float64"),
    })  # fmt: skip
    return leads, steps, orders


@pytest.fixture
def both(on_both, frames):
    pairs = [on_both(f, s) for f, s in zip(frames, (LEADS, STEPS, ORDERS), strict=True)]
    return list(zip(*pairs, strict=True))


def _same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    assert len(one)
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_stages(both):
    one, other = (ck.leads(*tables, window=30, repeat=20, **WHEN) for tables in both)
    _same(one.cells, other.cells)
    keys = ["stage", "tenths"]
    _same(
        one.times.sort_values(keys, ignore_index=True),
        other.times.sort_values(keys, ignore_index=True),
    )


def test_pool(both):
    one, other = (ck.lead_pool(leads, steps, **WHEN) for leads, steps, _ in both)
    _same(one.days, other.days)
    _same(one.exceptions, other.exceptions)


def test_first_response(both):
    hours = ck.working_hours("Mon-Fri 09:00-12:00, 13:30-18:00; Sat 09:00-12:00")
    one, other = (ck.first_response(*tables[:2], hours=hours, **WHEN) for tables in both)
    for name in ("sources", "owners", "clock", "bands"):
        _same(getattr(one, name), getattr(other, name))


def test_aging(both):
    one, other = (ck.lead_aging(tables[1], **WHEN) for tables in both)
    _same(one.curve, other.curve)


def test_owners_and_dispatch(both):
    one, other = (ck.lead_owners(*tables, **WHEN).owners for tables in both)
    _same(one.drop(columns="last"), other.drop(columns="last"))
    one, other = (ck.lead_dispatch(*tables[:2], **WHEN) for tables in both)
    _same(one.waiting, other.waiting)
    assert one.gain == pytest.approx(other.gain, nan_ok=True)
