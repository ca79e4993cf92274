"""Two engines, one log; the same seed, the same bytes; one more agent, the same leads."""

import hashlib
import io
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from crmkit.errors import ParameterError
from crmkit.simulate.dialer import compiled
from crmkit.simulate.dialer.crew import Crew
from crmkit.simulate.dialer.leads import NUMBER_STATES, LeadBatch
from crmkit.simulate.dialer.log import Calls, Turns
from crmkit.simulate.dialer.run import dial
from crmkit.simulate.floor import PACINGS, Floor
from crmkit.simulate.floor_parts import Amd, Duration, Inbound, Outcomes, Voice

sys.path.insert(0, str(Path(__file__).parent))

import floor_rules

FULL = Floor(
    agents=12,
    trunks=40,
    days=2,
    amd=Amd(),
    voice=Voice(4),
    inbound=Inbound(40.0),
    patience=Duration.exponential(4.0),
)


def same(a, b):
    for part, kind in (("calls", Calls), ("turns", Turns)):
        for field in fields(kind):
            one, two = (getattr(getattr(log, part), field.name) for log in (a, b))
            assert np.array_equal(one, two), (part, field.name)


def digest(log):
    found = hashlib.sha256()
    for table in log.tables().values():
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        found.update(buffer.getvalue())
    return found.hexdigest()


@pytest.mark.parametrize(
    "changes",
    [
        *({"pacing": pacing} for pacing in PACINGS),
        {"mode": "power", "ratio": 2.5, "callbacks": "any"},
        {"mode": "progressive"},
        {"mode": "preview"},
        {"mode": "manual", "grace": 0.0},
    ],
    ids=lambda c: "-".join(map(str, c.values())),
)
def test_the_compiled_engine_gives_the_same_log_bit_by_bit(changes):
    pytest.importorskip("numba")
    floor = replace(FULL, **changes)
    leads = LeadBatch.draw(floor, 9000, voice=0.1)
    plain, fast = (dial(floor, leads, engine=engine) for engine in ("python", "numba"))
    assert len(plain.calls) > 2000
    same(plain, fast)
    assert digest(plain) == digest(fast)
    floor_rules.check(fast)


def test_the_engines_agree_on_leads_that_come_later_and_a_given_crew():
    pytest.importorskip("numba")
    leads = replace(LeadBatch.draw(FULL, 6000, voice=0.2), loaded=np.arange(6000) % 3)
    crew = Crew.draw(FULL, 77)
    plain, fast = (dial(FULL, leads, crew=crew, engine=engine) for engine in ("python", "numba"))
    assert len(plain.calls) > 2000
    same(plain, fast)
    floor_rules.check(plain)


def test_many_blocks_and_a_growing_heap_change_nothing():
    """Enough calls for several blocks of random numbers, and stale events for a larger heap."""
    pytest.importorskip("numba")
    floor = replace(
        FULL, inbound=Inbound(4000.0, patience=Duration.constant(3000.0), agents=8), trunks=60
    )
    leads = LeadBatch.draw(floor, 1500)
    plain, fast = (dial(floor, leads, engine=engine) for engine in ("python", "numba"))
    assert len(plain.calls) > 20_000
    same(plain, fast)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    leads = LeadBatch.draw(FULL, 800)
    first, second = (digest(dial(FULL, leads, engine="python")) for _ in range(2))
    assert first == second
    assert digest(dial(FULL, leads, seed=1, engine="python")) != first


def test_one_more_agent_changes_no_lead_and_no_other_agent():
    more = replace(FULL, agents=13)
    few, many = (LeadBatch.draw(floor, 500) for floor in (FULL, more))
    for field in fields(LeadBatch):
        assert np.array_equal(getattr(few, field.name), getattr(many, field.name)), field.name
    longer = LeadBatch.draw(FULL, 600)
    assert np.array_equal(longer.number_state[:500], few.number_state)
    assert np.array_equal(longer.interest[:500], few.interest)
    logs = [dial(floor, few, engine="python") for floor in (FULL, more)]
    first_login = [
        {a: log.turns.started[log.turns.agent == a].min() for a in range(12)} for log in logs
    ]
    assert first_login[0] == first_login[1]
    agents = [log.tables()["agents"].slice(0, 12) for log in logs]
    assert agents[0].equals(agents[1])


def test_first_attempts_have_the_mix_that_was_asked_for():
    floor = Floor(agents=30, trunks=90, days=1, confusion=(), max_attempts=1, ring_timeout=200.0)
    leads = LeadBatch.draw(floor, 12_000, lists=1)
    calls = dial(floor, leads).calls
    first = calls.attempt == 1
    assert first.sum() > 8000
    for cause, share in floor.mix:
        place = ("human", "machine", "no_answer", "busy", "rejected", "powered_off", "suspended",
                 "empty_number").index(cause)  # fmt: skip
        found = (calls.true[first] == place).mean()
        assert abs(found - share) < 0.02, (cause, found, share)


def test_numbers_and_hours_and_persons_differ():
    """Among those not reached yet, the share that answers falls: reachability is a person's own."""
    floor = Floor(
        agents=40,
        trunks=160,
        days=10,
        absence=0.0,
        retries=tuple(r for r in Floor().retries if r[0] not in ("human", "dropped")),
        outcomes=Outcomes(callback=0.0),
    )
    leads = LeadBatch.draw(floor, 15_000, lists=1)
    calls = dial(floor, leads).calls
    human = calls.true == 0
    valid = leads.number_state[calls.lead] == NUMBER_STATES.index("valid")
    rates = [human[valid & (calls.attempt == k)].mean() for k in (1, 2, 4)]
    assert rates[0] > rates[1] + 0.03 > rates[2] + 0.05
    empty = leads.number_state == NUMBER_STATES.index("empty")
    assert not human[empty[calls.lead]].any()
    hour = calls.started // 3_600_000 % 24
    evening = leads.hour_kind[calls.lead] == 1
    assert human[evening & (hour >= 17)].mean() > 1.5 * human[evening & (hour < 12)].mean()


def test_more_agents_or_a_lower_level_drop_less():
    """The question that a floor's manager asks."""
    leads = LeadBatch.draw(FULL, 30_000)
    base = Floor(agents=20, trunks=80, days=1, mode="power", ratio=3.0)
    high = dial(base, leads).summary()
    low = dial(replace(base, ratio=1.5), leads).summary()
    assert low.drop_rate < 0.5 * high.drop_rate
    assert low.occupancy < high.occupancy
    more = dial(replace(base, agents=25), leads).summary()
    assert more.contacts > high.contacts
    assert more.hours > 1.2 * high.hours


@pytest.mark.parametrize("pacing", ["adapt_hard", "adapt_tapered", "adapt_average", "erlang"])
def test_adaptive_pacing_beats_one_line_an_agent_within_the_drop_limit(pacing):
    floor = Floor(agents=40, trunks=120, days=2, pacing=pacing, absence=0.0, latest="18:00")
    leads = LeadBatch.draw(floor, 60_000)
    paced = dial(floor, leads).summary()
    one = dial(replace(floor, mode="progressive"), leads).summary()
    assert one.drops == 0
    assert paced.occupancy > one.occupancy + 0.03
    assert 0.001 < paced.drop_rate < 0.06


def test_callbacks_go_to_the_agent_who_agreed_them():
    floor = Floor(agents=5, trunks=12, days=4, callback_delay=Duration.exponential(3600.0))
    calls = dial(floor, LeadBatch.draw(floor, 3000), engine="python").calls
    back = np.flatnonzero(calls.kind == 1)
    assert len(back) > 50
    for call in back[calls.agent[back] >= 0].tolist():
        before = np.flatnonzero(
            (calls.lead == calls.lead[call])
            & (calls.disposition == 2)
            & (calls.ended < calls.started[call])
        )
        assert calls.agent[call] == calls.agent[before[-1]]
    free = replace(floor, callbacks="any")
    assert not (dial(free, LeadBatch.draw(floor, 3000), engine="python").calls.kind == 1).any()


def test_detection_stops_machines_and_some_people():
    floor = Floor(agents=20, trunks=60, amd=Amd(human=0.9, machine=0.8))
    calls = dial(floor, LeadBatch.draw(floor, 20_000)).calls
    heard = calls.amd > 0
    stopped = calls.amd == 2
    people = calls.true == 0
    assert abs(stopped[heard & people].mean() - 0.1) < 0.03
    assert abs(stopped[heard & ~people].mean() - 0.8) < 0.06
    assert (calls.result[stopped] == 1).all()


def test_an_engine_that_is_not_there_is_named(monkeypatch):
    with pytest.raises(ParameterError, match="Did you mean 'numba'"):
        dial(FULL, LeadBatch.draw(FULL, 1), engine="number")
    monkeypatch.setattr(compiled, "available", lambda: False)
    compiled.engine.cache_clear()
    with pytest.raises(ParameterError, match="crmkit\\[fast\\]"):
        dial(FULL, LeadBatch.draw(FULL, 1), engine="numba")
    compiled.engine.cache_clear()
    assert len(dial(FULL, LeadBatch.draw(FULL, 5)).calls) > 0
