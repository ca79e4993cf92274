"""The one query of an RFM analysis, and the frames that are made from its answer."""

import itertools
import math
from collections.abc import Sequence

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit.scoring import UNIT, Rank, Scoring, limits, score, scores, unit
from crmkit.segmentation import MEASURES, SegmentTable
from crmkit.stats import wilson

TOPS = (90, 80, 70, 60, 50, 40, 30, 20, 10, 5, 1)
"""The shares of customers, in per cent, whose part of the revenue is looked up."""
EDGES = {
    "recency": tuple(range(30, 721, 30)),
    "frequency": (2, 3, 4, 5, 6, 8, 11, 16, 21, 31, 51, 101),
    "monetary": tuple(step * 10**power for power in range(1, 8) for step in (1, 2, 5)),
}
"""Where the bins of the distributions change: days, purchases, money."""
SCORES = [f"{measure}_score" for measure in MEASURES]


def counted(people: ir.Table, scoring: Scoring) -> ir.Table:
    """How many customers, orders and how much money lie in each cell of scores and bins.

    A cell is told by the three scores, the three bins of the distributions, and how many of the
    top shares the customer's value lies above. Every frame of the result is a sum over cells.
    """
    tops: dict[str, tuple[str, Rank]] = {f"top_{top}": ("monetary", _top(top)) for top in TOPS}
    row = limits(people, scoring, also=tops)
    wide = people.cross_join(row)
    steps = range(1, scoring.bins)
    given = {measure: [wide[f"{measure}_{step}"] for step in steps] for measure in MEASURES}
    bins = {
        f"{measure}_bin": score(wide[measure], [edge * unit(measure) for edge in EDGES[measure]])
        for measure in MEASURES
    }
    above = score(wide.monetary, [wide[f"top_{top}"] + 1 for top in TOPS]) - 1
    scored = wide.mutate(**scores(wide, given), **bins, above=above)
    constants = {name: scored[name].max() for name in row.columns}
    return scored.group_by(*SCORES, *bins, "above").aggregate(
        customers=scored.count(),
        orders=scored.frequency.sum(),
        value=scored.monetary.sum(),
        days=scored.recency.sum(),
        **constants,
    )


def _top(top: int) -> Rank:
    """The rank of the last customer of the top per cent (at least one customer)."""
    return lambda total: total - (total * top + 99) // 100


def score_cells(answer: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell of three scores that has customers."""
    sums = answer.groupby(SCORES, as_index=False)[["customers", "orders", "value", "days"]].sum()
    return sums.assign(revenue=sums.value / UNIT).drop(columns="value")


def mean_scores(cells: pd.DataFrame) -> tuple[float, ...]:
    """The mean scores over customers, with which "high" and "low" compare."""
    n = int(cells.customers.sum())
    return tuple(float((cells[name] * cells.customers).sum()) / n if n else 0.0 for name in SCORES)


def segment_frame(cells: pd.DataFrame, table: SegmentTable) -> pd.DataFrame:
    """One row a segment, in the order of the table; "other" last, where it has customers."""
    sums = cells.groupby("segment")[["customers", "orders", "revenue", "days"]].sum()
    others = [segment for segment in sums.index if segment not in table.segments]
    frame = sums.reindex([*table.segments, *others], fill_value=0).rename_axis("segment")
    frame = frame.reset_index().astype({"customers": "int64", "orders": "int64"})
    n, revenue = int(frame.customers.sum()), float(frame.revenue.sum())
    low, high = wilson(frame.customers, n)
    with_any = frame.customers.where(frame.customers > 0)
    return frame.assign(
        customers_share=_ratio(frame.customers, n),
        customers_share_low=low,
        customers_share_high=high,
        revenue_share=_ratio(frame.revenue, revenue),
        recency=frame.days / with_any,
        frequency=frame.orders / with_any,
        monetary=frame.revenue / with_any,
        average_order=frame.revenue / frame.orders.where(frame.orders > 0),
    ).drop(columns="days")


def _ratio(values: "pd.Series[float]", whole: float) -> "pd.Series[float]":
    return values / (whole if whole else math.nan)


def grid_frame(cells: pd.DataFrame, bins: int) -> pd.DataFrame:
    """One row for each pair of recency and frequency scores, the best recency first."""
    pairs = SCORES[:2]
    sums = cells.groupby(pairs)[["customers", "revenue"]].sum()
    whole = pd.MultiIndex.from_tuples(
        list(itertools.product(range(bins, 0, -1), range(1, bins + 1))), names=pairs
    )
    frame = sums.reindex(whole, fill_value=0).reset_index().astype({"customers": "int64"})
    return frame.assign(monetary=frame.revenue / frame.customers.where(frame.customers > 0))


def distribution_frame(answer: pd.DataFrame) -> pd.DataFrame:
    """Customers by days since the last purchase, purchases and value: bins from `low` to `high`."""
    parts = []
    for measure in MEASURES:
        counts = answer.groupby(f"{measure}_bin").customers.sum()
        lowest = 1 if measure == "frequency" else 0
        edges = [float(lowest), *map(float, EDGES[measure]), math.nan]
        found = range(1, int(counts.index.max()) + 1) if len(counts) else range(0)
        parts.append(
            pd.DataFrame(
                {
                    "measure": measure,
                    "low": [edges[bin_ - 1] for bin_ in found],
                    "high": [edges[bin_] for bin_ in found],
                    "customers": counts.reindex(found, fill_value=0).to_numpy(dtype="int64"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def threshold_frame(
    cells: pd.DataFrame, found: dict[str, tuple[int, ...]], bins: int
) -> pd.DataFrame:
    """Which values earn each score: at least `at_least` and below `below`, nan where open."""
    rows = []
    for measure, given in found.items():
        ends = [math.nan, *(limit / unit(measure) for limit in given), math.nan]
        counts = cells.groupby(f"{measure}_score").customers.sum()
        for value in range(1, bins + 1):
            place = bins - value if measure == "recency" else value - 1
            rows.append((measure, value, ends[place], ends[place + 1], int(counts.get(value, 0))))
    return pd.DataFrame(rows, columns=["measure", "score", "at_least", "below", "customers"])


def concentration_frame(answer: pd.DataFrame) -> pd.DataFrame:
    """Which share of the revenue the best customers bring, exactly, ties included."""
    n, whole = int(answer.customers.sum()), int(answer.value.sum())
    rows = []
    for place, top in enumerate(TOPS):
        best = -(-n * top // 100)
        above = answer[answer.above > place]
        tied = best - int(above.customers.sum())
        at = int(answer[f"top_{top}"].iloc[0]) if n else 0
        rows.append((top / 100, best, (int(above.value.sum()) + tied * at) / UNIT))
    frame = pd.DataFrame(
        [*rows[::-1], (1.0, n, whole / UNIT)], columns=["top", "customers", "revenue"]
    )
    return frame.assign(revenue_share=_ratio(frame.revenue, whole / UNIT))


def assert_whole(frames: Sequence[pd.DataFrame], customers: int, revenue: float) -> None:
    """Customers and revenue add up to the same in every frame."""
    for frame in frames:
        assert int(frame.customers.sum()) == customers
        assert np.isclose(frame.revenue.sum(), revenue, rtol=1e-12, atol=1e-6)
