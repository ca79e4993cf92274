"""Scorecard, commission and workload give equal results on every engine."""

import pandas as pd
import pyarrow as pa
import pytest

from crmkit.analyses.agents import agents, commission
from crmkit.analyses.workload import workload
from crmkit.schema import TABLES
from crmkit.simulate.dialer import LeadBatch, dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Inbound

pytestmark = pytest.mark.spark

UNTIL = {"as_of": "2025-04-04", "timezone": "Europe/London"}


@pytest.fixture(scope="module")
def floor():
    """Eight agents over the nights of daylight saving, with calls in, and rows spoilt by hand."""
    plan = Floor(
        agents=8, trunks=24, days=7, start="2025-03-28", timezone="Europe/London", novices=0.5,
        inbound=Inbound(10), seed=8,
    )  # fmt: skip
    tables = dial(plan, LeadBatch.draw(plan, 4000, interest=0.3)).tables()
    states = tables["agent_states"].to_pandas()
    states.loc[::97, "ended_at"] = pd.NaT
    states.loc[5::203, "agent_id"] = None
    states.loc[7::151, "ended_at"] += pd.Timedelta("9min")
    night = states.iloc[[0, 1]].assign(
        started_at=pd.to_datetime(["2025-03-29 22:10:00.5", "2025-03-30 00:40:00.0"]),
        ended_at=pd.to_datetime(["2025-03-30 01:20", "2025-03-30 00:10"]),
    )
    calls = tables["calls"].to_pandas()
    calls.loc[3::11, "agent_id"] = None
    calls.loc[4::13, "lead_id"] = None
    calls.loc[6::17, "disposition"] = "坏"
    frames = {"calls": calls, "agent_states": pd.concat([states, night])}
    return tables | {
        name: pa.Table.from_pandas(frame, schema=TABLES[name].schema().to_pyarrow())
        for name, frame in frames.items()
    }


@pytest.fixture
def both(floor, on_both):
    """The tables of the floor on DuckDB, and on PySpark."""
    placed = {name: on_both(rows, dict(TABLES[name].schema())) for name, rows in floor.items()}
    return [{name: pair[engine] for name, pair in placed.items()} for engine in (0, 1)]


def same(left, right, *, some=True):
    assert len(left) > 0 or not some
    pd.testing.assert_frame_equal(left, right, check_dtype=False, rtol=1e-9)


@pytest.mark.parametrize(
    "options", [{}, {"per": "call", "outcome": "interest", "start": "2025-03-30"}]
)
def test_agents(both, options):
    here, there = (
        agents(
            t["calls"],
            t["dispositions"],
            agents=t["agents"],
            draws=200,
            settled=4,
            **UNTIL,
            **options,
        )
        for t in both
    )
    for name in ("scores", "modes", "funnel", "placebo"):
        same(getattr(here, name), getattr(there, name))
    for name in ("learning", "novices"):  # nobody was hired after the later start
        same(getattr(here, name), getattr(there, name), some="start" not in options)
    assert (here.unassigned, here.uncoded, here.idle) == (
        there.unassigned,
        there.uncoded,
        there.idle,
    )
    assert here.unassigned > 0 < here.uncoded
    assert here.headline == there.headline


@pytest.mark.parametrize("events", [False, True])
def test_commission(both, events):
    here, there = (
        commission(
            t["calls"], t["dispositions"], t["lead_events"] if events else None,
            agents=t["agents"], start="2025-03-29", **UNTIL,
        )
        for t in both
    )  # fmt: skip
    assert here.wins > 50
    same(here.credits, there.credits)
    assert (here.wins, here.unassigned, here.shared) == (there.wins, there.unassigned, there.shared)
    assert here.without_lead == there.without_lead
    listed = here.actions().frame
    assert len(listed) == here.unassigned
    if here.unassigned:
        same(listed, there.actions().frame)


def test_workload(both):
    here, there = (
        workload(t["agent_states"], agents=t["agents"], start="2025-03-29", **UNTIL) for t in both
    )
    for name in ("days", "agents", "teams", "intervals", "team_intervals", "pauses"):
        same(getattr(here, name), getattr(there, name))
    assert here.faults == there.faults
    assert min(here.faults[name] for name in ("open", "overlapping", "nameless", "backwards")) > 0
    agent = here.agents.agent_id.iloc[0]
    same(here.day(agent, "2025-03-31").spans, there.day(agent, "2025-03-31").spans)


def test_empty_tables(on_both):
    placed = {
        name: on_both(TABLES[name].schema().to_pyarrow().empty_table(), dict(TABLES[name].schema()))
        for name in ("calls", "dispositions", "agent_states", "agents")
    }
    for engine in (0, 1):
        t = {name: pair[engine] for name, pair in placed.items()}
        assert agents(t["calls"], t["dispositions"], agents=t["agents"], **UNTIL).empty
        assert commission(t["calls"], t["dispositions"], **UNTIL).empty
        assert workload(t["agent_states"], start="2025-03-29", **UNTIL).empty
