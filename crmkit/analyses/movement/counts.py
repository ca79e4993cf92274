"""The one query of a movement, and the frames that are made from its answer."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import contacts
from crmkit.scoring import UNIT, Scoring, limits
from crmkit.segmentation import MEASURES, OTHER, SegmentTable
from crmkit.stats import wilson

Scale = Literal["later", "earlier"]
GOOD, BAD = ("core", "loyal", "growing"), ("at_risk", "fading", "lost")
"""Roles of segments between which a customer falls or rises."""
NEW, GONE = "new_customer", "gone"
"""Whoever had not bought by the earlier day; whoever has no purchase left in the history."""


def counted(people: ir.Table, scoring: Scoring, scale: Scale) -> ir.Table:
    """How many customers, of what value, went from one cell of scores to another; 0 is no cell."""
    suffix = "" if scale == "later" else "_before"
    row = limits(people.filter(people[f"frequency{suffix}"] > 0), scoring, suffix=suffix)
    wide = people.cross_join(row)
    steps = range(1, scoring.bins)
    given = {measure: [wide[f"{measure}_{step}"] for step in steps] for measure in MEASURES}
    placed = wide.mutate(
        now=cell_or_none(wide, given, ""), earlier=cell_or_none(wide, given, "_before")
    )
    constants = {name: placed[name].max() for name in row.columns}
    return placed.group_by("earlier", "now").aggregate(
        customers=placed.count(),
        value=placed.monetary.sum(),
        value_before=placed.monetary_before.sum(),
        **constants,
    )


def cell_or_none(
    people: ir.Table, given: Mapping[str, Sequence[Any]], suffix: str
) -> ir.IntegerValue:
    """The number of a customer's cell at a day; 0 where there was no purchase to count."""
    bought = people[f"frequency{suffix}"] > 0
    return ibis.ifelse(bought, contacts.cell_code(people, given, suffix), 0)


def segments_of_cells(answer: pd.DataFrame, table: SegmentTable, scale: Scale) -> dict[int, str]:
    """The segment of each cell's number, "high" and "low" by the mean scores of the scale's day."""
    by = answer.groupby("now" if scale == "later" else "earlier").customers.sum()
    by = by[by.index > 0]
    scores = [contacts.cell(int(code)) for code in by.index]
    n = int(by.sum())
    means = [
        sum(score[place] * int(count) for score, count in zip(scores, by, strict=True)) / n
        if n
        else 0.0
        for place in range(3)
    ]
    codes = sorted({*map(int, answer.now), *map(int, answer.earlier)} - {0})
    return {code: table.assign(contacts.cell(code), means) for code in codes}


def move_frame(answer: pd.DataFrame, cells: Mapping[int, str], table: SegmentTable) -> pd.DataFrame:
    """One row for each pair of segments that customers went between, in the table's order."""
    named = answer.assign(
        was=[cells.get(int(code), NEW) for code in answer.earlier],
        became=[cells.get(int(code), GONE) for code in answer.now],
    )
    frame = named.groupby(["was", "became"], as_index=False)[
        ["customers", "value", "value_before"]
    ].sum()
    order = {name: place for place, name in enumerate((*table.segments, OTHER, NEW, GONE))}
    frame = frame.assign(
        customers=frame.customers.astype("int64"),
        value=frame.value / UNIT,
        value_before=frame.value_before / UNIT,
    )
    places = [
        (order[was], order[became]) for was, became in zip(frame.was, frame.became, strict=True)
    ]
    rank = sorted(range(len(frame)), key=places.__getitem__)
    return frame.iloc[rank].reset_index(drop=True)


def segment_frame(moves: pd.DataFrame, table: SegmentTable) -> pd.DataFrame:
    """One row a segment: its customers and value at both days, who came and who left."""
    now = moves.groupby("became")[["customers", "value"]].sum()
    before = moves.groupby("was")[["customers", "value_before"]].sum()
    stayed = moves[moves.was == moves.became].set_index("was").customers
    found = {*now.index, *before.index} - {NEW, GONE}
    names = [*table.segments, *sorted(found - set(table.segments))]
    frame = pd.DataFrame(
        {
            "segment": names,
            "customers_before": before.customers.reindex(names, fill_value=0).to_numpy(),
            "customers": now.customers.reindex(names, fill_value=0).to_numpy(),
            "stayed": stayed.reindex(names, fill_value=0).to_numpy(),
            "value_before": before.value_before.reindex(names, fill_value=0.0).to_numpy(),
            "value": now.value.reindex(names, fill_value=0.0).to_numpy(),
        }
    )
    n, earlier = int(frame.customers.sum()), int(frame.customers_before.sum())
    low, high = wilson(frame.customers, n)
    return frame.assign(
        came=frame.customers - frame.stayed,
        left=frame.customers_before - frame.stayed,
        change=frame.customers - frame.customers_before,
        share=frame.customers / (n or float("nan")),
        share_low=low,
        share_high=high,
        share_before=frame.customers_before / (earlier or float("nan")),
    )
