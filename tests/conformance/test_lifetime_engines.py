"""Lifetime value gives equal results on DuckDB and on PySpark."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.lifetime import lifetime
from crmkit.analyses.lifetime.options import checked
from crmkit.analyses.lifetime.rows import counted

pytestmark = pytest.mark.spark

SCHEMA = {"customer_id": "string", "ordered_at": "timestamp", "amount": "decimal(18, 4)"}
KEYS = ["kind", "first", "last", "x", "last_then", "x_then", "spent"]


@pytest.fixture(scope="module")
def orders():
    """Two years of purchases around the clock, some without a customer, some twice a day."""
    rng = np.random.default_rng(42)
    n = 250
    start, rate = rng.uniform(0, 400, n), rng.gamma(1.2, 1 / 20.0, n)
    rows = []
    for customer in range(n):
        at, stop = start[customer], rng.beta(1, 5)
        while at < 730:
            rows.append((f"客户{customer}", at, Decimal(f"{rng.gamma(4, 10.0) + 0.01:.2f}")))
            at += rng.exponential(1 / rate[customer])
            if rng.random() < stop:
                break
    rows += [(None, 10.5, Decimal("5.00")), ("客户1", start[1] + 0.001, Decimal("7.77"))]
    frame = pd.DataFrame(rows, columns=list(SCHEMA))
    frame["ordered_at"] = pd.Timestamp("2010-01-01") + pd.to_timedelta(
        (frame.ordered_at * 86_400).round(), unit="s"
    )
    return frame


@pytest.mark.parametrize("unit", ["day", "week"])
@pytest.mark.parametrize("holdout", [None, 26])
def test_counted_is_equal(on_both, orders, unit, holdout):
    options = checked(
        as_of="2011-12-30",
        timezone="Europe/London",
        unit=unit,
        horizon=52,
        discount=0.1,
        margin=1.0,
        holdout=holdout,
    )
    frames = [
        counted(table, options).execute().sort_values(KEYS, ignore_index=True)
        for table in on_both(orders, SCHEMA)
    ]
    assert len(frames[0]) > 200
    pd.testing.assert_frame_equal(*frames, check_dtype=False, check_exact=True)


def test_results_and_action_list_are_equal(on_both, orders):
    one, other = (
        lifetime(table, as_of="2011-12-31", timezone="Europe/London")
        for table in on_both(orders, SCHEMA)
    )
    assert not one.empty
    assert one.headline == other.headline
    for name in ("parameters", "deciles", "classes", "tracking", "alive"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    lists = [result.people.execute() for result in (one, other)]
    assert lists[0].customer_id.tolist() == lists[1].customer_id.tolist()
    pd.testing.assert_frame_equal(*lists, check_dtype=False, rtol=1e-12)
