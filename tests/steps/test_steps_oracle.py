"""The engine against a matcher in plain Python, on thousands of random streams."""

import datetime as dt
import random
import sys

import ibis
import pandas as pd
import pytest
from oracle_steps import Event, Out, Rules, reached

from crmkit.steps import Exclusion, Matching, Step, reach

DAY = dt.datetime(2025, 1, 1)
NAMES = "ABCDX"


def streams(rng: random.Random, how_many: int, longest: int = 14) -> dict[str, list[Event]]:
    """Streams with many ties: whole hours of a short span."""
    made = {}
    for unit in range(how_many):
        span = rng.choice([6, 20, 60])
        events = [
            Event(float(rng.randrange(span)), f"{unit:06d}-{rng.randrange(10**6):06d}-{place}",
                  rng.choice(NAMES))
            for place in range(rng.randrange(1, longest))
        ]  # fmt: skip
        made[f"u{unit}"] = events
    return made


def table(made: dict[str, list[Event]]) -> ibis.Table:
    rows = [
        (e.id, unit, DAY + dt.timedelta(hours=e.at), e.name)
        for unit, events in made.items()
        for e in events
    ]
    frame = pd.DataFrame(rows, columns=["event_id", "customer_id", "occurred_at", "event"])
    return ibis.memtable(frame)


def some_rules(rng: random.Random, order: str) -> tuple[Rules, list[Step], Matching]:
    """A random set of decisions, in the words of both."""
    several = order != "unordered"
    count = rng.randrange(1, 5)
    pool = NAMES if rng.random() < 0.2 else NAMES[:4]
    names = rng.choices(pool, k=count) if rng.random() < 0.4 else rng.sample(pool, count)
    optional = [several and j > 0 and rng.random() < 0.25 for j in range(count)]
    any_step = rng.randrange(1, count + 1) if several and rng.random() < 0.15 else None
    window = rng.choice([0.5, 3, 8, 30])
    outs = []
    if count > 1 and "X" not in names and any_step is None and rng.random() < 0.5:
        modes = ["reset", "drop_attempt", "drop_user"] if several else ["reset", "drop_user"]
        after = rng.randrange(1, count) if several else 1
        before = rng.randrange(after + 1, count + 1) if several else count
        outs = [Out("X", after, before, rng.choice(modes))]
    reentry = rng.choice(["latest", "first"]) if several else "latest"
    start, end = rng.choice([(-1, 100), (2, 15)])
    rules = Rules(
        [frozenset(NAMES) if j == any_step else frozenset(n) for j, n in enumerate(names, 1)],
        window, order, reentry, optional, outs, start, end,
    )  # fmt: skip
    steps = [
        Step(None if j == any_step else name, optional=maybe)
        for j, (name, maybe) in enumerate(zip(names, optional, strict=True), 1)
    ]
    whole = (1, None) if not several else None
    exclusions = [Exclusion(o.name, None, *(whole or (o.after, o.before)), o.mode) for o in outs]
    how = Matching(
        order=order, window=dt.timedelta(hours=window), reentry=reentry, exclusions=exclusions
    )
    return rules, steps, how


def differences(made, rules: Rules, steps: list[Step], how: Matching) -> list:
    start, end = (DAY + dt.timedelta(hours=h) for h in (rules.start, rules.end))
    found = reach(table(made), steps, how, start=start, end=end).execute()
    ours = {}
    for row in found.itertuples(index=False):
        times = [getattr(row, f"at_{i}") for i in range(1, len(steps) + 1)]
        hours = [None if pd.isna(t) else (t - DAY) / dt.timedelta(hours=1) for t in times]
        ours[row.unit.removeprefix("c:")] = (row.reached, hours)
    wrong = []
    for unit, events in made.items():
        wanted = reached(events, rules)
        if ours.get(unit) != wanted:
            wrong.append((sorted((e.at, e.name, e.id) for e in events), wanted, ours.get(unit)))
    return wrong


def compare(order: str, sets: int, each: int, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(sets):
        made = streams(rng, each)
        rules, steps, how = some_rules(rng, order)
        wrong = differences(made, rules, steps, how)
        assert not wrong, (rules, len(wrong), wrong[0])


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
def test_it_agrees_with_plain_python(order):
    compare(order, sets=10, each=200, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
def test_it_agrees_on_twenty_thousand_streams(order):
    compare(order, sets=100, each=200, seed=2)


def test_both_ways_to_match_agree(monkeypatch):
    """Plain funnels are matched by nearest-time joins on DuckDB, by passes elsewhere."""
    rng = random.Random(9)
    events = table(streams(rng, 1500))
    for steps in (["A"], ["A", "B"], ["C", "A", "B", "D"]):
        how = Matching(window=dt.timedelta(hours=8))
        asked = {"start": DAY, "end": DAY + dt.timedelta(hours=30)}
        quick = reach(events, steps, how, **asked).execute()
        with monkeypatch.context() as without:
            without.setattr(sys.modules["crmkit.steps.reach"], "can_join", lambda *_: False)
            plain = reach(events, steps, how, **asked).execute()
        order = {"by": "unit", "ignore_index": True}
        pd.testing.assert_frame_equal(
            quick.sort_values(**order), plain[quick.columns].sort_values(**order)
        )
        assert len(quick) > 500
