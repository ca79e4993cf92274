"""Paths: steps, edges, transitions, routes, groups; against plain Python on random streams."""

import datetime as dt
import random
import statistics
from collections import Counter, defaultdict

import ibis
import pandas as pd
import pytest
from oracle_paths import anchored, edges_by_step, nodes_by_step, visits

from crmkit.analyses.paths import (
    Anchors,
    Cleaning,
    compare_paths,
    paths,
    smart_paths,
    transitions,
)
from crmkit.errors import ParameterError

DAY = dt.datetime(2025, 3, 3)
WHEN = {"as_of": "2025-03-09", "days": 7}


def table(rows: list, **more: list) -> ibis.Table:
    frame = pd.DataFrame(
        {
            "event_id": [row[2] for row in rows],
            "customer_id": [row[0] for row in rows],
            "occurred_at": [DAY + dt.timedelta(minutes=row[1]) for row in rows],
            "event": [row[3] for row in rows],
            **more,
        }
    )
    return ibis.memtable(frame)


def rows_of(rng: random.Random, units: int, names: str = "ABCD") -> list:
    return [
        (f"u{unit}", float(rng.randrange(0, 400, 5)), f"{unit:05d}{n:03d}", rng.choice(names))
        for unit in range(units)
        for n in range(rng.randrange(1, 12))
    ]


@pytest.mark.parametrize(
    ("start", "end"), [(None, None), ("B", None), (None, "C"), ("A", "D"), ("A", "A")]
)
@pytest.mark.parametrize("collapse", [True, False])
def test_steps_and_edges_agree_with_plain_python(start, end, collapse):
    rows = rows_of(random.Random(f"{start}{end}{collapse}"), 1000)
    found = paths(
        table(rows),
        anchors=Anchors(start=start, end=end),
        clean=Cleaning(collapse=collapse),
        steps=4,
        edges=10_000,
        **WHEN,
    )
    each = [anchored(v, start, end, 4) for _, v in visits(rows, gap=30, collapse=collapse)]
    each = [path for path in each if path]
    assert found.total == len(each) > 50
    cells = {(r.step, r.node): r.paths for r in found.cells.itertuples()}
    assert cells == dict(nodes_by_step(each, 4))
    links = {(r.step, r.source, r.target): r.paths for r in found.links.itertuples()}
    assert links == dict(edges_by_step(each, 4))


def test_cutting_comes_after_counting():
    rows = rows_of(random.Random(1), 300, "ABCDEFGH")
    whole = paths(table(rows), edges=10_000, steps=3, **WHEN)
    cut = paths(table(rows), edges=3, steps=3, **WHEN)
    assert cut.links.paths.sum() == whole.links.paths.sum()
    assert (cut.links.target != "other").sum() == 3
    first = cut.links[cut.links.target != "other"].iloc[0]
    same = whole.links[
        (whole.links.step == first.step)
        & (whole.links.source == first.source)
        & (whole.links.target == first.target)
    ].iloc[0]
    assert first[["paths", "units", "out"]].tolist() == same[["paths", "units", "out"]].tolist()
    assert first[["median", "q95"]].equals(same[["median", "q95"]])
    assert cut.cells.equals(whole.cells)


def test_columns_of_the_step_matrix_add_up_to_one():
    found = paths(table(rows_of(random.Random(2), 200, "ABCDEFGH")), steps=5, **WHEN)
    assert found.matrix(3).sum().tolist() == pytest.approx([1.0] * 5)
    assert "path_end" in found.matrix(3).index


def test_transitions_have_times_units_and_rates():
    rows = rows_of(random.Random(3), 500)
    found = transitions(table(rows), clean=Cleaning(collapse=False), **WHEN).rows
    took, who, counts = defaultdict(list), defaultdict(set), Counter()
    for unit, visit in visits(rows, gap=30, collapse=False):
        for place, (minute, node) in enumerate(visit):
            after = visit[place + 1] if place + 1 < len(visit) else None
            key = (node, after[1] if after else "path_end")
            counts[key] += 1
            who[key].add(unit)
            took[key] += [(after[0] - minute) * 60] if after else []
    for row in found.itertuples():
        key = (row.source, row.target)
        assert (row.paths, row.units) == (counts[key], len(who[key]))
        if took[key]:
            assert row.median == statistics.median(took[key])
            rank = -(-len(took[key]) * 19 // 20)
            assert row.q95 == sorted(took[key])[rank - 1]
    assert found.groupby("source").rate.sum().tolist() == pytest.approx([1.0] * 4)


def test_nodes_are_hidden_grouped_and_named():
    rows = [("u", 0.0, "1", "/product/红茶"), ("u", 1.0, "2", "scroll"), ("u", 2.0, "3", "/cart")]
    rows += [("u", 3.0, "4", "/product/绿茶"), ("u", 4.0, "5", "/p9")]
    clean = Cleaning(hide=["scr*"], group={"/product/*": "商品页", r"re:^/p\d$": "p"})
    found = paths(table(rows), clean=clean, **WHEN)
    assert found.cells[found.cells.node != "path_end"].node.tolist() == [
        "商品页",
        "/cart",
        "商品页",
        "p",
    ]
    with pytest.raises(ParameterError, match="cannot be read"):
        Cleaning(hide=["re:("])
    with pytest.raises(ParameterError, match="Did you mean 'event'"):
        paths(table(rows), clean=Cleaning(node="evnt"), **WHEN)
    with pytest.raises(ParameterError, match="at least 2 steps"):
        paths(table(rows), steps=1, **WHEN)


def test_visits_of_the_capture_and_made_ones_live_side_by_side():
    rows = [("u", 0.0, "1", "A"), ("u", 5.0, "2", "B"), ("u", 6.0, "3", "C"), ("u", 40.0, "4", "D")]
    found = paths(table(rows, session_id=["s", None, "s", None]), **WHEN)
    moves = found.links[found.links.step == 1]
    assert {(r.source, r.target) for r in moves.itertuples()} == {
        ("A", "C"), ("B", "path_end"), ("D", "path_end")
    }  # fmt: skip


def test_nothing_and_one_event():
    empty = table([("u", 0.0, "1", "A")]).filter(ibis.literal(value=False))
    for found in (
        paths(empty, **WHEN),
        transitions(empty, **WHEN),
        smart_paths(empty, goal="A", **WHEN),
    ):
        assert found.empty
        assert found.headline
        assert str(found.plot())
        found.tables()
    one = paths(table([("u", 0.0, "1", "A")]), **WHEN)
    assert one.total == 1
    assert one.headline.startswith("100.0% of 1 paths end")
    one.plot("flow")
    one.plot("matrix")


def test_a_planted_route_is_found_and_chance_claims_nothing():
    rng = random.Random(5)
    rows = []
    for unit in range(1500):
        nodes = rng.choices("ABCD", k=4)
        if unit % 5 == 0:
            nodes[1:3] = ["X", "Y"]
        won = rng.random() < (0.6 if unit % 5 == 0 else 0.1)
        nodes += ["goal"] if won else []
        rows += [(f"u{unit}", float(m), f"{unit:05d}{m}", n) for m, n in enumerate(nodes)]
    found = smart_paths(table(rows), goal="goal", **WHEN)
    top = found.rows.iloc[0]
    assert "X → Y" in top.route
    assert top.rate_low <= 0.6 <= top.rate_high
    assert top.lift_low > 3
    assert top.p < 1e-6
    claims = 0
    for seed in range(20):
        chance = random.Random(seed)
        rows = []
        for unit in range(400):
            nodes = chance.choices("ABC", k=4) + (["goal"] if chance.random() < 0.3 else [])
            rows += [(f"u{unit}", float(m), f"{unit:05d}{m}", n) for m, n in enumerate(nodes)]
        claims += len(smart_paths(table(rows), goal="goal", longest=3, **WHEN).sure) > 0
    assert claims <= 4  # Holm holds the share of runs with any false claim to 5 per cent


def test_two_groups_differ_where_they_do():
    rng = random.Random(6)
    rows, device = [], []
    for unit in range(800):
        mobile = unit % 2 == 0
        nodes = ["A", "B"] if rng.random() < (0.3 if mobile else 0.7) else ["A", "C"]
        rows += [(f"u{unit}", float(m), f"{unit:05d}{m}", n) for m, n in enumerate(nodes)]
        device += ["mobile" if mobile else "desktop"] * 2
    found = compare_paths(
        table(rows, device=device), group="device", values=("desktop", "mobile"), **WHEN
    )
    row = found.rows[(found.rows.source == "A") & (found.rows.target == "B")].iloc[0]
    assert row.difference == pytest.approx(row.second_rate - row.first_rate)
    assert row.difference_low <= -0.4 <= row.difference_high
    assert row.p < 1e-6
    assert "desktop and mobile differ most from A to" in found.headline
    found.plot()
    with pytest.raises(ParameterError, match="two different"):
        compare_paths(table(rows), group="device", values=("x", "x"), **WHEN)


def test_ten_thousand_names_keep_their_counts():
    rows = [(f"u{i % 50}", float(i // 50 % 200), f"{i:06d}", f"n{i % 9973}") for i in range(30_000)]
    found = paths(table(rows), steps=3, **WHEN)
    assert found.links.paths[found.links.step == 1].sum() == found.total
    assert len(transitions(table(rows), **WHEN).rows) <= 10_000
