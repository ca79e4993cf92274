"""The questions of calls against the dialler's own key figures, and against what is planted."""

from dataclasses import replace

import ibis
import numpy as np
import pytest

from crmkit.analyses.calls import DropRule, calls, drops, service, trunks, voice
from crmkit.simulate.call_codes import RESULTS
from crmkit.simulate.dialer import LeadBatch, dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Amd, Duration, Inbound, Outcomes, Shift, Voice

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
FLOORS = {
    "predictive": Floor(agents=12, trunks=30, days=4, seed=1),
    "hang-ups": Floor(
        agents=8, trunks=24, days=3, mode="power", ratio=2.5, patience=Duration.exponential(1.5)
    ),
    "preview": Floor(agents=5, trunks=10, days=3, mode="preview", seed=2),
    "detection, callers, voice": Floor(
        agents=10,
        trunks=22,
        days=3,
        amd=Amd(),
        inbound=Inbound(40.0, agents=3),
        voice=Voice(5),
        seed=4,
    ),
    "summer time": Floor(
        agents=6,
        trunks=15,
        start="2025-03-29",
        days=3,
        timezone="Europe/London",
        shifts=(Shift(weekdays=EVERY_DAY),),
        inbound=Inbound(30.0),
        seed=5,
    ),
    "voice alone": Floor(agents=0, trunks=8, voice=Voice(8), days=1, seed=6),
}


@pytest.fixture(scope="module", params=FLOORS, ids=str)
def world(request):
    """A floor's log, its tables, and the options that tell all of its days."""
    floor = FLOORS[request.param]
    share = 0.0 if floor.voice is None else 1.0 if floor.agents == 0 else 0.3
    log = dial(floor, LeadBatch.draw(floor, 1500, voice=share))
    tables = {name: ibis.memtable(table) for name, table in log.tables().items()}
    options = {"as_of": floor.last, "days": floor.days, "timezone": floor.timezone}
    return log, tables, options


def test_dials_contacts_sales(world):
    log, tables, options = world
    summary = log.summary()
    found = calls(tables["calls"], tables["dispositions"], **options)
    total = found.total
    assert total.dials == summary.dials
    assert total.contacts == summary.contacts
    assert total.contact_rate == pytest.approx(summary.contact_rate, nan_ok=True)
    if summary.dials:
        assert total.sales == summary.sales
        assert (total.leads, total.reached) == (_dialled(log), summary.leads_reached)
        own = np.bincount(log.calls.result[_by_agents(log)], minlength=len(RESULTS)).tolist()
        by_name = dict(zip(found.results.result, found.results.dials, strict=True))
        assert by_name == {name: n for name, n in zip(RESULTS, own, strict=True) if n}


def _by_agents(log):
    return (log.calls.kind == 0) | (log.calls.kind == 1)


def _dialled(log):
    return len(np.unique(log.calls.lead[_by_agents(log)]))


def test_drops(world):
    log, tables, options = world
    summary = log.summary()
    rule = DropRule(per="offered", grace=log.floor.grace)
    total = drops(tables["calls"], tables["dispositions"], rule=rule, **options).total
    assert (total.drops, total.offered, total.hung_up) == (
        summary.drops,
        summary.answers,
        summary.hung_up,
    )
    assert total.per_offered == pytest.approx(summary.drop_rate, nan_ok=True)
    assert total.late == 0  # the dialler drops at the grace time
    assert total.stopped == summary.machines_stopped
    assert total.abandoned == summary.drops - summary.hung_up


def test_service(world):
    log, tables, options = world
    summary = log.summary()
    total = service(tables["calls"], tables["agent_states"], **options).total
    assert (total.offered, total.handled, total.blocked) == (
        summary.offered,
        summary.handled,
        summary.blocked,
    )
    assert total.abandoned + total.turned_away == summary.abandoned
    assert total.level_offered == pytest.approx(summary.service_level, nan_ok=True)
    assert total.asa == pytest.approx(summary.wait, nan_ok=True)
    assert total.aht == pytest.approx(summary.handle, nan_ok=True)
    assert total.occupancy == pytest.approx(summary.occupancy, nan_ok=True)
    assert total.utilisation == pytest.approx(summary.utilisation, nan_ok=True)
    assert np.nan_to_num(total.logged_hours) == pytest.approx(summary.hours)


def test_trunks(world):
    log, tables, options = world
    summary = log.summary()
    found = trunks(tables["calls"], lines=log.floor.trunks, **options)
    assert found.total.peak == summary.lines_peak
    held = (log.calls.ended - log.calls.started).sum()
    assert found.total.line_hours == pytest.approx(held / 3.6e6)
    in_use = found.levels.hours.iloc[0]
    assert found.total.line_hours / in_use == pytest.approx(summary.lines_mean)
    assert found.total.blocked == (log.calls.result == RESULTS.index("blocked")).sum()


def test_voice(world):
    log, tables, options = world
    summary = log.summary()
    found = voice(tables["calls"], tables["dispositions"], tables["agent_states"], **options)
    assert found.machine.dials == summary.voice_dials
    assert found.machine.contacts == summary.voice_heard
    assert found.people.contacts == summary.contacts
    if found.machine.dials:
        assert found.people.agent_hours == pytest.approx(np.nan_to_num(summary.hours))


def test_planted_answer_rates_by_hour_are_found():
    """Leads whose chance to answer doubles in the evening, dialled once: intervals cover it."""
    floor = Floor(
        agents=12,
        trunks=24,
        days=5,
        mode="progressive",
        retries=(),
        max_attempts=1,
        shifts=(Shift("09:00", "20:00", breaks=()),),
        absence=0.0,
        seed=8,
    )
    leads = LeadBatch.alike(floor, 60_000, reach=0.2)
    factors = np.ones_like(leads.hour_factors)
    factors[:, 17:20] = 2.0
    tables = dial(floor, replace(leads, hour_factors=factors)).tables()
    found = calls(
        ibis.memtable(tables["calls"]),
        ibis.memtable(tables["dispositions"]),
        as_of=floor.last,
        days=5,
        timezone=floor.timezone,
    )
    cells = found.hours[found.hours.dials >= 100]
    planted = np.where(cells.hour >= 17, 0.4, 0.2)
    inside = (cells.answer_rate_low <= planted) & (planted <= cells.answer_rate_high)
    assert len(cells) > 25
    assert set(cells.hour) == set(range(9, 20))
    assert inside.mean() > 0.85  # of cells with a 95 % interval each
    assert any("17:00" in f.words or "18:00" in f.words or "19:00" in f.words
               for f in found.findings())  # fmt: skip


def test_a_planted_drop_rate_is_found():
    """Erlang pacing dials at the rate whose drops are 3 % with 2 seconds of grace."""
    floor = Floor(
        agents=20,
        trunks=120,
        days=5,
        mix=(("human", 0.4), ("no_answer", 0.6)),
        pacing="erlang",
        drop_target=0.03,
        planned_answer=0.4,
        planned_handle=84.0,
        talk=Duration.exponential(84.0),
        wrap=Duration.constant(0.0),
        outcomes=Outcomes(0.0, 0.0, 0.0, 0.0, 0.0),
        setup=0.0,
        ring=Duration.constant(8.0),
        speed_sd=0.0,
        retries=(),
        shifts=(Shift("09:00", "18:00", breaks=()),),
        absence=0.0,
        seed=9,
    )
    log = dial(floor, LeadBatch.alike(floor, 100_000))
    tables = log.tables()
    found = drops(
        ibis.memtable(tables["calls"]),
        ibis.memtable(tables["dispositions"]),
        as_of=floor.last,
        days=5,
        timezone=floor.timezone,
        rule="uk",
        amd_error=0.0,
    )
    total = found.total
    assert total.answers > 20_000
    assert total.rate == log.summary().drop_rate  # without machines all answers are of persons
    assert total.rate == pytest.approx(0.03, abs=0.005)
    assert len(found.daily) == 5
    assert (found.daily.rate > 0.03).equals(found.daily.broken)
    assert len(found.broken) == found.daily.broken.sum()


def test_persons_turned_away_by_detection_are_estimated():
    """Detection turns away a tenth of persons: the estimate is within 4 standard errors."""
    floor = Floor(agents=20, trunks=60, days=5, amd=Amd(human=0.9), seed=10)
    log = dial(floor, LeadBatch.draw(floor, 20_000))
    tables = log.tables()
    total = drops(
        ibis.memtable(tables["calls"]),
        ibis.memtable(tables["dispositions"]),
        as_of=floor.last,
        days=5,
        timezone=floor.timezone,
        rule="uk",
        amd_error=0.1,
    ).total
    truth = log.summary().people_stopped
    assert truth > 300
    assert total.turned_away == pytest.approx(truth, abs=4 * np.sqrt(truth))
