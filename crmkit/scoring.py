"""Recency, frequency and monetary value of each customer, and the scores they earn, as expressions.

Everything is counted in whole numbers (days, purchases, ten-thousandths of the currency), and
quantiles are found by ranks, so that every engine gives every customer the same score; the built-in
quantiles of engines place ranks in floating point and can miss a tie by one.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.activity import time_column
from crmkit.errors import InputError, ParameterError, nearest
from crmkit.segmentation import MEASURES

__all__ = [
    "UNIT",
    "Rule",
    "Scoring",
    "limits",
    "limits_found",
    "measured",
    "ranked",
    "score",
    "scores",
    "unit",
]

UNIT = 10_000
"""Money is counted in units of 1/10,000 of the currency, its exact step in the canonical tables."""

Rule = Literal["quantile", "quantile+1"]
Rank = Callable[[ir.IntegerValue], ir.IntegerValue]


@dataclass(frozen=True)
class Scoring:
    """How values become scores from 1 to `bins`: by quantiles of the customers, or at values given.

    `rule` "quantile": a score more for each quantile that the value is above. "quantile+1": a score
    more for each quantile that the value is above by at least one whole (day, purchase, currency
    unit), the rule of the R package rfm. `thresholds`: for a measure, values in ascending order at
    which the score changes. Recency is reversed: fewer days earn more.
    """

    bins: int = 5
    rule: Rule = "quantile"
    thresholds: tuple[tuple[str, tuple[float, ...]], ...] = ()

    @classmethod
    def of(
        cls, bins: int, rule: str, thresholds: Mapping[str, Sequence[float]] | None
    ) -> "Scoring":
        """Scoring from an analysis' arguments. Raises: ParameterError where they cannot be."""
        if not isinstance(bins, int) or not 2 <= bins <= 10:
            raise ParameterError(f"bins is {bins!r}. Give a whole number from 2 to 10.")
        if rule not in get_args(Rule):
            raise ParameterError(
                f"{rule!r} is not a rule. Give one of: {', '.join(get_args(Rule))}."
            )
        given = dict(thresholds or {})
        return cls(
            bins,
            rule,  # type: ignore[arg-type]
            tuple((m, _ascending(m, values, bins)) for m, values in given.items()),
        )

    def fixed(self, measure: str) -> tuple[int, ...] | None:
        """The given thresholds of a measure in whole units; None where quantiles decide."""
        values = dict(self.thresholds).get(measure)
        if values is None:
            return None
        return tuple(math.ceil(round(value * unit(measure), 6)) for value in values)


def unit(measure: str) -> int:
    """How many counted steps make one: 10,000 for money, 1 for days and purchases."""
    return UNIT if measure == "monetary" else 1


def _ascending(measure: str, values: Sequence[float], bins: int) -> tuple[float, ...]:
    if measure not in MEASURES:
        guess = nearest(measure, MEASURES)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(
            f"thresholds has {measure!r}.{hint} Its measures are: {', '.join(MEASURES)}."
        )
    found = tuple(float(value) for value in values)
    if len(found) != bins - 1 or any(a >= b for a, b in pairwise(found)):
        raise ParameterError(
            f"thresholds of {measure} are {list(values)}. "
            f"Give {bins - 1} ascending values, one less than the {bins} bins."
        )
    return found


def measured(
    purchases: ir.Table,
    *,
    as_of: dt.date,
    timezone: str,
    history: int | None = None,
    previous: dt.date | None = None,
) -> ir.Table:
    """One row a customer: first and last purchase, recency, frequency, monetary value at a day.

    Parameters: `as_of`, the local day, included; `history`, only purchases of that many days up to
    the day count; `previous`, an earlier day at which the same are given too, in columns that end
    in `_before` (unknown where the customer had no purchase to count).
    Returns: customer_id, first_at, last_at (UTC), recency (days), frequency, monetary (in UNIT).
    """
    missing = {"customer_id", "amount"} - set(purchases.columns)
    if missing:
        raise InputError(
            f"The table of purchases lacks {', '.join(sorted(missing))}; "
            f"it has: {', '.join(purchases.columns)}."
        )
    at = purchases[time_column(purchases)]
    known = purchases.filter(purchases.customer_id.notnull(), at < _end(as_of, timezone))  # noqa: PD004
    if previous is None:
        known = known.filter(_inside(known, as_of, timezone, history))
        return _sums(known, {"": as_of}, timezone, history)
    days = {"": as_of, "_before": previous}
    return _sums(known, days, timezone, history)


def _end(day: dt.date, timezone: str) -> dt.datetime:
    return periods.day_end(day, timezone)


def _inside(rows: ir.Table, day: dt.date, timezone: str, history: int | None) -> ir.BooleanValue:
    """Whether a purchase counts at a day: not after it, nor before the history begins."""
    at = rows[time_column(rows)]
    counts = at < ibis.literal(_end(day, timezone))
    if history is None:
        return counts
    first = periods.day_start(day - dt.timedelta(days=history - 1), timezone)
    return counts & (at >= ibis.literal(first))


def _sums(
    rows: ir.Table, days: Mapping[str, dt.date], timezone: str, history: int | None
) -> ir.Table:
    at = rows[time_column(rows)]
    sums: dict[str, ir.Value] = {}
    for suffix, day in days.items():
        where = _inside(rows, day, timezone, history) if len(days) > 1 else None
        sums |= {
            f"first_at{suffix}": at.min(where=where),
            f"last_at{suffix}": at.max(where=where),
            f"frequency{suffix}": at.count(where=where),
            f"total{suffix}": rows.amount.sum(where=where),
        }
    people = rows.group_by("customer_id").aggregate(**sums)
    columns: dict[str, ir.Value] = {}
    for suffix, day in days.items():
        last = people[f"last_at{suffix}"]
        today = (day - dt.date(1970, 1, 1)).days
        total = people[f"total{suffix}"].cast("float64").fill_null(0.0)
        columns |= {
            f"recency{suffix}": today
            - periods.day_number(last, timezone, until=_end(day, timezone)),
            f"monetary{suffix}": (total * UNIT).round().cast("int64"),
        }
    return people.mutate(**columns).drop(*[f"total{suffix}" for suffix in days])


def ranked(people: ir.Table, wanted: Mapping[str, tuple[str, Rank]], suffix: str = "") -> ir.Table:
    """Values at given ranks, exactly, as one row with a column for each name wanted.

    Parameters: `people`, one row a customer; `wanted`, for each name its measure and its rank,
    counted from 0, as a function of the number of customers; `suffix`, of the measures' columns.
    Returns: one row: `total`, the number of customers, and the values; null where there are none.
    """
    counts = _value_counts(people, {measure for measure, _ in wanted.values()}, suffix)
    rows = counts.mutate(
        upto=counts.n.sum().over(ibis.cumulative_window(group_by="measure", order_by="value")),
        total=counts.n.sum().over(ibis.window(group_by="measure")),
    )
    values = {
        name: rows.value.min(
            where=(rows.measure == MEASURES.index(measure)) & (rows.upto > rank(rows.total))
        )
        for name, (measure, rank) in wanted.items()
    }
    return rows.aggregate(total=rows.total.max(), **values)


def _value_counts(people: ir.Table, measures: Iterable[str], suffix: str) -> ir.Table:
    """How many customers have each value of each measure, in one pass over the customers."""
    asked = sorted(measures)
    each = people.select(
        *[people[f"{measure}{suffix}"].cast("int64").name(measure) for measure in asked],
        measure=ibis.array([MEASURES.index(measure) for measure in asked]).unnest(),
    )
    value = ibis.cases(
        *[(each.measure == MEASURES.index(measure), each[measure]) for measure in asked]
    )
    values = each.select("measure", value=value).filter(ibis._.value.notnull())  # noqa: PD004
    return values.group_by("measure", "value").aggregate(n=values.count())


def limits(
    people: ir.Table,
    scoring: Scoring,
    *,
    suffix: str = "",
    also: Mapping[str, tuple[str, Rank]] | None = None,
) -> ir.Table:
    """The least value that earns each score, as one row: columns recency_1 to monetary_4.

    A quantile is that of type 7 (Hyndman and Fan 1996): at rank (n - 1) p, between two values in
    proportion. All values being whole, "above the quantile" is "at least the next whole number".
    Parameters: as in `ranked`; `also`, further ranks to look up in the same pass.
    """
    steps = range(1, scoring.bins)
    wanted: dict[str, tuple[str, Rank]] = dict(also or {})
    for measure in MEASURES:
        for step in steps:
            wanted[f"{measure}_{step}_low"] = (measure, _rank(step, scoring.bins, 0))
            wanted[f"{measure}_{step}_high"] = (measure, _rank(step, scoring.bins, 1))
    row = ranked(people, wanted, suffix)
    values = {f"{m}_{step}": _limit(row, scoring, m, step) for m in MEASURES for step in steps}
    return row.select("total", *(also or {}), **values)


def _rank(step: int, bins: int, after: int) -> Rank:
    return lambda total: ((total - 1) * step) // bins + after


def _limit(row: ir.Table, scoring: Scoring, measure: str, step: int) -> ir.IntegerValue:
    fixed = scoring.fixed(measure)
    if fixed is not None:
        return ibis.literal(fixed[step - 1], type="int64")
    bins, low = scoring.bins, row[f"{measure}_{step}_low"]
    high = row[f"{measure}_{step}_high"].fill_null(low)
    over = (high - low) * (((row.total - 1) * step) % bins)  # of the quantile over low, times bins
    if scoring.rule == "quantile":
        return low + over // bins + 1
    return low + (over + bins - 1) // bins + unit(measure)


def score(
    value: ir.IntegerValue, given: Sequence[Any], *, reverse: bool = False
) -> ir.IntegerValue:
    """The score of a value: one more for each ascending limit that it reaches, or one less."""
    top = len(given) + 1
    earned = range(top, 0, -1) if reverse else range(1, top + 1)
    steps = [(value < limit, points) for limit, points in zip(given, earned, strict=False)]
    return ibis.cases(*steps, else_=earned[-1]).cast("int64")


def scores(
    people: ir.Table, given: Mapping[str, Sequence[Any]], suffix: str = ""
) -> dict[str, ir.IntegerValue]:
    """The three scores of each customer, by limits given for each measure."""
    return {
        f"{measure}_score{suffix}": score(
            people[f"{measure}{suffix}"], given[measure], reverse=measure == "recency"
        )
        for measure in MEASURES
    }


def limits_found(answer: pd.DataFrame, scoring: Scoring) -> dict[str, tuple[int, ...]]:
    """The least value of each score, read from any row of a frame that carries them; 0 if none."""
    names = {m: [f"{m}_{step}" for step in range(1, scoring.bins)] for m in MEASURES}
    if answer.empty:
        return {measure: (0,) * len(columns) for measure, columns in names.items()}
    return {m: tuple(map(int, answer.iloc[0][columns])) for m, columns in names.items()}
