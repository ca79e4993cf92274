import datetime as dt
import functools

import ibis
import pandas as pd
import pytest

from crmkit import text
from crmkit.analyses.movement import movement
from crmkit.analyses.rfm import rfm
from crmkit.errors import ParameterError

SCHEMA = {"customer_id": "string", "ordered_at": "timestamp", "amount": "decimal(18, 4)"}


def orders(*rows):
    """A table of orders from (customer, when, amount)."""
    frame = pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "ordered_at": [dt.datetime.fromisoformat(row[1]) for row in rows],
            "amount": [float(row[2]) for row in rows],
        }
    )
    return ibis.memtable(frame, schema={**SCHEMA, "amount": "float64"}).cast(SCHEMA)


FIXED = {"recency": [30], "frequency": [2], "monetary": [100]}  # two scores, changed at these
HIGH_LOW = {"bins": 2, "thresholds": FIXED, "segments": "eight"}

# At both days half of the scores lie above their mean, so that "high" is 2 and "low" is 1.
ROWS = [
    ("stays", "2024-01-10 12:00", 90),
    ("stays", "2024-02-20 12:00", 90),
    ("stays", "2024-03-20 12:00", 90),
    ("falls", "2024-01-10 12:00", 90),
    ("falls", "2024-02-10 12:00", 90),
    ("rises", "2023-06-01 12:00", 70),
    ("rises", "2023-07-01 12:00", 70),
    ("rises", "2024-03-15 12:00", 70),
    ("small", "2024-01-10 12:00", 5),
    ("fresh", "2024-03-10 12:00", 40),
]


def test_moves_by_hand():
    found = movement(orders(*ROWS), as_of="2024-03-31", previous="2024-02-29", **HIGH_LOW)
    moves = found.moves.set_index(["was", "became"])
    assert moves.customers.to_dict() == {
        ("key_core", "key_core"): 1,  # stays
        ("key_core", "key_keep"): 1,  # falls: 50 days after the last purchase
        ("key_keep", "key_core"): 1,  # rises
        ("general_win_back", "general_win_back"): 1,  # small
        ("new_customer", "general_develop"): 1,  # fresh
    }
    fell = moves.loc["key_core", "key_keep"]
    assert (fell.value_before, fell.value) == (180, 180)
    assert moves.loc["key_core", "key_core"].tolist() == [1, 270, 180]
    assert moves.loc["new_customer", "general_develop"].tolist() == [1, 40, 0]
    assert (found.new, found.gone, found.moved) == (1, 0, 2)
    assert found.fallen.customers.sum() == 1
    assert found.risen.value.sum() == 210


def test_segments_by_hand():
    found = movement(orders(*ROWS), as_of="2024-03-31", previous="2024-02-29", **HIGH_LOW)
    frame = found.segments.set_index("segment")
    columns = ["customers_before", "customers", "stayed", "came", "left", "change"]
    assert frame.loc["key_core", columns].tolist() == [2, 2, 1, 1, 1, 0]
    assert frame.loc["key_keep", columns].tolist() == [1, 1, 0, 1, 1, 0]
    assert frame.loc["general_develop", columns].tolist() == [0, 1, 0, 1, 0, 1]
    assert frame.loc["key_core", "share"] == 0.4
    assert frame.loc["key_core", "share_before"] == 0.5
    assert frame.loc["key_core", "share_low"] < 0.4 < frame.loc["key_core", "share_high"]


def many():
    rows = []
    for i in range(120):
        months = [1, 2, 3, 5, 6, 7, 9, 11][: i % 8 + 1]
        rows += [(f"c{i:03d}", f"2023-{m:02d}-{i % 27 + 1:02d} 10:00", 10 + i % 13) for m in months]
        if i % 5 == 0:
            rows.append((f"c{i:03d}", "2023-12-15 23:30", 50))
        if i % 9 == 0:
            rows.append((f"n{i:03d}", "2023-12-20 10:00", 30))
    return orders(*rows)


@pytest.mark.parametrize("scale", ["later", "earlier"])
@pytest.mark.parametrize("segments", ["eight", "eleven"])
@pytest.mark.parametrize("history", [None, 120])
def test_identities(scale, segments, history):
    found = movement(
        many(),
        as_of="2023-12-31",
        scale=scale,
        segments=segments,
        history=history,
        timezone="Asia/Shanghai",
    )
    assert found.previous == dt.date(2023, 11, 30)
    moves, frame = found.moves, found.segments.set_index("segment")
    for segment, row in frame.iterrows():
        assert moves.customers[moves.became == segment].sum() == row.customers
        assert moves.customers[moves.was == segment].sum() == row.customers_before
        assert row.customers_before - row.left + row.came == row.customers
    assert frame.customers.sum() + found.gone == moves.customers.sum()
    assert frame.customers_before.sum() + found.new == moves.customers.sum()
    assert (found.gone > 0) == (history is not None)
    assert found.new > 0

    now = rfm(
        many(), as_of="2023-12-31", segments=segments, history=history, timezone="Asia/Shanghai"
    )
    before = rfm(
        many(), as_of="2023-11-30", segments=segments, history=history, timezone="Asia/Shanghai"
    )
    same, column = (now, "customers") if scale == "later" else (before, "customers_before")
    assert frame[column].to_dict() == same.segments.set_index("segment").customers.to_dict()
    assert frame.value.sum() == pytest.approx(now.revenue)
    assert frame.value_before.sum() == pytest.approx(before.revenue)


def test_without_new_purchases_only_recency_moves_anyone():
    rows = [(f"c{i}", f"2023-0{i % 9 + 1}-10 10:00", 10 + i) for i in range(30)]
    found = movement(orders(*rows), as_of="2023-12-31", previous="2023-12-01", thresholds={
        "recency": [30, 60, 90, 300], "frequency": [2, 3, 4, 5], "monetary": [15, 20, 25, 30]
    })  # fmt: skip
    assert found.new == 0
    assert (found.moves.value == found.moves.value_before).all()
    assert found.risen.empty


def test_an_empty_table():
    found = movement(orders(*ROWS).limit(0), as_of="2024-03-31")
    assert found.empty
    assert found.headline == "No purchases up to 31 Mar 2024."
    assert found.key_figures() == ()
    assert found.findings() == ()
    assert found.plot().words == found.headline
    assert len(found.actions()) == 0
    assert all(table.json() for table in found.tables().values())


def test_all_customers_new():
    found = movement(orders(("a", "2024-03-30 10:00", 5)), as_of="2024-03-31")
    assert found.moves.was.tolist() == ["new_customer"]
    figures = {figure.name: figure for figure in found.key_figures()}
    assert figures["customers"].previous is None
    assert figures["good_share"].previous is None
    assert figures["new_customers"].value == 1


def test_actions_list_who_fell():
    found = movement(orders(*ROWS), as_of="2024-03-31", previous="2024-02-29", **HIGH_LOW)
    actions = found.actions()
    assert actions.frame.customer_id.tolist() == ["falls"]
    row = actions.frame.iloc[0]
    assert row.was_name == "Key customers"
    assert row.segment_name == "Key customers to keep"
    assert row.monetary == 180
    assert row.last_day == dt.date(2024, 2, 10)


@pytest.mark.parametrize("history", [None, 120])
def test_actions_agree_with_the_moves(history):
    found = movement(many(), as_of="2023-12-31", previous="2023-07-31", history=history)
    listed = found.fallen[found.fallen.became != "gone"]
    assert len(found.actions(limit=None)) == listed.customers.sum() > 0
    assert found.actions(limit=None).frame.monetary.sum() == pytest.approx(listed.value.sum())
    few = found.actions(limit=1)
    assert few.note == f"The 1 most valuable of {listed.customers.sum()}."


def test_key_figures_and_headline():
    found = movement(orders(*ROWS), as_of="2024-03-31", previous="2024-02-29", **HIGH_LOW)
    figures = {figure.name: figure for figure in found.key_figures()}
    assert (figures["customers"].value, figures["customers"].previous) == (5, 4)
    assert (figures["good_share"].value, figures["good_share"].previous) == (0.4, 0.5)
    assert (figures["fallen_customers"].value, figures["fallen_value"].value) == (1, 180)
    assert figures["risen_customers"].value == 1
    assert found.headline == (
        "Since 29 Feb 2024, 1 customers worth €180 fell out of the good segments, "
        "1 worth €210 came back into them, and 1 are new."
    )
    first = found.findings()[0]
    assert first.words == (
        "1 customers who have spent €180 went from Key customers to Key customers to keep."
    )
    assert first.action.startswith("They bought often and have stopped")


def test_it_reads_in_chinese_without_a_word_of_english():
    found = movement(many(), as_of="2023-12-31", history=120)
    with text.reading(language="zh", currency="CNY"):
        words = [found.headline, str(found.definition)]
        words += [table.caption for table in found.tables().values()]
        words += [c.label for table in found.tables().values() for c in table.columns]
        words += [f.words + f.action for f in found.findings()]
        words += [figure.label for figure in found.key_figures()]
        words += [w for k in found.plots() for w in (found.plot(k).title, found.plot(k).subtitle)]
        words += [column.label for column in found.actions().columns] + [found.actions().title]
    for sentence in words:
        rest = functools.reduce(
            lambda left, name: left.replace(name, ""), ("Wilson", "UTC", "eleven"), sentence
        )
        assert not any("a" <= letter <= "z" for letter in rest), sentence


def test_every_plot_draws_and_says_its_finding():
    found = movement(many(), as_of="2023-12-31")
    for kind in ("moves", "change"):
        figure = found.plot(kind)
        assert "<svg" in figure.wide
        assert any(letter.isdigit() for letter in figure.title)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"previous": "2024-03-31"}, "a day before as_of"),
        ({"scale": "both"}, "scale is 'both'"),
        ({"bins": 4}, "made for scores 1 to 5"),
        ({"history": 0}, "history is 0"),
    ],
)
def test_impossible_requests_say_what_would_do(given, words):
    with pytest.raises(ParameterError, match=words):
        movement(orders(*ROWS), **{"as_of": "2024-03-31", **given})
