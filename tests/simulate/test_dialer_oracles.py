"""The dialler against textbook formulas: each within 4 standard errors over many short days."""

import datetime as dt
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.dialer.leads import LeadBatch
from crmkit.simulate.dialer.run import dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Duration, Inbound, Outcomes, Shift, Window

sys.path.insert(0, str(Path(__file__).parent))

import oracles

ALL = tuple(range(7))
HOUR = 3_600_000
OPEN, WARM, CLOSE = 6, 9, 20
"""Callers come from 6 to 20 o'clock; those from 9 on are counted."""


def callers(*, arrivals, handle, servers, days, patience=None, talk=None, trunks=None, seed=1):
    """A queue of callers, `arrivals` a second; every day begins empty and ends served."""
    rates = tuple(arrivals * 3600 if OPEN <= h < CLOSE else 0.0 for h in range(24))
    floor = Floor(
        agents=servers,
        trunks=trunks or 10 * servers + 500,
        mode="progressive",
        shifts=(Shift("00:00", "24:00", breaks=(), weekdays=ALL),),
        window=Window("00:00", "24:00"),
        absence=0.0,
        speed_sd=0.0,
        inbound=Inbound(
            rates,
            patience=patience,
            talk=talk or Duration.exponential(handle),
            wrap=Duration.constant(0.0),
        ),
        days=days,
        timezone="UTC",
        seed=seed,
    )
    calls = dial(floor, LeadBatch.draw(floor, 0)).calls
    return calls, (calls.started % (24 * HOUR)) >= WARM * HOUR


def close_to(calls, counted, hits, expected):
    """Whether a share of the counted calls is within 4 standard errors, days being independent."""
    day = calls.started // (24 * HOUR)
    days = int(day.max()) + 1
    n = np.bincount(day[counted], minlength=days)
    x = np.bincount(day[counted & hits], minlength=days)
    share = x.sum() / n.sum()
    error = np.sqrt(((x - share * n) ** 2).sum()) / n.sum()
    assert error < 0.1 * max(expected, 0.02), "too few days to tell anything"
    assert abs(share - expected) < 4 * error, (share, expected, error)


ERLANG_C = {(2, 3): 0.444444444444, (5, 7): 0.324149949173, (10, 14): 0.174131933595}
ERLANG_C_SLOW = {
    (10, 12): 0.449388224298,
    (20, 24): 0.298072299794,
    (45, 50): 0.363864467207,
    (50, 55): 0.384547317933,
    (90, 100): 0.216940480906,
    (100, 110): 0.237007500285,
}
ERLANG_B = {(1, 1): 0.5, (5, 5): 0.284867821331, (10, 10): 0.214582343107}
ERLANG_B_SLOW = {
    (5, 11): 0.00828736846734,
    (10, 18): 0.0071424381579,
    (20, 30): 0.00845749834019,
    (50, 64): 0.00843942665594,
    (100, 117): 0.00979007112537,
}
ERLANG_A = {
    (10 / 3, 3, 5, 10): (0.599433318, 0.1094379996, 0.5168101686),
    (10, 3, 5, 30): (0.5844366086, 0.06345001553, 0.6130698319),
    (10, 3, 5, 33): (0.3484749421, 0.02787241874, 0.8183504679),
    (100 / 3, 3, 2, 100): (0.4642358288, 0.04387927099, 0.8846416369),
    (100, 5, 2, 450): (0.9187476363, 0.1012778141, 0.7262300367),
}
TALKS = (
    Duration.exponential(60.0),
    Duration.constant(60.0),
    Duration.lognormal(60.0 / np.exp(0.5), 1.0),
)


def slow(cases):
    return [pytest.param(*key, value, marks=pytest.mark.slow) for key, value in cases.items()]


def test_the_oracles_give_the_values_of_the_reference():
    for (load, servers), value in (ERLANG_C | ERLANG_C_SLOW).items():
        assert oracles.erlang_c(load, servers) == pytest.approx(value, abs=1e-11)
    for (load, servers), value in (ERLANG_B | ERLANG_B_SLOW).items():
        assert oracles.erlang_b(load, servers) == pytest.approx(value, abs=1e-11)
    for (arrivals, handle, patience, servers), values in ERLANG_A.items():
        found = oracles.erlang_a(arrivals, handle, patience, servers, threshold=1 / 3)
        assert found == pytest.approx(values, abs=2e-7)
    assert oracles.dropped_with_grace(0.1, 84.0, 10, 0.0) == pytest.approx(
        oracles.erlang_b(8.4, 10)
    )


@pytest.mark.parametrize(
    ("load", "servers", "waits"),
    [*((a, c, v) for (a, c), v in ERLANG_C.items()), *slow(ERLANG_C_SLOW)],
)
def test_waits_follow_erlang_c(load, servers, waits):
    handle = 30.0
    calls, counted = callers(
        arrivals=load / handle, handle=handle, servers=servers, days=100 if load < 20 else 60
    )
    waited = calls.agent_at > calls.queued
    close_to(calls, counted, waited, waits)
    wait = (calls.agent_at - calls.queued)[counted] / 1000
    day = calls.started[counted] // (24 * HOUR)
    means = np.bincount(day, weights=wait) / np.bincount(day)
    expected = waits * handle / (servers - load)
    assert abs(means.mean() - expected) < 4 * means.std(ddof=1) / np.sqrt(len(means))


@pytest.mark.parametrize("talk", TALKS, ids=lambda d: d.kind)
@pytest.mark.parametrize(
    ("load", "servers", "blocked"),
    [*((a, c, v) for (a, c), v in ERLANG_B.items()), *slow(ERLANG_B_SLOW)],
)
def test_blocked_calls_follow_erlang_b_whatever_the_talk_times(load, servers, blocked, talk):
    """As many trunks as agents: whoever finds them all busy is turned away."""
    days = 40 if blocked > 0.05 else 150 if load > 40 else 350
    calls, counted = callers(
        arrivals=load / 60.0, handle=60.0, servers=servers, days=days, talk=talk, trunks=servers
    )
    close_to(calls, counted, calls.result == k.BLOCKED, blocked)


@pytest.mark.parametrize(
    ("arrivals", "handle", "patience", "servers", "values"),
    [
        pytest.param(*key, value, marks=[] if key[3] <= 33 else pytest.mark.slow)
        for key, value in ERLANG_A.items()
    ],
)
def test_abandonment_and_service_level_follow_erlang_a(arrivals, handle, patience, servers, values):
    calls, counted = callers(
        arrivals=arrivals / 60,
        handle=handle * 60,
        servers=servers,
        patience=Duration.exponential(patience * 60),
        days=60 if servers <= 33 else 30,
    )
    waits, abandons, level = values
    close_to(calls, counted, ~(calls.agent_at == calls.queued), waits)
    close_to(calls, counted, calls.agent < 0, abandons)
    served = (calls.agent >= 0) & (calls.agent_at - calls.queued <= 20_000)
    close_to(calls, counted, served, level)


def outbound(*, servers, days, handle=84.0, answer=0.22, **others):
    """A floor that dials alike leads whose talk is exponential, without retries."""
    return Floor(
        **dict(  # noqa: C408
            agents=servers,
            shifts=(Shift("08:00", "20:00", breaks=(), weekdays=ALL),),
            window=Window("08:00", "20:00"),
            absence=0.0,
            speed_sd=0.0,
            skill_sd=0.0,
            mix=(("human", answer), ("no_answer", 1 - answer)),
            confusion=(),
            retries=(),
            talk=Duration.exponential(handle),
            wrap=Duration.constant(0.0),
            outcomes=Outcomes(0.0, 0.0, 0.0, 0.0, 0.0),
            setup=0.0,
            ring=Duration.constant(8.0),
            trunks=40 * servers,
            days=days,
            timezone="UTC",
            seed=3,
        )
        | others
    )


@pytest.mark.parametrize(
    ("servers", "grace", "target"),
    [
        (10, 2.0, 0.03),
        (10, 0.0, 0.1),
        (30, 5.0, 0.05),
        pytest.param(100, 2.0, 0.03, marks=pytest.mark.slow),
        pytest.param(5, 20.0, 0.03, marks=pytest.mark.slow),
    ],
)
def test_drops_with_grace_follow_the_queue_with_constant_patience(servers, grace, target):
    floor = outbound(
        servers=servers,
        days=30,
        answer=0.8,
        mode="predictive",
        pacing="erlang",
        grace=grace,
        drop_target=target,
        planned_answer=0.8,
        planned_handle=84.0,
    )
    log = dial(floor, LeadBatch.alike(floor, 25_000 * servers))
    calls = log.calls
    warm = (calls.started % (24 * HOUR)) >= 9 * HOUR
    offered = warm & (calls.queued >= 0)
    assert len(calls) < 25_000 * servers, "the leads ran out"
    close_to(calls, offered, calls.result == k.DROPPED, target)
    rate = offered.sum() / (30 * 11 * 3600)  # what was offered, by the plan
    assert oracles.dropped_with_grace(rate, 84.0, servers, grace) == pytest.approx(target, rel=0.2)


@pytest.mark.parametrize("wrap", [Duration.constant(20.0), Duration.lognormal(12.0, 0.6)])
def test_progressive_occupancy_is_that_of_a_renewal_cycle(wrap):
    floor = outbound(servers=10, days=30, mode="progressive", wrap=wrap, setup=2.0, trunks=20)
    floor = replace(floor, talk=Duration.lognormal(50.0, 0.9))
    log = dial(floor, LeadBatch.alike(floor, 450_000))
    answer = 0.22
    dialled = 0.001 + 2.0 + answer * 8.0 + (1 - answer) * floor.ring_timeout
    expected = oracles.progressive_occupancy(floor.talk.mean, wrap.mean, dialled, answer)
    turns = log.turns
    day, begin, end = turns.started // (24 * HOUR), 9 * HOUR, 19 * HOUR
    length = np.clip(turns.ended - day * 24 * HOUR, begin, end) - np.clip(
        turns.started - day * 24 * HOUR, begin, end
    )
    handle = np.isin(turns.state, (k.TALK, k.WRAP))
    busy = np.bincount(day, weights=length * handle)
    idle = np.bincount(day, weights=length * ~handle)
    share = busy.sum() / (busy + idle).sum()
    error = np.sqrt((((1 - share) * busy - share * idle) ** 2).sum()) / (busy + idle).sum()
    assert error < 0.01
    assert abs(share - expected) < 4 * error, (share, expected, error)
    assert log.summary().drops == 0


@pytest.mark.parametrize("days", [150, pytest.param(390, marks=pytest.mark.slow)])
def test_a_day_that_changes_follows_the_kolmogorov_equations(days):
    hourly = (0, 0, 0, 0, 0, 0, 0, 0, 60, 150, 330, 400, 250, 120, 180, 360, 300, 150, 60, 0)
    servers, handle, patience = 15, 180.0, 90.0
    floor = Floor(
        agents=servers,
        trunks=600,
        mode="progressive",
        shifts=(Shift("00:00", "24:00", breaks=(), weekdays=ALL),),
        window=Window("00:00", "24:00"),
        absence=0.0,
        speed_sd=0.0,
        inbound=Inbound(
            (*map(float, hourly), 0.0, 0.0, 0.0, 0.0),
            patience=Duration.exponential(patience),
            talk=Duration.exponential(handle),
            wrap=Duration.constant(0.0),
        ),
        start=dt.date(2025, 1, 1),
        days=days,
        timezone="UTC",
        seed=8,
    )
    calls = dial(floor, LeadBatch.draw(floor, 0)).calls
    rates = [rate / 3600 for rate in hourly[8:19]]
    times, waiting, busy, lost = oracles.queue_through_a_day(rates, handle, patience, servers)
    day, at = calls.started // (24 * HOUR), calls.started % (24 * HOUR)
    leaves = np.where(calls.agent >= 0, calls.agent_at, calls.ended) % (24 * HOUR)
    ends = calls.ended % (24 * HOUR)
    for hour in range(1, 11):
        moment = (8 + hour) * HOUR
        expected = dict(zip(times.tolist(), zip(waiting, busy, strict=True), strict=True))
        queue = np.bincount(day[(at <= moment) & (leaves > moment)], minlength=days)
        talking = (calls.agent >= 0) & (leaves <= moment) & (ends > moment)
        for found, value in zip(
            (queue, np.bincount(day[talking], minlength=days)), expected[hour * 3600.0], strict=True
        ):
            error = np.sqrt(max(found.var(ddof=1), value) / days)
            assert abs(found.mean() - value) < 4 * error, (hour, found.mean(), value)
    abandoned = np.bincount(day[calls.agent < 0], minlength=days)
    error = abandoned.std(ddof=1) / np.sqrt(days)
    assert abs(abandoned.mean() - lost.sum()) < 4 * error
