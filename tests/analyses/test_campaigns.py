"""Campaigns with a holdout, without one, and how many contacts are too many."""

import datetime as dt
import json
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from crmkit.analyses.campaigns import (
    campaign_effect,
    campaigns,
    contact_frequency,
    coupon_use,
)
from crmkit.analyses.campaigns.counterfactual import against_control, by_model, by_weekday
from crmkit.errors import ParameterError
from crmkit.purchases import purchases
from crmkit.stats import ratio_interval
from crmkit.text import reading

AT = dt.datetime(2025, 5, 1, 1)
PEOPLE = {
    "customer_id": "string",
    "assigned_at": "timestamp",
    "reason": "string",
    "action": "string",
    "arm": "string",
    "cost": "decimal(18, 4)",
}
ORDERS = {
    "order_id": "string",
    "customer_id": "string",
    "ordered_at": "timestamp",
    "amount": "decimal(18, 4)",
}


def people(*rows):
    """(customer, arm, campaign, day) or shorter rows, as interventions."""
    filled = [(row + (None,) * 4)[:4] for row in rows]
    return ibis.memtable(
        [
            {
                "customer_id": who,
                "assigned_at": AT + dt.timedelta(days=day or 0),
                "reason": "campaign",
                "action": campaign or "A",
                "arm": arm,
                "cost": Decimal("0.5") if arm == "treated" else Decimal(0),
            }
            for who, arm, campaign, day in filled
        ],
        schema=PEOPLE,
    )


def orders(*rows):
    """(customer, days after AT, amount) as orders."""
    return ibis.memtable(
        [
            {
                "order_id": str(n),
                "customer_id": who,
                "ordered_at": AT + dt.timedelta(days=day),
                "amount": Decimal(str(amount)),
            }
            for n, (who, day, amount) in enumerate(rows)
        ],
        schema=ORDERS,
    )


def plans(*rows):
    return ibis.memtable(
        [
            {"campaign_id": key, "ended_at": ends, "settings": settings}
            for key, ends, settings in rows
        ],
        schema={"campaign_id": "string", "ended_at": "timestamp", "settings": "string"},
    )


FOUR = (("t1", "treated"), ("t2", "treated"), ("h1", "holdout"), ("h2", "holdout"))


def found(who, bought, plan=None, **options):
    given = {"as_of": "2025-06-30", "days": 14} | options
    return campaigns(who, bought, plan, **given)


def test_counts_money_and_window_edges():
    bought = orders(
        ("t1", 0, 10),  # at the very start: counts
        ("t1", 13.999, 5),
        ("t2", 14, 99),  # the end is not in the window
        ("h1", -0.001, 7),  # right before
        ("h1", -14, 3),  # the first moment of the time before
        ("h1", -14.001, 1000),
        ("h2", 5, 2),
        ("x", 5, 50),  # not in the campaign
    )
    row = found(people(*FOUR), bought).effects.iloc[0]
    assert (row.treated, row.holdout, row.treated_buyers, row.holdout_buyers) == (2, 2, 1, 1)
    assert (row.spent, row.spent_base, row.revenue, row.cost) == (7.5, 1.0, 13.0, 1.0)
    assert row.profit == 12.0
    assert row.placebo == -0.5
    assert (row.begins, row.ends) == (pd.Timestamp("2025-05-01"), pd.Timestamp("2025-05-15"))


def test_a_campaigns_own_end_counts_before_the_default():
    plan = plans(("A", AT + dt.timedelta(days=3), json.dumps({"name": "春茶"})))
    row = found(people(*FOUR), orders(("t1", 2, 1), ("t2", 4, 1)), plan).effects.iloc[0]
    assert (row["name"], row.treated_buyers) == ("春茶", 1)


@pytest.mark.parametrize("settings", [None, "no json", "[1]", '{"name": ""}'])
def test_a_campaign_without_a_name_has_its_id(settings):
    plan = plans(("A", None, settings))
    assert found(people(*FOUR), orders(("t1", 2, 1)), plan).effects.name[0] == "A"


def test_a_customer_counts_once_and_nobody_in_both_arms():
    who = people(*FOUR, ("t1", "treated", "A", 5), ("h2", "treated", "A", 1))
    result = found(who, orders(("t1", 1, 1), ("h2", 1, 1)))
    row = result.effects.iloc[0]
    assert (row.treated, row.holdout, result.both) == (2, 1, 1)
    assert row.cost == 1.5  # both messages were paid for


def test_what_cannot_be_judged_says_so():
    nobody_held = found(people(("t1", "treated")), orders(("t1", 1, 1)))
    assert nobody_held.effects.verdict.tolist() == ["no_holdout"]
    assert np.isnan(nobody_held.effects.lift[0])
    running = found(people(*FOUR), orders(("t1", 1, 1)), as_of="2025-05-10")
    assert running.effects.verdict.tolist() == ["running"]
    assert "yet" in running.headline
    none = found(people(*FOUR), orders(), as_of="2025-04-01")
    assert none.empty and "No campaign" in none.headline
    none._repr_html_()


def test_nobody_and_everybody_bought():
    none = found(people(*FOUR), orders()).effects.iloc[0]
    assert none.rate == 0 and np.isnan(none.lift) and none.gain == 0
    everyone = found(people(*FOUR), orders(*((who, 1, 1) for who, _ in FOUR))).effects.iloc[0]
    assert (everyone.rate, everyone.lift, everyone.gain) == (1, 1, 0)


def test_groups_that_differed_before_are_not_compared():
    who = people(
        *((f"t{n}", "treated") for n in range(60)), *((f"h{n}", "holdout") for n in range(60))
    )
    bought = orders(*((f"t{n}", -1, 1) for n in range(40)))
    result = found(who, bought)
    assert result.effects.verdict.tolist() == ["unlike"]
    assert "chance" in result.findings()[0].action


def test_intervals_agree_with_statsmodels():
    rng = np.random.default_rng(5)
    amounts = {f"t{n}": rng.gamma(2, 20) for n in range(80)} | {
        f"h{n}": rng.gamma(2, 15) for n in range(50)
    }
    who = people(
        *((f"t{n}", "treated") for n in range(120)), *((f"h{n}", "holdout") for n in range(90))
    )
    bought = orders(*((who, 1, round(amount, 2)) for who, amount in amounts.items()))
    row = found(who, bought).effects.iloc[0]
    counts = (80, 120, 50, 90)
    score = confint_proportions_2indep(*counts, compare="ratio", method="score", correction=False)
    np.testing.assert_allclose((row.lift_low, row.lift_high), score, rtol=1e-9)
    newcombe = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
    np.testing.assert_allclose((row.gain_low, row.gain_high), newcombe, rtol=1e-9)
    spent = [
        DescrStatsW([round(amounts.get(f"{arm}{k}", 0), 2) for k in range(n)])
        for arm, n in (("t", 120), ("h", 90))
    ]
    welch = CompareMeans(*spent).tconfint_diff(usevar="unequal")
    np.testing.assert_allclose((row.revenue_low / 120, row.revenue_high / 120), welch, rtol=1e-6)


def test_the_ratio_knows_its_corners():
    assert ratio_interval(0, 10, 5, 10)[0] == 0
    assert ratio_interval(5, 10, 0, 10)[1] == float("inf")
    assert np.isnan(ratio_interval(0, 10, 0, 10)).all()
    assert np.isnan(ratio_interval(0, 0, 1, 10)).all()
    low, high = ratio_interval(10, 10, 10, 10)
    assert low < 1 < high


def test_impossible_requests_are_refused():
    with pytest.raises(ParameterError, match="margin"):
        found(people(*FOUR), orders(), margin=2)
    with pytest.raises(ParameterError, match="days"):
        found(people(*FOUR), orders(), days=0)


def test_it_is_read_in_both_languages():
    who = people(
        *((f"t{n}", "treated") for n in range(300)), *((f"h{n}", "holdout") for n in range(300))
    )
    bought = orders(*((f"t{n}", 1, 20) for n in range(90)), *((f"h{n}", 1, 20) for n in range(30)))
    result = found(who, bought)
    assert "1 of 1 campaigns worked" in result.headline
    assert result.findings()[0].action.startswith("Repeat")
    for language in ("en", "zh"):
        with reading(language=language, currency="CNY"):
            assert "有效" in result.headline or language == "en"
            assert all(table.json()["rows"] for table in result.tables().values())
            result.plot()


# Without a holdout


def days(value, control=None, first="2025-01-06"):
    """A frame of days, Monday first."""
    index = pd.date_range(first, periods=len(value), freq="D")
    columns = {"value": np.asarray(value, dtype=float)}
    if control is not None:
        columns["control"] = np.asarray(control, dtype=float)
    return pd.DataFrame(columns, index=index)


WEEK = [10, 10, 10, 10, 12, 20, 8]


def test_weekdays_are_matched():
    frame = days(WEEK * 6 + [13, 13])
    effect = by_weekday(frame.value[:42], frame.value[42:])  # a Monday and a Tuesday
    assert (effect.actual, effect.expected, effect.extra) == (26, 20, 6)


def test_the_untouched_take_away_what_both_share():
    frame = days(WEEK * 6 + [30, 30], [2 * v for v in WEEK] * 6 + [30, 30])
    effect = against_control(frame[:42], frame[42:])
    assert effect.expected == pytest.approx(20 * 60 / 40)  # the untouched rose by a half
    assert effect.extra == pytest.approx(30)


def test_the_model_sees_a_plain_jump():
    rng = np.random.default_rng(3)
    week = np.array(WEEK * 12) * 6
    sold, others = rng.poisson(week).astype(float), rng.poisson(week).astype(float)
    frame = days(sold, others)
    frame.iloc[-7:, 0] *= 2
    effect, by_day = by_model(frame[:-7], frame[-7:], seed=1)
    assert effect.low > 0
    assert effect.extra == pytest.approx(frame.value[-7:].sum() / 2, rel=0.15)
    assert (by_day.low <= by_day.expected).all() and (by_day.expected <= by_day.high).all()
    again, _ = by_model(frame[:-7], frame[-7:], seed=1)
    assert again == effect


def sales(counts, first=dt.datetime(2025, 1, 6, 4)):
    """Orders by day: counts of the reached and of the untouched."""
    rows = [
        {
            "order_id": f"{day}-{kind}-{n}",
            "ordered_at": first + dt.timedelta(days=day, minutes=n),
            "amount": Decimal(5),
            "channel": kind,
        }
        for day, pair in enumerate(counts)
        for kind, count in zip(("web", "shop"), pair, strict=True)
        for n in range(int(count))
    ]
    schema = {
        "order_id": "string",
        "ordered_at": "timestamp",
        "amount": "decimal(18, 4)",
        "channel": "string",
    }
    return ibis.memtable(rows, schema=schema)


@pytest.fixture(scope="module")
def jump():
    rng = np.random.default_rng(8)
    week = np.array(WEEK * 15)
    counts = np.stack([rng.poisson(week), rng.poisson(week)], axis=1)
    counts[98:, 0] += rng.poisson(week[98:])
    return sales(counts)


def effect_of(table, **options):
    given = {"start": "2025-04-14", "end": "2025-04-20", "as_of": "2025-04-20"}
    given |= {"control": ibis._.channel == "shop"}
    return campaign_effect(table, **given | options)


def test_an_effect_is_found_and_the_placebo_is_quiet(jump):
    result = effect_of(jump)
    methods = result.effects.set_index("method")
    assert (methods.extra_low > 0).all() and result.controlled
    assert result.trusted and len(result.placebos) == 4
    assert (result.effects.actual == result.effects.actual.iloc[0]).all()
    assert "changed its days by" in result.headline


def test_days_after_the_campaign_are_watched_until_the_data_end(jump):
    result = effect_of(jump, end="2025-04-16")
    assert set(result.effects.window) == {"during", "after"}
    during = result.effects[result.effects.window == "during"].actual.iloc[0]
    after = result.effects[result.effects.window == "after"].actual.iloc[0]
    assert during + after == effect_of(jump).effects.actual.iloc[0]


def test_money_is_five_times_the_orders(jump):
    orders_, money = effect_of(jump), effect_of(jump, measure="revenue")
    np.testing.assert_allclose(
        money.effects.extra.to_numpy(float), 5 * orders_.effects.extra.to_numpy(float), rtol=1e-6
    )


def test_days_are_those_of_the_books_zone():
    late = sales(
        [(3, 3)] * 60, first=dt.datetime(2025, 1, 5, 16, 30)
    )  # half past midnight in China
    result = effect_of(
        late, start="2025-03-03", end="2025-03-06", as_of="2025-03-06", timezone="Asia/Shanghai"
    )
    assert result.days.index[0] == pd.Timestamp("2025-01-06")


def test_too_little_before_says_so(jump):
    for given in ({"start": "2025-01-20"}, {"start": "2026-01-01", "end": "2026-01-03"}):
        result = effect_of(jump, **given)
        assert result.empty and "cannot be judged" in result.headline
        result._repr_html_()


def test_impossible_days_are_refused(jump):
    with pytest.raises(ParameterError, match="before it starts"):
        effect_of(jump, end="2025-04-01")
    with pytest.raises(ParameterError, match="Did you mean 'orders'"):
        effect_of(jump, measure="order")
    with pytest.raises(ParameterError, match="42"):
        effect_of(jump, before=10)


def test_the_effect_is_read_in_both_languages(jump):
    result = effect_of(jump)
    for language in ("en", "zh"):
        with reading(language=language, currency="CNY"):
            assert all(table.json()["rows"] for table in result.tables().values())
            assert result.plot().alt and result.findings() and result.key_figures()


# Contacts

END = dt.datetime(2025, 6, 14, 12)


def seen(*rows):
    return ibis.memtable(
        [
            {"customer_id": who, "occurred_at": END - dt.timedelta(days=ago), "kind": kind}
            for who, ago, kind in rows
        ],
        schema={"customer_id": "string", "occurred_at": "timestamp", "kind": "string"},
    )


def bought(*rows):
    return ibis.memtable(
        [{"customer_id": who, "ordered_at": END - dt.timedelta(days=ago)} for who, ago in rows],
        schema={"customer_id": "string", "ordered_at": "timestamp"},
    )


def test_contacts_and_purchases_count_in_their_windows():
    touches = seen(
        ("a", 14, "owned"),  # the last day of contacts
        ("a", 41, "call"),  # the first one
        ("a", 42, "owned"),
        ("a", 13, "owned"),  # already in the horizon
        ("a", 20, "paid"),
        ("new", 20, "owned"),
    )
    purchases_ = bought(("a", 100), ("a", 13), ("b", 14), ("new", 5))
    bands = contact_frequency(touches, purchases_, as_of="2025-06-14").bands
    assert bands[["least", "n", "buyers"]].to_numpy().tolist() == [[0, 1, 0], [2, 1, 1]]


def test_standardising_takes_away_who_was_contacted():
    """Frequent buyers are contacted more and buy more; contacts themselves do nothing."""
    rng = np.random.default_rng(2)
    touches, sold = [], []
    for n in range(6000):
        often = n % 2
        sold += [(f"c{n}", 60 + k) for k in range(1 + 3 * often)]
        touches += [(f"c{n}", 15 + k, "owned") for k in range(rng.poisson(1 + 2 * often))]
        if rng.random() < (0.30 if often else 0.05):
            sold.append((f"c{n}", 3))
    bands = contact_frequency(seen(*touches), bought(*sold), as_of="2025-06-14").bands
    inside = (bands.adjusted_low <= 0.175) & (bands.adjusted_high >= 0.175)
    assert inside[bands.adjusted.notna()].mean() >= 0.8
    assert bands.rate.iloc[-1] > 2 * bands.rate.iloc[0]
    assert not (bands.step_low > 0).sum() > 1


def test_nobody_known_says_so():
    result = contact_frequency(seen(), bought(), as_of="2025-06-14")
    assert result.empty and "No customer" in result.headline
    result._repr_html_()
    with pytest.raises(ParameterError, match="horizon"):
        contact_frequency(seen(), bought(), as_of="2025-06-14", horizon=0)


# The planted truth


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    from dataclasses import replace

    from crmkit.simulate import World, simulate

    world = replace(World(), customers=8000, start=dt.date(2024, 6, 1), days=300)
    return simulate(world, out=tmp_path_factory.mktemp("firm"))


def test_planted_lifts_are_covered(firm):
    def read(name):
        return ibis.read_parquet(firm / f"{name}.parquet")

    result = campaigns(
        read("interventions"),
        purchases(read("orders")),
        read("campaigns"),
        as_of="2025-03-27",
        timezone="Asia/Shanghai",
    )
    truth = pd.read_parquet(firm / "truth_trials.parquet").dropna(subset="campaign")
    planted = truth.groupby("campaign")[["chance_treated", "chance_held_out"]].mean()
    effects = result.effects.set_index("campaign").join(planted)
    marketing = effects[effects.chance_treated.notna()]
    ratio = marketing.chance_treated / marketing.chance_held_out
    assert len(marketing) >= 2
    assert ((marketing.lift_low <= ratio) & (ratio <= marketing.lift_high)).all()
    assert (marketing.placebo_p > 0.001).all()
    counts = truth.pivot_table("bought", "campaign", "treated", aggfunc="sum")
    assert marketing.treated_buyers.tolist() == counts.loc[marketing.index, True].tolist()
    assert marketing.holdout_buyers.tolist() == counts.loc[marketing.index, False].tolist()


# Coupons


def coupons(*rows):
    """(customer, event, day, value, campaign) as events."""
    return ibis.memtable(
        [
            {
                "customer_id": who,
                "event": f"coupon_{what}",
                "campaign": (more or ("A",))[0],
                "occurred_at": AT + dt.timedelta(days=day),
                "value": value,
            }
            for who, what, day, value, *more in rows
        ],
        schema={
            "customer_id": "string",
            "event": "string",
            "campaign": "string",
            "occurred_at": "timestamp",
            "value": "float64",
        },
    )


def test_a_coupon_counts_once_and_only_after_it_was_sent():
    events = coupons(
        ("a", "sent", 0, 5.0),
        ("a", "sent", 1, 5.0),
        ("a", "used", 2, 5.0),
        ("a", "used", 3, 5.0),
        ("b", "sent", 5, 5.0),
        ("b", "used", 4, 5.0),  # an earlier one
        ("c", "used", 4, 5.0),  # never sent
        ("d", "sent", 0, None, "B"),
        ("d", "used", 60, None, "B"),  # after the last day that counts
        (None, "sent", 0, 5.0),
    )
    result = coupon_use(events, as_of="2025-05-31")
    frame = result.coupons.set_index("campaign")
    assert frame.loc["A", ["sent", "used", "stray", "worth", "days"]].tolist() == [2, 1, 1, 5, 2]
    assert frame.loc["B", ["sent", "used"]].tolist() == [1, 0] and np.isnan(frame.days["B"])
    late = coupon_use(events, as_of="2025-05-31", start="2025-05-03").coupons
    assert late.set_index("campaign").sent["A"] == 1
    assert coupon_use(coupons(), as_of="2025-05-31").empty
    for language in ("en", "zh"):
        with reading(language=language, currency="CNY"):
            assert result.table().json()["rows"] and result.plot().alt and result.findings()


def test_planted_coupons_are_counted(firm):
    events = ibis.read_parquet(firm / "events.parquet")
    found = coupon_use(events, as_of="2025-03-27", timezone="Asia/Shanghai").coupons
    bare = events.filter(events.event.isin(["coupon_sent", "coupon_used"])).execute()
    for row in found.itertuples():
        own = bare[bare.campaign == row.campaign]
        assert row.sent == own[own.event == "coupon_sent"].customer_id.nunique()
        assert row.used == own[own.event == "coupon_used"].customer_id.nunique()
    assert len(found) and found.stray.sum() == 0
