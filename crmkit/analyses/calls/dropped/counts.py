"""The one query of dropped calls, and the frames made from its answer."""

from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit.analyses.calls.dropped.rule import DropRule
from crmkit.analyses.calls.measures import by_size, summed, with_rate
from crmkit.analyses.calls.window import Window

__all__ = ["COUNTS", "campaign_frame", "counted", "judged", "total_frame"]

COUNTS = (
    "dials",
    "offered",
    "answers",
    "handled",
    "drops",
    "hung_up",
    "early",
    "late",
    "screened",
    "stopped",
)
"""What is summed of every group of dials."""


def counted(rows: ir.Table, rule: DropRule) -> ir.Table:
    """Dials, answers, drops by campaign, local day and hour; automatic voice is left out."""
    dialled = rows.filter(rows.outbound & (rows["mode"] != "voice").fill_null(True))
    hung_up = dialled.dropped & (dialled.hangup_by == "customer")
    within = dialled.wait_seconds <= rule.grace
    flags = {
        "offered": dialled.handled | dialled.dropped,
        "answers": dialled.answered,
        "handled": dialled.handled,
        "drops": dialled.dropped,
        "hung_up": hung_up,
        "early": hung_up & within,
        "late": dialled.contact & ~within,
        "screened": dialled.answered & ~dialled.amd_result.isnull(),
        "stopped": dialled.amd_result == "machine",
    }
    return dialled.group_by("campaign_id", "day", "hour").aggregate(
        dials=dialled.count(),
        **{name: flag.fill_null(False).cast("int64").sum() for name, flag in flags.items()},
    )


def computable(cells: pd.DataFrame) -> bool:
    """Whether the log tells drops: it has agents' times, or drops, or nobody answered."""
    return bool(cells.handled.sum() > 0 or cells.drops.sum() > 0 or cells.answers.sum() == 0)


def judged(sums: pd.DataFrame, rule: DropRule, *, known: bool = True) -> pd.DataFrame:
    """Counts with what the rule calls abandoned, its rate, the variants, and their intervals.

    `turned_away` are persons whom detection is thought to have stopped: of every 1 that it let
    through, amd_error / (1 - amd_error). `excess` is by how many calls the limit is passed.
    """
    frame = sums.astype(dict.fromkeys(COUNTS, "float64"))
    error = (rule.amd_error or 0.0) if rule.counts_amd else 0.0
    away = frame.screened * error / (1 - error)
    abandoned = frame.drops - frame.early + frame.late + away
    whole = frame[rule.per] + (away if rule.per != "dials" else 0.0)
    if not known:
        frame = frame.assign(**dict.fromkeys(("drops", "hung_up", "early", "late"), np.nan))
        abandoned = abandoned * np.nan
    frame = frame.assign(turned_away=away, abandoned=abandoned, out_of=whole)
    for name, part, base in (
        ("rate", "abandoned", "out_of"),
        ("per_dials", "drops", "dials"),
        ("per_offered", "drops", "offered"),
        ("per_answers", "drops", "answers"),
    ):
        frame = with_rate(frame, name, part, base)
    return frame.assign(
        broken=frame.rate > rule.limit,
        excess=np.maximum(frame.abandoned - rule.limit * frame.out_of, 0),
    )


def total_frame(
    cells: pd.DataFrame, window: Window, rule: DropRule, *, known: bool
) -> pd.DataFrame:
    """One row a stretch of days, from the one that is told back."""
    first_seen = int(cells.day.min()) if len(cells) else None
    sums = summed(cells, ["stretch"], COUNTS)
    stretches = window.stretches(first_seen)
    frame = stretches.merge(sums, on="stretch", how="left").fillna(dict.fromkeys(COUNTS, 0))
    return judged(frame, rule, known=known)


def period_frame(
    cells: pd.DataFrame, window: Window, rule: DropRule, *, known: bool
) -> pd.DataFrame:
    """One row a campaign and stretch of the rule's days that lies, in part, in the days told.

    The rule's days are counted from the first dial of the campaign in the log; `partial` where
    they are not over by the last day.
    """
    begins = cells.groupby("campaign_id", dropna=False).day.transform("min")
    placed = cells.assign(number=(cells.day - begins) // rule.days, begins=begins)
    sums = summed(placed, ["campaign_id", "begins", "number"], COUNTS)
    first = sums.begins + sums.number * rule.days
    frame = sums.assign(first=_days(first), last=_days(first + rule.days - 1))
    frame = frame.assign(partial=first + rule.days - 1 > window.last)
    frame = judged(frame[first + rule.days - 1 > window.last - window.days], rule, known=known)
    kept = frame[frame.out_of > 0].drop(columns=["begins", "number"])
    return kept.sort_values(["campaign_id", "first"], ignore_index=True)


def campaign_frame(
    cells: pd.DataFrame, ruled: pd.DataFrame, rule: DropRule, *, known: bool
) -> pd.DataFrame:
    """One row a campaign of the days told, most abandoned beyond the limit first.

    `judged` and `broken_times`: how many of the rule's stretches, and of those broken.
    """
    frame = judged(summed(cells, ["campaign_id"], COUNTS), rule, known=known)
    times = ruled.groupby("campaign_id", dropna=False).broken.agg(["size", "sum"])
    times = times.reindex(pd.Index(frame.campaign_id)).fillna(0).astype("int64")
    frame = frame.assign(judged=times["size"].to_numpy(), broken_times=times["sum"].to_numpy())
    return by_size(frame, "excess", "campaign_id")


def _days(numbers: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.to_datetime(numbers, unit="D")
