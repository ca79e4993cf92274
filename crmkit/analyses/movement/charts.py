"""The charts of a movement between segments."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmkit.analyses.movement.counts import GONE, NEW
from crmkit.blocks import Figure
from crmkit.text import day, number, percent, points, say

if TYPE_CHECKING:
    from crmkit.analyses.movement.result import Movement


def moves(result: "Movement") -> Figure:
    """A heat map of customers by the segment they were in and the one they are in."""
    from crmkit import draw  # noqa: PLC0415

    found = {*result.moves.was, *result.moves.became}
    names = [*result.segments.segment, NEW, GONE]
    rows = [name for name in names if name in found and name != GONE]
    columns = [name for name in names if name in found and name != NEW]
    numbers = {name: str(place) for place, name in enumerate(names, start=1)}
    wide = result.moves.pivot_table(index="was", columns="became", values="customers")
    wide = wide.reindex(index=rows, columns=columns)
    hovers = pd.DataFrame(
        [
            [
                say(
                    "{was} → {became}: {n} customers",
                    was=result.name(was),
                    became=result.name(became),
                    n=number(wide.loc[was, became]),
                )
                for became in columns
            ]
            for was in rows
        ]
    )
    labels = [f"{numbers[name]} {result.name(name)}" for name in rows]
    changed = result.moves[(result.moves.was != result.moves.became) & (result.moves.was != NEW)]
    title = say(
        "{n} customers changed segment, {share} of those of {day}",
        n=number(result.moved),
        share=percent(result.moved / max(int(result.segments.customers_before.sum()), 1)),
        day=day(result.previous),
    )
    return draw.triangle(
        wide.set_axis(labels, axis=0).set_axis([numbers[name] for name in columns], axis=1),
        hovers=hovers.set_axis(labels, axis=0).set_axis([numbers[n] for n in columns], axis=1),
        kind="count",
        top=float(np.nanmax(changed.customers, initial=1.0)),
        name="movement_moves",
        title=title,
        subtitle=say(
            "Customers by segment on {previous} (rows) and on {day} (columns, same numbers)",
            previous=day(result.previous),
            day=day(result.as_of),
        ),
        alt=title,
        across=say("Segment on {day}", day=day(result.as_of)),
    )


def change(result: "Movement") -> Figure:
    """The share of customers in each segment, with its share before as hollow dots."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.segments[
        (result.segments.customers > 0) | (result.segments.customers_before > 0)
    ]
    frame = frame.assign(
        name=[result.name(key) for key in frame.segment],
        few=frame.customers < 30,
        shift=(frame.share - frame.share_before).fillna(0.0),
    )
    order = frame["shift"].abs().sort_values(ascending=False, kind="stable").index
    most = frame.loc[order].iloc[0]
    rows: Iterable[Any] = frame.rename(columns={"name": "label"}).itertuples()
    return draw.dots(
        frame,
        label="name",
        value="share",
        low="share_low",
        high="share_high",
        previous="share_before",
        weak="few",
        accent=[str(most["name"])],
        name="movement_change",
        title=say(
            "{segment}: {share} of customers, {change}",
            segment=most["name"],
            share=percent(most.share),
            change=points(most["shift"]),
        ),
        subtitle=say(
            "Share of customers by segment with 95% interval, {day}; hollow: {previous}",
            day=day(result.as_of),
            previous=day(result.previous),
        ),
        alt=say("; ").join(
            say(
                "{segment}: {share} of customers, {change}",
                segment=row.label,
                share=percent(row.share),
                change=points(row.shift),
            )
            for row in rows
        ),
    )
