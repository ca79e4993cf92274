"""A roster rehearsed on the simulated floor: counts, formulas, and what cannot be."""

import numpy as np
import oracles
import pandas as pd
import pytest

from crmkit.errors import InputError, ParameterError
from crmkit.simulate.floor_parts import Duration
from crmkit.simulate.rehearsal import rehearse

HOURS = [60 * hour for hour in range(8, 18)]


def flat(*, arrivals, agents, weekday=0, minutes=HOURS):
    return pd.DataFrame(
        {"weekday": weekday, "minute": minutes, "arrivals": float(arrivals), "agents": agents}
    )


def later(found, minute=10 * 60):
    return found[found.minute >= minute]


def within_errors(found, part, whole, expected):
    """Whether a share is within 4 standard errors, days being independent."""
    days = found.groupby("run")[["offered", "quick", "abandoned"]].sum()
    share = days[part].sum() / days[whole].sum()
    error = np.sqrt(((days[part] - share * days[whole]) ** 2).sum()) / days[whole].sum()
    assert abs(share - expected) < 4 * error, (share, expected, error)


def test_callers_come_at_the_rate_of_the_plan():
    found = rehearse(flat(arrivals=60, agents=12), handle=180.0, patience=120.0, runs=60)
    assert found.columns.tolist() == ["run", "weekday", "minute", "offered", "quick", "abandoned"]
    assert set(found.run) == set(range(60)) and set(found.minute) == set(HOURS)
    assert found.offered.sum() == pytest.approx(60 * 600, rel=4 / np.sqrt(60 * 600))
    assert (found.quick + found.abandoned <= found.offered).all()


def test_service_level_and_abandonment_are_those_of_erlang_a():
    found = later(rehearse(flat(arrivals=60, agents=3), handle=180.0, patience=120.0, runs=120))
    waits, abandons, level = oracles.erlang_a(60 / 3600, 180.0, 120.0, 3, threshold=20.0)
    assert waits > 0.4
    within_errors(found, "quick", "offered", level)
    within_errors(found, "abandoned", "offered", abandons)


def test_callers_of_endless_patience_never_give_up():
    found = rehearse(flat(arrivals=40, agents=3), handle=180.0, patience=None, runs=60)
    assert found.abandoned.sum() == 0
    load, agents = 40 / 20, 3
    waits = oracles.erlang_c(load, agents) * np.exp(-(agents - load) / 180 * 20)
    within_errors(later(found), "quick", "offered", 1 - waits)


def test_agents_follow_the_staircase():
    """Nobody before nine, many from ten on: calls before nine are all lost or late."""
    plan = flat(arrivals=30, agents=[0, 2, *[9] * 8])
    found = rehearse(plan, handle=120.0, patience=60.0, runs=40).groupby("minute").sum()
    level = found.quick / found.offered
    assert level[480] < 0.05
    assert level[480] < level[540] < level[660]
    assert level[660] > 0.99


def test_half_hours_and_gaps_of_a_plan():
    plan = flat(arrivals=20, agents=6, minutes=[540, 570, 600, 840, 870])
    found = rehearse(plan, handle=60.0, patience=60.0, runs=40)
    assert set(found.minute) <= {540, 570, 600, 630, 840, 870}
    assert found[found.minute < 600].offered.sum() == pytest.approx(1600, rel=0.1)


def test_weekdays_are_drawn_apart():
    plan = pd.concat([flat(arrivals=30, agents=4), flat(arrivals=30, agents=4, weekday=6)])
    found = rehearse(plan, handle=120.0, patience=60.0, runs=5)
    assert set(found.weekday) == {0, 6}
    days = [found[found.weekday == day].offered.tolist() for day in (0, 6)]
    assert days[0] != days[1]
    alone = rehearse(flat(arrivals=30, agents=4), handle=120.0, patience=60.0, runs=5)
    assert alone.offered.tolist() == days[0]


def test_the_same_seed_gives_the_same_counts_on_both_engines():
    plan = flat(arrivals=30, agents=3)
    options = {"handle": Duration.lognormal(120.0, 0.7), "patience": 60.0, "runs": 5}
    once = rehearse(plan, **options, engine="python")
    assert once.equals(rehearse(plan, **options))
    assert not once.equals(rehearse(plan, **options, seed=8))


def test_nobody_calls():
    found = rehearse(flat(arrivals=0, agents=3), handle=120.0, patience=60.0)
    assert len(found) == 0 and found.columns[0] == "run"
    assert len(rehearse(flat(arrivals=1, agents=1).head(0), handle=120.0, patience=60.0)) == 0


def test_nobody_works():
    found = rehearse(flat(arrivals=30, agents=0), handle=120.0, patience=60.0, runs=5)
    assert found.quick.sum() == 0 and (found.abandoned == found.offered).all()


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (
            lambda: rehearse(
                flat(arrivals=1, agents=1).drop(columns="agents"), handle=1.0, patience=1.0
            ),
            "agents",
        ),
        (lambda: rehearse(flat(arrivals=-1, agents=1), handle=1.0, patience=1.0), "below 0"),
        (
            lambda: rehearse(pd.concat([flat(arrivals=1, agents=1)] * 2), handle=1.0, patience=1.0),
            "twice",
        ),
        (lambda: rehearse(flat(arrivals=1, agents=1), handle=0.0, patience=1.0), "handle"),
        (lambda: rehearse(flat(arrivals=1, agents=1), handle=1.0, patience=0.0), "patience"),
        (lambda: rehearse(flat(arrivals=1, agents=1), handle=1.0, patience=1.0, runs=0), "runs"),
    ],
)
def test_what_cannot_be_says_what_to_give(wrong, what):
    with pytest.raises((InputError, ParameterError), match=what):
        wrong()
