"""The scorecard of agents: tiny cases by hand, confounding, and what must not be claimed."""

import datetime as dt
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmkit import text
from crmkit.analyses.agents import agents
from crmkit.analyses.agents.mix import Mix, expected_rates, expected_seconds
from crmkit.errors import ParameterError
from crmkit.stats import wilson

_spec = importlib.util.spec_from_file_location(
    "agent_calls", Path(__file__).with_name("agent_calls.py")
)
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)
AT, CODES, call, drawn = made.AT, made.CODES, made.call, made.drawn
people, sold, table = made.people, made.sold, made.table

UNTIL = {"as_of": "2025-03-31", "timezone": "Asia/Shanghai"}


def scored(rows, codes=CODES, **options):
    return agents(table(rows), codes, **UNTIL | options)


def by_agent(found):
    return found.scores.set_index("agent_id")


def test_counts_and_times_by_hand():
    found = scored(
        [
            call("a", "SALE", talk=100, wrap=20),
            call("a", "NI", talk=8, wrap=2),
            call("a", "WRONG", talk=10, wrap=10),
            call("a", "AM", talk=30, wrap=0, result="machine"),
            call("b", "NI", talk=60, wrap=None),
        ]
    )
    a, b = by_agent(found).loc["a"], by_agent(found).loc["b"]
    assert (a.calls, a.n, a.x, a.contacts) == (4, 3, 1, 3)  # the machine is no conversation
    assert a.rate == pytest.approx(1 / 3)
    assert (a.rate_low, a.rate_high) == pytest.approx([float(v) for v in wilson(1, 3)])
    assert a.handle == pytest.approx((120 + 10 + 20 + 30) / 4)
    assert a.talk == pytest.approx(148 / 4)
    assert a.short_share == pytest.approx(1 / 3)  # 8 seconds; 10 are not short
    assert np.isnan(b.handle)  # the wrap-up is not known, so neither is handling
    assert b.talk == 60
    assert a.expected + b.expected == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ({}, (4, 1)),
        ({"per": "right_party"}, (3, 1)),
        ({"per": "call"}, (5, 1)),
        ({"outcome": "interest"}, (4, 2)),
        ({"outcome": "right_party"}, (4, 3)),
    ],
)
def test_variants_of_the_rate(options, counts):
    rows = [call("a", code) for code in ("SALE", "INT", "NI", "WRONG")]
    rows.append(call("a", "AM", result="machine"))
    found = by_agent(scored(rows, **options)).loc["a"]
    assert (found.n, found.x) == counts


def test_calls_that_count_for_nobody_are_said():
    rows = [
        call("a", "SALE"),
        call("a", "SECRET"),
        call(None, "SALE"),
        call("a", None, agent_at=None),
        call("a", "SALE", dt.datetime(2025, 4, 1)),
    ]
    found = scored(rows, agents=people(a=None, b=None))
    assert by_agent(found).loc["a", ["n", "x"]].tolist() == [1, 1]
    assert (found.contacts, found.unassigned, found.uncoded) == (3, 1, 1)
    assert found.idle == ("b",)
    card = str(found.definition)
    assert "1 conversations name no agent" in card
    assert "1 agents of the table handled no call" in card
    assert any("unknown outcome" in finding.words for finding in found.findings())


def test_without_dispositions_the_headline_says_so():
    found = scored([call("a", "SALE"), call("b", "NI")], codes=None)
    assert found.empty
    assert found.headline.startswith("The outcomes of 2 conversations are not known")
    assert found.scores.rate.isna().all()
    assert len(found.actions()) == 0
    assert found.key_figures() == ()
    assert found.plot().words == found.headline


def test_without_calls_the_headline_says_so():
    found = scored([])
    assert found.empty
    assert found.headline == "No agent handled a call up to 31 Mar 2025."
    for block in (*found.tables().values(), found.actions(), found.plot()):
        block.json()


def test_an_agent_who_only_met_machines():
    rows = [*sold("a", 5, 50), *sold("b", 5, 50), call("c", "AM", result="machine")]
    c = by_agent(scored(rows)).loc["c"]
    assert (c.n, c.calls) == (0, 1)
    assert c[["rate", "adjusted", "shrunk", "p_above", "z"]].isna().all()


def test_one_agent_has_nobody_to_be_compared_with():
    found = scored(sold("a", 5, 100))
    assert "there is nothing to compare" in found.headline
    a = by_agent(found).loc["a"]
    assert a.shrunk == pytest.approx(0.05)
    assert np.isnan(a.p_above)
    assert a.stands == ""


@pytest.mark.parametrize("sales", [0, 40])
def test_none_and_all_sold(sales):
    found = scored([*sold("a", sales, 40), *sold("b", sales, 40)])
    assert not found.main.above_chance
    assert by_agent(found).shrunk.tolist() == [sales / 40] * 2
    found.plot()


def test_those_who_stand_out_are_named_only_beyond_chance():
    far = scored([*sold("a", 40, 200), *sold("b", 10, 200), *sold("c", 20, 200)])
    assert by_agent(far).stands.to_dict() == {"a": "above", "c": "", "b": "below"}
    assert "differ more than chance makes them" in far.headline
    assert far.actions().frame.agent_id.tolist() == ["b"]
    assert far.actions("above").frame.agent_id.tolist() == ["a"]
    near = scored([*sold("a", 22, 200), *sold("b", 18, 200), *sold("c", 20, 200)])
    assert near.scores.stands.tolist() == ["", "", ""]
    assert "differ no more than chance" in near.headline
    assert len(near.actions()) == 0
    assert near.actions().note.startswith("Nobody")
    assert "Do not rank" in near.findings()[0].action
    assert near.scores.agent_id.tolist() == ["a", "b", "c"]  # no league table


def test_few_cases_never_stand_out():
    rows = [*sold("a", 40, 400), *sold("b", 40, 400), *sold("c", 20, 29)]
    found = by_agent(scored(rows))
    assert found.loc["c", "p_above"] > 0.95
    assert found.loc["c", "stands"] == ""


def test_modes_are_compared_apart():
    """Manual callbacks sell ten times as well; whoever has more of them is not better."""
    rows = [*sold("a", 10, 300), *sold("b", 10, 300)]
    rows += [*sold("a", 60, 200, mode="manual"), *sold("b", 6, 20, mode="manual")]
    rows += sold("b", 2, 40, mode="predictive", direction="inbound")
    found = scored(rows)
    assert found.modes["mode"].tolist() == ["predictive", "manual", "inbound"]
    assert not found.modes.above_chance.any()
    assert found.of_mode("manual").set_index("agent_id").n.to_dict() == {"a": 200, "b": 20}
    assert found.of_mode("inbound").agent_id.tolist() == ["b"]
    with pytest.raises(ParameterError, match="There are: predictive, manual, inbound"):
        found.of_mode("power")


def test_several_modes_are_held_to_a_stricter_test():
    """Each mode alone would be refused at 5 %; together, by Holm, none is."""
    rows = []
    for mode in ("predictive", "preview", "power", "progressive"):
        rows += sold("a", 21, 200, mode=mode) + sold("b", 9, 200, mode=mode)
    found = scored(rows)
    assert (found.modes.p_value < 0.05).all()
    assert (found.modes.p_adjusted > 0.05).all()
    assert not found.modes.above_chance.any()
    assert found.scores.stands.eq("").all()


@pytest.mark.parametrize("seed", range(3))
def test_adjustment_takes_away_a_bad_list(seed):
    """Agents of equal skill; the first ten get mostly the list that sells a quarter as well."""
    rng = np.random.default_rng(seed)
    given = [[0.1, 0.9]] * 10 + [[0.9, 0.1]] * 30
    found = agents(drawn(rng, np.ones(40), np.array([0.12, 0.03]), given, 1500), CODES, **UNTIL)
    scores = by_agent(found)
    bad, good = scores.index[:10], scores.index[10:]
    bad = [agent for agent in scores.index if agent < "A010"]
    good = [agent for agent in scores.index if agent >= "A010"]
    assert scores.rate[bad].mean() < 0.5 * scores.rate[good].mean()
    assert scores.adjusted[bad].mean() == pytest.approx(scores.adjusted[good].mean(), rel=0.08)
    assert scores.stands.eq("").all() or found.main.p_value > 0.001


def test_skill_is_not_credited_to_the_list():
    """The skilled work one list, the others another: skill and list both come out."""
    rng = np.random.default_rng(4)
    skills = np.array([2.0] * 20 + [1.0] * 20)
    given = [[0.8, 0.2]] * 20 + [[0.2, 0.8]] * 20
    found = agents(drawn(rng, skills, np.array([0.05, 0.05]), given, 3000), CODES, **UNTIL)
    adjusted = by_agent(found).adjusted
    strong = [agent for agent in adjusted.index if agent < "A020"]
    weak = [agent for agent in adjusted.index if agent >= "A020"]
    assert adjusted[strong].mean() / adjusted[weak].mean() == pytest.approx(1.9, abs=0.12)


def test_an_agent_alone_on_a_list_is_marked():
    rows = [*sold("a", 5, 100), *sold("b", 5, 100), *sold("c", 5, 100, list_id="own")]
    assert by_agent(scored(rows)).shared.to_dict() == {"a": 1.0, "b": 1.0, "c": 0.0}


def cells_of(rng, agents_=15, lists=4, hours=5):
    frame = pd.DataFrame(
        [
            {"agent_id": f"a{a}", "list_id": f"l{k}", "hour": h, "attempt": 1}
            for a in range(agents_)
            for k in range(lists)
            for h in range(hours)
        ]
    )
    score = -2 + rng.normal(0, 0.4, agents_)[frame.agent_id.str[1:].astype(int)]
    score = score + 0.5 * frame.list_id.str[1:].astype(int) - 0.1 * frame.hour
    n = rng.integers(20, 60, len(frame)).astype(float)
    return frame, n, rng.binomial(n.astype(int), 1 / (1 + np.exp(-score))).astype(float)


def test_the_regression_is_that_of_statsmodels():
    """Without priors: a binomial GLM with dummies of agents, lists and hours."""
    import statsmodels.api as sm

    frame, n, x = cells_of(np.random.default_rng(2))
    dummies = pd.get_dummies(frame[["agent_id", "list_id", "hour"]].astype(str), drop_first=True)
    design = sm.add_constant(dummies.astype(float))
    fit = sm.GLM(np.column_stack([x, n - x]), design, family=sm.families.Binomial()).fit()
    factors = design.columns.str.startswith(("list_id", "hour"))
    score = design.loc[:, factors].to_numpy() @ fit.params[factors].to_numpy()
    ours = expected_rates(Mix.of(frame, n), x, agent_sd=1e3, factor_sd=1e3)
    assert n @ ours == pytest.approx(x.sum())
    difference = np.log(ours / (1 - ours)) - score
    assert np.ptp(difference) < 1e-4  # the same but for the level, which is set to the total


def test_handling_is_least_squares():
    """Effects of lists and agents on seconds, with equal numbers in each cell."""
    frame, _, _ = cells_of(np.random.default_rng(3))
    n = np.full(len(frame), 1e6)
    agent = frame.agent_id.str[1:].astype(int).to_numpy()
    level = frame.list_id.str[1:].astype(int).to_numpy()
    seconds = 100 + 5.0 * agent + 20.0 * level
    found = expected_seconds(Mix.of(frame, n), n * seconds)
    assert n @ found == pytest.approx(n @ seconds)
    assert found == pytest.approx(100 + 5.0 * agent.mean() + 20.0 * level, abs=0.01)


def test_new_agents_against_settled_ones():
    """No mix to adjust for: the ratio is that of the rates, by week since hiring."""
    day = dt.timedelta(days=1)
    rows = [*sold("s", 400, 2000), *sold("t", 400, 2000)]
    for week, sales in enumerate((60, 120, 180, 200, 220)):
        rows += sold("new", sales, 1000, AT + week * 7 * day)
    rows += sold("recent", 1, 1000)  # hired before the log began: neither new nor settled
    hired = people(
        s=AT - 800 * day, t=None, new=AT - 10 * dt.timedelta(hours=1), recent=AT - 20 * day
    )
    found = agents(table(rows), CODES, as_of="2025-04-30", timezone="Asia/Shanghai", agents=hired)
    curve = found.learning
    assert curve.week.tolist() == [0, 1, 2, 3, 4]
    assert curve.rate.tolist() == [0.06, 0.12, 0.18, 0.2, 0.22]
    assert curve.settled_rate.tolist() == pytest.approx([0.2] * 5, rel=1e-6)
    assert curve.ratio.tolist() == pytest.approx([0.3, 0.6, 0.9, 1.0, 1.1], rel=1e-6)
    assert ((curve.ratio_low < curve.ratio) & (curve.ratio < curve.ratio_high)).all()
    assert curve.handle_ratio.tolist() == pytest.approx([1.0] * 5)
    assert found.novices.agent_id.tolist() == ["new"]
    assert found.novices.weeks.tolist() == [5]
    assert found.growth.settled == 2


def test_when_new_agents_are_level_is_blank_until_known():
    day = dt.timedelta(days=1)
    hired = {f"n{k}": AT - dt.timedelta(hours=10) for k in range(10)}
    settled = {f"s{k}": AT - 800 * day for k in range(30)}
    slow, fast = [], []
    for agent in settled:
        slow += sold(agent, 100, 500)
    fast += slow
    for agent in hired:
        for week, share in enumerate((0.3, 0.6, 1.0, 1.0)):
            slow += sold(agent, 40, 400, AT + 7 * week * day)
            fast += sold(agent, int(80 * share), 400, AT + 7 * week * day)
    for rows, week in ((slow, None), (fast, 2)):
        found = agents(
            table(rows), CODES, as_of="2025-04-30", agents=people(**hired, **settled),
            timezone="Asia/Shanghai", draws=500,
        )  # fmt: skip
        assert found.growth.level_rate == week
        told = "not yet known" if week is None else f"from week {week} on"
        assert any(told in finding.words for finding in found.findings())
        found.plot("learning")
        found.plot("handling")


def test_names_are_never_read():
    rows = [*sold("a", 40, 200), *sold("b", 10, 200)]
    found = scored(rows, agents=people(a=AT, b=None))
    assert by_agent(found).team.to_dict() == {"a": "team-a", "b": "team-b"}
    page = found._repr_html_() + found.actions().table().json().__repr__()
    assert "王芳" not in page


def test_an_agent_twice_in_the_table_counts_once():
    twice = people(a=AT, b=AT).union(people(a=AT))
    found = scored([*sold("a", 2, 40), *sold("b", 2, 40)], agents=twice)
    assert found.scores.n.tolist() == [40, 40]


def test_placebo_and_funnel_are_of_the_same_calls():
    rows = [row for k in range(20) for row in sold(f"a{k:02d}", 10, 300)]
    found = scored(rows)
    best = found.placebo.set_index("measure").loc["best"]
    assert (best.agents, best.observed) == (20, 1.0)
    assert best.identical == pytest.approx(1.6, abs=0.1)
    assert best.share == 1.0
    assert found.main.factor == 1.0
    limits = found.funnel
    assert (limits.outer_low <= limits.inner_low).all()
    assert (limits.inner_high < limits.outer_high).all()
    assert np.isclose(limits.rate, 1 / 30).all()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_block_is_shown_in_both_languages(language):
    with text.reading(language=language, currency="CNY"):
        for rows in (
            [*sold("a", 40, 200), *sold("b", 10, 200), *sold("b", 3, 40, mode="preview")],
            [*sold("a", 22, 200), *sold("b", 18, 200), call("c", "AM", result="machine")],
            sold("a", 5, 100),
            [],
        ):
            found = scored(rows, agents=people(a=AT, b=None))
            blocks = (*found.tables().values(), found.definition, found.actions())
            for block in (*blocks, *(found.plot(kind) for kind in found.plots())):
                assert block.json()
            assert found.headline
            assert "{" not in found.headline + str(found.definition)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"outcome": "sales"}, "Did you mean 'sale'"),
        ({"per": "contacts"}, "Did you mean 'contact'"),
        ({"outcome": "right_party", "per": "right_party"}, "always be all"),
        ({"start": "2025-04-02"}, "after as_of"),
        ({"certainty": 0.3}, "above 0.5"),
        ({"short": -1}, "0 or more"),
        ({"settled": 0}, "1 or more"),
        ({"draws": 5}, "100 or more"),
        ({"timezone": "Asia/Shangai"}, "Did you mean 'Asia/Shanghai'"),
    ],
)
def test_what_cannot_be_is_refused(options, words):
    with pytest.raises(ParameterError, match=words):
        scored([call("a", "NI")], **options)
    with pytest.raises(ParameterError, match="'below' or 'above'"):
        scored([call("a", "NI")]).actions("beneath")
