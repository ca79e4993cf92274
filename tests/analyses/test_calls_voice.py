"""Automatic voice beside people: exact small logs."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from crmkit.analyses.calls import voice
from crmkit.errors import ParameterError

_spec = importlib.util.spec_from_file_location(
    "call_rows", Path(__file__).with_name("call_rows.py")
)
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)
call, log, states = rows.call, rows.log, rows.states
CODES = rows.codes(
    **rows.CODES, VINT="human_answered right_party interest", VMSG="human_answered", AA=""
)


def heard(status="VMSG", seconds=60, **given):
    made = {"mode": "voice", "result": "human", "answered": 10, "ended": 10 + seconds}
    return call(**{**made, "raw_status": status, **given})


def spoke(disposition="NI", **given):
    made = {"mode": "power", "result": "human", "answered": 5, "queued": 5, "agent": 6}
    return call(**{**made, "ended": 126, "wrap_end": 186, "disposition": disposition, **given})


def asked(*given, codes=CODES, agents=None, **options):
    return voice(log(*given), codes, agents, **{"as_of": "2025-03-03", **options})


TEN = (
    heard("VINT"),
    heard(),
    heard(seconds=30),
    call(mode="voice", result="machine", answered=10, ended=20, raw_status="AA"),
    call(mode="voice", result="no_answer", ended=30),
    spoke("SALE"),
    spoke("DNC"),
    spoke("AM"),
    call(mode="power", result="busy", ended=6),
    call(direction="inbound", result="human", queued=0, agent=3, ended=50),
)


def test_both_kinds_by_hand():
    found = asked(*TEN)
    people, machine = found.people, found.machine
    assert (people.dials, people.contacts, people.interested, people.sales) == (4, 2, 1, 1)
    assert (machine.dials, machine.contacts, machine.interested, machine.sales) == (5, 3, 1, 0)
    assert machine.contact_rate == pytest.approx(3 / 5)
    assert machine.interest_rate == pytest.approx(1 / 3)
    assert people.refusal_rate == pytest.approx(1 / 2)
    assert people.talk_hours == pytest.approx(240 / 3600)  # the machine is no conversation
    assert machine.talk_hours == pytest.approx(150 / 3600)
    assert people.agent_hours == pytest.approx(3 * 180 / 3600)
    assert machine.line_hours == pytest.approx((70 + 70 + 40 + 20 + 30) / 3600)
    assert "5 dials, 55.6% of all" in found.headline


def test_costs_by_hand():
    found = asked(*TEN, agent_hour=36, line_minute=0.1)
    machine, people = found.machine, found.people
    assert machine.cost == pytest.approx((60 + 60 + 30 + 10) / 60 * 0.1)
    assert people.cost == pytest.approx(0.15 * 36 + 3 * 121 / 60 * 0.1)
    assert machine.cost_per_contact == pytest.approx(machine.cost / 3)
    assert people.cost_per_interest == pytest.approx(people.cost)
    logged = asked(*TEN, agents=states(("a", "ready", 0, 60), ("a", "offline", 60, 90)),
        agent_hour=36, line_minute=0)  # fmt: skip
    assert logged.people.cost == pytest.approx(36)
    assert "cost_per_interest" in {column.name for column in logged.table().columns}


def test_without_both_costs_none_is_computed():
    found = asked(*TEN, agent_hour=36)
    assert np.isnan(found.machine.cost) and np.isnan(found.people.cost_per_contact)
    assert "cost" not in {column.name for column in found.table().columns}
    assert "not computable" in str(found.definition)


def test_without_outcomes_interest_is_not_known():
    found = asked(*TEN, codes=None)
    assert np.isnan(found.machine.interest_rate)
    assert found.headline.endswith("were heard by a person.")


def test_no_automatic_calls():
    found = asked(spoke())
    assert found.empty and found.headline.startswith("No automatic voice calls")
    assert found.key_figures() == () and found.findings() == ()
    assert asked().empty and asked().table().json()


def test_costs_that_cannot_be():
    with pytest.raises(ParameterError, match="agent_hour"):
        asked(agent_hour=-1)
