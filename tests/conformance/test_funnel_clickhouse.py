"""ClickHouse's windowFunnel agrees where the meanings coincide, and differs where they do not."""

import datetime as dt
import random

import pandas as pd
import pytest
from test_steps_oracle import DAY, streams, table

from crmkit.steps import Matching, reach

chdb = pytest.importorskip("chdb")
pytestmark = pytest.mark.clickhouse
HOURS = 8
END = DAY + dt.timedelta(days=9)


def _without_ties(rng: random.Random, how_many: int) -> dict:
    """Random streams in which no two events share an instant."""
    made = streams(rng, how_many, longest=12)
    for unit, events in made.items():
        seen = {}
        for event in events:
            seen.setdefault(event.at, event)
        made[unit] = list(seen.values())
    return made


def _clickhouse(made: dict, steps: list[str], mode: str, tmp_path) -> dict[str, int]:
    rows = [(unit, int(e.at * 3600), e.name) for unit, events in made.items() for e in events]
    path = tmp_path / "events.parquet"
    pd.DataFrame(rows, columns=["unit", "at", "event"]).to_parquet(path)
    conditions = ", ".join(f"event = '{step}'" for step in steps)
    kind = f", '{mode}'" if mode else ""
    sql = (
        f"SELECT unit, windowFunnel({HOURS * 3600}{kind})(toUInt32(at), {conditions}) AS level "
        f"FROM file('{path}', Parquet) GROUP BY unit"
    )
    found = chdb.query(sql, "CSV")
    lines = [line.split(",") for line in str(found).split()]
    return {unit.strip('"'): int(level) for unit, level in lines}


def _ours(made: dict, steps: list[str], order: str) -> dict[str, int]:
    how = Matching(order=order, window=dt.timedelta(hours=HOURS))
    found = reach(table(made), steps, how, start=DAY, end=END).execute()
    levels = dict(zip(found.unit.str.removeprefix("c:"), found.reached, strict=True))
    return {unit: levels.get(unit, 0) for unit in made}


@pytest.mark.parametrize("steps", [["A", "B"], ["A", "B", "C"], ["A", "B", "C", "D", "X"]])
def test_the_default_is_our_ordered_funnel(steps, tmp_path):
    made = _without_ties(random.Random(len(steps)), 1500)
    assert _ours(made, steps, "ordered") == _clickhouse(made, steps, "", tmp_path)


def test_the_window_includes_its_edge_in_both(tmp_path):
    made = _without_ties(random.Random(4), 1)
    made["u0"] = [made["u0"][0].__class__(0.0, "1", "A"), made["u0"][0].__class__(8.0, "2", "B")]
    assert _ours(made, ["A", "B"], "ordered") == {"u0": 2}
    assert _clickhouse(made, ["A", "B"], "", tmp_path) == {"u0": 2}


def test_an_event_that_is_two_steps_counts_twice_there_and_once_here(tmp_path):
    # ClickHouse lets one event be every step whose condition it meets; ours needs two events.
    one = _without_ties(random.Random(4), 1)["u0"][0].__class__(0.0, "1", "A")
    assert _clickhouse({"u": [one]}, ["A", "A"], "", tmp_path) == {"u": 2}
    assert _ours({"u": [one]}, ["A", "A"], "ordered") == {"u": 1}


def test_strict_order_gives_up_where_our_strict_funnel_begins_anew(tmp_path):
    # At the first event out of turn its strict_order stops for good; ours lets a later entry try.
    made = _without_ties(random.Random(3), 1500)
    there, here = (
        _clickhouse(made, ["A", "B"], "strict_order", tmp_path),
        _ours(made, ["A", "B"], "strict"),
    )
    assert all(here[unit] >= there[unit] for unit in made)
    assert 0.9 < sum(here[unit] == there[unit] for unit in made) / len(made) < 1
    event = made["u0"][0].__class__
    again = {"u": [event(float(at), str(at), name) for at, name in enumerate("AXAB")]}
    assert _clickhouse(again, ["A", "B"], "strict_order", tmp_path) == {"u": 1}
    assert _ours(again, ["A", "B"], "strict") == {"u": 2}
