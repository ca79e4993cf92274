"""The charts of a retention analysis."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmkit.analyses.retention.tables import wide
from crmkit.analyses.retention.words import across, each, group_name, when
from crmkit.blocks import Figure
from crmkit.stats import SMALL
from crmkit.text import money, number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.retention.result import Retention

__all__ = ["plots"]

ROWS = 24
"""Cohorts drawn at most, the latest ones."""
GROUPS = 12
"""Groups drawn at most, the largest ones."""
CURVE = 4
"""Complete periods, the start among them, that a cohort needs to be drawn as a curve."""


def plots(result: "Retention") -> dict[str, Callable[[], Figure]]:
    """The charts by kind, the triangle first."""
    found: dict[str, Callable[[], Figure]] = {
        "triangle": lambda: _triangle(result),
        "curves": lambda: _curves(result),
        "trend": lambda: _trend(result),
    }
    if len(result.revenue):
        found["revenue"] = lambda: _revenue(result)
    if result.options.breakdown is not None:
        found["groups"] = lambda: _groups(result)
    return found


def _triangle(result: "Retention") -> Figure:
    from crmkit import draw  # noqa: PLC0415

    kept = result.cohorts.tail(ROWS)
    cells = result.cells[result.cells.cohort.isin(kept.cohort)]
    if not result.options.same_period:
        cells = cells[cells.period > 0]
    cells = cells.assign(hover=[_hover(result, cell) for cell in each(cells)])
    labels = [
        f"{result.name_of(c)} ({number(n)})" for c, n in zip(kept.cohort, kept.n, strict=True)
    ]

    def laid(values: str) -> pd.DataFrame:
        return wide(cells, values).reindex(kept.cohort).set_axis(labels)

    partial = laid("partial").fillna(False).astype(bool)
    shown, total = number(len(kept)), number(len(result.cohorts))
    return draw.triangle(
        laid("rate"),
        name="retention-triangle",
        title=_range_title(result),
        subtitle=say(
            "Share of each cohort that came back, in %; hatched: not over yet. "
            "Cohorts: {shown} of {all}, with their customers.",
            shown=shown,
            all=total,
        ),
        alt=_mean_words(result),
        partial=partial,
        hovers=laid("hover"),
        across=across(result.options),
    )


def _range_title(result: "Retention") -> str:
    """How far apart the cohorts are in the first window."""
    complete = result.complete[result.complete.n >= SMALL]
    if len(complete) < 2:
        return result.headline
    low, high = (complete.iloc[int(at)] for at in (complete.rate.argmin(), complete.rate.argmax()))
    return say(
        "From {low} ({low_cohort}) to {high} ({high_cohort}) came back {when}",
        low=percent(low.rate),
        low_cohort=result.name_of(low.cohort),
        high=percent(high.rate),
        high_cohort=result.name_of(high.cohort),
        when=when(result.options, int(low.period), int(low.through)),
    )


def _hover(result: "Retention", cell: Any) -> str:
    words = say(
        "{cohort}, {when}: {rate} ({span}), {customers} of {n}",
        cohort=result.name_of(cell.cohort),
        when=when(result.options, int(cell.period), int(cell.through)),
        rate=percent(cell.rate),
        span=span(cell.rate_low, cell.rate_high),
        customers=number(cell.customers),
        n=number(cell.n),
    )
    return say("{words}, so far", words=words) if cell.partial else words


def _mean_words(result: "Retention") -> str:
    """The mean of the first windows in words."""
    mean = result.mean[result.mean.period > 0].head(4)
    words = [
        f"{when(result.options, int(row.period), int(row.through))}: {percent(row.rate)}"
        for row in each(mean)
    ]
    return say("Mean of complete cells: {list}.", list="; ".join(words)) if words else ""


def _curves(result: "Retention") -> Figure:
    from crmkit import draw  # noqa: PLC0415

    mean = _shared(result.mean[result.mean.period > 0])
    lines = [mean.assign(line=say("Mean"))]
    for label, cohort in _chosen(result):
        cells = result.cells[(result.cells.cohort == cohort) & ~result.cells.partial]
        lines.append(cells[cells.period > 0].assign(line=label))
    return draw.curves(
        pd.concat(lines)[["line", "period", "rate", "rate_low", "rate_high"]],
        x="period",
        y="rate",
        by="line",
        low="rate_low",
        high="rate_high",
        accent=[say("Mean"), *([lines[1].line.iloc[0]] if len(lines) > 1 else [])],
        name="retention-curves",
        title=_curve_title(result, mean),
        subtitle=say(
            "Mean of the cohorts while at least half of them are complete, a recent cohort and "
            "the best one; bands are 95% intervals."
        ),
        alt=_mean_words(result),
        across=across(result.options),
    )


def _trend(result: "Retention") -> Figure:
    """The first window of one cohort after the other: the chart of the headline."""
    from crmkit import draw  # noqa: PLC0415

    complete = result.complete.tail(ROWS).reset_index(drop=True)
    names = [result.name_of(cohort) for cohort in complete.cohort]
    label = when(result.options, result.first_window, result.through)
    return draw.curves(
        complete.assign(place=complete.index),
        x="place",
        y="rate",
        low="rate_low",
        high="rate_high",
        name="retention-trend",
        title=_range_title(result),
        subtitle=say(
            "Share of each cohort that came back {when}, with 95% intervals, by its start.",
            when=label,
        ),
        alt="; ".join(
            f"{name} {percent(rate)}" for name, rate in zip(names, complete.rate, strict=True)
        ),
        write_x=lambda place: names[int(place)] if 0 <= place < len(names) else "",
    )


def _shared(mean: pd.DataFrame) -> pd.DataFrame:
    """The periods that at least half of the cohorts have completed: beyond, few old ones speak."""
    shared: pd.DataFrame = mean[2 * mean.cohorts >= mean.cohorts.max()]
    return shared


def _chosen(result: "Retention") -> list[tuple[str, pd.Timestamp]]:
    """A recent cohort that has a curve, and the best one, named."""
    complete = result.complete
    if complete.empty:
        return []
    lengths = result.cells[~result.cells.partial].groupby("cohort").size()
    curved = lengths[lengths >= min(CURVE, lengths.max())]
    recent = curved.index[-1]
    against = result.comparable if len(result.comparable) else complete
    best = against.cohort.iloc[int(against.rate.argmax())]
    found = [(result.name_of(recent), recent)]
    if best != recent:
        found.append((say("Best: {cohort}", cohort=result.name_of(best)), best))
    return found


def _curve_title(result: "Retention", mean: pd.DataFrame) -> str:
    """The first and a later period of the SAME cohorts: the far periods rest on few old ones."""
    if len(mean) < 2:
        return result.headline
    first, last = mean.iloc[0], mean.iloc[-1]
    complete = result.cells[~result.cells.partial]
    cohorts = complete.cohort[complete.period == last.period]
    same = complete[(complete.period == result.first_window) & complete.cohort.isin(cohorts)]
    return say(
        "In {k} cohorts followed that long, {first} came back {when} and {last} {later}",
        k=number(len(cohorts)),
        first=percent(same.customers.sum() / same.n.sum()),
        when=when(result.options, int(first.period), int(first.through)),
        last=percent(last.rate),
        later=when(result.options, int(last.period), int(last.through)),
    )


def _revenue(result: "Retention") -> Figure:
    from crmkit import draw  # noqa: PLC0415

    mature = result.revenue[~result.revenue.partial]
    sums = mature.groupby("period", as_index=False).agg(
        base=("base", "sum"), revenue=("revenue", "sum"), cohorts=("cohort", "nunique")
    )
    sums = _shared(sums[sums.period > 0])
    mean = sums.assign(retention=sums.revenue / sums.base.where(sums.base > 0), line=say("Mean"))
    others = mature.assign(line=[result.name_of(c) for c in mature.cohort])
    chosen = [result.name_of(cohort) for _, cohort in _chosen(result)]
    frame = pd.concat([mean, others[others.line.isin(chosen) & (others.period > 0)]])
    return draw.curves(
        frame,
        x="period",
        y="retention",
        by="line",
        accent=[say("Mean"), *chosen[:1]],
        name="retention-revenue",
        title=_revenue_title(result, mature),
        subtitle=say("Revenue of a period as a share of the same cohort's period 0."),
        alt=_revenue_title(result, mature),
        across=across(result.options),
    )


def _revenue_title(result: "Retention", mature: pd.DataFrame) -> str:
    if mature.empty:
        return result.headline
    oldest = mature[mature.cohort == mature.cohort.iloc[0]]
    first, last = oldest.iloc[0], oldest.iloc[-1]
    return say(
        "A customer of {cohort} has brought {total} in {k} periods, {first} of it in the first",
        cohort=result.name_of(first.cohort),
        total=money(last.per_customer, short=True),
        k=number(last.period + 1),
        first=money(first.per_customer, short=True),
    )


def _groups(result: "Retention") -> Figure:
    from crmkit import draw  # noqa: PLC0415

    first = result.group_mean[result.group_mean.period == result.first_window]
    frame = first.sort_values(["n", "rate"], ascending=False).head(GROUPS)
    frame = frame.sort_values(["rate", "n"], ascending=False)
    frame = frame.assign(label=[group_name(g) for g in frame.group], weak=frame.n < SMALL)
    mean = result.mean[result.mean.period == result.first_window]
    enough = frame[~frame.weak]
    title = result.headline
    if len(enough) > 1:
        best = enough.iloc[0]
        title = say(
            "{group} keeps most of the groups with 30 customers or more: {rate} came back {when}",
            group=best.label,
            rate=percent(best.rate),
            when=when(result.options, int(best.period), int(best.through)),
        )
    return draw.dots(
        frame,
        label="label",
        value="rate",
        low="rate_low",
        high="rate_high",
        weak="weak",
        reference=float(mean.rate.iloc[0]) if len(mean) else None,
        name="retention-groups",
        title=title,
        subtitle=say(
            "Retention by {column}, largest groups, with 95% intervals; dotted: the mean of all; "
            "pale: fewer than 30 customers.",
            column=str(result.options.breakdown),
        ),
        alt="; ".join(f"{row.label}: {percent(row.rate)}" for row in each(frame)),
    )
