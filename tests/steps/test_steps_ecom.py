"""A shop's event stream with ties and exact duplicates: funnel and transitions, counted twice."""

import collections
import csv
import datetime as dt
import gzip

import ibis
import pandas as pd
import pytest

from crmkit.analyses.paths import Cleaning, transitions
from crmkit.steps import Matching, reach

STEPS = ["catalog", "add_to_cart", "purchase"]
START, END = dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1)


@pytest.fixture(scope="module")
def lines(shared_data) -> list[dict]:
    path = shared_data / "ecom.csv.gz"
    if not path.exists():
        pytest.skip("ecom.csv.gz is not here")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def events(lines) -> ibis.Table:
    frame = pd.DataFrame(lines)
    return ibis.memtable(
        pd.DataFrame(
            {
                "event_id": [f"{place:06d}" for place in range(len(frame))],
                "customer_id": frame.user_id,
                "session_id": frame.session_id,
                "occurred_at": pd.to_datetime(frame.timestamp),
                "event": frame.event,
            }
        )
    )


def test_it_has_what_makes_it_hard(lines):
    assert len(lines) == 31_106
    assert len({line["user_id"] for line in lines}) == 600
    whole = collections.Counter(tuple(line.values()) for line in lines)
    assert sum(count - 1 for count in whole.values()) > 0
    instants = collections.Counter((line["user_id"], line["timestamp"]) for line in lines)
    assert max(instants.values()) > 1


def test_the_ordered_funnel_agrees_with_a_count_by_hand(lines, events):
    # Steps of different names: at one instant they count in their order. A unit gets as far as
    # the newest first step that leads there, all within the window.
    wanted = collections.Counter()
    streams = collections.defaultdict(list)
    for line in lines:
        if line["event"] in STEPS:
            at = dt.datetime.fromisoformat(line["timestamp"])
            streams[line["user_id"]].append((at, STEPS.index(line["event"])))
    for stream in streams.values():
        starts: list[dt.datetime | None] = [None] * len(STEPS)
        for at, step in sorted(stream):
            start = at if step == 0 else starts[step - 1]
            if start is not None and at - start <= dt.timedelta(days=1):
                starts[step] = start if starts[step] is None else max(start, starts[step])
        made = [step for step, start in enumerate(starts) if start is not None]
        if made:
            wanted[max(made) + 1] += 1
    how = Matching(window=dt.timedelta(days=1))
    found = reach(events, STEPS, how, start=START, end=END).execute()
    assert found.reached.value_counts().to_dict() == dict(wanted)
    assert min(wanted.values()) > 10


@pytest.mark.parametrize("collapse", [False, True])
def test_transitions_agree_with_a_count_by_hand(lines, events, collapse):
    sessions = collections.defaultdict(list)
    for place, line in enumerate(lines):
        sessions[line["session_id"]].append((line["timestamp"], place, line["event"]))
    wanted = collections.Counter()
    for stream in sessions.values():
        names = [event for *_, event in sorted(stream)]
        if collapse:
            names = [n for i, n in enumerate(names) if i == 0 or names[i - 1] != n]
        wanted.update(zip(names, [*names[1:], "path_end"], strict=True))
    found = transitions(
        events, as_of="2029-12-31", days=3000, clean=Cleaning(collapse=collapse)
    ).rows
    counts = dict(zip(zip(found.source, found.target, strict=True), found.paths, strict=True))
    assert counts == dict(wanted)
