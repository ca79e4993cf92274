"""RFM: who bought lately, often and for much, scored, put into segments, and what to do with each.

The method is old: recency, frequency and monetary value, each cut into five scores, from catalogue
selling (A. M. Hughes, Strategic Database Marketing, 1994). Segments come from a table that a firm
edits (`crmkit.segmentation`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import ibis.expr.types as ir

from crmkit import periods
from crmkit.analyses.rfm import counts
from crmkit.analyses.rfm.result import Rfm
from crmkit.errors import ParameterError
from crmkit.scoring import UNIT, Rule, Scoring, limits_found, measured
from crmkit.segmentation import SegmentTable

__all__ = ["Rfm", "rfm"]


def rfm(
    purchases: ir.Table,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    bins: int = 5,
    rule: Rule = "quantile",
    thresholds: Mapping[str, Sequence[float]] | None = None,
    segments: str | Path | SegmentTable = "eleven",
    history: int | None = None,
    customers: ir.Table | None = None,
) -> Rfm:
    """Recency, frequency and monetary value of every customer, scored and put into segments.

    Recency is the number of local calendar days from the last purchase to `as_of` (0 for a
    purchase on that day), frequency the number of purchases, monetary value their sum. Each earns a
    score from 1 to `bins`, recency reversed; equal values always share a score.

    Parameters: `purchases`, one row a purchase (customer_id, amount and one time column);
    `as_of`, the local day up to whose end purchases count; `timezone`, the book's; `bins`, number
    of scores, 2 to 10; `rule`, "quantile" (a score more for each quantile that the value is above)
    or "quantile+1" (above by at least one whole day, purchase or currency unit: the rule of the R
    package rfm); `thresholds`, for a measure ("recency", "frequency", "monetary") the `bins` - 1
    ascending values from which the next score holds, instead of quantiles; `segments`, "eight"
    (each score against its mean, the classical cells), "eleven" (ranges of scores), the path of a
    CSV file, or a SegmentTable; `history`, count only the purchases of that many days up to
    `as_of`; `customers`, the customers table, for channel, region and city in action lists.
    Returns: an Rfm with the frames `segments` (a row a segment: customers, share with interval,
    revenue, mean recency, frequency, monetary, average order), `grid` (recency by frequency
    scores), `distribution`, `thresholds`, `concentration` and `cells` (scores to segments).
    `actions()` lists the customers themselves.
    Raises: ParameterError for arguments that cannot be; InputError for a table without the
    columns, or a segment table that cannot be read.
    Source: quantiles of type 7 (Hyndman and Fan 1996), found by exact ranks.

    >>> import datetime as dt
    >>> import ibis
    >>> orders = ibis.memtable(
    ...     {
    ...         "customer_id": ["a", "a", "b", "c"],
    ...         "ordered_at": [dt.datetime(2024, 3, day) for day in (1, 30, 10, 2)],
    ...         "amount": [50.0, 70.0, 20.0, 5.0],
    ...     }
    ... )
    >>> found = rfm(orders, as_of="2024-03-31", segments="eight")
    >>> found.segments.query("customers > 0")[["segment", "customers", "revenue"]].values.tolist()
    [['key_core', 1, 120.0], ['general_win_back', 2, 25.0]]
    """
    day = periods.day(as_of)
    scoring = Scoring.of(bins, rule, thresholds)
    table = SegmentTable.of(segments).made_for(bins)
    if history is not None and history < 1:
        raise ParameterError(f"history is {history} days. Give at least 1, or None for all.")
    people = measured(purchases, as_of=day, timezone=timezone, history=history)
    answer = counts.counted(people, scoring).execute()
    cells = counts.score_cells(answer)
    means = counts.mean_scores(cells)
    cells["segment"] = [
        table.assign(cell, means)
        for cell in cells[counts.SCORES].itertuples(index=False, name=None)
    ]
    limits = limits_found(answer, scoring)
    result = Rfm(
        as_of=day,
        timezone=timezone,
        history=history,
        scoring=scoring,
        segment_table=table,
        fault=table.check(bins, means if len(cells) else None),
        customers=int(cells.customers.sum()),
        repeaters=int(answer.customers[answer.frequency_bin > 1].sum()),
        orders=int(cells.orders.sum()),
        revenue=float(answer.value.sum()) / UNIT,
        segments=counts.segment_frame(cells, table),
        grid=counts.grid_frame(cells, bins),
        distribution=counts.distribution_frame(answer),
        thresholds=counts.threshold_frame(cells, limits if len(cells) else {}, bins),
        concentration=counts.concentration_frame(answer),
        cells=cells,
        limits=limits,
        people=people,
        profiles=customers,
    )
    counts.assert_whole([cells, result.segments, result.grid], result.customers, result.revenue)
    return result
