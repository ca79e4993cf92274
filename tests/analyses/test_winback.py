"""Win-back: the list, who is held out, what the actions did, and what the table learns."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit.actions import write_actions
from crmkit.analyses.winback import feedback, winback
from crmkit.analyses.winback.counts import counts
from crmkit.analyses.winback.holdout import arms
from crmkit.analyses.winback.qini import qini
from crmkit.analyses.winback.remedies import Remedy, remedies, written
from crmkit.analyses.winback.uplift import uplift
from crmkit.errors import InputError, ParameterError
from crmkit.records import records
from crmkit.stats import two_proportions
from crmkit.text import reading


def _people(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "grade": ["high", "low"] * (n // 2) + ["high"] * (n % 2),
            "reason": [["price", None, "价格"][i % 3] for i in range(n)],
        }
    )


def _drawn(people: pd.DataFrame, **options) -> pd.Series:
    return arms(people, **({"strata": ("grade", "reason"), "period": "2026-03"} | options))


def test_each_stratum_is_held_out_alike():
    people = _people(600)
    sizes = (_drawn(people, share=0.2) == "holdout").groupby(
        [people.grade, people.reason.fillna("")]
    )
    assert sizes.sum().tolist() == [20] * 6


def test_order_of_rows_does_not_matter_and_another_month_draws_anew():
    people = _people(300)
    turned = people.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(_drawn(turned).sort_index(), _drawn(people))
    assert (_drawn(people) != _drawn(people, period="2026-04")).any()


def test_strata_of_one_are_held_out_at_the_share():
    people = _people(4000).assign(grade=lambda p: p.customer_id)
    assert (_drawn(people, share=0.1) == "holdout").mean() == pytest.approx(0.1, abs=0.02)


def test_arms_of_before_are_kept():
    before = pd.Series({f"c{i}": "holdout" for i in range(50)})
    after = _drawn(_people(200), kept=before)
    assert (after[:50] == "holdout").all()
    assert (after[50:] == "treated").any()


@pytest.mark.parametrize("share", [-0.1, 1, float("nan")])
def test_a_share_must_be_one(share):
    with pytest.raises(ParameterError, match="is no share"):
        _drawn(_people(3), share=share)


def test_edges_of_the_list():
    assert _drawn(_people(0)).empty
    assert (_drawn(_people(40), share=0) == "treated").all()
    with pytest.raises(ParameterError, match="twice"):
        _drawn(pd.concat([_people(2), _people(2)]))


def test_qini_by_hand():
    found = qini([2, 2], [2, 1], [1, 3], [0, 1])
    assert found.gained.tolist() == [0, 2, 2]  # 3 - 1 x 4 / 4
    assert found.reached.tolist() == [0, 0.375, 1]
    # heights over the line: 0, 1.25, 0; area 0.625, over 4 treated
    assert found.coefficient == pytest.approx(0.15625)


def test_qini_equals_a_count_customer_by_customer():
    rng = np.random.default_rng(5)
    for _ in range(50):
        score, arm, bought = rng.integers(0, 9, 80), rng.random(80) < 0.6, rng.random(80) < 0.3
        groups = sorted(set(score), reverse=True)
        cells = [
            [int(((score == g) & (arm == a) & (bought | ~np.array(b))).sum()) for g in groups]
            for a, b in [(True, False), (True, True), (False, False), (False, True)]
        ]
        curve = [0.0]
        for g in groups:
            t, c = arm & (score >= g), ~arm & (score >= g)
            control = bought[c].sum() * t.sum() / c.sum() if c.any() else 0
            curve.append(float(bought[t].sum() - control))
        np.testing.assert_allclose(qini(*cells, draws=10).gained, curve)


def test_a_score_that_knows_nothing_is_rarely_claimed():
    rng = np.random.default_rng(8)
    n_t, n_c = np.full(10, 80), np.full(10, 20)
    p = [
        qini(n_t, rng.binomial(n_t, 0.2), n_c, rng.binomial(n_c, 0.2), draws=200, seed=i).p_value
        for i in range(300)
    ]
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.09


def test_a_planted_score_is_found_and_an_empty_arm_is_blank():
    n = np.full(10, 100)
    assert qini(n, np.linspace(60, 10, 10).astype(int), n, np.full(10, 10)).p_value < 0.01
    assert np.isnan(qini([5], [1], [0], [0]).coefficient)


_DAY = dt.datetime(2026, 3, 1, 9)


def _found(people: list[tuple], orders: list[tuple], *, end: dt.datetime) -> pd.DataFrame:
    given = [
        {
            "customer_id": c,
            "assigned_at": at,
            "reason": r,
            "action": "call",
            "arm": arm,
            "cost": 2.0,
        }
        for c, at, r, arm in people
    ]
    types = {"customer_id": "string", "assigned_at": "timestamp", "reason": "string",
             "action": "string", "arm": "string", "cost": "float64"}  # fmt: skip
    bought = [{"customer_id": c, "ordered_at": at, "amount": 10} for c, at in orders]
    kinds = {"customer_id": "string", "ordered_at": "timestamp", "amount": "decimal(18, 2)"}
    return uplift(
        counts(
            ibis.memtable(pd.DataFrame(given, columns=list(types)), schema=types),
            ibis.memtable(pd.DataFrame(bought, columns=list(kinds)), schema=kinds),
            begin=dt.datetime(2026, 3, 1),
            end=end,
            horizon_days=30,
        ).execute()
    )


def test_uplift_by_hand_with_the_edges_of_the_window():
    instant = dt.timedelta(microseconds=1)
    last = _DAY + dt.timedelta(days=30) - instant
    people = [(f"t{i}", _DAY, "price", "treated") for i in range(4)]
    people += [(f"h{i}", _DAY, "price", "holdout") for i in range(2)]
    people += [("c", _DAY, "campaign", "treated"), ("x", _DAY, "price", "treated")]
    people += [("x", _DAY + instant, "price", "holdout"), ("t0", last, "price", "treated")]
    orders = [("t0", last), ("t0", last), ("t1", last + instant), ("t2", _DAY - instant)]
    orders += [("t3", _DAY), ("h0", _DAY - instant), ("c", last), ("x", last)]
    row = _found(people, orders, end=dt.datetime(2026, 5, 1)).iloc[0]
    assert (row.treated, row.held, row.bought_treated, row.bought_held) == (4, 2, 2, 0)
    assert (row.uplift, row.cost, row.verdict) == (0.5, 12.0, "not yet known")


@pytest.mark.parametrize("arm", ["treated", "holdout"])
def test_one_empty_arm_leaves_the_effect_blank(arm):
    row = _found([("a", _DAY, "price", arm)], [("a", _DAY)], end=dt.datetime(2026, 5, 1)).iloc[0]
    assert np.isnan([row.uplift, row.uplift_low, row.ratio, row.p, row.p_adjusted]).all()


def test_an_unfinished_horizon_is_blank_and_no_list_is_empty():
    row = _found([("a", _DAY, None, "treated")], [], end=dt.datetime(2026, 3, 20)).iloc[0]
    assert (row.unfinished, row.treated) == (1, 0)
    assert np.isnan(row.uplift)
    assert _found([], [], end=dt.datetime(2026, 3, 20)).empty


def test_planted_uplift_is_covered_and_none_is_claimed_where_there_is_none():
    rng = np.random.default_rng(3)
    sizes, base, planted = (
        [(505, 149), (251, 81), (315, 94), (6873, 2245)],
        0.12,
        [0.06, 0.05, 0.08, 0],
    )
    covered, claimed = [], 0
    for _ in range(200):
        found = uplift(_dealt(rng, sizes, base, planted))
        covered += list((found.uplift_low <= planted) & (planted <= found.uplift_high))
        claimed += bool(
            (uplift(_dealt(rng, sizes, base, [0] * 4)).verdict != "not yet known").any()
        )
    assert 0.93 <= np.mean(covered) <= 0.97
    assert claimed <= 16  # 10 expected at most; 16 is the 97th percentile of chance


def _dealt(rng, sizes, base, planted) -> pd.DataFrame:
    rows = [
        {"reason": str(i), "action": "call", "arm": arm, "over": True, "n": n, "cost": 0.0,
         "buyers": rng.binomial(n, base + gain * (arm == "treated"))}
        for i, ((n1, n0), gain) in enumerate(zip(sizes, planted, strict=True))
        for arm, n in (("treated", n1), ("holdout", n0))
    ]  # fmt: skip
    return pd.DataFrame(rows)


SCORES = pd.DataFrame(
    {
        "customer_id": [f"c{i:03d}" for i in range(200)],
        "grade": ["high", "medium", "low", "gone"] * 50,
        "reason": ["price", "service", "price", "silent"] * 50,
        "value": [float(i) for i in range(200)],
    }
)
TABLE = (
    Remedy("price", "coupon", "Coupon", "优惠券", 0.04, 2.0),
    Remedy("price", "gift", "Gift", "礼品", 0.10, 12.0),
    Remedy("service", "call", "Call", "回访", 0.05, 1.0),
)
LIST = {"as_of": "2026-03-10", "actions": TABLE}


def test_the_best_action_is_worth_its_cost():
    found = winback(SCORES, holdout=0, capacity=999, **LIST).people.set_index("customer_id")
    # A gift wins over a coupon from a value of 10 / 0.06 on.
    for customer, action, expected in (
        ("c100", "coupon", 100 * 0.04 - 2),
        ("c196", "gift", 196 * 0.10 - 12),
        ("c101", "call", 101 * 0.05 - 1),
    ):
        assert found.action[customer] == action
        assert found.expected[customer] == pytest.approx(expected)
    assert not set(found.index) & {"c000", "c002", "c003"}  # no gain, low risk, no action
    assert (found.expected > 0).all()


def test_everybody_is_listed_held_out_or_refused():
    acted = ibis.memtable(
        pd.DataFrame(
            {
                "customer_id": ["c100", "c101", "c104"],
                "assigned_at": [dt.datetime(2026, 3, 1), dt.datetime(2026, 2, 1),
                                dt.datetime(2026, 3, 1)],
                "arm": ["treated", "treated", "holdout"],
            }
        )
    )  # fmt: skip
    barred = ibis.memtable({"customer_id": ["c108", "unknown"]})
    found = winback(SCORES, capacity=20, interventions=acted, barred=barred, **LIST)
    why = found.refused.set_index("why").customers
    assert why.to_dict() | {"no_gain": 0, "no_room": 0} == {
        "low": 50, "barred": 1, "rest": 1, "no_gain": 0, "no_room": 0
    }  # fmt: skip
    assert why.sum() + len(found.people) == len(SCORES)
    assert 18 <= len(found.treated) <= 22
    assert "c100" not in set(found.people.customer_id)
    assert found.plan[["treated", "held"]].to_numpy().sum() == len(found.people)
    listed = found.actions().frame.customer_id
    assert not set(listed) & set(found.people.customer_id[found.people.arm == "holdout"])


def test_the_list_can_be_imported_and_fed_back():
    rows = winback(
        SCORES, capacity=50, holdout=0.3, timezone="Asia/Shanghai", **LIST
    ).interventions()
    assert list(rows) == ["customer_id", "assigned_at", "reason", "action", "arm", "cost"]
    assert (rows.assigned_at == pd.Timestamp("2026-03-10 16:00")).all()
    assert (rows.cost[rows.arm == "holdout"] == 0).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [({"capacity": -1}, "can be contacted"), ({"holdout": 1.0}, "is no share")],
)
def test_a_list_that_cannot_be(given, said):
    with pytest.raises(ParameterError, match=said):
        winback(SCORES, **(LIST | given))
    with pytest.raises(InputError, match="lack grade"):
        winback(SCORES.drop(columns="grade"), **LIST)


def test_lists_of_nobody():
    for scores, capacity in ((SCORES.head(0), 9), (SCORES, 0), (SCORES[SCORES.grade == "low"], 9)):
        found = winback(scores, capacity=capacity, **LIST)
        assert found.headline == "Nobody is worth recalling by the table of actions."
        assert len(found.actions().frame) == 0
        found.tables()
        found.plot()


def test_formulas_in_ids_stay_text(tmp_path):
    scores = SCORES.assign(customer_id=["=1+1", "+2", *SCORES.customer_id[2:]]).assign(value=500.0)
    path, _ = write_actions(winback(scores, holdout=0, **LIST).actions(), tmp_path)
    assert "'=1+1" in path.read_text(encoding="utf-8-sig")


def test_tables_of_actions_that_do_not_do(tmp_path):
    head = "reason,action,name_en,name_zh,uplift,cost\n"
    path = tmp_path / "actions.csv"
    for body, said in (
        (head + "a,b,c,d,x,1\n", "line 2: uplift 'x'"),
        (head + "a,b,c,d,4,1\n", "Give a share"),
        (head + "a,b,c,d,.1,-1\n", "not below 0"),
        (head.replace("cost", "costs"), "no column 'cost'"),
    ):
        path.write_text(body, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            remedies(path)
    with pytest.raises(ParameterError, match="no table"):
        remedies("nowhere")
    assert remedies(written(TABLE, path)) == TABLE
    assert {r.reason for r in remedies()} >= {"price", "quality", "service", "silent"}


def _fed(rows, orders, **given):
    people = pd.DataFrame(rows, columns=["customer_id", "action", "arm", "days_ago"])
    ago = pd.to_timedelta(people.pop("days_ago").astype(float), unit="D")
    at = (pd.Timestamp("2026-06-01") - ago).astype("datetime64[us]")
    people = people.assign(reason="price", cost=2.0, assigned_at=at)
    types = {"customer_id": "string", "assigned_at": "timestamp", "reason": "string",
             "action": "string", "arm": "string", "cost": "float64"}  # fmt: skip
    bought = pd.DataFrame(
        [(f"o{i}", c, dt.datetime(2026, 6, 1) - dt.timedelta(days=d), a, False)
         for i, (c, d, a) in enumerate(orders)],
        columns=["order_id", "customer_id", "ordered_at", "amount", "refunded"],
    )  # fmt: skip
    kinds = {"order_id": "string", "customer_id": "string", "ordered_at": "timestamp",
             "amount": "float64", "refunded": "boolean"}  # fmt: skip
    return feedback(
        ibis.memtable(people[list(types)], schema=types),
        ibis.memtable(bought, schema=kinds),
        as_of="2026-06-01",
        **given,
    )


def test_what_an_action_brought_by_hand():
    rows = [(f"t{i}", "coupon", "treated", 40) for i in range(4)]
    rows += [(f"h{i}", "coupon", "holdout", 40) for i in range(2)]
    found = _fed(rows, [("t0", 39, 30.0), ("t1", 20, 10.0), ("h0", 30, 12.0), ("h1", 5, 99.0)])
    row = found.effects.iloc[0]
    assert (row.treated, row.held, row.bought_treated, row.bought_held) == (4, 2, 2, 1)
    assert row.uplift == 0
    assert row.revenue == pytest.approx(40 / 4 - 12 / 2)
    assert row.gain == pytest.approx(4 - 12 / 4)  # both arms carry the cost in this list
    variance = np.var([30, 10, 0, 0], ddof=1) / 4 + np.var([12, 0], ddof=1) / 2
    assert row.revenue_high - row.revenue == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-5)


def test_the_table_learns_by_how_sure_it_is():
    n = 2000
    rows = [(f"t{i}", "优惠券", "treated", 40) for i in range(n)]
    rows += [(f"h{i}", "Coupon", "holdout", 40) for i in range(n)]
    rows = [(c, "coupon", arm, d) for c, _, arm, d in rows]
    orders = [(f"t{i}", 35, 50.0) for i in range(600)] + [(f"h{i}", 35, 50.0) for i in range(200)]
    found = _fed(rows, orders)
    assert found.effects.verdict.tolist() == ["works"]
    assert found.effects.uplift[0] == pytest.approx(0.2)
    learnt = {(r.remedy.reason, r.remedy.action): r for r in records(found.learnt)}
    error = (found.effects.uplift_high[0] - found.effects.uplift_low[0]) / (2 * 1.959964)
    weight = 0.03**2 / (0.03**2 + error**2)
    price = learnt["price", "coupon"]
    assert price.after == pytest.approx(0.04 + weight * (0.2 - 0.04), rel=1e-4)
    assert learnt["fading", "coupon"].after == pytest.approx(0.02)
    assert found.learnt.remedy[0].action == "coupon"
    assert "Keep it" in found.findings()[0].action
    listed = winback(SCORES, as_of="2026-06-02", actions=found.remedies, holdout=0)
    assert listed.people.action[listed.people.reason == "price"].unique().tolist() == ["coupon"]


def test_needed_is_the_size_that_sees_the_planned_uplift():
    rows = [(f"t{i}", "coupon", "treated", 40) for i in range(50)]
    rows += [(f"h{i}", "coupon", "holdout", 40) for i in range(50)]
    found = _fed(rows, [(f"h{i}", 35, 1.0) for i in range(5)] + [("t0", 35, 1.0)])
    n = int(found.effects.needed[0])
    rng = np.random.default_rng(1)
    seen = [
        two_proportions(rng.binomial(n, 0.14), n, rng.binomial(n, 0.1), n) < 0.05
        for _ in range(2000)
    ]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.03)
    assert "are needed, 50 are" in found.findings()[0].action


def test_harm_no_effect_and_a_score_that_ranks():
    rows = [(f"t{i}", "coupon", "treated", 40) for i in range(3000)]
    rows += [(f"h{i}", "coupon", "holdout", 40) for i in range(3000)]
    same = [(f"{a}{i}", 35, 1.0) for a in "th" for i in range(300)]
    found = _fed(rows, same)
    assert "shows no effect" in found.findings()[0].words
    worse = [(f"h{i}", 35, 1.0) for i in range(900)]
    found = _fed(rows, worse)
    assert found.findings()[0].action == "Stop it."
    # Those who spent most the year before are the ones the action moves.
    spent = [(f"{a}{i}", 100, 500.0) for a in "th" for i in range(600)]
    found = _fed(rows, [*spent, *((f"t{i}", 35, 1.0) for i in range(300))])
    assert found.ranking.p_value < 0.01
    with reading(language="zh"):
        for name in found.plots():
            found.plot(name)
        found.tables()
        assert "优惠券" in found.headline


def test_lists_of_which_nothing_can_be_known():
    none = _fed([], [])
    assert none.headline.startswith("No list of the last 180 days")
    alone = _fed([("a", "coupon", "treated", 40)], [])
    assert alone.headline.startswith("Nobody was held out")
    assert "tenth" in alone.findings()[0].action
    early = _fed([("a", "coupon", "treated", 5), ("b", "coupon", "holdout", 5)], [])
    assert "too early to tell" in early.headline
    for found in (none, alone, early):
        for name in found.plots():
            found.plot(name)
        found.tables()
        assert found.key_figures() == ()
    with pytest.raises(ParameterError):
        _fed([], [], days=0)


def test_firms_own_actions_are_learnt_too():
    rows = [(f"{a}{i}", "唱歌", arm, 40) for a, arm in (("t", "treated"), ("h", "holdout"))
            for i in range(40)]  # fmt: skip
    found = _fed(rows, [(f"t{i}", 35, 1.0) for i in range(30)])
    assert "唱歌" in [remedy.action for remedy in found.remedies]
    assert np.isnan(found.effects.needed[0])
