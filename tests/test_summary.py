"""The first screen: the right figures, changes in words, targets, and the state of the data."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import crmkit as ck
from crmkit import text
from crmkit.blocks import Definition
from crmkit.result import Finding, KeyFigure, Result
from crmkit.summary import summary


class Said(Result):
    """A result that says what it is told."""

    def __init__(self, words: str, *figures: KeyFigure, findings: tuple[Finding, ...] = ()):
        self.words, self.figures, self.found = words, figures, findings

    headline = property(lambda self: self.words)
    definition = property(lambda self: Definition(()))
    empty = property(lambda self: not self.words)

    def tables(self):
        return {}

    def plots(self):
        return {}

    def key_figures(self):
        return self.figures

    def findings(self):
        return self.found


@pytest.fixture
def book(tmp_path: Path):
    orders = {"order_id": ["1"], "ordered_at": [dt.datetime(2011, 12, 9)], "amount": [1.0]}
    pq.write_table(pa.table(orders), tmp_path / "orders.parquet")
    (tmp_path / "crmkit.toml").write_text(
        '[book]\nname = "b"\ntimezone = "UTC"\ncurrency = "GBP"\nstore = "."\n'
        "[targets]\nrate = 0.3\n"
    )
    return ck.connect(tmp_path / "crmkit.toml", language="en")


def _figure(book, **changed):
    key = KeyFigure(**{"name": "rate", "label": "Rate", "value": 0.312, "kind": "rate", **changed})
    return summary(Said("x", key), book=book, as_of="2011-12-09").json()["figures"][0]


def test_the_headline_is_that_of_the_first_result_with_something_to_say(book):
    told = summary(Said(""), Said("second"), book=book, as_of="2011-12-09")
    assert told.headline == "second"
    assert summary(Said(""), book=book, as_of="2011-12-09").headline == ""


@pytest.mark.parametrize(
    ("changed", "words", "arrow", "verdict"),
    [
        ({"previous": 0.288}, "+2.4 points on 28.8%", "▲", "good"),
        ({"previous": 0.336}, "−2.4 points on 33.6%", "▼", "bad"),
        ({"previous": 0.336, "better": "down"}, "−2.4 points on 33.6%", "▼", "good"),
        ({"previous": 0.288, "better": "neither"}, "+2.4 points on 28.8%", "▲", "same"),
        ({"previous": 0.31201}, "0.0 points", "■", "same"),
        ({"previous": None}, "", "", "same"),
        ({"previous": float("nan")}, "", "", "same"),
        ({"previous": 200, "value": 150, "kind": "count"}, "−25.0% on 200", "▼", "bad"),
        ({"previous": 0, "value": 3, "kind": "count"}, "3 on 0", "▲", "good"),
    ],
)
def test_a_change_has_words_an_arrow_and_a_verdict(book, changed, words, arrow, verdict):
    shown = _figure(book, **changed)
    assert words in shown["change"]
    assert (shown["arrow"], shown["verdict"]) == (arrow, verdict)


def test_targets_are_said_in_words(book):
    assert _figure(book)["target"] == "Target 30.0%: reached"
    assert _figure(book, value=0.29)["target"] == "Target 30.0%: missed"
    assert _figure(book, value=0.29, better="down")["target"] == "Target 30.0%: reached"
    assert _figure(book, value=None)["target"] == ""
    assert _figure(book, name="other")["target"] == ""


def test_an_interval_is_written_like_its_value(book):
    assert _figure(book, low=0.29, high=0.334)["interval"] == "29.0–33.4%"
    money = _figure(book, kind="money", value=1500, low=1200, high=1800)
    assert money["interval"] == "£1,200–£1,800"
    assert _figure(book)["interval"] == ""


def test_the_unknown_is_a_dash_not_a_zero(book):
    assert _figure(book, value=float("nan"))["value"] == "–"


def test_a_sparkline_needs_three_known_values(book):
    assert _figure(book, history=(0.1, 0.2))["spark"] == ""
    assert _figure(book, history=(1, float("nan"), 2, 3))["spark"] == "2.0,22.0 48.0,12.0 94.0,2.0"
    assert "nan" not in _figure(book, history=(1, 1, 1))["spark"]


def test_the_heaviest_findings_come_first_with_what_to_do(book):
    found = tuple(Finding(words=f"f{w}", action=f"a{w}" * (w != 2), weight=w) for w in (1, 4, 2, 3))
    shown = summary(Said("x", findings=found), book=book, as_of="2011-12-09").json()
    assert shown["findings"] == ["f4", "f3", "f2"]
    assert shown["actions"] == ["a4", "a3"]


def test_old_data_are_said(book):
    shown = summary(Said("x"), book=book, as_of="2011-12-12").json()
    assert shown["quality"]["level"] == "warning"
    assert "3 days older" in shown["quality"]["words"]


def test_the_same_in_chinese(book):
    text.set_reader(language="zh", currency="CNY")
    assert _figure(book)["target"] == "目标 30.0%：已达成"
