"""Portraits, states, scenarios, interest, followers and clusters are alike on both engines."""

import datetime as dt
import random

import pandas as pd
import pytest

from crmkit.analyses.clusters import clusters
from crmkit.analyses.followers import followers
from crmkit.analyses.interest import interest
from crmkit.analyses.portraits import portraits
from crmkit.analyses.scenarios import scenarios
from crmkit.analyses.states import states

pytestmark = pytest.mark.spark
DAY = dt.datetime(2025, 1, 1, 15)
WHEN = {"as_of": "2025-11-30", "timezone": "Asia/Shanghai"}
ORDERS = {
    "order_id": "string", "customer_id": "string", "ordered_at": "timestamp", "amount": "float64",
    "refunded": "boolean", "category": "string",
}  # fmt: skip
EVENTS = {"customer_id": "string", "event": "string", "occurred_at": "timestamp"}
PEOPLE = {
    "customer_id": "string", "created_at": "timestamp", "channel": "string",
    "tags": "array<string>",
}  # fmt: skip


def _orders():
    rng = random.Random(1)
    rows = [
        (f"o{i}", f"客{int(200 * rng.random() ** 2)}", DAY + dt.timedelta(days=rng.randrange(333)),
         float(rng.choice([5, 20, 75])), False, rng.choice(["茶", "cup", None]))
        for i in range(1500)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(ORDERS))


def _events():
    rng = random.Random(2)
    names = ["purchase", "add_to_cart", "view_product", "search"]
    rows = [
        (f"客{rng.randrange(200)}", rng.choice(names), DAY + dt.timedelta(days=rng.randrange(333)))
        for _ in range(3000)
    ]
    return pd.DataFrame(rows, columns=list(EVENTS))


def _people():
    rng = random.Random(3)
    rows = [
        (f"客{i}", DAY - dt.timedelta(days=rng.randrange(200)), rng.choice(["x", "y", None]),
         rng.choice([[], ["vip"], ["vip", "新"]]))
        for i in range(200)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(PEOPLE))


def test_frames_are_equal(on_both):
    found = []
    tables = zip(
        on_both(_orders(), ORDERS), on_both(_events(), EVENTS), on_both(_people(), PEOPLE),
        strict=True,
    )  # fmt: skip
    for orders, events, people in tables:
        groups = clusters(orders, k=3, **WHEN)
        by = states(orders, history=3, **WHEN)
        interested = interest(events, orders, **WHEN)
        found.append(
            [
                groups.members, groups.groups, portraits(people, groups.members).rows, by.counts,
                by.moves, scenarios(orders, **WHEN).rows, interested.customers, interested.tenths,
                interested.weights, followers(people, orders, **WHEN).cohorts,
            ]
        )  # fmt: skip
    for ours, theirs in zip(*found, strict=True):
        assert len(ours)
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-9)
