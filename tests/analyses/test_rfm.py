import csv
import datetime as dt
import functools
import random

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit import text
from crmkit.analyses.rfm import rfm
from crmkit.errors import InputError, ParameterError
from crmkit.segmentation import Box, SegmentTable
from crmkit.stats import wilson

SCHEMA = {
    "order_id": "string",
    "customer_id": "string",
    "ordered_at": "timestamp",
    "amount": "decimal(18, 4)",
}


def at(when):
    return dt.datetime.fromisoformat(when)


def orders(*rows):
    """A table of orders from (customer, when, amount)."""
    frame = pd.DataFrame(
        {
            "order_id": [str(i) for i in range(len(rows))],
            "customer_id": [row[0] for row in rows],
            "ordered_at": [at(row[1]) for row in rows],
            "amount": [row[2] for row in rows],
        }
    )
    return ibis.memtable(frame, schema={**SCHEMA, "amount": "float64"}).cast(SCHEMA)


def per_customer(found):
    """(recency, frequency, monetary) and the scores of each customer."""
    from crmkit.scoring import UNIT, scores

    frame = found.people.mutate(**scores(found.people, found.limits)).execute()
    return {
        row.customer_id: (
            (row.recency, row.frequency, row.monetary / UNIT),
            (row.recency_score, row.frequency_score, row.monetary_score),
        )
        for row in frame.itertuples()
    }


FIVE = [
    ("a", "2024-03-31 12:00", 500),
    ("a", "2024-03-01 12:00", 500),
    ("a", "2024-02-01 12:00", 500),
    ("b", "2024-03-21 12:00", 400),
    ("b", "2024-03-01 12:00", 400),
    ("c", "2024-03-11 12:00", 600),
    ("d", "2024-03-01 12:00", 400),
    ("e", "2024-02-20 12:00", 200),
]


def test_scores_of_five_customers_by_hand():
    """Recency 0, 10, 20, 30, 40; frequency 3, 2, 1, 1, 1; money 1500, 800, 600, 400, 200."""
    found = per_customer(rfm(orders(*FIVE), as_of="2024-03-31"))
    assert found == {
        "a": ((0, 3, 1500), (5, 5, 5)),
        "b": ((10, 2, 800), (4, 5, 4)),  # the quantiles of frequency are 1, 1, 1.4, 2.2: 2 > 1.4
        "c": ((20, 1, 600), (3, 1, 3)),
        "d": ((30, 1, 400), (2, 1, 2)),
        "e": ((40, 1, 200), (1, 1, 1)),
    } | {"b": ((10, 2, 800), (4, 4, 4))}


def test_thresholds_and_grid_by_hand():
    found = rfm(orders(*FIVE), as_of="2024-03-31")
    recency = found.thresholds.query("measure == 'recency'")
    # quantiles 8, 16, 24, 32: "above 8" is "at least 9"
    assert recency.sort_values("score").below.tolist()[1:] == [33, 25, 17, 9]
    assert recency.customers.tolist() == [1, 1, 1, 1, 1]
    cells = found.grid[found.grid.customers > 0]
    assert cells[["recency_score", "frequency_score", "customers", "revenue"]].values.tolist() == [
        [5, 5, 1, 1500],
        [4, 4, 1, 800],
        [3, 1, 1, 600],
        [2, 1, 1, 400],
        [1, 1, 1, 200],
    ]
    assert len(found.grid) == 25
    assert found.grid[found.grid.customers == 0].monetary.isna().all()


def test_segments_by_hand():
    found = rfm(orders(*FIVE), as_of="2024-03-31").segments.set_index("segment")
    # a 555 and b 444: champions; c 313: about to sleep; d 212: hibernating; e 111: lost
    have = found[found.customers > 0]
    assert have.customers.to_dict() == {
        "champions": 2,
        "about_to_sleep": 1,
        "hibernating": 1,
        "lost": 1,
    }
    best = found.loc["champions"]
    assert (best.revenue, best.orders, best.recency, best.frequency) == (2300, 5, 5, 2.5)
    assert best.average_order == 460
    assert best.revenue_share == pytest.approx(2300 / 3500)
    assert best.customers_share == pytest.approx(0.4)
    low, high = wilson(2, 5)
    assert (best.customers_share_low, best.customers_share_high) == (low, high)
    assert found.loc["loyal"].customers == 0
    assert np.isnan(found.loc["loyal"].recency)


def test_the_eight_cells_compare_with_the_mean_score():
    found = rfm(orders(*FIVE), as_of="2024-03-31", segments="eight").segments
    # mean scores: recency 3, frequency 2.4, money 3
    have = found[found.customers > 0].set_index("segment").customers.to_dict()
    assert have == {"key_core": 2, "general_win_back": 3}


def test_equal_values_share_a_score():
    rows = [
        (name, "2024-03-01 12:00", amount)
        for name, amount in zip("abcdefg", [5, 5, 5, 5, 5, 5, 9], strict=True)
    ]
    found = per_customer(rfm(orders(*rows), as_of="2024-03-31"))
    scores = {name: score for name, (_, score) in found.items()}
    assert {scores[name] for name in "abcdef"} == {(5, 1, 1)}
    assert scores["g"] == (5, 1, 5)


def test_all_equal_customers_have_one_score():
    rows = [(name, "2024-03-01 12:00", 5) for name in "abc"]
    found = rfm(orders(*rows), as_of="2024-03-31")
    assert {score for _, score in per_customer(found).values()} == {(5, 1, 1)}
    assert found.segments.query("customers > 0").segment.tolist() == ["new"]


def test_one_customer():
    found = rfm(orders(("a", "2024-03-01 12:00", 12.34)), as_of="2024-03-31")
    assert (found.customers, found.orders, found.revenue) == (1, 1, 12.34)
    assert per_customer(found) == {"a": ((30, 1, 12.34), (5, 1, 1))}
    assert found.concentration.revenue_share.tolist() == [1.0] * 12
    assert str(found)
    assert found.plot().alt


def test_an_empty_table_gives_a_result_that_says_so():
    found = rfm(orders(("a", "2024-03-01 12:00", 5)).limit(0), as_of="2024-03-31")
    assert found.empty
    assert found.headline == "No purchases up to 31 Mar 2024."
    assert found.customers == 0
    assert (found.segments.customers == 0).all()
    assert found.segments.customers_share.isna().all()
    assert found.key_figures() == ()
    assert found.findings() == ()
    assert found.plot().words == found.headline
    assert all(table.json() for table in found.tables().values())
    assert len(found.actions()) == 0


def test_purchases_after_the_day_do_not_count_and_the_day_itself_does():
    rows = [
        ("a", "2024-03-31 23:59:59", 5),
        ("a", "2024-04-01 00:00:00", 7),
        ("b", "2024-04-01 00:00:00", 7),
    ]
    found = per_customer(rfm(orders(*rows), as_of="2024-03-31"))
    assert {name: values for name, (values, _) in found.items()} == {"a": (0, 1, 5)}


def test_days_are_those_of_the_timezone():
    rows = [("a", "2024-03-30 23:30", 5)]  # 00:30 in summer time: the clocks go forward that night
    assert per_customer(rfm(orders(*rows), as_of="2024-04-01"))["a"][0][0] == 2
    berlin = rfm(orders(*rows), as_of="2024-04-01", timezone="Europe/Berlin")
    assert per_customer(berlin)["a"][0][0] == 1
    assert rfm(orders(*rows), as_of="2024-03-30", timezone="Europe/Berlin").empty
    late = [("a", "2024-03-31 22:30", 5)]  # 00:30 of April 1 in summer time
    assert per_customer(rfm(orders(*late), as_of="2024-03-31"))["a"][0][0] == 0
    assert rfm(orders(*late), as_of="2024-03-31", timezone="Europe/Berlin").empty
    shanghai = rfm(
        orders(("a", "2024-03-31 16:00", 5)), as_of="2024-04-01", timezone="Asia/Shanghai"
    )
    assert per_customer(shanghai)["a"][0][0] == 0


def test_rows_without_a_customer_or_a_time_do_not_count():
    frame = pd.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "customer_id": ["a", None, "b"],
            "ordered_at": [at("2024-03-01"), at("2024-03-02"), None],
            "amount": [5.0, 6.0, 7.0],
        }
    )
    table = ibis.memtable(frame, schema={**SCHEMA, "amount": "float64"})
    found = rfm(table, as_of="2024-03-31")
    assert list(per_customer(found)) == ["a"]
    assert found.revenue == 5


def test_history_counts_only_its_days():
    rows = [
        ("a", "2024-03-31 12:00", 1),
        ("a", "2024-03-30 00:00", 2),
        ("a", "2024-03-29 23:59", 4),
        ("b", "2024-03-29 12:00", 8),
    ]
    found = rfm(orders(*rows), as_of="2024-03-31", history=2)
    assert {name: values for name, (values, _) in per_customer(found).items()} == {"a": (0, 2, 3)}
    assert "purchases of the 2 days" in str(found.definition)


def test_fixed_thresholds_hold_from_their_value():
    rows = [
        (name, "2024-03-01 12:00", amount)
        for name, amount in zip("abc", [99.99, 100, 250], strict=True)
    ]
    found = rfm(
        orders(*rows),
        as_of="2024-03-31",
        bins=3,
        segments="eight",
        thresholds={"recency": [30, 60], "frequency": [2, 3], "monetary": [100, 250]},
    )
    assert {name: score for name, (_, score) in per_customer(found).items()} == {
        "a": (2, 1, 1),
        "b": (2, 1, 2),
        "c": (2, 1, 3),
    }
    assert "by fixed thresholds" in str(found.definition)


def type_7(values, p):
    """The quantile between order statistics, written out (Hyndman and Fan 1996)."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * p
    below = int(place + 1e-9)
    if below + 1 >= len(ordered):
        return ordered[-1]
    return ordered[below] + (place - below) * (ordered[below + 1] - ordered[below])


def half_open(values, *, reverse=False, bins=5):
    """Scores by the published rule: bins [lower, upper) that change at a quantile + 1."""
    inner = [type_7(values, k / bins) + 1 for k in range(1, bins)]
    lowers, uppers = [min(values), *inner], [*inner, max(values) + 1]
    found = []
    for value in values:
        held = [k for k in range(bins) if lowers[k] <= value < uppers[k]]
        found.append(bins - held[-1] if reverse else held[-1] + 1)
    return found


@pytest.fixture(scope="module")
def published(shared_data):
    path = shared_data / "rfm_data_orders.csv"
    if not path.is_file():
        pytest.skip("rfm_data_orders.csv is not here")
    with path.open(encoding="utf-8") as file:
        return [
            (r["customer_id"], r["order_date"], int(r["revenue"])) for r in csv.DictReader(file)
        ]


def test_the_published_rule_on_the_published_orders(published):
    day = dt.date(2006, 12, 31)
    people = {}
    for name, when, amount in published:
        last, n, total = people.get(name, (dt.date.min, 0, 0))
        people[name] = (max(last, dt.date.fromisoformat(when)), n + 1, total + amount)
    names = sorted(people)
    recency = [(day - people[name][0]).days for name in names]
    expected = list(
        zip(
            half_open(recency, reverse=True),
            half_open([people[name][1] for name in names]),
            half_open([people[name][2] for name in names]),
            strict=True,
        )
    )

    found = rfm(orders(*published), as_of=day, rule="quantile+1")
    scores = per_customer(found)

    assert found.customers == 995
    assert found.revenue == 464_158
    assert [scores[name][1] for name in names] == expected
    given = found.limits
    # the thresholds that the package documents, which it does not round up to whole days
    assert given["recency"] == pytest.approx((115, 181, 297, 482), abs=1)
    assert given["frequency"] == (4, 5, 6, 8)
    assert [limit / 10_000 for limit in given["monetary"]] == pytest.approx(
        [256, 382, 506, 666], abs=1
    )


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 11, 100, 101])
@pytest.mark.parametrize("bins", [2, 3, 5, 10])
def test_quantile_scores_agree_with_their_definition(n, bins):
    rng = random.Random(n * 100 + bins)
    rows = [
        (
            f"c{i}",
            f"2024-0{rng.randint(1, 3)}-{rng.randint(1, 28):02d} 10:00",
            rng.choice([1.5, 2, 2, 3.25, 10]),
        )
        for i in range(n)
        for _ in range(rng.choice([1, 1, 1, 2, 5]))
    ]
    found = per_customer(rfm(orders(*rows), as_of="2024-03-31", bins=bins, segments="eight"))
    for place in range(3):
        values = [values[place] for values, _ in found.values()]
        cuts = [type_7(values, k / bins) for k in range(1, bins)]
        for measured, scores in found.values():
            above = sum(measured[place] > cut + 1e-9 for cut in cuts)
            assert scores[place] == (bins - above if place == 0 else above + 1)


def test_totals_of_every_frame_agree(published):
    found = rfm(orders(*published), as_of="2006-12-31")
    for frame in (found.segments, found.grid, found.cells):
        assert frame.customers.sum() == 995
        assert frame.revenue.sum() == pytest.approx(464_158)
    for _, part in found.distribution.groupby("measure"):
        assert part.customers.sum() == 995
    for _, part in found.thresholds.groupby("measure"):
        assert part.customers.sum() == 995
    assert found.segments.customers_share.sum() == pytest.approx(1)
    assert found.segments.revenue_share.sum() == pytest.approx(1)


def test_concentration_is_the_sum_of_the_best(published):
    found = rfm(orders(*published), as_of="2006-12-31")
    totals = {}
    for name, _, amount in published:
        totals[name] = totals.get(name, 0) + amount
    best = sorted(totals.values(), reverse=True)
    for row in found.concentration.itertuples():
        assert row.customers == int(np.ceil(995 * row.top - 1e-9))
        assert row.revenue == sum(best[: row.customers])
    assert found.share_of_top(0.2) == sum(best[:199]) / sum(best)


def test_distribution_counts_each_customer_in_its_bin():
    found = rfm(orders(*FIVE), as_of="2024-03-31").distribution
    recency = found.query("measure == 'recency'")
    assert recency[["low", "high", "customers"]].values.tolist() == [[0, 30, 3], [30, 60, 2]]
    frequency = found.query("measure == 'frequency'")
    assert frequency[["low", "high", "customers"]].values.tolist() == [
        [1, 2, 3],
        [2, 3, 1],
        [3, 4, 1],
    ]


def test_faults_of_a_table_are_told():
    table = SegmentTable(
        "own",
        (
            Box("recent", "4..5", "any", "any", name_en="Recent"),
            Box("often", "any", "4..5", "any", name_en="Often"),
        ),
    )
    found = rfm(orders(*FIVE), as_of="2024-03-31", segments=table)
    assert found.segments.set_index("segment").customers.to_dict() == {
        "recent": 2,
        "often": 0,
        "other": 3,
    }
    assert len(found.fault.doubled) == 20
    assert len(found.fault.uncovered) == 45
    assert "20 cells of scores lie in two segments (the first one counts), 45 in none" in str(
        found.definition
    )
    assert found.headline == "Recent are 40.0% of customers and bring 65.7% of revenue."
    assert "Faults" not in str(rfm(orders(*FIVE), as_of="2024-03-31").definition)


def many(n=60):
    """Customers of which the second half bought often, for much, and stopped."""
    rows = []
    for i in range(n):
        if i < n // 2:
            rows.append((f"new{i:02d}", "2024-03-20 12:00", 10 + i))
        else:
            rows += [(f"old{i:02d}", f"2023-0{m}-10 12:00", 100 + i) for m in (1, 2, 3)]
    return orders(*rows)


def test_actions_list_the_valuable_at_risk_by_value():
    found = rfm(many(), as_of="2024-03-31", segments="eight")
    actions = found.actions()
    risky = found.segments.set_index("segment").customers
    assert len(actions) == risky["key_keep"] + risky["key_win_back"] == 24
    assert actions.frame.monetary.is_monotonic_decreasing
    first = actions.frame.iloc[0]
    assert first.customer_id == "old59"
    assert first.monetary == 3 * 159
    assert first.first_day == dt.date(2023, 1, 10)
    assert first.last_day == dt.date(2023, 3, 10)
    assert first.segment_name == "Key customers to keep"
    assert first.why == "3 purchases for €477.00; the last 387 days ago"
    assert first.action.startswith("They bought often and have stopped")
    few = found.actions(limit=2)
    assert few.frame.customer_id.tolist() == ["old59", "old58"]
    assert few.note == "The 2 most valuable of 24."


def test_actions_of_a_segment_by_key_or_by_name():
    found = rfm(many(), as_of="2024-03-31", segments="eight")
    by_key = found.actions("general_develop")
    assert len(by_key) == 30
    assert by_key.frame.equals(found.actions("一般发展客户").frame)
    with pytest.raises(ParameterError, match=r"'key_kep'. Did you mean 'key_keep'\?"):
        found.actions("key_kep")


def test_actions_know_what_the_customers_table_knows_but_no_names():
    customers = ibis.memtable(
        {
            "customer_id": ["old59", "x"],
            "region": ["北京", "上海"],
            "phone": ["+8610", "+8621"],
            "name": ["张", "李"],
        }
    )
    found = rfm(many(), as_of="2024-03-31", segments="eight", customers=customers)
    actions = found.actions(limit=2)
    assert actions.frame.region.fillna("").tolist() == ["北京", ""]
    assert not {"phone", "name"} & {column.name for column in actions.columns}
    assert not {"phone", "name"} & set(actions.frame.columns)


def test_headline_findings_and_key_figures():
    found = rfm(many(), as_of="2024-03-31", segments="eight")
    figures = {figure.name: figure for figure in found.key_figures()}
    assert figures["customers"].value == 60
    assert figures["repeat_rate"].value == 0.5
    assert (figures["repeat_rate"].low, figures["repeat_rate"].high) == tuple(
        map(float, wilson(30, 60))
    )
    assert figures["at_risk_share"].value == 0.4
    assert figures["average_order"].value == pytest.approx(found.revenue / 120)
    assert found.headline == (
        "Key customers to keep are 40.0% of customers and bring 77.3% of revenue; "
        "valuable customers about to be lost: 24 (77.3% of revenue)."
    )
    findings = found.findings()
    assert [finding.weight for finding in findings] == sorted(
        (f.weight for f in findings), reverse=True
    )
    assert findings[0].words.startswith("Key customers to keep: 24 (40.0% of all)")
    assert findings[0].action


def test_it_reads_in_chinese_without_a_word_of_english():
    found = rfm(many(), as_of="2024-03-31", segments="eight")
    with text.reading(language="zh", currency="CNY"):
        words = [found.headline, str(found.definition)]
        words += [table.caption for table in found.tables().values()]
        words += [c.label for table in found.tables().values() for c in table.columns]
        words += [f.words + f.action for f in found.findings()]
        words += [figure.label for figure in found.key_figures()]
        words += [
            w for kind in found.plots() for w in (found.plot(kind).title, found.plot(kind).subtitle)
        ]
        words += [column.label for column in found.actions().columns]
        words += [found.actions().title, *found.actions().frame.why]
    for sentence in words:
        rest = functools.reduce(
            lambda left, name: left.replace(name, ""),
            ("Wilson", "UTC", "eight", "R", "F", "RFM"),
            sentence,
        )
        assert not any("a" <= letter <= "z" for letter in rest), sentence


def test_every_plot_draws_and_says_its_finding():
    found = rfm(many(), as_of="2024-03-31")
    for kind in ("segments", "grid", "value", "concentration"):
        figure = found.plot(kind)
        assert "<svg" in figure.wide
        assert any(letter.isdigit() for letter in figure.title)
        assert figure.alt


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"bins": 1}, "bins is 1"),
        ({"bins": 4}, "made for scores 1 to 5, but bins is 4"),
        ({"rule": "ntile"}, "'ntile' is not a rule"),
        ({"history": 0}, "history is 0 days"),
        ({"thresholds": {"recncy": [1, 2, 3, 4]}}, "Did you mean 'recency'"),
        ({"thresholds": {"recency": [1, 2, 3]}}, "Give 4 ascending values"),
        ({"thresholds": {"recency": [1, 3, 2, 4]}}, "Give 4 ascending values"),
        ({"segments": "twelve"}, "no segment table 'twelve'"),
        ({"timezone": "Mars"}, "not a time zone"),
        ({"as_of": "2024-02-31"}, "not a day"),
    ],
)
def test_impossible_requests_say_what_would_do(given, words):
    with pytest.raises(ParameterError, match=words):
        rfm(orders(*FIVE), **{"as_of": "2024-03-31", **given})


def test_a_table_without_the_columns_is_refused():
    table = ibis.memtable({"customer_id": ["a"], "ordered_at": [at("2024-03-01")]})
    with pytest.raises(InputError, match="lacks amount"):
        rfm(table, as_of="2024-03-31")


def test_the_engine_is_asked_once(monkeypatch):
    asked = []
    real = ibis.expr.types.Table.execute
    monkeypatch.setattr(
        ibis.expr.types.Table, "execute", lambda self, **kw: (asked.append(1), real(self, **kw))[1]
    )
    rfm(orders(*FIVE), as_of="2024-03-31")
    assert len(asked) == 1
