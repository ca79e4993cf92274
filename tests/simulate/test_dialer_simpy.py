"""A third program, by SimPy, written apart: the same floor gives the same law."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("simpy")
sys.path.insert(0, str(Path(__file__).parent))

import floor_cases

DAY = 86_400


def daily(day, values, days):
    return np.bincount(day, weights=values, minlength=days)


def figures_of_crmkit(floor, leads):
    calls = floor_cases.by_crmkit(floor, leads, "auto").calls
    day = calls.started // (DAY * 1000)
    offered = calls.queued >= 0
    talk = np.where(calls.agent >= 0, calls.ended - calls.agent_at, 0) / 1000
    wait = np.where(calls.agent >= 0, calls.agent_at - calls.queued, 0) / 1000
    return day, offered, offered & (calls.agent < 0), talk, wait


def figures_of_simpy(floor, leads, seed):
    calls = floor_cases.by_simpy(floor, leads, seed).calls
    day = np.array([call[2] // DAY for call in calls]).astype(int)
    offered = np.array([call[4] is not None for call in calls])
    dropped = np.array([call[8] == "dropped" for call in calls])
    talk = np.array([0.0 if call[5] is None else call[6] - call[5] for call in calls])
    wait = np.array([0.0 if call[5] is None else call[5] - call[4] for call in calls])
    return day, offered, dropped, talk, wait


@pytest.mark.parametrize(
    ("agents", "days", "ratio"),
    [(8, 15, 2.0), pytest.param(40, 30, 2.4, marks=pytest.mark.slow)],
)
def test_simpy_gives_the_same_drops_dials_talks_and_waits(agents, days, ratio):
    """Means by day, which are independent without retries, within 4 standard errors."""
    floor = floor_cases.case(agents=agents, days=days, seed=5, ratio=ratio, retries=False)
    leads = floor_cases.leads_of(floor, agents * days * 2500)
    ours, theirs = figures_of_crmkit(floor, leads), figures_of_simpy(floor, leads, 6)
    for figures in (ours, theirs):
        assert len(figures[0]) < len(leads), "the leads ran out"
    for name, measure in {
        "dials": lambda day, o, d, t, w: daily(day, np.ones(len(day)), days),
        "drop rate": lambda day, o, d, t, w: daily(day, d, days) / daily(day, o, days),
        "talk": lambda day, o, d, t, w: daily(day, t, days) / (agents * 36_000),
        "wait": lambda day, o, d, t, w: daily(day, w, days) / daily(day, o & ~d, days),
    }.items():
        a, b = measure(*ours), measure(*theirs)
        error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / days)
        assert error < 0.1 * a.mean(), name
        assert abs(a.mean() - b.mean()) < 4 * error, (name, a.mean(), b.mean(), error)
