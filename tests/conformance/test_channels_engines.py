"""Traffic, crossings, channels and referrals give equal results on every engine."""

import datetime as dt
import random
from decimal import Decimal

import pandas as pd
import pytest

from crmkit.analyses.channels import channels, referral
from crmkit.analyses.traffic import crossing, traffic

pytestmark = pytest.mark.spark

START = dt.datetime(2025, 3, 1)
ZONE = "Europe/London"
EVENTS = {
    "event_id": "string",
    "visitor_id": "string",
    "customer_id": "string",
    "session_id": "string",
    "occurred_at": "timestamp",
    "event": "string",
    "channel": "string",
    "keyword": "string",
    "device": "string",
}
CUSTOMERS = {"customer_id": "string", "created_at": "timestamp", "channel": "string"}
ORDERS = {
    "order_id": "string",
    "customer_id": "string",
    "ordered_at": "timestamp",
    "amount": "decimal(18, 4)",
}
SPEND = {"day": "date", "channel": "string", "cost": "decimal(18, 4)"}
TOUCHES = {
    "customer_id": "string",
    "occurred_at": "timestamp",
    "channel": "string",
    "kind": "string",
}
LEADS = {"customer_id": "string", "source": "string", "created_at": "timestamp"}
CHANNELS = ["搜索", "直播", "mail", None]


def moment(rng, days=60):
    """Times with ties, around midnight, and over the change of the clock on 30 March."""
    minutes = rng.choice([0, 5, 29, 30, 31, 59])
    return START + dt.timedelta(
        days=rng.randrange(days), hours=rng.choice([0, 1, 2, 22, 23]), minutes=minutes
    )


def events(n=1500):
    rng = random.Random(3)
    kinds = ["page_view", "view_item", "scroll", "click", "purchase", "share"]
    rows = [
        {
            "event_id": f"e{k:05d}",
            "visitor_id": rng.choice([None, f"v{rng.randrange(60)}"]),
            "customer_id": rng.choice([None, f"c{rng.randrange(40)}"]),
            "session_id": rng.choice([None, f"s{k // 4}"]),
            "occurred_at": moment(rng),
            "event": rng.choice(kinds),
            "channel": rng.choice(CHANNELS),
            "keyword": rng.choice([None, "茶", "tea"]),
            "device": rng.choice(["mobile", "desktop"]),
        }
        for k in range(n)
    ]
    return pd.DataFrame(rows)


def firm():
    rng = random.Random(4)
    people = [
        {
            "customer_id": f"c{k}",
            "created_at": None if rng.random() < 0.1 else moment(rng, 50),
            "channel": rng.choice(CHANNELS),
        }
        for k in range(80)
    ]
    bought = [
        {
            "order_id": f"o{k}",
            "customer_id": f"c{rng.randrange(84)}",
            "ordered_at": moment(rng, 15) + dt.timedelta(days=45 * (k % 8 > 0)),
            "amount": Decimal(rng.choice(["5.00", "12.50", "19.99", "250.25"])),
        }
        for k in range(300)
    ]
    met = [
        {
            "customer_id": f"c{rng.randrange(80)}",
            "occurred_at": moment(rng),
            "channel": rng.choice(CHANNELS),
            "kind": rng.choice(["paid", "owned", "direct", None]),
        }
        for _ in range(500)
    ]
    spent = [
        {
            "day": (START + dt.timedelta(days=day)).date(),
            "channel": channel,
            "cost": Decimal(rng.choice(["0", "3.30", "10.01"])),
        }
        for day in range(60)
        for channel in ("搜索", "mail", "横幅")
    ]
    leads = [
        {
            "customer_id": rng.choice([None, f"c{k}"]),
            "source": rng.choice(["fair", None]),
            "created_at": moment(rng),
        }
        for k in range(80)
    ]
    return {
        "customers": (pd.DataFrame(people), CUSTOMERS),
        "purchases": (pd.DataFrame(bought), ORDERS),
        "touches": (pd.DataFrame(met), TOUCHES),
        "spend": (pd.DataFrame(spent), SPEND),
        "leads": (pd.DataFrame(leads), LEADS),
        "events": (events(), EVENTS),
    }


def same(left, right):
    pd.testing.assert_frame_equal(left, right, check_dtype=False, check_exact=True)


@pytest.mark.parametrize("options", [{}, {"period": "day", "by": "device", "start": "2025-03-20"}])
def test_traffic(on_both, options):
    here, there = (
        traffic(table, as_of="2025-04-24", timezone=ZONE, memory=7, **options)
        for table in on_both(events(), EVENTS)
    )
    assert here.periods.visits.sum() > 150
    for name in ("periods", "by_source", "sources", "words", "revisits"):
        same(getattr(here, name), getattr(there, name))
    assert here.headline == there.headline
    assert here.unplaced == there.unplaced > 0


def test_crossing(on_both):
    here, there = (
        crossing(table, as_of="2025-04-24", timezone=ZONE, columns="device", goal="purchase")
        for table in on_both(events(), EVENTS)
    )
    assert 0 < here.hits < here.visits
    same(here.cells, there.cells)


def test_channels(on_both):
    tables = {name: on_both(*given) for name, given in firm().items()}
    results = []
    for side in (0, 1):
        given = {name: pair[side] for name, pair in tables.items()}
        results.append(
            channels(
                given.pop("customers"),
                given.pop("purchases"),
                start="2025-04-05",
                as_of="2025-04-24",
                timezone=ZONE,
                ages=(3, 10),
                repeat_age=7,
                horizon=60,
                lookback=5,
                within=4,
                margin=0.5,
                **given,
            )
        )
    here, there = results
    assert here.channels.customers.sum() > 10
    assert here.channels.orders.sum() > 40
    for name in (
        *("channels", "total", "quadrant", "curve", "history", "conversion", "unmatched"),
    ):
        same(getattr(here, name), getattr(there, name))
    assert (here.undated, here.orphans) == (there.undated, there.orphans)
    assert here.headline == there.headline


def test_referral(on_both):
    given = firm()
    people, seen = on_both(*given["customers"]), on_both(*given["events"])
    here, there = (
        referral(
            people[side],
            seen[side],
            channel="mail",
            start="2025-04-05",
            as_of="2025-04-24",
            timezone=ZONE,
        )
        for side in (0, 1)
    )
    assert here.now.invitations > 0
    same(here.periods, there.periods)


def test_empty_tables(on_both):
    blank = {name: on_both(given[0].iloc[:0], given[1]) for name, given in firm().items()}
    for side in (0, 1):
        given = {name: pair[side] for name, pair in blank.items()}
        result = channels(
            given.pop("customers"), given.pop("purchases"), as_of="2025-04-24", **given
        )
        assert result.empty
        assert traffic(given["events"], as_of="2025-04-24").empty
        assert crossing(given["events"], as_of="2025-04-24", columns="device").empty
