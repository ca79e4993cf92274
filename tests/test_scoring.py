import datetime as dt

import ibis
import pytest

from crmkit.errors import InputError
from crmkit.scoring import Scoring, limits, measured, ranked, score


def people(recency, frequency, monetary):
    return ibis.memtable({"recency": recency, "frequency": frequency, "monetary": monetary})


def test_values_at_ranks_count_every_tie():
    table = people([7, 7, 7, 1, 9], [1] * 5, [0] * 5)
    wanted = {f"at_{k}": ("recency", lambda total, k=k: total * 0 + k) for k in range(6)}
    row = ranked(table, wanted).execute().iloc[0]
    assert row.total == 5
    assert [row[f"at_{k}"] for k in range(5)] == [1, 7, 7, 7, 9]
    assert row.isna()["at_5"]


def test_limits_are_the_next_whole_value_above_a_quantile():
    table = people([0, 10, 20, 30, 41], [1, 1, 1, 2, 3], [100, 200, 300, 400, 500])
    row = limits(table, Scoring()).execute().iloc[0]
    # recency: quantiles 8, 16, 24, 32.2; frequency: 1, 1, 1.4, 2.2
    assert [row[f"recency_{k}"] for k in range(1, 5)] == [9, 17, 25, 33]
    assert [row[f"frequency_{k}"] for k in range(1, 5)] == [2, 2, 2, 3]
    assert [row[f"monetary_{k}"] for k in range(1, 5)] == [181, 261, 341, 421]


def test_limits_by_the_rule_of_whole_units():
    table = people([0, 10, 20, 30, 41], [1, 1, 1, 2, 3], [10_000, 20_000, 30_000, 40_000, 50_000])
    row = limits(table, Scoring(rule="quantile+1")).execute().iloc[0]
    assert [row[f"recency_{k}"] for k in range(1, 5)] == [9, 17, 25, 34]
    assert [row[f"frequency_{k}"] for k in range(1, 5)] == [2, 2, 3, 4]
    assert [row[f"monetary_{k}"] for k in range(1, 5)] == [28_000, 36_000, 44_000, 52_000]


@pytest.mark.parametrize(
    ("value", "up", "down"), [(1, 1, 3), (2, 2, 2), (3, 2, 2), (4, 3, 1), (9, 3, 1)]
)
def test_a_score_rises_or_falls_at_each_limit(value, up, down):
    number = ibis.literal(value)
    assert score(number, [2, 4]).execute() == up
    assert score(number, [2, 4], reverse=True).execute() == down


def test_equal_limits_skip_a_score():
    assert [score(ibis.literal(v), [2, 2, 5]).execute() for v in (1, 2, 5)] == [1, 3, 4]


def test_a_rank_of_large_books_is_placed_exactly():
    """0.6 x 5 is 3 exactly, which a fraction in floating point can miss."""
    table = people(list(range(6)), [1, 1, 1, 2, 2, 2], [0] * 6)
    row = limits(table, Scoring()).execute().iloc[0]
    assert row.frequency_3 == 3  # the quantile is the fourth value, 2, not a little less
    assert row.frequency_2 == 2


def test_money_is_counted_exactly():
    rows = ibis.memtable(
        {
            "customer_id": ["a"] * 10,
            "ordered_at": [dt.datetime(2024, 1, 1)] * 10,
            "amount": [0.1] * 10,
        }
    )
    found = measured(rows, as_of=dt.date(2024, 1, 1), timezone="UTC").execute()
    assert found.monetary.tolist() == [10_000]


def test_both_days_are_measured_in_one_pass():
    rows = ibis.memtable(
        {
            "customer_id": ["a", "a", "b"],
            "ordered_at": [
                dt.datetime(2024, 1, 1),
                dt.datetime(2024, 2, 1),
                dt.datetime(2024, 2, 2),
            ],
            "amount": [1.0, 2.0, 4.0],
        }
    )
    days = {"as_of": dt.date(2024, 2, 10), "previous": dt.date(2024, 1, 11)}
    found = measured(rows, **days, timezone="UTC").execute().set_index("customer_id")
    assert found.recency.to_dict() == {"a": 9, "b": 8}
    assert found.frequency_before.to_dict() == {"a": 1, "b": 0}
    assert found.recency_before["a"] == 10
    assert found.monetary_before.to_dict() == {"a": 10_000, "b": 0}


def test_a_table_of_two_times_is_refused():
    table = ibis.table(
        {
            "customer_id": "string",
            "amount": "float64",
            "ordered_at": "timestamp",
            "started_at": "timestamp",
        },
        name="t",
    )
    with pytest.raises(InputError, match="exactly one"):
        measured(table, as_of=dt.date(2024, 1, 1), timezone="UTC")
