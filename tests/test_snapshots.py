"""Snapshots: by hand, against plain Python, and that nothing later than the day is used."""

import datetime as dt
import random

import ibis
import pandas as pd
import pytest

from crmkit.errors import ParameterError
from crmkit.snapshots import snapshots

DAY = dt.datetime(2025, 1, 1, 12)
ZONE = "Asia/Shanghai"


def orders(rows) -> ibis.Table:
    frame = pd.DataFrame(
        [(f"o{i}", c, DAY + dt.timedelta(days=d), a, False) for i, (c, d, a) in enumerate(rows)],
        columns=["order_id", "customer_id", "ordered_at", "amount", "refunded"],
    )
    return ibis.memtable(frame.astype({"customer_id": "string"}))


def events(rows) -> ibis.Table:
    frame = pd.DataFrame(
        [(f"e{i}", c, DAY + dt.timedelta(days=d), e) for i, (c, d, e) in enumerate(rows)],
        columns=["event_id", "customer_id", "occurred_at", "event"],
    )
    return ibis.memtable(frame.astype({"customer_id": "string"}))


def test_a_customer_by_hand():
    made = orders([("a", 0, 10), ("a", 60, 30.5), ("a", 95, 5), ("b", 120, 1), (None, 3, 9)])
    did = events([("a", 90, "view"), ("a", 61, "complaint"), ("a", 20, "view"), ("a", 101, "view")])
    found = snapshots(
        made, did, days=["2025-04-10"], until="2025-06-30"
    ).execute()  # day 99 after the first
    assert len(found) == 1
    row = found.iloc[0]
    assert (row.tenure, row.recency, row.orders, row.spend) == (99, 4, 3, 45.5)
    assert (row.orders_30, row.orders_before_30, row.spend_90) == (1, 1, 35.5)
    assert (row.active_7, row.active_30, row.active_before_30, row.complaint) == (0, 1, 1, 1)
    assert pd.isna(row.next_in)
    assert row.known == 81


def test_the_edges_of_windows():
    """The day of the snapshot is the last of its windows."""
    for back, inside in ((0, "orders_30"), (29, "orders_30"), (30, "orders_before_30"),
                         (59, "orders_before_30"), (60, None)):  # fmt: skip
        row = snapshots(orders([("a", -back, 1)]), days=["2025-01-01"]).execute().iloc[0]
        assert row.recency == back
        assert (row.orders_30, row.orders_before_30) == (
            int(inside == "orders_30"), int(inside == "orders_before_30")
        )  # fmt: skip
    late = dt.datetime(2025, 1, 1, 17)  # already the second in Shanghai
    rows = orders([("a", 0, 1)]).mutate(ordered_at=ibis.literal(late))
    assert snapshots(rows, days=["2025-01-01"], timezone=ZONE).execute().empty


def brute(sold, did, day, followed):
    found = {}
    for customer in {c for c, d, _ in sold if d <= day}:
        mine = sorted(d for c, d, _ in sold if c == customer)
        past = [d for d in mine if d <= day]
        ahead = [d for d in mine if day < d <= day + followed]
        acts = [(d, e) for c, d, e in did if c == customer and d <= day]
        found[customer] = {
            "tenure": day - past[0],
            "recency": day - past[-1],
            "orders": len(past),
            "spend": sum(a for c, d, a in sold if c == customer and d <= day),
            "spend_90": sum(a for c, d, a in sold if c == customer and day - 90 < d <= day),
            "orders_30": sum(day - 30 < d <= day for d in past),
            "orders_before_30": sum(day - 60 < d <= day - 30 for d in past),
            "active_7": sum(day - 7 < d for d, _ in acts),
            "active_30": sum(day - 30 < d for d, _ in acts),
            "active_before_30": sum(day - 60 < d <= day - 30 for d, _ in acts),
            "complaint": sum(e == "complaint" and day - 90 < d for d, e in acts),
            "next_in": ahead[0] - day if ahead else None,
        }
    return found


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_plain_python(seed):
    rng = random.Random(seed)
    sold = [(f"c{rng.randrange(40)}", rng.randrange(400), rng.randrange(1, 90)) for _ in range(400)]
    did = [(f"c{rng.randrange(60)}", rng.randrange(400), rng.choice(["view", "complaint"]))
           for _ in range(900)]  # fmt: skip
    days = sorted(rng.sample(range(60, 390), 6))
    found = snapshots(
        orders(sold),
        events(did),
        days=[(DAY + dt.timedelta(days=d)).date() for d in days],
        followed=45,
        until=(DAY + dt.timedelta(days=399)).date(),
    ).execute()
    epoch = (DAY.date() - dt.date(1970, 1, 1)).days
    for day in days:
        wanted = brute(sold, did, day, 45)
        rows = found[found.snapshot == day + epoch].set_index("customer_id")
        assert set(rows.index) == set(wanted)
        for customer, values in wanted.items():
            ours = rows.loc[customer]
            for name, value in values.items():
                assert (pd.isna(ours[name]) and value is None) or ours[name] == value, (
                    customer, day, name,
                )  # fmt: skip


def test_what_comes_later_changes_no_feature():
    rng = random.Random(4)
    sold = [(f"c{rng.randrange(30)}", rng.randrange(300), 5) for _ in range(200)]
    did = [(f"c{rng.randrange(30)}", rng.randrange(300), "complaint") for _ in range(200)]
    days = ["2025-05-01", "2025-06-01"]
    whole = snapshots(orders(sold), events(did), days=days, until="2025-10-27").execute()
    cut = [row for row in sold if row[1] <= 151], [row for row in did if row[1] <= 151]
    known = snapshots(orders(cut[0]), events(cut[1]), days=days).execute()
    keys = ["customer_id", "snapshot"]
    features = [c for c in whole if c not in ("next_in", "next_active_in", "end_in", "known")]
    whole, known = (f.sort_values(keys, ignore_index=True)[features] for f in (whole, known))
    pd.testing.assert_frame_equal(whole, known)


def test_days_must_be_given_and_known():
    with pytest.raises(ParameterError, match="days is empty"):
        snapshots(orders([("a", 0, 1)]), days=[])
    with pytest.raises(ParameterError, match="lies after the last day"):
        snapshots(orders([("a", 0, 1)]), days=["2025-03-01"], until="2025-02-01")
    assert snapshots(orders([("a", 0, 1)]), days=["2024-12-01"]).execute().empty


def test_the_gap_counts_for_nothing():
    made = orders([("a", 0, 1), ("a", 5, 1), ("a", 8, 1), ("b", 0, 1), ("b", 7, 1)])
    found = snapshots(made, days=["2025-01-01"], until="2025-03-01", gap=7, followed=30)
    rows = found.execute().set_index("customer_id")
    assert rows.next_in["a"] == 8
    assert pd.isna(rows.next_in["b"])


def test_ends_and_silence():
    ends = ibis.memtable(
        pd.DataFrame(
            {"customer_id": ["a", "b"], "ended_at": [DAY + dt.timedelta(days=d) for d in (20, 5)]}
        )
    )
    made = orders([("a", 0, 1), ("b", 0, 1)])
    did = events([("a", 8, "view"), ("a", 30, "view")])
    found = snapshots(made, did, days=["2025-01-11"], until="2025-03-01", ends=ends).execute()
    assert found.customer_id.tolist() == ["a"]  # the other had ended
    row = found.iloc[0]
    assert (row.end_in, row.silent, row.recency, row.next_active_in) == (10, 2, 10, 20)
