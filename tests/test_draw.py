"""Every chart kind draws, twice, the same bytes each time, and with nothing to draw."""

from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from crmkit import draw, text

WORDS = {"name": "x", "title": "Title", "subtitle": "Subtitle", "alt": "Alt"}
ROWS = pd.DataFrame(
    {
        "label": ["电话销售", "website <b>", "n/a"],
        "value": [0.31, 0.2, 0.05],
        "low": [0.28, 0.15, 0.0],
        "high": [0.34, 0.26, 0.4],
        "before": [0.3, float("nan"), 0.01],
        "weak": [False, False, True],
        "left": [0, 1, 2],
        "right": [1, 2, 3],
        "count": [5, 3, 0],
    }
)
GRID = pd.DataFrame([[1.0, 0.5], [0.4, float("nan")]], index=["a", "b"], columns=[0, 1])
CHARTS = {
    "triangle": (lambda f: draw.triangle(f, **WORDS, partial=f < 0.5), GRID),
    "curves": (
        lambda f: draw.curves(f, x="left", y="value", low="low", high="high", **WORDS),
        ROWS,
    ),
    "curves by": (lambda f: draw.curves(f, x="left", y="value", by="label", **WORDS), ROWS),
    "bars": (lambda f: draw.bars(f, label="label", value="value", kind="rate", **WORDS), ROWS),
    "dots": (
        lambda f: draw.dots(
            f, label="label", value="value", low="low", high="high", previous="before",
            weak="weak", reference=0.2, **WORDS,
        ),
        ROWS,
    ),
    "columns": (
        lambda f: draw.columns(
            f, label="label", values=[("value", "one"), ("low", "two")], partial="weak", **WORDS
        ),
        ROWS,
    ),
    "histogram": (
        lambda f: draw.histogram(f, left="left", right="right", count="count", mark=1.5, **WORDS),
        ROWS,
    ),
    "scatter": (
        lambda f: draw.scatter(f, x="value", y="low", label="label", size="high", **WORDS),
        ROWS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHARTS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_chart_is_drawn_twice_and_always_the_same(kind, language):
    text.set_reader(language=language, currency="CNY")
    make, frame = CHARTS[kind]
    figure, again = make(frame), make(frame)
    assert figure == again
    assert figure.wide != figure.narrow
    for drawing in (figure.wide, figure.narrow):
        root = ET.fromstring(drawing)
        assert root.get("aria-label") == "Title Alt"
        assert "style=" not in drawing


@pytest.mark.parametrize("kind", CHARTS)
def test_a_chart_of_nothing_is_still_a_chart(kind):
    make, frame = CHARTS[kind]
    assert "<svg" in make(frame.iloc[:0]).wide


def test_marks_say_their_numbers_on_hovering():
    figure = CHARTS["bars"][0](ROWS)
    assert "<title>电话销售: 31.0%</title>" in figure.wide


def test_names_are_never_markup():
    figure = CHARTS["bars"][0](ROWS)
    assert "<b>" not in figure.wide
