"""What channels bring, cost and are worth; and recommendations."""

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from crmkit.actions import write_actions
from crmkit.analyses.channels import channels, referral
from crmkit.analyses.channels.corners import CORNERS
from crmkit.errors import InputError, ParameterError
from crmkit.purchases import purchases
from crmkit.simulate import World, simulate
from crmkit.text import reading

FIRST = dt.date(2025, 1, 1)  # the first day of the data
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
EVENTS = {
    "visitor_id": "string",
    "customer_id": "string",
    "occurred_at": "timestamp",
    "channel": "string",
    "event": "string",
}
LEADS = {"customer_id": "string", "source": "string", "created_at": "timestamp"}


def at(day, hour=12):
    """An instant, days after the first of January 2025; None stays None."""
    return None if day is None else dt.datetime(2025, 1, 1) + dt.timedelta(days=day, hours=hour)


def customers(*rows):
    """(customer, day created, channel)."""
    made = [{"customer_id": who, "created_at": at(day), "channel": c} for who, day, c in rows]
    return ibis.memtable(made, schema=CUSTOMERS)


def orders(*rows):
    """(customer, day, amount)."""
    made = [
        {
            "order_id": f"o{n}",
            "customer_id": who,
            "ordered_at": at(day),
            "amount": Decimal(str(amount)),
        }
        for n, (who, day, amount) in enumerate(rows)
    ]
    return ibis.memtable(made, schema=ORDERS)


def spend(*rows):
    """(day, channel, cost)."""
    made = [
        {"day": FIRST + dt.timedelta(days=day), "channel": c, "cost": Decimal(str(cost))}
        for day, c, cost in rows
    ]
    return ibis.memtable(made, schema=SPEND)


def touches(*rows):
    """(customer, day, hour, channel, kind)."""
    made = [
        {"customer_id": who, "occurred_at": at(day, hour), "channel": c, "kind": kind}
        for who, day, hour, c, kind in rows
    ]
    return ibis.memtable(made, schema=TOUCHES)


def day(number):
    return FIRST + dt.timedelta(days=number)


def found(people, bought, *, first=10, last=19, **options):
    """Days 10 to 19 as the period, unless told otherwise, and short ages."""
    short = {"ages": (3, 6), "repeat_age": 5, "horizon": 30, "lookback": 4, "within": 3}
    return channels(people, bought, start=day(first), as_of=day(last), **short | options)


def by_name(result):
    return result.channels.set_index("channel")


def test_customers_count_where_and_when_they_were_won():
    people = customers(
        ("a", 10, "ads"),
        ("b", 19, "ads"),
        ("c", 9, "ads"),  # the period before
        ("d", 20, "ads"),  # later
        ("e", 12, "mail"),
        ("f", 15, None),
        ("g", None, "mail"),  # won by a purchase on day 11
        ("h", None, "mail"),  # never
        ("i", 18, "mail"),  # bought on day 2: won then
        ("j", 0, "mail"),
    )
    result = found(people, orders(("g", 11, 5), ("i", 2, 5), ("zz", 3, 1)))
    rows = by_name(result)
    assert rows.customers.to_dict() == {"ads": 2, "mail": 2, "": 1}
    assert rows.customers_before.to_dict() == {"ads": 1, "mail": 2, "": 0}
    assert (result.undated, result.orphans) == (1, 1)
    low, high = proportion_confint(2, 5, method="wilson")
    assert rows.loc["ads", ["share", "share_low", "share_high"]].tolist() == pytest.approx(
        [0.4, low, high]
    )
    exact = stats.chi2.ppf([0.025, 0.975], [4, 6]) / 2
    assert rows.loc["ads", ["customers_low", "customers_high"]].tolist() == pytest.approx(exact)
    card = str(result.definition)
    assert "1 customers have neither date" in card
    assert "1 purchases are of customers who are not" in card
    names = [line[0]["words"] for line in result.table().json()["rows"]]
    assert names == ["ads", "mail", "Not given", "All channels"]


def test_repeat_and_value_are_of_customers_watched_long_enough():
    """At age 5, days 10 to 19 moved back are 5 to 14; at age 3 they are 7 to 16."""
    people = customers(
        ("a", 5, "ads"), ("b", 14, "ads"), ("c", 15, "ads"), ("d", 4, "ads"), ("z", 0, "old")
    )
    bought = orders(
        *(("z", 0, 1), ("a", 5, 10), ("a", 10, 7), ("a", 11, 100)),  # day 10 is age 5
        *(("b", 14, 20), ("b", 14, 2)),
        *(("c", 15, 40), ("d", 4, 1), ("d", 5, 1)),
    )
    row = by_name(found(people, bought)).loc["ads"]
    assert (row.aged, row.again) == (2, 1)  # a and b bought twice by age 5
    assert (row.n_3, row.value_3) == (2, (22 + 40) / 2)  # b and c
    assert (row.n_6, row.value_6) == (2, (17 + 100 + 1 + 1) / 2)  # d (day 4) to 13: a, d
    low, high = stats.t.interval(0.95, 1, loc=31, scale=stats.sem([22, 40]))
    assert (row.value_low_3, row.value_high_3) == pytest.approx((low, high))
    # b bought on the day it was won twice: that is a repeat; c is not watched 5 days yet
    low, high = proportion_confint(2, 2, method="wilson")
    assert (row.again_low, row.again_high) == pytest.approx((low, high))


def test_customers_before_the_first_purchase_of_the_data_are_not_judged():
    people = customers(("a", 6, "ads"), ("b", 8, "ads"))
    row = by_name(found(people, orders(("a", 7, 5), ("b", 8, 5)))).loc["ads"]
    assert row.aged == 1  # what a bought on day 6 is not in the data


def test_what_is_too_young_stays_blank():
    people = customers(("a", 16, "ads"), ("b", 18, "ads"))
    result = found(people, orders(("a", 16, 5), ("b", 18, 5)))
    row = by_name(result).loc["ads"]
    assert (row.n_3, row.n_6, row.aged) == (1, 0, 0)
    assert np.isnan(row.value_6)
    assert np.isnan(row.again)
    assert np.isnan(row.again_low)
    assert np.isnan(row.customers_before)  # the period before began before the data


def test_days_are_local():
    # 20:00 UTC on day 9 is day 10 in Shanghai; 12:00 UTC on the last day is still that day
    people = ibis.memtable(
        [
            {"customer_id": "a", "created_at": at(9, 20), "channel": "ads"},
            {"customer_id": "b", "created_at": at(19, 16), "channel": "ads"},
            {"customer_id": "c", "created_at": at(19, 15), "channel": "ads"},
        ],
        schema=CUSTOMERS,
    )
    there = found(people, orders(), timezone="Asia/Shanghai")
    assert by_name(there).customers["ads"] == 2
    assert by_name(found(people, orders())).customers["ads"] == 2
    assert there.total.customers.iloc[0] == 2


def test_the_clock_changes_but_ages_are_days():
    """London, 30 March 2025 has 23 hours; a purchase the next day is of age 1 all the same."""
    people = ibis.memtable(
        [
            {"customer_id": "a", "created_at": dt.datetime(2025, 3, 29, 12), "channel": "ads"},
            {"customer_id": "b", "created_at": dt.datetime(2025, 3, 29, 12), "channel": "ads"},
        ],
        schema=CUSTOMERS,
    )
    made = [
        ("1", "a", dt.datetime(2025, 3, 29, 12)),
        ("2", "a", dt.datetime(2025, 3, 30, 22, 59)),  # 23:59 on the 30th
        ("3", "b", dt.datetime(2025, 3, 29, 12)),
        ("4", "b", dt.datetime(2025, 3, 30, 23, 0)),  # 0:00 on the 31st
    ]
    bought = ibis.memtable(
        [
            {"order_id": k, "customer_id": who, "ordered_at": when, "amount": Decimal(1)}
            for k, who, when in made
        ],
        schema=ORDERS,
    )
    result = channels(
        people,
        bought,
        start="2025-03-30",
        as_of="2025-03-31",
        timezone="Europe/London",
        ages=(1, 2),
        repeat_age=1,
    )
    row = by_name(result).loc["ads"]
    assert (row.aged, row.again) == (2, 0.5)
    assert (row.n_1, row.value_1, row.n_2, row.value_2) == (2, 1.5, 2, 2)


PAID = [
    *(("a", 10, "ads"), ("b", 11, "ads"), ("c", 12, "ads"), ("d", 13, "ads")),
    *(("e", 14, "friend"), ("f", 15, "free"), ("g", 0, "ads")),
]


def test_cost_joins_by_the_day_of_spend():
    money = spend(
        *((10, "ads", 60), (19, "ads", 40), (9, "ads", 1000), (20, "ads", 1000)),
        *((12, "banner", 30), (12, "free", 0), (0, "ads", 7)),
    )
    result = found(customers(*PAID), orders(), spend=money)
    rows = by_name(result)
    assert rows.cost["ads"] == 100
    assert rows.cac["ads"] == 25
    low, high = stats.chi2.ppf([0.025, 0.975], [8, 10]) / 2
    assert rows.loc["ads", ["cac_low", "cac_high"]].tolist() == pytest.approx(
        [100 / high, 100 / low]
    )
    assert rows.kind.to_dict() == {
        "ads": "paid",
        "friend": "organic",
        "free": "organic",
        "banner": "spend_only",
    }
    assert rows.cac[["friend", "free", "banner"]].isna().all()
    assert (rows.customers["banner"], rows.cost["banner"]) == (0, 30)
    assert result.total.cost.iloc[0] == rows.cost.sum() == 130
    assert result.history.cac.iloc[-1] == 130 / 4  # customers of channels with spend
    assert result.history.paid_share.iloc[-1] == 4 / 6
    assert result.unmatched[["channel", "cost"]].values.tolist() == [["banner", 30]]
    assert any("banner" in finding.words for finding in result.findings())


def test_names_that_are_written_otherwise_are_listed():
    money = spend((10, "Ads ", 60), (10, "zzz", 1), (9, "old", 5), (0, "x", 1))
    result = found(customers(*PAID), orders(), spend=money)
    listed = result.unmatched.set_index("channel")
    assert set(listed.index) == {"Ads ", "zzz", "old", "x"}
    assert listed.like["Ads "] is None or listed.like["Ads "] == "ads"
    near = found(customers(*PAID), orders(), spend=spend((10, "friends", 60)))
    assert near.unmatched.like.tolist() == ["friend"]


def test_spend_that_begins_late_is_said():
    late = found(customers(*PAID), orders(), spend=spend((12, "ads", 60)))
    assert "Spend is known from 13 Jan 2025 only" in str(late.definition)
    early = found(customers(*PAID), orders(), spend=spend((0, "ads", 1), (12, "ads", 60)))
    assert "only, after the period began" not in str(early.definition)
    assert np.isnan(late.history.cac.iloc[-2])
    assert early.history.cac.iloc[-2] == 1  # g on day 0, and 1 spent


def test_only_spend_and_only_one_customer():
    result = found(customers(), orders(), spend=spend((12, "ads", 60)))
    assert not result.empty
    assert result.headline == "€60.00 spent in the 10 days to 20 Jan 2025, and no new customer."
    assert result.key_figures()[0].value == 0
    for kind in result.plots():
        assert result.plot(kind).alt
    one = found(customers(("a", 12, "ads")), orders(("a", 12, 9)), spend=spend((12, "ads", 60)))
    assert by_name(one).cac["ads"] == 60
    assert one.quadrant.corner.tolist() == [""]
    assert len(one.actions()) == 0
    for kind in one.plots():
        assert one.plot(kind).alt
    for table in one.tables().values():
        json.dumps(table.json())


def test_nothing_at_all_says_so():
    result = found(customers(), orders(), spend=spend(), touches=touches())
    assert result.empty
    assert result.headline == "No new customer and no spend in the 10 days to 20 Jan 2025."
    assert result.key_figures() == ()
    assert result.findings() == ()
    assert len(result.actions()) == 0
    for table in result.tables().values():
        json.dumps(table.json())
    assert str(result.plot()) == result.headline


def credit(met, bought, **options):
    people = customers(*(("abcdefgh"[k], 10, "ads") for k in range(8)))
    options = {"spend": spend((10, "ads", 10), (10, "mail", 5))} | options
    return by_name(found(people, bought, touches=touches(*met), **options))


def test_a_purchase_is_credited_to_the_last_touch_that_was_not_direct():
    met = [
        *(("a", 10, 9, "ads", "paid"), ("a", 11, 9, "mail", "owned"), ("a", 12, 9, "-", "direct")),
        ("b", 12, 9, "-", "direct"),
        ("c", 7, 13, "ads", "paid"),  # under 4 days before day 11 at 12:00, but before the period
        ("d", 10, 11, "ads", "paid"),  # more than 4 days
        ("e", 14, 13, "ads", "paid"),  # after the purchase
        ("f", 14, 12, "ads", None),  # at its very instant, of a kind unknown
        ("g", 14, 9, "ads", "paid"),
        ("g", 14, 9, "mail", "paid"),  # of two at one time the last by name
    ]
    bought = orders(
        *(("a", 12, 10), ("b", 12, 20), ("c", 11, 40), ("d", 14, 80)),
        *(("e", 14, 160), ("f", 14, 320), ("g", 14, 640)),
    )
    rows = credit(met, bought)
    assert rows.orders.to_dict() == {"ads": 1, "mail": 2, "-": 1}
    assert rows.revenue.to_dict() == {"ads": 320, "mail": 650, "-": 20}
    assert rows.cpa[["ads", "mail"]].tolist() == [10, 2.5]
    assert rows.roas[["ads", "mail"]].tolist() == [32, 130]


def test_exactly_the_lookback_counts():
    assert credit([("a", 10, 12, "ads", "paid")], orders(("a", 14, 5))).orders["ads"] == 1
    assert credit([("a", 10, 11, "ads", "paid")], orders(("a", 14, 5))).orders["ads"] == 0


def test_purchases_count_on_the_day_of_their_touch():
    met = [("a", 9, 12, "ads", "paid"), ("b", 10, 12, "ads", "paid")]
    rows = credit(met, orders(("a", 10, 5), ("b", 13, 7)))
    assert rows.revenue["ads"] == 7


def test_intervals_of_roas_and_cpa_take_customers_as_units():
    met = [("a", 10, 9, "ads", "paid"), ("b", 10, 9, "ads", "paid")]
    rows = credit(met, orders(("a", 11, 10), ("a", 12, 20), ("b", 11, 50)))
    z = stats.norm.ppf(0.975)
    by_money = np.exp(z * np.sqrt(30**2 + 50**2) / 80)
    by_orders = np.exp(z * np.sqrt(2**2 + 1**2) / 3)
    row = rows.loc["ads"]
    assert (row.roas_low, row.roas_high) == pytest.approx((8 / by_money, 8 * by_money))
    assert (row.cpa_low, row.cpa_high) == pytest.approx((10 / 3 / by_orders, 10 / 3 * by_orders))


def test_without_touches_there_is_no_roas():
    result = found(customers(*PAID), orders(), spend=spend((10, "ads", 60)))
    assert result.channels.roas.isna().all()
    assert "no CPA and no ROAS" in str(result.definition)
    assert "roas" not in [column.name for column in result.table("money").columns]
    assert "money" not in found(customers(*PAID), orders()).tables()


def test_worth_against_cost_and_payback_by_hand():
    """Five customers, won on days 0 to 4, watched 60 days; five more in the period."""
    people = customers(
        *((f"old{k}", k, "ads") for k in range(5)), *((f"new{k}", 60 + k, "ads") for k in range(5))
    )
    values = [10, 20, 30, 40, 50]
    bought = orders(
        *((f"old{k}", k, values[k]) for k in range(5)),
        *((f"old{k}", k + 40, values[k]) for k in range(5)),
        *((f"new{k}", 60 + k, 1) for k in range(5)),
    )
    options = {"spend": spend((0, "ads", 1), (60, "ads", 200)), "horizon": 120, "margin": 0.8}
    result = found(people, bought, first=60, last=64, **options)
    row = by_name(result).loc["ads"]
    assert result.horizon == 60  # days 0 to 4; 90 days reach before the data
    assert (row.ltv, row.cac) == (0.8 * 60, 40)
    assert row.ltv_cac == pytest.approx(1.2)
    error = np.std(np.array(values) * 2, ddof=1) / np.sqrt(5) / 60
    factor = np.exp(stats.norm.ppf(0.975) * np.sqrt(error**2 + 1 / 5))
    assert (row.ltv_cac_low, row.ltv_cac_high) == pytest.approx((1.2 / factor, 1.2 * factor))
    assert row.payback == 2  # 24 after a month, 48 after two
    assert np.isnan(row.payback_high)
    assert row.payback_low == 1
    curve = result.curve[result.curve.channel == "ads"]
    assert curve.margin.tolist() == pytest.approx([24, 48])
    never = found(people, bought, first=60, last=64, **options | {"margin": 0.1})
    assert np.isnan(by_name(never).payback["ads"])
    assert "not paid back" in never.plot("payback").title


def test_visitors_and_leads_that_became_customers():
    people = customers(("a", 12, "ads"), ("b", 18, "ads"), ("c", 5, "ads"), ("d", 14, "mail"))
    seen = [
        *(("v1", None, 11, "ads"), ("v1", "a", 12, "mail")),  # won after a day
        ("v2", "b", 12, "ads"),  # won after 6 days: not within 3
        ("v3", "c", 12, "ads"),  # a customer before
        ("v4", None, 16, "ads"),  # the last day watched 3 days
        ("v5", None, 17, "ads"),  # too late to know
        ("v6", None, 7, None),
        (None, "a", 12, "ads"),
        ("v7", None, 6, "ads"),  # the period before
    ]
    events = ibis.memtable(
        [
            {
                "visitor_id": v,
                "customer_id": who,
                "occurred_at": at(when, 1),
                "channel": c,
                "event": "page_view",
            }
            for v, who, when, c in seen
        ],
        schema=EVENTS,
    )
    leads = ibis.memtable(
        [
            {"customer_id": who, "source": source, "created_at": at(when, 1)}
            for who, source, when in [("d", "fair", 13), (None, "fair", 13), ("d", "web", 8)]
        ],
        schema=LEADS,
    )
    rows = found(people, orders(), events=events, leads=leads).conversion
    told = rows[["kind", "channel", "n", "won"]].values.tolist()
    assert told == [
        ["visitors", "ads", 3, 1],
        ["visitors", "", 1, 0],
        ["visitors", "*", 4, 1],
        ["leads", "fair", 2, 1],
        ["leads", "web", 1, 0],
        ["leads", "*", 3, 1],
    ]
    low, high = proportion_confint(1, 3, method="wilson")
    assert rows.loc[0, ["rate_low", "rate_high"]].tolist() == pytest.approx([low, high])


def many(sizes):
    """(channel, customers, of whom buy again) won on day 5, and as many on day 12."""
    people, bought = [("z", 0, "old")], [("z", 0, 1)]
    for channel, n, again in sizes:
        for k in range(n):
            people += [(f"{channel}{k}", 12, channel), (f"{channel}{k}-", 5, channel)]
            bought.append((f"{channel}{k}-", 5, 10))
            bought += [(f"{channel}{k}-", 6, 10)] * (k < again)
    return customers(*people), orders(*bought)


SIZES = [("best", 100, 60), ("big", 200, 40), ("few", 40, 24), ("thin", 29, 29), ("weak", 60, 10)]


def test_the_corners():
    people, bought = many(SIZES)
    result = found(people, bought, last=14)
    rows = result.quadrant.set_index("channel")
    assert rows.corner.to_dict() == {
        "big": "repair",
        "best": "grow",
        "weak": "cut",
        "few": "discover",
        "thin": "",
    }
    assert rows.volume_line.iloc[0] == 429 / 5
    assert rows.quality_line.iloc[0] == pytest.approx(163 / 429)
    assert rows.weak.to_dict()["thin"]
    assert rows.sure[["big", "best", "weak", "few"]].all()
    figure = result.plot("quadrant")
    assert figure.title == "big brought 200 customers, of whom 20.0% buy again; 38.0% of all do"
    assert "thin" not in figure.alt
    labels = figure.wide.split("<text")
    assert any(">few<" in label or "few" in label for label in labels)
    assert not any(label.rstrip().endswith("thin</text>") for label in labels)
    assert list(result.actions().frame.channel) == ["big", "best", "weak", "few"]
    assert set(CORNERS) == {"grow", "discover", "repair", "cut"}


def test_value_may_be_the_quality():
    people, bought = many(SIZES)
    rows = found(people, bought, last=14, quality="value").quadrant.set_index("channel")
    assert rows.quality["big"] == 12
    assert rows.corner["big"] == "repair"


def test_a_channel_like_all_others_is_left_alone():
    people, bought = many([("a", 100, 50), ("b", 40, 21)])
    result = found(people, bought, last=14)
    assert not result.quadrant.sure.any()
    assert set(result.actions().frame.todo) == {
        "Its quality is that of all customers within chance: leave it, and look again."
    }
    assert "No channel's customers" in result.plot("quadrant").title


def test_repeat_rates_are_compared_with_the_rest():
    people, bought = many(SIZES)
    rows = by_name(found(people, bought, last=14))
    told = [(n, x) for _, n, x in SIZES if n >= 30]
    raw = [proportions_ztest([x, 163 - x], [n, 429 - n])[1] for n, x in told]
    adjusted = multipletests(raw, method="holm")[1]
    names = [name for name, n, _ in SIZES if n >= 30]
    assert rows.again_p[names].tolist() == pytest.approx(list(adjusted), abs=1e-12)
    assert np.isnan(rows.again_p["thin"])


def test_findings_say_where_to_move_budget():
    people, bought = many([("best", 100, 60), ("big", 200, 40)])
    money = spend((0, "best", 1), (12, "best", 500), (12, "big", 3000))
    result = found(people, bought, last=14, spend=money, horizon=30)
    finding = result.findings()[0]
    assert finding.words == (
        "A customer of big costs €15.00, 3.0 times one of best (€5.00), and fewer buy again: "
        "20.0% against 60.0%."
    )
    assert finding.action.startswith("Move budget from big to best")
    assert finding.weight == pytest.approx(3000 / 3500)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"first": 20}, "lies after"),
        ({"margin": 0}, "margin is 0"),
        ({"ages": ()}, "ages is empty"),
        ({"ages": (0,)}, "ages has 0"),
        ({"repeat_age": 1.5}, "repeat_age has 1.5"),
        ({"horizon": 20}, "horizon is 20"),
        ({"quality": "price"}, "quality is 'price'"),
        ({"timezone": "Asia/Shangai"}, "Did you mean 'Asia/Shanghai'"),
    ],
)
def test_impossible_requests_are_refused(options, words):
    with pytest.raises(ParameterError, match=words):
        found(customers(), orders(), **options)


def test_missing_columns_are_named():
    with pytest.raises(InputError, match="spend has no column cost"):
        found(customers(), orders(), spend=spend().drop("cost"))
    with pytest.raises(InputError, match="customers has no column channel"):
        found(customers().drop("channel"), orders())


# The simulated firm


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    world = replace(World.preset("small"), customers=6000)
    return simulate(world, out=tmp_path_factory.mktemp("firm"))


def read(firm, name):
    return ibis.read_parquet(firm / f"{name}.parquet")


@pytest.fixture(scope="module")
def result(firm):
    """All customers who can be followed for 90 days, and the last nine months of money."""
    return channels(
        read(firm, "customers"),
        purchases(read(firm, "orders")),
        spend=read(firm, "spend"),
        touches=read(firm, "touches"),
        events=read(firm, "events"),
        leads=read(firm, "leads"),
        start="2024-03-31",  # 90 days before is the first of January
        as_of="2024-12-31",
        timezone="Asia/Shanghai",
        margin=0.4,
    )


def test_planted_quality_of_channels_is_recovered_in_order(firm, result):
    truth = json.loads((firm / "truth.json").read_text())["channels"]
    planted = {c["channel"]: c["planted"]["rate"] * (1 - c["planted"]["once"]) for c in truth}
    rows = by_name(result)
    for channel in truth:
        seen, row = channel["seen"], rows.loc[channel["channel"]]
        assert abs(row.aged - seen["followed_90_days"]) <= 0.01 * row.aged
        assert row.again_low < seen["back_within_90_days"] < row.again_high
    ranked = sorted(planted, key=planted.get)
    assert rows.again.idxmin() == ranked[0] == "抖音直播"
    assert rows.again.idxmax() == ranked[-1] == "老客户推荐"
    order = rows.again.reindex(ranked).to_numpy()
    assert stats.spearmanr(range(len(ranked)), order).statistic > 0.9
    corner = result.quadrant.set_index("channel")
    assert (corner.corner["抖音直播"], corner.corner["老客户推荐"]) == ("repair", "discover")
    assert corner.sure[["抖音直播", "老客户推荐"]].all()


def _won(firm):
    """Customers with their purchases as local days, in pandas."""
    people = read(firm, "customers").execute()
    sold = purchases(read(firm, "orders")).execute()
    sold["day"] = (sold.ordered_at + pd.Timedelta(hours=8)).dt.normalize()
    sold["amount"] = sold.amount.astype(float)
    first = sold.groupby("customer_id").ordered_at.min()
    won = pd.concat([people.set_index("customer_id").created_at, first], axis=1).min(axis=1)
    people["won"] = (people.customer_id.map(won) + pd.Timedelta(hours=8)).dt.normalize()
    return people, sold.merge(people[["customer_id", "won", "channel"]], on="customer_id")


def test_it_agrees_with_pandas_on_the_simulated_firm(firm, result):
    people, sold = _won(firm)
    rows = by_name(result)
    end, length = pd.Timestamp("2024-12-31"), 276
    begin = end - pd.Timedelta(days=length - 1)
    now = people[(people.won >= begin) & (people.won <= end)]
    assert rows.customers[rows.customers > 0].to_dict() == now.channel.value_counts().to_dict()
    for age in (30, 90, 180):
        back = pd.Timedelta(days=age)
        cohort = people[(people.won >= begin - back) & (people.won <= end - back)]
        cohort = cohort[cohort.won >= sold.day.min()]
        early = sold[(sold.day - sold.won).dt.days <= age]
        spent = early.groupby("customer_id").amount.sum()
        cohort = cohort.assign(spent=cohort.customer_id.map(spent).fillna(0))
        means = cohort.groupby("channel").spent.agg(["size", "mean"])
        told = rows.loc[means.index]
        assert told[f"n_{age}"].tolist() == means["size"].tolist()
        assert told[f"value_{age}"].tolist() == pytest.approx(means["mean"].tolist())
        times = cohort.customer_id.map(early.groupby("customer_id").size()).fillna(0)
        if age == 90:
            again = (times >= 2).groupby(cohort.channel).mean()
            assert told.again.tolist() == pytest.approx(again.tolist())


def test_credit_agrees_with_plain_python_and_adds_up(firm, result):
    met = read(firm, "touches").execute().sort_values(["occurred_at", "channel"])
    sold = purchases(read(firm, "orders")).execute()
    by_customer = {
        (who, direct): (part.occurred_at.to_numpy(), part.channel.tolist())
        for (who, direct), part in met.groupby(["customer_id", met.kind == "direct"])
    }
    credited = {}
    begin, month = pd.Timestamp("2024-03-30 16:00"), pd.Timedelta(days=30)
    for order in sold.itertuples():
        for direct in (False, True):
            times, names = by_customer.get((order.customer_id, direct), ([], []))
            place = np.searchsorted(times, np.datetime64(order.ordered_at), side="right") - 1
            if place >= 0 and times[place] >= order.ordered_at - month:
                n, money = credited.get(names[place], (0, 0.0))
                if times[place] >= begin:
                    credited[names[place]] = (n + 1, money + float(order.amount))
                break
    rows = by_name(result)
    assert rows.orders[rows.orders > 0].to_dict() == {k: n for k, (n, _) in credited.items()}
    for name, (_, money) in credited.items():
        assert rows.revenue[name] == pytest.approx(money)
    assert rows.orders.sum() == result.total.orders.iloc[0]
    assert rows.revenue.sum() == pytest.approx(result.total.revenue.iloc[0])


def test_spend_and_customers_add_up(firm, result):
    spent = read(firm, "spend").execute()
    spent = spent[pd.to_datetime(spent.day) >= pd.Timestamp("2024-03-31")]
    sums = spent.assign(cost=spent.cost.astype(float)).groupby("channel").cost.sum()
    rows = by_name(result)
    for name, cost in sums.items():
        assert rows.cost[name] == pytest.approx(cost)
    assert rows.cost.sum() == pytest.approx(result.total.cost.iloc[0])
    assert rows.customers.sum() == result.total.customers.iloc[0] == result.won
    assert set(result.unmatched.channel) == {"百度品牌词", "短信"}
    assert rows.kind["电话销售"] == "organic"
    assert rows.kind["百度品牌词"] == "spend_only"


def test_it_is_shown_whole_and_read_in_both_languages(result, tmp_path):
    for language in ("en", "zh"):
        with reading(language=language, currency="CNY"):
            for table in result.tables().values():
                json.dumps(table.json())
            for kind in result.plots():
                figure = result.plot(kind)
                assert "<svg" in figure.wide
                assert figure.alt
            assert result.findings()[0].action
            assert len(result.key_figures()) == 5
            assert write_actions(result.actions(), tmp_path)[0].exists()
            words = result.headline + str(result.definition)
            assert ("获客成本" in words) == (language == "zh")


# Recommendations


def shares(*rows):
    """(customer, day) as events."""
    made = [
        {
            "visitor_id": None,
            "customer_id": who,
            "occurred_at": at(when),
            "channel": None,
            "event": "share",
        }
        for who, when in rows
    ]
    return ibis.memtable(made, schema=EVENTS)


def referred(people, sent, **options):
    return referral(
        people, sent, **{"channel": "friend", "start": day(10), "as_of": day(19)} | options
    )


def test_k_by_hand():
    people = customers(
        *((f"o{k}", 0, "ads") for k in range(6)),
        *(("n1", 10, "friend"), ("n2", 19, "friend"), ("n3", 12, "ads"), ("n4", 20, "friend")),
        ("n5", 12, None),
    )
    sent = shares(
        *(("o1", 10), ("o1", 11), ("o1", 19), ("o2", 12), (None, 12), ("o3", 9), ("o3", 20))
    )
    result = referred(people, sent)
    now = result.now
    assert (now.customers, now.new, now.referred) == (10, 4, 2)
    assert (now.invitations, now.senders) == (4, 2)
    assert (now.i, now.c, now.k) == (0.4, 0.5, 0.2)
    assert now.i * now.c == pytest.approx(now.k)
    low, high = proportion_confint(2, 4, method="wilson")
    assert (now.share, now.share_low, now.share_high) == pytest.approx((0.5, low, high))
    low, high = stats.chi2.ppf([0.025, 0.975], [4, 6]) / 2
    assert (now.k_low, now.k_high) == pytest.approx((low / 10, high / 10))
    factor = np.exp(stats.norm.ppf(0.975) * np.sqrt((9 + 1) / 16))
    assert (now.i_low, now.i_high) == pytest.approx((0.4 / factor, 0.4 * factor))
    factor = np.exp(stats.norm.ppf(0.975) * np.sqrt((9 + 1) / 16 + 1 / 2))
    assert (now.c_low, now.c_high) == pytest.approx((0.5 / factor, 0.5 * factor))
    assert result.unknown == 1
    assert len(result.periods) == 1  # invitations before day 9 are not known


def test_referrals_of_a_quiet_firm_say_so():
    nothing = referred(customers(), shares())
    assert nothing.empty
    assert nothing.headline == "No new customer and no invitation in the 10 days to 20 Jan 2025."
    assert nothing.key_figures() == ()
    assert nothing.findings() == ()
    json.dumps(nothing.table().json())
    other = referred(customers(("a", 12, "friends")), shares(("a", 12)))
    assert other.headline == "No customer has the channel friend."
    assert other.findings()[0].action == "Did you mean friends?"
    assert np.isnan(referred(customers(("a", 0, "friend")), shares(("a", 12))).now.share)
    unsent = referred(customers(("a", 12, "friend")), shares())
    assert (unsent.now.i, unsent.now.k) == (0, 1)
    assert np.isnan(unsent.now.c)
    with pytest.raises(ParameterError, match="channel is empty"):
        referred(customers(), shares(), channel="")


def test_planted_recommendations_are_counted(firm):
    truth = json.loads((firm / "truth.json").read_text())["referrals"]
    result = referral(
        read(firm, "customers"),
        read(firm, "events"),
        channel="老客户推荐",
        start="2024-01-01",
        as_of="2024-12-31",
        timezone="Asia/Shanghai",
    )
    assert result.now.referred == truth["planted"]
    sent = read(firm, "events").execute()
    sent = sent[sent.event == "share"]
    assert (result.now.invitations, result.now.senders) == (
        len(sent),
        sent.customer_id.nunique(),
    )
    with reading(language="zh", currency="CNY"):
        assert "推荐" in result.headline
        assert "<svg" in result.plot().wide
