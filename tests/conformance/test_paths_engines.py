"""Visits, funnels, paths, forms and page maps are alike on DuckDB and PySpark."""

import datetime as dt
import random

import pandas as pd
import pytest

from crmkit.analyses.attention import attention
from crmkit.analyses.forms import forms
from crmkit.analyses.funnel import dropoff, funnel, funnel_drivers, funnel_sensitivity
from crmkit.analyses.paths import (
    Anchors,
    Cleaning,
    compare_paths,
    paths,
    smart_paths,
    transitions,
)
from crmkit.analyses.timeline import example_visit, timeline
from crmkit.steps import Matching

pytestmark = pytest.mark.spark
DAY = dt.datetime(2025, 3, 3)
WHEN = {"as_of": "2025-03-09", "days": 7, "timezone": "Asia/Shanghai"}
SCHEMA = {
    **dict.fromkeys(("event_id", "customer_id", "visitor_id", "session_id"), "string"),
    "occurred_at": "timestamp",
    **dict.fromkeys(("event", "page", "element", "channel", "device"), "string"),
    **dict.fromkeys(("x", "y", "scroll", "value"), "float64"),
}
NAMES = ["view", "cart", "checkout", "form_focus", "form_change", "submit_order", "click", "scroll"]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = random.Random(8)
    made = []
    for n in range(4000):
        unit, event = rng.randrange(300), rng.choice(NAMES)
        made.append(
            (
                f"{n:05d}",
                f"c{unit}" if rng.random() < 0.5 else None,
                f"v{unit}" if rng.random() < 0.97 else None,
                f"s{unit}-{rng.randrange(2)}" if rng.random() < 0.7 else None,
                DAY + dt.timedelta(minutes=rng.randrange(0, 1800, 3)),
                event,
                rng.choice(["/", "/产品/红茶", "/form"]),
                rng.choice(["姓名", "电话", None]),
                rng.choice(["p", "q"]),
                rng.choice(["tv", "pc"]),
                rng.random() if event == "click" else None,
                rng.randrange(2000) if event == "click" else None,
                rng.random() if event == "scroll" else None,
                round(rng.random() * 20, 2),
            )
        )
    return pd.DataFrame(made, columns=list(SCHEMA))


HOW = Matching(window=dt.timedelta(hours=2), breakdown="channel")
STEPS = ["view", "cart", "submit_order"]
PAGES = Cleaning(node="page", group={"/产品/*": "产品"}, hide=["re:^/form$"])


def _funnel(events) -> list[pd.DataFrame]:
    found = funnel(events, steps=STEPS, how=HOW, period="day", **WHEN)
    bridge = found.bridge.sort_values("value", ignore_index=True)
    return [found.steps, found.values, found.trend, found.times, bridge]


def _attention(events) -> list[pd.DataFrame]:
    found = attention(events, page="/", **WHEN)
    return [found.reach, found.links, found.clicks]


def _forms(events) -> list[pd.DataFrame]:
    found = forms(events, breakdown="device", **WHEN)
    return [found.groups, found.fields]


def _paths(events) -> list[pd.DataFrame]:
    found = paths(events, clean=PAGES, anchors=Anchors(end="/"), edges=500, **WHEN)
    return [found.cells, found.links]


ASKED = {
    "funnel": _funnel,
    "dropoff": lambda e: [dropoff(e, steps=STEPS, how=HOW, **WHEN).rows],
    "drivers": lambda e: [funnel_drivers(e, steps=STEPS, how=HOW, **WHEN).rows],
    "sensitivity": lambda e: [funnel_sensitivity(e, steps=STEPS, how=HOW, **WHEN).rows],
    "paths": _paths,
    "transitions": lambda e: [transitions(e, clean=Cleaning(hide=["scr*"]), **WHEN).rows],
    "smart paths": lambda e: [smart_paths(e, goal="submit_order", **WHEN).rows],
    "groups": lambda e: [compare_paths(e, group="device", values=("tv", "pc"), **WHEN).rows],
    "forms": _forms,
    "attention": _attention,
}


@pytest.mark.parametrize("what", ASKED)
def test_frames_are_equal(on_both, rows, what):
    here, there = (ASKED[what](events) for events in on_both(rows, SCHEMA))
    for first, second in zip(here, there, strict=True):
        assert len(first) > 1
        pd.testing.assert_frame_equal(first, second, check_dtype=False, rtol=1e-9)


def test_a_visit_is_equal(on_both, rows):
    found = [
        timeline(events, session=example_visit(events, has="view", lacks="cart", **WHEN)).rows
        for events in on_both(rows, SCHEMA)
    ]
    pd.testing.assert_frame_equal(*found, check_dtype=False)
    assert len(found[0]) > 2
