"""Random floors: what is true of every log is true of theirs."""

import datetime as dt
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.simulate.dialer.leads import LeadBatch
from crmkit.simulate.dialer.run import dial
from crmkit.simulate.floor import PACINGS, Floor
from crmkit.simulate.floor_parts import (
    Amd,
    Break,
    Duration,
    Inbound,
    Outcomes,
    Shift,
    Voice,
    Window,
)

sys.path.insert(0, str(Path(__file__).parent))

import floor_rules

ALL = tuple(range(7))
DURATIONS = st.sampled_from(
    [
        Duration.constant(3.0),
        Duration.exponential(40.0),
        Duration.lognormal(60.0, 1.5),
        Duration.constant(0.0),
    ]
)
SHIFTS = st.sampled_from(
    [
        (Shift("09:00", "12:00", breaks=(Break("rest", "10:00", 10),), weekdays=ALL),),
        (
            Shift("08:30", "11:00", breaks=(), weekdays=ALL, share=2),
            Shift(
                "10:00",
                "13:00",
                breaks=(Break("rest", "10:05", 5), Break("lunch", "10:06", 30)),
                weekdays=ALL,
            ),
        ),
        (Shift("00:00", "24:00", breaks=(), weekdays=ALL),),
    ]
)
PLACES = st.sampled_from(
    [
        ("Asia/Shanghai", dt.date(2025, 3, 3)),
        ("Europe/Berlin", dt.date(2025, 3, 29)),
        ("America/New_York", dt.date(2025, 11, 1)),
        ("Australia/Lord_Howe", dt.date(2025, 4, 5)),
    ]
)
QUEUES = st.none() | st.builds(
    Inbound,
    st.sampled_from([5.0, 120.0]),
    patience=st.none() | st.just(Duration.exponential(20.0)) | st.just(Duration.constant(9.0)),
    talk=DURATIONS,
    wrap=DURATIONS,
    agents=st.none() | st.just(1),
)


@st.composite
def floors(draw):
    agents = draw(st.integers(1, 7))
    zone, start = draw(PLACES)
    return Floor(
        agents=agents,
        trunks=agents + draw(st.integers(0, 12)),
        mode=draw(st.sampled_from(["manual", "preview", "progressive", "power", "predictive"])),
        pacing=draw(st.sampled_from(PACINGS)),
        ratio=draw(st.sampled_from([1.0, 1.7, 3.0])),
        grace=draw(st.sampled_from([0.0, 0.5, 2.0, 30.0])),
        patience=draw(st.none() | st.just(Duration.exponential(3.0))),
        amd=draw(st.none() | st.just(Amd()) | st.just(Amd(0.0, 0.6, 0.6))),
        shifts=draw(SHIFTS),
        break_spread=draw(st.sampled_from([0, 30])),
        absence=draw(st.sampled_from([0.0, 0.4])),
        callbacks=draw(st.sampled_from(["own", "any"])),
        callback_delay=Duration.exponential(3600.0),
        talk=draw(DURATIONS),
        wrap=draw(DURATIONS),
        outcomes=Outcomes(pitch=10.0, callback=0.4, do_not_call=0.1),
        inbound=draw(QUEUES),
        voice=draw(st.none() | st.just(Voice(3))),
        max_attempts=draw(st.integers(1, 5)),
        window=draw(
            st.sampled_from([Window("09:30", "10:45"), Window("00:00", "24:00"), Window()])
        ),
        start=start,
        days=draw(st.integers(1, 3)),
        timezone=zone,
        seed=draw(st.integers(0, 10_000)),
    )


@settings(
    max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(floors(), st.sampled_from([0, 1, 30, 250]))
def test_every_log_keeps_the_rules(floor, leads):
    log = dial(floor, LeadBatch.draw(floor, leads, voice=0.2, do_not_call=0.1), engine="python")
    floor_rules.check(log)


def test_a_holiday_is_kept_and_a_day_without_agents_is_quiet():
    floor = Floor(days=3, window=Window(holidays=(dt.date(2025, 3, 4),)), agents=3, trunks=6)
    log = dial(floor, LeadBatch.draw(floor, 4000), engine="python")
    days = set((log.calls.started // 86_400_000).tolist())
    assert days == {0, 2}
    floor_rules.check(log)


@pytest.mark.parametrize("broken", ["ended", "trunk", "agent", "attempt"])
def test_a_broken_log_would_be_noticed(broken):
    floor = Floor(agents=4, trunks=8)
    log = dial(floor, LeadBatch.draw(floor, 500), engine="python")
    floor_rules.check(log)
    wrong = getattr(log.calls, broken).copy()
    if broken == "ended":
        wrong += 60_000
    else:
        wrong = np.where(wrong < 0, wrong, 0)
    with pytest.raises(AssertionError):
        floor_rules.check(replace(log, calls=replace(log.calls, **{broken: wrong})))
