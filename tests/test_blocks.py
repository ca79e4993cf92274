"""Blocks show the same values as HTML and as data, and escape every one of them."""

import pandas as pd

from crmkit import text
from crmkit.blocks import MIME, Column, Definition, Document, Notice, Sentence, Table

FRAME = pd.DataFrame(
    {
        "who": ["<script>alert(1)</script>", "b", "all"],
        "rate": [0.3, float("nan"), 0.25],
        "low": [0.2, float("nan"), 0.2],
        "high": [0.4, float("nan"), 0.31],
        "n": [12, 0, 400],
        "amount": [1234.5, 0.0, 9.0],
        "day": ["2011-12-09", None, "2011-12-10"],
        "open": [False, True, False],
    }
)
TABLE = Table(
    name="t",
    caption='Caption "quoted" & <more>',
    frame=FRAME,
    columns=(
        Column("who", "Who"),
        Column("rate", "Rate", "rate", low="low", high="high", n="n", partial="open", shade=True),
        Column("amount", "Amount", "money"),
        Column("day", "Day", "day"),
    ),
    total=True,
)


def _rows() -> list:
    return TABLE.json()["rows"]


def test_a_cell_carries_words_interval_and_sort_value():
    cell = _rows()[0][1]
    assert cell == {
        "words": "30.0%", "sort": 0.3, "small": "20.0–40.0%", "weak": True, "shade": 1.0,
    }  # fmt: skip


def test_the_unknown_is_blank_and_never_zero():
    assert _rows()[1][1]["words"] == ""
    assert "sort" not in _rows()[1][1]
    assert _rows()[1][3]["words"] == ""


def test_every_value_is_escaped():
    page = Document((TABLE, Sentence("<b>x</b>"), Notice("<i>"), Definition((("<a>", "<c>"),))))
    html = page.html(styled=False)
    for markup in ("<script", "<b>", "<i>", "<a>", "<c>", "<more>"):
        assert markup not in html


def test_tables_are_accessible():
    html = Document((TABLE,)).html(styled=False)
    assert "<caption>" in html
    assert 'scope="col"' in html
    assert 'scope="row"' in html
    assert 'class="ck-total"' in html


def test_a_long_table_says_how_much_it_shows_and_keeps_its_total():
    long = pd.DataFrame({"n": range(100)})
    table = Table(
        name="l", caption="c", frame=long, columns=(Column("n", "N", "count"),), total=True
    )
    shown = table.json()
    assert len(shown["rows"]) == 50
    assert shown["rows"][-1][0]["words"] == "99"
    assert shown["notes"] == ["The first 50 of 100 rows."]


def test_the_same_table_in_chinese():
    text.set_reader(language="zh", currency="CNY")
    assert _rows()[0][2]["words"] == "¥1,234.50"
    assert _rows()[0][3]["words"] == "2011年12月9日"


def test_an_empty_table_is_a_table():
    empty = Table(name="e", caption="c", frame=FRAME.iloc[:0], columns=TABLE.columns, total=True)
    assert empty.json()["rows"] == []
    assert empty.json()["total"] is False


def test_jupyter_gets_html_data_and_plain_text():
    bundle = TABLE._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", MIME}
    assert bundle[MIME]["language"] == "en"
