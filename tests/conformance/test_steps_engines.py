"""Steps are matched alike on DuckDB and PySpark."""

import datetime as dt
import random

import pandas as pd
import pytest
from test_steps_oracle import DAY, NAMES, streams

from crmkit.steps import Exclusion, Matching, Step, reach

pytestmark = pytest.mark.spark
SCHEMA = {
    "event_id": "string",
    "customer_id": "string",
    "occurred_at": "timestamp",
    "event": "string",
    "channel": "string",
}
X = (Exclusion("X", after=1, before=2),)
WAYS = {
    "plain": (["A", "B", "C"], Matching()),
    "last value": (["A", "B"], Matching(breakdown="channel", credit="last_touch")),
    "plain streams": (["A", "B", "C"], Matching(breakdown="channel", credit="all_events")),
    "ordered": (["A", Step("B", optional=True), "C"], Matching(exclusions=X)),
    "repeated": (["A", "B", "A"], Matching(reentry="first", window=dt.timedelta(hours=9))),
    "strict": (["A", "B", Step(None)], Matching(order="strict")),
    "unordered": (
        ["A", "A", "B"],
        Matching(order="unordered", exclusions=[Exclusion("X", mode="reset")]),
    ),
    "first time": (["A", Step("B", first="ever")], Matching(breakdown="channel")),
    "value at a step": (["A", "B"], Matching(breakdown="channel", credit="step", at_step=2)),
    "streams": (["A", "B"], Matching(breakdown="channel", credit="all_events")),
    "dropped": (["A", "B", "C"], Matching(exclusions=[Exclusion("X", mode="drop_user")])),
}


def _events() -> pd.DataFrame:
    rng = random.Random(5)
    return pd.DataFrame(
        [
            (e.id, unit, DAY + dt.timedelta(hours=e.at), e.name, rng.choice(["p", "q", None]))
            for unit, events in streams(rng, 120).items()
            for e in events
        ],
        columns=["event_id", "customer_id", "occurred_at", "event", "channel"],
    )


def test_the_events_are_many():
    assert set(_events().event) == set(NAMES)


@pytest.mark.parametrize("way", WAYS)
def test_units_get_equally_far(on_both, way):
    steps, how = WAYS[way]
    frames = [
        reach(events, steps, how, start=DAY, end=DAY + dt.timedelta(hours=40)).execute()
        for events in on_both(_events(), SCHEMA)
    ]
    keys = [c for c in ("unit", "value") if c in frames[0]]
    first, second = (f.fillna({"value": ""}).sort_values(keys, ignore_index=True) for f in frames)
    pd.testing.assert_frame_equal(first, second[first.columns], check_dtype=False)
    assert len(first) > 50
