"""Staffing counts alike on every engine, and so plans alike."""

import datetime as dt
import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crmkit import schema
from crmkit.analyses.staffing import ShiftPattern, staffing
from crmkit.analyses.staffing.rows import FIGURES, counted

pytestmark = pytest.mark.spark

START, WEEKS = dt.datetime(2025, 3, 17), 3  # the clocks of London change within
FRAMES = ("intervals", "days", "shifts", "shrinkage", "past", "accuracy", "sensitivity")
DAY = [ShiftPattern("day", "00:00", 24, tuple(range(7)))]


def arrow(rows, name):
    return pa.Table.from_pylist(rows, schema=schema.table(name).schema().to_pyarrow())


def types(name):
    return dict(schema.table(name).schema().items())


def calls(n=1500):
    """Inbound and outbound calls with transfers, blocked and lost ones, and times missing."""
    rng = random.Random(5)
    rows = []
    for number in range(n):
        at = START + dt.timedelta(
            seconds=rng.randrange(WEEKS * 7 * 86_400), microseconds=7 * number
        )
        wait = dt.timedelta(seconds=rng.choice([0, 5, 20, 45]))
        talk = dt.timedelta(seconds=rng.expovariate(1 / 180))
        inward = rng.random() < 0.6
        result = rng.choice(["human"] * 4 + ["dropped", "blocked", "no_answer", None])
        spoke = result == "human" or (result is None and rng.random() < 0.5)
        rows.append(
            {
                "call_id": f"c{number}",
                "parent_call_id": f"c{number - 1}" if rng.random() < 0.05 else None,
                "direction": "inbound" if inward else rng.choice(["outbound", None]),
                "started_at": at,
                "queued_at": at if inward and result != "blocked" else None,
                "answered_at": None if inward else at + wait,
                "agent_at": at + wait if spoke else None,
                "ended_at": at + wait + talk if rng.random() < 0.97 else None,
                "wrap_end_at": at + wait + 2 * talk if spoke and rng.random() < 0.8 else None,
                "result": result,
                "agent_id": f"坐席{rng.randrange(6)}" if spoke else None,
                "disposition": rng.choice(["SALE", "AM", None]),
            }
        )
    return arrow(rows, "calls")


def states():
    """Days of six agents, some of them missed, with pauses, and a state that has not ended."""
    rng = random.Random(6)
    rows = []
    for agent in range(6):
        for day in range(WEEKS * 7):
            if rng.random() < 0.2:
                continue
            at = START + dt.timedelta(days=day, hours=8, seconds=rng.randrange(3600))
            for state, reason in (
                ("ready", None),
                ("pause", "午休"),
                ("talk", None),
                ("offline", None),
            ):
                end = at + dt.timedelta(seconds=rng.randrange(1, 9000), microseconds=13)
                rows.append(
                    (f"坐席{agent}", state, reason, at, end if rng.random() < 0.98 else None)
                )
                at = end
    names = ("agent_id", "state", "reason", "started_at", "ended_at")
    return arrow([dict(zip(names, row, strict=True)) for row in rows], "agent_states")


def codes():
    rows = [{"code": "SALE", "human_answered": True}, {"code": "AM", "human_answered": False}]
    return arrow(rows, "dispositions")


@pytest.fixture
def books(on_both):
    tables = {"calls": calls(), "agent_states": states(), "dispositions": codes()}
    return list(zip(*(on_both(rows, types(name)) for name, rows in tables.items()), strict=True))


def test_counts(books):
    asked = {"start": START.date(), "as_of": dt.date(2025, 4, 6), "timezone": "Europe/London"}
    here, there = (
        counted(*book, **asked, within=20.0, unit=15)
        .execute()
        .sort_values(["kind", "unit", "name"], ignore_index=True)
        for book in books
    )
    assert set(here.kind) == {"calls", "agents", "first", "edges", "state", "days"}
    assert here[["kind", "unit", "name"]].equals(there[["kind", "unit", "name"]])
    for figure in FIGURES:
        np.testing.assert_allclose(here[figure], there[figure], rtol=1e-12, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"interval": 60, "hours": ("08:00", "18:00"), "weeks": 2}])
def test_plans(books, options):
    here, there = (
        staffing(*book, as_of="2025-04-06", timezone="Europe/London", shifts=DAY, **options)
        for book in books
    )
    assert here.planned_in and here.outbound.known
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(here, name), getattr(there, name), rtol=1e-9)
    pd.testing.assert_frame_equal(here.outbound.pace, there.outbound.pace, rtol=1e-9)
    assert here.headline == there.headline


def test_empty_tables(on_both):
    (here, there), (off, on) = (
        on_both(rows.slice(0, 0), types(name))
        for name, rows in (("calls", calls(1)), ("agent_states", states()))
    )
    found = [staffing(*pair, as_of="2025-04-06") for pair in ((here, off), (there, on))]
    assert found[0].headline == found[1].headline
    assert found[0].empty and found[1].empty
