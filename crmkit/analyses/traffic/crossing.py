"""Two marks of visits crossed: which pairs reach a goal more often than the rest."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.activity import value_of
from crmkit.analyses.traffic.crossing_result import DIMENSIONS, Crossing
from crmkit.analyses.traffic.visits import Rules, visits
from crmkit.errors import ParameterError, nearest
from crmkit.stats import SMALL, holm, ratio_interval, two_proportions, wilson

__all__ = ["crossing"]


def crossing(
    events: ir.Table,
    *,
    as_of: periods.Day,
    start: periods.Day | None = None,
    timezone: str = "UTC",
    rows: str = "channel",
    columns: str = "landing_page",
    goal: object = "purchase",
    gap: float = 30,
    views: Sequence[str] | None = None,
) -> Crossing:
    """The share of visits that reach a goal, by two of their marks at once.

    Parameters:
        events: the canonical table.
        as_of, start: the last and the first local day of visits; all from the first by default.
        timezone: IANA zone of days.
        rows, columns: two of channel, campaign, medium, content, keyword, landing_page, device; the
            value at the first event of the visit counts.
        goal: an event name, or a condition such as `ibis._.value > 0`; a visit counts once.
        gap, views: what a visit is, as in `traffic`.

    Returns: `Crossing` with the frame `cells` (row, column: None where not given; visits, hits,
        rate with limits, rest (the rate of all other visits), ratio to it with limits, p,
        p_adjusted, extra (hits above the rest's rate), verdict) and the scalars visits and hits.
    Raises: ParameterError for marks that are unknown, or the same twice.
    Intervals are Wilson's for rates and Koopman's for ratios; p-values compare each pair of 30
    visits or more with all other visits, adjusted by Holm.

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 5, 5, 10)
    >>> rows = [("1", "s", "page_view"), ("2", "s", "purchase"), ("3", "t", "page_view")]
    >>> seen = ibis.memtable([
    ...     {"event_id": k, "session_id": s, "occurred_at": at, "event": e, "channel": "ads",
    ...      "device": "mobile"} for k, s, e in rows])
    >>> found = crossing(seen, as_of="2025-05-11", columns="device").cells
    >>> found[["visits", "hits"]].values.tolist()
    [[2, 1]]
    """
    _check(rows, columns)
    rules = Rules.of(gap, views, ())
    last = periods.day(as_of)
    first = None if start is None else periods.day(start)
    if first is not None and first > last:
        raise ParameterError(f"start={first} lies after as_of={last}. Give an earlier start.")
    for name in (rows, columns):
        value_of(events, name)
    found = visits(
        events,
        end=periods.day_end(last, timezone),
        rules=rules,
        keep={"row": rows, "column": columns},
        goal=goal,
    )
    if first is not None:
        found = found.filter(found.begins >= periods.day_start(first, timezone))
    reached = ibis.ifelse(found.goals > 0, 1, 0).cast("int64")
    counts = (
        found.group_by(["row", "column"]).aggregate(visits=found.count(), hits=reached.sum())
    ).execute()
    cells = _cells(counts.astype({"visits": "int64", "hits": "int64"}))
    return Crossing(
        cells=cells,
        visits=int(counts.visits.sum()),
        hits=int(counts.hits.sum()),
        rows=rows,
        columns=columns,
        goal=goal if isinstance(goal, str) else None,
        start=first,
        as_of=last,
        timezone=timezone,
        rules=rules,
    )


def _check(rows: str, columns: str) -> None:
    for name, given in (("rows", rows), ("columns", columns)):
        if given not in DIMENSIONS:
            guess = nearest(given, DIMENSIONS)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ParameterError(
                f"{name}={given!r} is no mark of a visit.{hint} "
                f"Give one of: {', '.join(DIMENSIONS)}."
            )
    if rows == columns:
        raise ParameterError(f"rows and columns are both {rows!r}. Give two different marks.")


def _cells(counts: pd.DataFrame) -> pd.DataFrame:
    """The pairs with their rates, each against all other visits, the largest first."""
    frame = counts.assign(
        row=counts.row.astype("object").where(counts.row.notna(), None),
        column=counts.column.astype("object").where(counts.column.notna(), None),
    )
    visits, hits = int(frame.visits.sum()), int(frame.hits.sum())
    low, high = wilson(frame.hits, frame.visits)
    others = (visits - frame.visits).astype("float64")
    frame = frame.assign(
        share=frame.visits / max(visits, 1),
        rate=frame.hits / frame.visits,
        rate_low=low,
        rate_high=high,
        rest=(hits - frame.hits) / others.where(others > 0),
    )
    pairs = list(zip(frame.hits, frame.visits, strict=True))
    limits = [ratio_interval(x, n, hits - x, visits - n) for x, n in pairs]
    frame = frame.assign(
        ratio=frame.rate / frame.rest.where(frame.rest > 0),
        ratio_low=[low for low, _ in limits],
        ratio_high=[high for _, high in limits],
        extra=frame.hits - frame.rest * frame.visits,
        p=[two_proportions(x, n, hits - x, visits - n) if n >= SMALL else np.nan for x, n in pairs],
    )
    frame["p_adjusted"] = holm(frame.p)
    shown = frame.p_adjusted < 0.05
    frame["verdict"] = np.select(
        [shown & (frame.rate > frame.rest), shown & (frame.rate < frame.rest)],
        ["better", "worse"],
        "",
    )
    return frame.sort_values(
        ["visits", "row", "column"], ascending=[False, True, True], ignore_index=True
    )
