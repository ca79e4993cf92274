"""Maps of a page: exact rows, sums, and captures that lack something."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.attention import attention
from crmkit.analyses.timeline import example_visit, timeline
from crmkit.errors import ParameterError

DAY = dt.datetime(2025, 3, 3, 16)
WHEN = {"as_of": "2025-03-09", "days": 7}
COLUMNS = ["session_id", "second", "event", "element", "x", "y", "scroll", "value"]
ROWS = [
    ("s1", 0, "page_view", None, None, None, None, None),
    ("s1", 5, "scroll", None, None, None, 1.0, 20.0),
    ("s1", 9, "click", "买", 0.05, 100.0, None, None),
    ("s1", 11, "click", "买", 0.05, 150.0, None, None),
    ("s2", 0, "page_view", None, None, None, None, None),
    ("s2", 3, "scroll", None, None, None, 0.25, 4.0),
    ("s2", 8, "click", None, 1.0, 1999.0, None, None),
    ("s3", 0, "page_view", None, None, None, None, None),
    ("s4", 0, "page_view", None, None, None, None, None),
    ("s4", 2, "scroll", None, None, None, 0.0, None),
]


def table(rows: list = ROWS) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=COLUMNS)
    kinds = {"session_id": "string", "event": "string", "element": "string"}
    kinds |= dict.fromkeys(("x", "y", "scroll", "value"), "float64")
    frame = frame.assign(
        event_id=[str(i) for i in range(len(frame))],
        customer_id=frame.session_id,
        page="/",
        occurred_at=[DAY + dt.timedelta(seconds=s) for s in frame.second],
    )
    return ibis.memtable(frame.drop(columns="second").astype(kinds))


def test_reach_links_and_clicks_by_hand():
    found = attention(table(), page="/", screen=500, **WHEN)
    assert found.visits == 4
    assert found.reach.n.tolist() == [3] * 10
    assert found.reach.reached.tolist() == [3, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    links = found.links.iloc[0]
    assert (links.element, links.clicks, links.visits, links.rate) == ("买", 2, 1, 0.25)
    assert found.clicks.to_numpy().tolist() == [[0, 0, 2], [9, 9, 1]]
    assert found.height == 1999.0


def test_view_time_is_spread_over_what_was_in_sight():
    found = attention(table(), page="/", screen=500, **WHEN)
    assert found.reach.time.sum() == pytest.approx(1)
    assert found.reach.attention.sum() == pytest.approx(1)
    # Views that stopped above it leave the foot less than the same place from the top.
    assert found.reach.time.iloc[0] > found.reach.time.iloc[9] > 0
    only = [row for row in ROWS if row[2] != "scroll"]
    only += [("s9", 3, "scroll", None, None, None, 0.2, 30.0)]
    short = attention(table(only), page="/", screen=500, **WHEN)
    assert short.reach.time[3:].sum() == 0  # nobody got below the first screen
    # A window that never moves: its middle has more of the attention than its edges.
    assert short.reach.attention[1] > short.reach.attention[0]


@pytest.mark.parametrize(
    ("lacks", "kind", "words"),
    [
        ("scroll", "screens", "no scroll depth"),
        ("click", "clicks", "no clicks"),
        ("click", "links", "no clicks"),
    ],
)
def test_an_empty_capture_says_so_instead_of_drawing(lacks, kind, words):
    found = attention(table([r for r in ROWS if r[2] != lacks]), page="/", **WHEN)
    assert words in str(found.plot(kind))
    assert words in found.headline
    found.tables()


def test_an_unknown_page_and_a_window_of_nothing():
    found = attention(table(), page="/none", **WHEN)
    assert found.empty
    assert "no visit of /none" in str(found.plot())
    assert np.isnan(found.height)
    assert found.findings() == ()
    with pytest.raises(ParameterError, match="height of a window"):
        attention(table(), page="/", screen=0, **WHEN)


def test_maps_are_drawn():
    found = attention(table(), page="/", **WHEN)
    for kind in ("screens", "clicks", "links"):
        assert "<svg" in found.plot(kind).wide


def test_a_visit_is_replayed_in_the_time_of_the_book():
    found = timeline(table(), session="s1", timezone="Asia/Shanghai")
    assert found.rows.event.tolist() == ["page_view", "scroll", "click", "click"]
    assert found.rows.took.tolist()[:3] == [5.0, 4.0, 2.0]
    assert np.isnan(found.rows.took.iloc[3])
    assert found.table().frame.time.iloc[0] == "00:00:00"
    assert "4 Mar 2025 at 00:00:00" in found.headline
    assert not {"customer_id", "visitor_id"} & set(found.rows.columns)
    assert "<svg" in found.plot().wide


def test_made_visits_and_those_that_are_not_there():
    rows = table().drop("session_id")
    found = timeline(rows, session="c:s2#1")
    assert found.total == 3
    assert timeline(table(), session="nowhere").empty
    assert "no visit nowhere" in timeline(table(), session="nowhere").headline
    assert timeline(table(), session="").headline == "No visit is like this."


def test_an_example_is_in_the_middle():
    asked = {"as_of": "2025-03-09", "days": 7}
    assert example_visit(table(), has="page_view", lacks="click", **asked) == "s3"
    assert example_visit(table(), has="sing", lacks="click", **asked) == ""
