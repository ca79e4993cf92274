"""The tables of a retention analysis."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmkit.analyses.retention.words import across, group_name, when
from crmkit.blocks import Column, Table
from crmkit.text import say

if TYPE_CHECKING:
    from crmkit.analyses.retention.result import Retention

__all__ = ["tables", "wide"]

ON_SCREEN = 5
"""Periods of the triangle shown on screen; the others fold away."""


def tables(result: "Retention") -> dict[str, Table]:
    """The tables by name, the triangle first."""
    found = {"triangle": _triangle(result), "mean": _mean(result), "cells": _cells(result)}
    if len(result.revenue):
        found["revenue"] = _revenue(result)
    if result.options.breakdown is not None:
        found["groups"] = _groups(result)
    return found


def wide(cells: pd.DataFrame, values: str) -> pd.DataFrame:
    """One row a cohort, one column a period."""
    return cells.set_index(["cohort", "period"])[values].unstack("period")  # noqa: PD010


def _shown(result: "Retention") -> pd.DataFrame:
    cells = result.cells
    return cells if result.options.same_period else cells[cells.period > 0]


def _triangle(result: "Retention") -> Table:
    cells = _shown(result)
    rows = result.cohorts.assign(label=[result.name_of(c) for c in result.cohorts.cohort])
    mean = result.mean.set_index("period")
    total: dict[str, object] = {
        "label": say("Mean of complete cells"),
        "n": int(result.cohorts.n[~result.cohorts.partial].sum()),
        "partial": False,
    }
    columns = [
        Column("label", say("Cohort")),
        Column("n", say("Customers"), kind="count", partial="partial"),
    ]
    periods = sorted(cells.period.unique())
    frames = {name: wide(cells, name) for name in ("rate", "n", "partial")}
    for place, period in enumerate(periods):
        for name, frame in frames.items():
            rows[f"{name}_{period}"] = frame[period].reindex(rows.cohort).to_numpy()
        rows[f"partial_{period}"] = rows[f"partial_{period}"].fillna(False).astype(bool)
        known = period in mean.index
        total[f"rate_{period}"] = mean.rate[period] if known else np.nan
        total[f"n_{period}"] = mean.n[period] if known else np.nan
        total[f"partial_{period}"] = False
        columns.append(
            Column(
                f"rate_{period}",
                _window_label(result, int(period)),
                kind="rate",
                n=f"n_{period}",
                partial=f"partial_{period}",
                shade=True,
                folded=place >= ON_SCREEN,
            )
        )
    frame = pd.concat([rows, pd.DataFrame([total])], ignore_index=True) if len(rows) else rows
    return Table(
        name="retention-triangle",
        caption=say(
            "Share of each cohort that came back. {across}.", across=across(result.options)
        ),
        frame=frame,
        columns=tuple(columns),
        note=say(
            "Hatched or marked cells are not over yet. The intervals are in the cells' table."
        ),
        total=len(rows) > 0,
    )


def _window_label(result: "Retention", period: int) -> str:
    through = dict(result.options.brackets).get(period, period)
    if result.options.criterion == "on_or_after":
        return f"≥{period}"
    return str(period) if through == period else f"{period}–{through}"


def _rate(label: str) -> Column:
    return Column("rate", label, kind="rate", low="rate_low", high="rate_high", n="n")


def _mean(result: "Retention") -> Table:
    frame = result.mean[(result.mean.period > 0) | result.options.same_period]
    frame = frame.assign(window=[_window_label(result, int(k)) for k in frame.period])
    return Table(
        name="retention-mean",
        caption=say("Mean retention of all cohorts. {across}.", across=across(result.options)),
        frame=frame,
        columns=(
            Column("window", say("Period")),
            Column("cohorts", say("Cohorts"), kind="count"),
            Column("n", say("Customers"), kind="count"),
            Column("customers", say("Came back"), kind="count"),
            _rate(say("Retention")),
        ),
    )


def _cells(result: "Retention") -> Table:
    frame = _shown(result)
    frame = frame.assign(
        label=[result.name_of(c) for c in frame.cohort],
        window=[_window_label(result, int(k)) for k in frame.period],
    )
    return Table(
        name="retention-cells",
        caption=say("Every cell of the triangle."),
        frame=frame,
        columns=(
            Column("label", say("Cohort")),
            Column("window", say("Period")),
            Column("n", say("Customers"), kind="count"),
            Column("customers", say("Came back"), kind="count", partial="partial"),
            _rate(say("Retention")),
        ),
    )


def _revenue(result: "Retention") -> Table:
    frame = result.revenue.assign(label=[result.name_of(c) for c in result.revenue.cohort])
    return Table(
        name="retention-revenue",
        caption=say("Revenue of each cohort. {across}.", across=across(result.options)),
        frame=frame,
        columns=(
            Column("label", say("Cohort")),
            Column("period", say("Period"), kind="count"),
            Column("n", say("Customers"), kind="count"),
            Column("revenue", say("Revenue"), kind="money", digits=0, partial="partial"),
            Column("retention", say("Against period 0"), kind="rate", partial="partial"),
            Column("per_customer", say("So far per customer"), kind="money", partial="partial"),
        ),
    )


def _groups(result: "Retention") -> Table:
    frame = result.group_mean
    frame = frame[(frame.period > 0) | result.options.same_period]
    frame = frame.assign(
        label=[group_name(g) for g in frame.group],
        window=[
            when(result.options, int(a), int(b))
            for a, b in zip(frame.period, frame.through, strict=True)
        ],
    )
    return Table(
        name="retention-groups",
        caption=say(
            "Mean retention of all cohorts by {column}.", column=str(result.options.breakdown)
        ),
        frame=frame,
        columns=(
            Column("label", say("Group")),
            Column("window", say("When")),
            Column("n", say("Customers"), kind="count"),
            Column("customers", say("Came back"), kind="count"),
            _rate(say("Retention")),
        ),
    )
