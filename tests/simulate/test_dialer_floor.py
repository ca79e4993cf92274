"""Floors that cannot be: each is refused with a message that says what to change."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from crmkit.errors import ParameterError
from crmkit.simulate.dialer.crew import LONG_AGO, Crew
from crmkit.simulate.dialer.leads import LeadBatch, Numbers
from crmkit.simulate.dialer.pacing import loads
from crmkit.simulate.dialer.run import dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import (
    Amd,
    Break,
    Duration,
    Inbound,
    Outcomes,
    Retry,
    Shift,
    Voice,
    Window,
)

NEW_YEAR = dt.date(2025, 1, 1)


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"agents": 0}, "no agents.*agents=1 or more"),
        ({"agents": 0, "voice": Voice(3), "inbound": Inbound(5.0)}, "no agents"),
        ({"agents": 30, "trunks": 20}, "20 trunks are fewer than 30 agents.*trunks=30"),
        ({"trunks": 0}, "trunks is 0.*1 to 65535"),
        (
            {"start": NEW_YEAR, "window": Window(holidays=(NEW_YEAR,))},
            "never opens from 2025-01-01 to 2025-01-01.*fewer holidays",
        ),
        ({"window": Window("20:00", "21:00")}, "No shift works.*20:00 to 21:00.*Move shifts"),
        ({"patience": Duration.constant(0.0)}, "patience is 0.*seconds above 0"),
        ({"mode": "predictiv"}, "Did you mean 'predictive'"),
        ({"pacing": "adapt"}, "adapt_average, adapt_hard, adapt_tapered, erlang"),
        ({"ratio": 0.5}, "ratio is 0.5.*1 or more"),
        ({"drop_target": 3}, "drop_target is 3.*such as 0.03"),
        ({"mix": (("human", 0.5),)}, "add to 0.5"),
        ({"mix": (("people", 1.0),)}, "cause of mix is 'people'"),
        ({"confusion": (("busy", "rejected", 0.7), ("busy", "failed", 0.7))}, "more than all"),
        ({"shifts": ()}, "no shifts"),
        ({"absence": 1.5}, "absence is 1.5.*from 0 to 1"),
        ({"timezone": "Asia/Shangai"}, "Shanghai"),
        ({"inbound": Inbound(5.0, agents=21)}, "inbound.agents is 21.*1 to 20"),
        ({"callbacks": "mine"}, "own, any"),
        ({"days": 0}, "days is 0"),
        ({"ring_timeout": 0}, "ring_timeout"),
    ],
)
def test_an_impossible_floor_is_refused(settings, advice):
    with pytest.raises(ParameterError, match=f"(?s){advice}"):
        Floor(**settings)


@pytest.mark.parametrize(
    ("part", "advice"),
    [
        (lambda: Window("20:00", "09:00"), "never opens.*close later"),
        (lambda: Window(weekdays=()), "at least one day"),
        (lambda: Inbound(5.0, patience=Duration.constant(0.0)), "patience is 0.*None"),
        (lambda: Inbound((1.0, 2.0)), "24 rates"),
        (lambda: Shift("22:00", "06:00"), "two shifts of a night"),
        (lambda: Break("rest", "25:00", 5), "'25:00'.*09:30"),
        (lambda: Voice(0), "voice=None"),
        (lambda: Duration("gaussian", 3.0), "constant, exponential, lognormal, mixture"),
        (lambda: Duration.exponential(0.0), "above 0"),
        (Duration.mixture, "needs parts"),
        (lambda: Amd(human=2.0), "share from 0 to 1"),
        (lambda: Retry(-1, 5), "0 or more"),
        (lambda: Outcomes(callback=0.9, interested=0.9), "more than 1"),
    ],
)
def test_an_impossible_part_is_refused(part, advice):
    with pytest.raises(ParameterError, match=f"(?s){advice}"):
        part()


def test_durations_have_the_mean_they_state():
    rng = np.random.default_rng(4)
    for length in (
        Duration.exponential(12.0),
        Duration.lognormal(75.0, 0.95),
        Duration.constant(4.0),
        Floor().talk,
    ):
        drawn = length.draw(rng, 200_000)
        error = drawn.std() / np.sqrt(len(drawn))
        assert abs(drawn.mean() - length.mean) <= 4 * error + 1e-9
    assert Floor().talk.mean == pytest.approx(0.45 * 12 + 0.55 * 75 * np.exp(0.95**2 / 2))


def test_numbers_are_shared_out_so_that_the_mix_comes_back():
    for mix in (Floor().mix, (("human", 0.5), ("machine", 0.5)), (("empty_number", 1.0),)):
        floor = Floor(mix=mix)
        numbers = Numbers.of(floor)
        human = numbers.mean * (numbers.shares @ numbers.reach)
        mass = numbers.shares * (1 - numbers.mean * numbers.reach)
        causes = mass @ numbers.failures
        assert numbers.shares.sum() == pytest.approx(1)
        assert human == pytest.approx(dict(mix).get("human", 0.0), abs=0.02)
        for name, place in (("machine", 1), ("no_answer", 2), ("empty_number", 7)):
            assert causes[place] == pytest.approx(dict(mix).get(name, 0.0), abs=0.02)


def test_loads_are_those_of_erlang_b_without_grace_and_higher_with_it():
    """The occupancies that the reference gives for Erlang B at 3 % drops."""
    found = loads(500, target=0.03, grace=0.0, handle=84.0)
    for agents, occupancy in ((10, 0.536), (20, 0.679), (50, 0.814), (100, 0.881), (500, 0.962)):
        assert 0.97 * found[agents] / agents == pytest.approx(occupancy, abs=0.01)
    patient = loads(500, target=0.03, grace=2.0, handle=84.0)
    assert (patient[1:] > found[1:]).all()
    assert (np.diff(found) > 0).all()


def test_a_batch_must_fit_together():
    leads = LeadBatch.draw(Floor(), 3)
    with pytest.raises(ParameterError, match="interest has 2 rows, not 3"):
        LeadBatch(**(vars(leads) | {"interest": np.zeros(2)}))
    with pytest.raises(ParameterError, match="24 columns"):
        LeadBatch(**(vars(leads) | {"hour_factors": np.zeros((2, 7))}))


def test_nothing_to_dial_gives_an_empty_log():
    floor = Floor(agents=2, trunks=4)
    log = dial(floor, LeadBatch.draw(floor, 0), engine="python")
    assert log.summary().dials == 0
    assert np.isnan(log.summary().drop_rate)
    assert {name: table.num_rows for name, table in log.tables().items()} == {
        "calls": 0,
        "agent_states": log.tables()["agent_states"].num_rows,
        "lead_events": 0,
        "dispositions": 22,
        "agents": 2,
        "campaigns": 1,
    }


def test_voice_alone_needs_no_agents():
    floor = Floor(agents=0, trunks=10, voice=Voice(10))
    log = dial(floor, LeadBatch.draw(floor, 300, voice=1.0), engine="python")
    summary = log.summary()
    assert summary.voice_dials > 250
    assert summary.dials == 0
    assert set(log.tables()["calls"]["mode"].to_pylist()) == {"voice"}


# A crew of one's own, leads that come later, weekdays of callers.


def crew(n, joined):
    return Crew(skill=np.ones(n), speed=np.ones(n), joined=np.full(n, joined))


def test_a_crew_learns_day_by_day():
    floor = Floor(agents=3, days=4, novice_skill=0.5, learning_days=1.0)
    given = Crew(np.array([1.0, 2.0, 1.0]), np.ones(3), np.array([LONG_AGO, 1, -1]))
    assert given.daily(floor).tolist() == [
        [1.0, 1.0, 1.0, 1.0],
        [1.0, 1.0, 1.5, 1.75],  # away on the first day
        [0.75, 0.875, 0.9375, 0.96875],  # a day's learning behind it
    ]


def test_nobody_works_before_the_first_day():
    floor = Floor(agents=2, days=3, absence=0.0)
    both = Crew(np.ones(2), np.ones(2), np.array([0, 2]))
    log = dial(floor, LeadBatch.draw(floor, 4000), crew=both, engine="python")
    first = [log.turns.started[log.turns.agent == n].min() // 86_400_000 for n in (0, 1)]
    assert first == [0, 2]
    assert set(log.calls.agent[log.calls.started < 2 * 86_400_000].tolist()) == {-1, 0}


def test_a_crew_that_does_not_fit_is_refused():
    floor = Floor(agents=2)
    with pytest.raises(ParameterError, match=r"crew has 3 agents and the floor 2.*agents=3"):
        dial(floor, LeadBatch.draw(floor, 10), crew=crew(3, LONG_AGO))


def test_the_floors_own_crew_is_drawn_when_none_is_given():
    floor = Floor(agents=4, trunks=8, novices=0.5)
    leads = LeadBatch.draw(floor, 500)
    own = dial(floor, leads, engine="python")
    same = dial(floor, leads, crew=Crew.draw(floor, floor.seed), engine="python")
    assert np.array_equal(own.calls.ended, same.calls.ended)


@pytest.mark.parametrize("voice", [0.0, 1.0])
def test_leads_loaded_later_are_dialled_from_their_day_on(voice):
    floor = Floor(agents=5, days=4, voice=Voice(5), retries=())
    leads = LeadBatch.draw(floor, 300, voice=voice, do_not_call=0.1)
    days = np.arange(300) % 6  # some only after the last day
    log = dial(floor, replace(leads, loaded=days), engine="python")
    out = log.calls.kind < 3
    assert (log.calls.started[out] // 86_400_000 >= days[log.calls.lead[out]]).all()
    wanted = (days < 4) & ~leads.do_not_call
    assert set(log.calls.lead[out].tolist()) == set(np.flatnonzero(wanted).tolist())


def test_callers_come_by_weekday():
    week = (1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 2.0)
    floor = Floor(agents=3, days=28, inbound=Inbound(20.0, weekdays=week))
    log = dial(floor, LeadBatch.draw(floor, 0), engine="python")
    day = log.calls.started // 86_400_000
    count = np.bincount((day + floor.start.weekday()) % 7, minlength=7)
    assert count[1] == 0
    assert abs(count[6] / count[[0, 2, 3, 4, 5]].mean() - 2) < 0.2
    with pytest.raises(ParameterError, match=r"weekdays is .*seven factors"):
        Inbound(5.0, weekdays=(1.0,))
