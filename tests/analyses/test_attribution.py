"""Attribution on rows written by hand, at its edges, and as a reader sees it."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit import text
from crmkit.analyses.attribution import attribution, attribution_sensitivity
from crmkit.analyses.attribution.models import MODELS
from crmkit.errors import InputError, ParameterError

SEEN = {
    "customer_id": "string",
    "occurred_at": "timestamp",
    "channel": "string",
    "kind": "string",
    "content": "string",
}
WON = {"customer_id": "string", "ordered_at": "timestamp", "amount": "float64"}
MONEY = {**WON, "amount": "decimal(18, 4)"}
AS_OF = "2024-06-30"


def touches(*rows):
    """A table of touches from (customer, when, channel[, kind[, content]])."""
    full = [(*row, *(None,) * (5 - len(row))) for row in rows]
    frame = pd.DataFrame(full, columns=list(SEEN))
    frame["occurred_at"] = pd.to_datetime(frame.occurred_at, format="ISO8601")
    return ibis.memtable(frame, schema=SEEN)


def orders(*rows):
    """A table of orders from (customer, when, amount)."""
    frame = pd.DataFrame([*rows], columns=list(WON)).astype({"amount": "float64"})
    frame["ordered_at"] = pd.to_datetime(frame.ordered_at, format="ISO8601")
    return ibis.memtable(frame, schema=WON).cast(MONEY)


def asked(seen, won, **options):
    return attribution(seen, won, **{"as_of": AS_OF, "bootstrap": 0, **options})


def credit(found, model, measure="conversions"):
    """The credit of a model by channel, without zeros."""
    rows = found.credit[found.credit.model == model].set_index("channel")[measure]
    return {k: round(v, 6) for k, v in rows.items() if v != 0}


def test_the_toy():
    """c1 > c2 > c3 converts; c1 and c2 > c3 do not: conversion 1/3, Markov weights .2 .4 .4."""
    seen = touches(
        ("a", "2024-03-01", "c1"),
        ("a", "2024-03-02", "c2"),
        ("a", "2024-03-03", "c3"),
        ("b", "2024-03-01", "c1"),
        ("c", "2024-03-01", "c2"),
        ("c", "2024-03-02", "c3"),
    )
    found = asked(seen, orders(("a", "2024-03-04", 90)))
    assert credit(found, "markov") == {"c1": 0.2, "c2": 0.4, "c3": 0.4}
    assert credit(found, "markov", "revenue") == {"c1": 18, "c2": 36, "c3": 36}
    channels = found.channels.set_index("channel")
    assert channels.removal.to_dict() == pytest.approx({"c1": 0.5, "c2": 1, "c3": 1})
    assert channels.removal_normalised.to_dict() == pytest.approx({"c1": 0.2, "c2": 0.4, "c3": 0.4})
    assert channels.paths.to_dict() == {"c1": 2, "c2": 2, "c3": 2}
    assert channels.converting.to_dict() == {"c1": 1, "c2": 1, "c3": 1}
    assert credit(found, "linear") == {"c1": 0.333333, "c2": 0.333333, "c3": 0.333333}
    three = asked(seen, orders(("a", "2024-03-04", 90)), order=3)
    assert credit(three, "markov") == {"c1": 0.333333, "c2": 0.333333, "c3": 0.333333}


def test_the_glove_game_on_paths():
    """Of paths with the sets of gloves, only those of a pair convert, each one."""
    rows, won = [], []
    for k, members in enumerate(["1", "2", "12", "3", "13", "23", "123"]):
        rows += [(f"p{k}", f"2024-03-0{int(m)}", f"glove {m}") for m in members]
        if "3" in members and len(members) > 1:
            won.append((f"p{k}", "2024-03-05", 1))
    found = asked(touches(*rows), orders(*won), game="rate")
    values = found.channels.set_index("channel").shapley
    # the games of each path: 13 and 23 give a half each, 123 gives 1/6, 1/6, 2/3
    assert values.to_dict() == pytest.approx(
        {"glove 1": 1 / 2 + 1 / 6, "glove 2": 1 / 2 + 1 / 6, "glove 3": 1 + 2 / 3}
    )


PATH = [
    ("a", "2024-03-01 00:00", "mail", "owned"),
    ("a", "2024-03-08 00:00", "search", "paid"),
    ("a", "2024-03-09 00:00", "search", "paid"),
    ("a", "2024-03-15 00:00", "direct", "direct"),
]


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("first", {"mail": 1}),
        ("last", {"direct": 1}),
        ("last_non_direct", {"search": 1}),
        ("linear", {"mail": 0.25, "search": 0.5, "direct": 0.25}),
        ("position", {"mail": 0.4, "search": 0.2, "direct": 0.4}),
        # half a life of seven days: 14, 7, 6 and 0 days before
        ("decay", {"mail": 0.25, "search": 0.5 + 2 ** (-6 / 7), "direct": 1}),
    ],
)
def test_rules_by_hand(model, wanted):
    found = asked(touches(*PATH), orders(("a", "2024-03-15 00:00", 80)), transform="unique")
    whole = sum(wanted.values())
    assert credit(found, model) == pytest.approx(
        {k: v / whole for k, v in wanted.items()}, abs=1e-6
    )
    assert credit(found, model, "revenue") == pytest.approx(
        {k: 80 * v / whole for k, v in wanted.items()}, abs=1e-3
    )


def test_two_touches_share_by_position():
    found = asked(touches(PATH[0], PATH[1]), orders(("a", "2024-03-10", 1)))
    assert credit(found, "position") == {"mail": 0.5, "search": 0.5}


def test_direct_alone_is_credited():
    seen = touches(("a", "2024-03-01", "direct", "direct"), ("a", "2024-03-02", "direct", "direct"))
    found = asked(seen, orders(("a", "2024-03-03", 1)), transform="unique")
    assert credit(found, "last_non_direct") == {"direct": 1}


def test_direct_by_name():
    seen = touches(("a", "2024-03-01", "mail"), ("a", "2024-03-02", "直接访问"))
    won = orders(("a", "2024-03-03", 1))
    assert credit(asked(seen, won), "last_non_direct") == {"直接访问": 1}
    assert credit(asked(seen, won, direct=["直接访问"]), "last_non_direct") == {"mail": 1}


@pytest.mark.parametrize(
    ("transform", "wanted"),
    [
        ("unique", {"a": 3 / 5, "b": 2 / 5}),  # a a b a b
        ("exposure", {"a": 1 / 2, "b": 1 / 2}),  # a b a b
        ("first", {"a": 1 / 2, "b": 1 / 2}),  # a b
        ("frequency", {"a": 1 / 2, "b": 1 / 2}),  # a(3) b(2)
    ],
)
def test_transforms(transform, wanted):
    seen = touches(*(("x", f"2024-03-0{k}", c) for k, c in enumerate("aabab", start=1)))
    found = asked(seen, orders(("x", "2024-03-06", 1)), transform=transform)
    assert credit(found, "linear") == pytest.approx(wanted, abs=1e-6)
    longest = {"unique": 5, "exposure": 4}.get(transform, 2)
    assert found.paths.touches.tolist() == [longest]


def test_frequency_tells_levels_apart():
    """Two touches of mail convert, one does not: only the chain of frequencies sees it."""
    rows = [("a", "2024-03-01", "sms"), ("a", "2024-03-02", "mail"), ("a", "2024-03-03", "mail")]
    seen, won = touches(*rows, ("b", "2024-03-01", "mail")), orders(("a", "2024-03-04", 1))
    plain, levels = (asked(seen, won, transform=t) for t in ("first", "frequency"))
    assert plain.channels.set_index("channel").removal.to_dict() == {"mail": 1, "sms": 0.5}
    assert levels.channels.set_index("channel").removal.to_dict() == {"mail": 1, "sms": 1}


def test_the_edge_of_the_lookback_is_inside():
    seen = touches(("a", "2024-03-01 12:00", "in"), ("b", "2024-03-01 11:59:59.999999", "out"))
    won = orders(("a", "2024-03-31 12:00", 1), ("b", "2024-03-31 12:00", 1))
    found = asked(seen, won)
    assert credit(found, "last") == {"in": 1, "(no touch)": 1}
    assert found.facts["touches_open"] == 1


def test_lookback_is_elapsed_time_through_daylight_saving():
    """London put its clocks forward on 31 March: the same wall time is an hour nearer."""
    seen = touches(("a", "2024-03-20 12:00", "near"), ("b", "2024-03-20 11:00", "far"))
    won = orders(("a", "2024-04-03 12:00", 1), ("b", "2024-04-03 11:30", 1))
    found = asked(seen, won, lookback=14, timezone="Europe/London")
    assert credit(found, "last") == {"near": 1, "(no touch)": 1}


def test_the_last_day_ends_in_the_zone_of_the_book():
    seen = touches(("a", "2024-06-29 12:00", "mail"))
    won = orders(("a", "2024-06-30 15:59", 1), ("a", "2024-06-30 16:00", 1))
    assert asked(seen, won, timezone="Asia/Shanghai").conversions == 1
    assert asked(seen, won, timezone="UTC").conversions == 2


def test_a_touch_at_the_same_instant_comes_before():
    seen = touches(("a", "2024-03-01 12:00", "with"), ("a", "2024-03-01 12:00:00.000001", "after"))
    found = asked(seen, orders(("a", "2024-03-01 12:00", 1)))
    assert credit(found, "linear") == {"with": 1}


def test_a_conversion_ends_its_path():
    seen = touches(("a", "2024-03-01", "first"), ("a", "2024-03-05", "second"))
    won = orders(("a", "2024-03-03", 10), ("a", "2024-03-07", 20), ("a", "2024-03-09", 40))
    found = asked(seen, won)
    assert credit(found, "linear") == {"first": 1, "second": 1, "(no touch)": 1}
    assert credit(found, "linear", "revenue") == {"first": 10, "second": 20, "(no touch)": 40}


def test_conversions_at_one_instant_share_a_path():
    seen = touches(("a", "2024-03-01", "x"), ("a", "2024-03-02", "y"))
    won = orders(("a", "2024-03-03", 10), ("a", "2024-03-03", 10), ("a", "2024-03-03", 5))
    found = asked(seen, won)
    assert found.conversions == 3
    assert credit(found, "last") == {"y": 3}
    assert credit(found, "linear", "revenue") == {"x": 12.5, "y": 12.5}


def test_ties_come_by_the_names_of_channels():
    seen = touches(("a", "2024-03-01", "b"), ("a", "2024-03-01", "a"), ("a", "2024-03-01", "c"))
    found = asked(seen, orders(("a", "2024-03-02", 1)))
    assert credit(found, "first") == {"a": 1}
    assert credit(found, "last") == {"c": 1}


def test_duplicates_count_once_and_are_said():
    row = ("a", "2024-03-01", "mail", None, "one")
    seen = touches(
        row, row, row, ("a", "2024-03-01", "mail", None, "two"), ("a", "2024-03-02", "sms")
    )
    found = asked(seen, orders(("a", "2024-03-03", 1)), transform="unique")
    assert found.facts["copies"] == 2
    assert credit(found, "linear") == {"mail": 0.666667, "sms": 0.333333}
    assert "touches that stand twice: 2" in str(found.definition)


def test_unknown_channels_have_a_row():
    seen = touches(("a", "2024-03-01", None), ("a", "2024-03-02", "  "), ("b", "2024-03-01", "sms"))
    found = asked(seen, orders(("a", "2024-03-03", 1), ("b", "2024-03-03", 1)))
    assert credit(found, "markov") == {"(unknown)": 1, "sms": 1}
    assert any("name no channel" in finding.words for finding in found.findings())


def test_conversions_without_a_touch_are_never_lost():
    won = orders(("a", "2024-03-03", 10), (None, "2024-03-04", 20), ("b", "2024-03-05", 30))
    found = asked(touches(("a", "2024-03-01", "mail")), won)
    for model in MODELS:
        assert credit(found, model) == {"mail": 1, "(no touch)": 2}
        assert credit(found, model, "revenue") == {"mail": 10, "(no touch)": 50}
    assert "which count as without touch: 1" in str(found.definition)


def test_values_missing_or_below_zero():
    won = orders(("a", "2024-03-03", None), ("a", "2024-03-04", -9), ("b", "2024-03-04", 5))
    found = asked(touches(("a", "2024-03-01", "x"), ("b", "2024-03-01", "y")), won)
    assert found.conversions == 2
    assert credit(found, "linear", "revenue") == {"y": 5}
    assert (found.facts["negative"], found.facts["unvalued"]) == (1, 1)


def test_beyond_the_most_frequent_values_they_share_a_row():
    rows = [(f"p{k}", "2024-03-01", f"k{k % 7}") for k in range(28)] + [("z", "2024-03-01", "rare")]
    won = orders(*((f"p{k}", "2024-03-02", 1) for k in range(28)), ("z", "2024-03-02", 1))
    found = asked(touches(*rows), won, top=3)
    assert credit(found, "last") == {"k0": 4, "k1": 4, "(other)": 21}
    assert set(credit(asked(touches(*rows), won, top=8), "last")) == {
        "rare",
        *(f"k{k}" for k in range(7)),
    }


def test_conversions_count_from_the_start_and_still_cut_before_it():
    seen = touches(("a", "2024-03-01", "early"), ("a", "2024-03-05", "late"))
    won = orders(("a", "2024-03-03", 1), ("a", "2024-03-07", 1))
    found = asked(seen, won, start="2024-03-04")
    assert credit(found, "linear") == {"late": 1}
    assert (found.facts["early"], found.facts["touches_early"]) == (1, 1)


def test_without_a_start_they_count_from_the_first_touch():
    won = orders(("a", "2023-01-01", 1), ("a", "2024-03-02", 1))
    found = asked(touches(("a", "2024-03-01", "mail")), won)
    assert found.conversions == 1
    assert "conversions before the first day: 1" in str(found.definition)


def test_young_touches_are_not_decided():
    seen = touches(("a", "2024-06-01 00:00", "young"), ("b", "2024-05-31 23:59:59", "old"))
    found = asked(seen, orders(("c", "2024-06-15", 1)))
    assert (found.facts["touches_pending"], found.facts["touches_open"]) == (1, 1)


def test_stretches_without_conversion_are_paths_of_their_own():
    """Thirty days each from the first touch: 1 and 20 March; 5 April; from the order: 1 May."""
    days = ("2024-03-01", "2024-03-20", "2024-04-05", "2024-05-20")
    seen = touches(*(("a", day, f"c{k}") for k, day in enumerate(days)))
    found = asked(seen, orders(("a", "2024-05-12", 1)))
    assert found.flow.empty
    # c0 > c1, then c2, then c3: without c1 nothing begins anew
    assert found.channels.paths.tolist() == [1, 1, 1, 1]
    assert credit(found, "linear") == {"(no touch)": 1}


def test_without_open_paths_every_path_converts():
    seen = touches(("a", "2024-03-01", "x"), ("b", "2024-03-01", "y"))
    won = orders(("a", "2024-03-02", 1))
    found = asked(seen, won, open_paths=False)
    assert found.channels.set_index("channel").paths.to_dict() == {"x": 1, "y": 0}
    assert credit(found, "markov") == {"x": 1}


@pytest.mark.parametrize("transform", ["exposure", "first", "frequency", "unique"])
def test_a_path_of_ten_thousand_touches(transform):
    frame = pd.DataFrame(
        {
            "customer_id": "a",
            "occurred_at": pd.Timestamp("2024-03-01") + pd.to_timedelta(np.arange(10_000), "min"),
            "channel": np.where(np.arange(10_000) % 3 == 0, "mail", "sms"),
        }
    )
    schema = {k: SEEN[k] for k in frame.columns}
    found = asked(
        ibis.memtable(frame, schema=schema), orders(("a", "2024-03-09", 7)), transform=transform
    )
    assert found.conversions == 1
    longest = {"unique": 10_000, "exposure": 6_667}.get(transform, 2)
    mail = {"unique": 3_334, "exposure": 3_334}.get(transform, 1)
    assert credit(found, "linear")["mail"] == pytest.approx(mail / longest, abs=1e-6)
    assert credit(found, "markov") == pytest.approx({"mail": 0.5, "sms": 0.5}, abs=1e-3)
    assert credit(found, "first") == {"mail": 1}


def test_events_as_touches_and_leads_as_conversions():
    """Any column of the touches earns credit; conversions need no value."""
    seen = ibis.memtable(
        pd.DataFrame(
            {
                "event_id": ["e1", "e2"],
                "customer_id": ["a", "a"],
                "occurred_at": pd.to_datetime(["2024-03-01", "2024-03-02"]),
                "landing_page": ["/tea", "/礼盒"],
            }
        )
    )
    leads = ibis.memtable(
        pd.DataFrame({"customer_id": ["a"], "created_at": pd.to_datetime(["2024-03-03"])})
    )
    found = asked(seen, leads, by="landing_page")
    assert credit(found, "linear") == {"/tea": 0.5, "/礼盒": 0.5}
    assert np.isnan(found.revenue)
    assert found.credit.revenue.isna().all()
    assert not any("Revenue" in str(table.columns) for table in found.tables().values())


@pytest.mark.parametrize("seen", [touches(), touches(("a", "2024-03-01", "mail"))])
@pytest.mark.parametrize(
    "won", [orders(), orders(("a", "2024-03-02", 1)), orders(("b", "2024-03-02", 0))]
)
def test_little_or_nothing(seen, won):
    found = asked(seen, won, bootstrap=20)
    assert found.empty == (len(won.execute()) == 0)
    assert found.headline
    assert str(found.definition)
    for table in found.tables().values():
        table.json()
    for kind in found.plots():
        found.plot(kind)
    found.key_figures()
    found.findings()
    split = found.budget({"mail": 10.0})
    assert split.headline
    split.plot()
    attribution_sensitivity(seen, won, as_of=AS_OF, lookbacks=[7, 30], transforms=[]).plot()


def firm(n=400, seed=1):
    """Touches and orders of many customers, with a channel that sells and one that does not."""
    rng = np.random.default_rng(seed)
    rows, won = [], []
    for k in range(n):
        for channel in rng.choice(["搜索", "mail", "短信", "直播"], size=rng.integers(1, 5)):
            day = int(rng.integers(1, 28))
            rows.append((f"c{k}", f"2024-03-{day:02d}", str(channel)))
            if rng.random() < {"搜索": 0.3, "直播": 0.2}.get(str(channel), 0.03):
                won.append((f"c{k}", f"2024-04-{day % 9 + 1:02d}", float(rng.integers(10, 90))))
    return touches(*rows), orders(*won)


def test_intervals_hold_the_credit_and_come_again():
    seen, won = firm()
    found, again, other = (asked(seen, won, bootstrap=80, seed=s) for s in (3, 3, 4))
    pd.testing.assert_frame_equal(found.credit, again.credit)
    assert not found.credit.equals(other.credit)
    rows = found.credit[found.credit.conversions > 0]
    for measure in ("conversions", "revenue"):
        assert (rows[f"{measure}_low"] <= rows[measure] + 1e-9).mean() > 0.97
        assert (rows[f"{measure}_high"] >= rows[measure] - 1e-9).mean() > 0.97
        assert (rows[f"{measure}_high"] > rows[f"{measure}_low"]).all()
    drawn = found.drawn.sum(axis=2)
    assert np.allclose(drawn, 1)
    assert asked(seen, won).credit.conversions_low.isna().all()


def test_every_model_sums_to_all_conversions_and_revenue():
    seen, won = firm()
    for options in (
        {},
        {"order": 4},
        {"transform": "frequency", "order": 2},
        {"game": "conversions"},
    ):
        found = asked(seen, won, **options)
        sums = found.credit.groupby("model")[["conversions", "revenue"]].sum()
        assert np.allclose(sums.conversions, found.conversions)
        assert np.allclose(sums.revenue, found.revenue)
        assert (found.credit.conversions >= 0).all()


def test_agreement_and_distance():
    found = asked(*firm(), bootstrap=60)
    pairs = found.agreement.set_index(["first", "second"])
    assert len(pairs) == len(MODELS) * (len(MODELS) - 1) // 2
    a, b = (found.credit[found.credit.model == m].conversions_share for m in ("first", "last"))
    moved = np.abs(a.to_numpy() - b.to_numpy()).sum() / 2
    assert pairs.loc[("first", "last"), "share_moved"] == pytest.approx(moved)
    own = found.credit[(found.credit.model == "linear") & (found.credit.channel != "(no touch)")]
    away = found.against(dict(zip(own.channel, own.conversions, strict=True)))
    assert away.set_index("model").distance["linear"] == pytest.approx(0, abs=1e-12)
    nothing = dict.fromkeys(own.channel, 0)
    all_on_one = found.against({**nothing, "搜索": 3}).set_index("model")
    share = own.set_index("channel").conversions["搜索"] / own.conversions.sum()
    assert all_on_one.distance["linear"] == pytest.approx(1 - share)
    assert (all_on_one.distance_low <= all_on_one.distance_high).all()
    two = found.against({"搜索": 1, "mail": 1}).set_index("model")  # only these are compared
    pair = own.set_index("channel").conversions[["搜索", "mail"]]
    assert two.distance["linear"] == pytest.approx(abs(pair["mail"] / pair.sum() - 0.5))
    with pytest.raises(ParameterError, match="Did you mean 'mail'"):
        found.against({"mial": 3})
    with pytest.raises(ParameterError, match="some above 0"):
        found.against({"mail": 0})


def test_budget_by_hand():
    seen = touches(("a", "2024-03-01", "x"), ("b", "2024-03-01", "y"), ("c", "2024-03-01", "z"))
    won = orders(*((who, "2024-03-02", 1) for who in "abc"))
    found = asked(seen, won)
    moves = found.budget({"x": 300.0, "y": 100.0, "nowhere": 200.0}).of("linear")
    assert moves.channel.tolist() == ["y", "x", "nowhere"]
    assert moves.budget.tolist() == pytest.approx([300, 300, 0])
    assert moves.change.tolist() == pytest.approx([200, 0, -200])
    assert moves.cost.tolist()[:2] == pytest.approx([100, 300])
    assert np.isnan(moves.cost.iloc[2])
    with pytest.raises(ParameterError, match="0 or more"):
        found.budget({"x": -1.0})
    assert found.budget({}).empty
    assert found.budget({"nowhere": 5.0}).empty


def test_budget_of_a_table_of_spend():
    spend = ibis.memtable(
        pd.DataFrame(
            {
                "day": [dt.date(2024, 2, 1), dt.date(2024, 3, 1), dt.date(2024, 7, 1)],
                "channel": ["x", "x", "x"],
                "cost": [1.0, 20.0, 400.0],
            }
        )
    )
    found = asked(
        touches(("a", "2024-03-01", "x")), orders(("a", "2024-03-02", 1)), start="2024-03-01"
    )
    assert found.budget(spend).total == 20
    with pytest.raises(InputError, match="cost"):
        found.budget(spend.drop("cost"))


def test_sensitivity_is_the_attribution_with_other_options():
    seen, won = firm(150)
    found = attribution_sensitivity(
        seen, won, as_of=AS_OF, lookbacks=[7, 30], transforms=["unique"]
    )
    for days, repeats in ((7.0, "exposure"), (30.0, "exposure"), (30.0, "unique")):
        rows = found.credit[(found.credit.lookback == days) & (found.credit.repeats == repeats)]
        alone = asked(seen, won, lookback=days, transform=repeats).credit
        assert np.allclose(rows.conversions, alone.conversions)
        assert np.allclose(rows.revenue, alone.revenue)
    assert found.by_lookback().lookback.unique().tolist() == [7, 30]


def test_flow_and_frequent_paths_count_everything():
    seen, won = firm()
    found = asked(seen, won)
    starts = found.flow[found.flow.step == 1]
    assert 0 < starts.paths.sum() <= found.touched  # some paths have several conversions
    assert found.paths.conversions.is_monotonic_decreasing
    assert len(found.paths) == 30
    into = found.flow[(found.flow.step == 1) & ~found.flow.target.str.startswith("(")].paths.sum()
    assert found.flow[found.flow.step == 2].paths.sum() == into


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": "chanel"}, "Did you mean 'channel'"),
        ({"value": "amout"}, "Did you mean 'amount'"),
        ({"lookback": 0}, "above 0"),
        ({"lookback": float("inf")}, "above 0"),
        ({"half_life": 0.001}, "too short"),
        ({"order": 5}, "from 1 to 4"),
        ({"top": 99}, "from 1 to 40"),
        ({"transform": "uniqe"}, "Did you mean 'unique'"),
        ({"game": "chess"}, "rate, conversions"),
        ({"model": "markow"}, "Did you mean 'markov'"),
        ({"bootstrap": -1}, "0 for none"),
        ({"start": "2024-07-01"}, "lies after"),
        ({"direct": "direct"}, "Give a list"),
        ({"timezone": "Asia/Shangai"}, "Asia/Shanghai"),
        ({"value": "customer_id"}, "not a number"),
    ],
)
def test_impossible_arguments(options, words):
    with pytest.raises((ParameterError, InputError), match=words):
        asked(touches(), orders(), **options)


def test_tables_without_their_columns():
    with pytest.raises(InputError, match="customer_id"):
        asked(touches().drop("customer_id"), orders())
    with pytest.raises(InputError, match="time columns"):
        asked(touches(), orders().drop("ordered_at"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_and_pictures(language):
    text.set_reader(language=language)
    found = asked(*firm(), bootstrap=40)
    assert ("马尔可夫" in found.headline) == (language == "zh")
    for table in found.tables().values():
        assert table.json()["rows"]
    for kind in ("models", "credit", "flow"):
        figure = found.plot(kind)
        assert figure.wide.startswith("<svg")
        assert figure.alt
    assert {figure.name for figure in found.key_figures()} == {
        "conversions",
        "touched_share",
        "first_channel_share",
    }
    assert all(finding.action for finding in found.findings())
    assert "{" not in str(found.definition)
    split = found.budget({"搜索": 500.0, "mail": 500.0, "直播": 100.0})
    assert split.plot().wide.startswith("<svg")
    assert all("{" not in finding.words for finding in split.findings())
