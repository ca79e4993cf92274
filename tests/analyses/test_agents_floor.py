"""The scorecard on simulated floors: planted skill is found, and none where none is planted."""

import ibis
import numpy as np
import pytest

from crmkit.analyses.agents import agents, commission
from crmkit.simulate.dialer import LeadBatch, dial
from crmkit.simulate.dialer.crew import LONG_AGO, Crew
from crmkit.simulate.floor import Floor


def floor_of(seed, **more):
    return Floor(**({"agents": 30, "trunks": 90, "days": 15, "seed": seed, "absence": 0.0} | more))


def scored(floor, leads=40_000, **options):
    log = dial(floor, LeadBatch.draw(floor, leads, interest=0.12))
    tables = {name: ibis.memtable(rows) for name, rows in log.tables().items()}
    found = agents(
        tables["calls"], tables["dispositions"], agents=tables["agents"], as_of="2025-12-31",
        timezone=floor.timezone, draws=2000, **options,
    )  # fmt: skip
    return found, tables


def truth(floor, found):
    """Each agent's planted chance to sell over the floor's mean, weighted by cases."""
    skill = Crew.draw(floor, floor.seed).skill
    scores = found.of_mode("predictive").sort_values("agent_id")
    return scores, skill / np.average(skill, weights=scores.n)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_identical_agents_have_no_best(seed):
    floor = floor_of(seed, skill_sd=0.0, novices=0.0)
    found, _ = scored(floor)
    assert found.main.n > 5000
    assert not found.main.above_chance
    assert found.scores.stands.eq("").all()
    assert len(found.actions()) == 0
    assert len(found.actions("above")) == 0


def test_planted_skill_is_covered():
    """80 agents: intervals cover nine tenths or more, and skill is told from chance."""
    covered, correlation = [], []
    for seed in (11, 12):
        floor = floor_of(seed, agents=40, trunks=120, days=14, skill_sd=0.3, novices=0.0)
        found, _ = scored(floor, 80_000)
        scores, skill = truth(floor, found)
        assert found.main.above_chance
        assert found.main.spread_low <= 0.3 <= found.main.spread_high
        ratio_low = scores.shrunk_low / found.main.rate
        ratio_high = scores.shrunk_high / found.main.rate
        covered.append(((ratio_low <= skill) & (skill <= ratio_high)).mean())
        correlation.append(np.corrcoef(scores.shrunk, skill)[0, 1])
        standing = scores.stands.to_numpy()
        assert (skill[standing == "above"] > 0.95).all()
        assert (skill[standing == "below"] < 1.05).all()
    assert np.mean(covered) >= 0.9
    assert min(correlation) > 0.8


def test_learning_follows_the_planted_curve():
    """New agents begin at half their skill and gain half of the rest every 20 days."""
    floor = floor_of(21, skill_sd=0.0, novices=0.4, days=26)
    found, _ = scored(floor, 130_000)
    curve = found.learning
    assert curve.week.tolist() == list(range(4))
    new = Crew.draw(floor, floor.seed).joined > LONG_AGO
    assert len(found.novices) == new.sum()
    day = 7 * curve.week.to_numpy() + 2  # working days lie in the first five of the week
    planted = 1 - 0.5 * 0.5 ** (day / floor.learning_days)
    assert ((curve.ratio_low <= planted) & (planted <= curve.ratio_high)).mean() >= 0.75
    assert curve.ratio.iloc[0] < 0.7


def test_commission_on_a_floor():
    floor = floor_of(31, days=10)
    _, tables = scored(floor, 30_000)
    given = {"as_of": "2025-12-31", "timezone": floor.timezone, "agents": tables["agents"]}
    by_calls = commission(tables["calls"], tables["dispositions"], **given)
    by_events = commission(tables["calls"], tables["dispositions"], tables["lead_events"], **given)
    assert by_calls.wins == by_events.wins > 100
    assert by_calls.credits.equals(by_events.credits)
