"""The one query of lines in use, and the frames made from its answer."""

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit.analyses.calls.measures import with_rate
from crmkit.analyses.calls.slots import Slots
from crmkit.analyses.calls.window import Window
from crmkit.queues import erlang_b
from crmkit.stats import ratio_of_sums

__all__ = ["counted", "level_frame", "profile_frame", "slot_frame", "total_frame"]

_COLUMNS = ("slot", "level", "lasted", "net", "attempts", "blocked", "value")


def counted(rows: ir.Table, slots: Slots, window: Window) -> ir.Table:
    """How long each number of lines was in use by slot; calls and blocked ones; their lengths.

    A blocked call held no line.
    """
    blocked = (rows.result == "blocked").fill_null(False)
    held = rows.filter(~blocked & ~rows.ended_at.isnull())
    spans = held.select(began=held.started_at, over=held.ended_at)
    first, last = ibis.literal(slots.begin), ibis.literal(slots.end)
    inside = rows.mutate(blocked=blocked).filter(rows.started_at >= first)
    began = inside.started_at.delta(first, unit="microsecond").cast("int64")
    begun = inside.mutate(slot=(began // slots.length).cast("int64"))
    starts = begun.group_by("slot").aggregate(
        attempts=begun.count(), blocked=begun.blocked.cast("int64").sum()
    )
    clipped = spans.filter((spans.over > spans.began) & (spans.over > first) & (spans.began < last))
    length = ibis.least(clipped.over, last).delta(
        ibis.greatest(clipped.began, first), unit="microsecond"
    )
    told = inside.filter(inside.day > window.last - window.days)
    singles = {
        "length": clipped.aggregate(value=length.cast("int64").sum()),
        "trunks": told.aggregate(value=told.trunk_id.nunique()),
        "open": inside.aggregate(value=(~inside.blocked & inside.ended_at.isnull()).sum()),
        "first": inside.aggregate(value=inside.day.min()),
    }
    return ibis.union(
        _shaped(slots.levels(spans), "levels"),
        _shaped(starts, "starts"),
        *(_shaped(table, name) for name, table in singles.items()),
    )


def _shaped(table: ir.Table, part: str) -> ir.Table:
    columns = {
        name: table[name].cast("int64") if name in table.columns else ibis.null("int64")
        for name in _COLUMNS
    }
    return table.select(part=ibis.literal(part), **columns)


def slot_frame(
    lasting: pd.DataFrame, starts: pd.DataFrame, slots: Slots, lines: int | None
) -> pd.DataFrame:
    """One row a slot: mean and peak of lines, calls, blocked, load, share with every line busy.

    The load offered is the mean of lines in use times calls / calls not blocked, in erlangs.
    """
    used = (lasting["level"] * lasting.lasted).groupby(lasting.slot).sum()
    peak = lasting.groupby("slot")["level"].max()
    every = range(slots.count)
    begun = starts.set_index(starts.slot.astype("int64"))[["attempts", "blocked"]]
    begun = begun.astype("int64").reindex(every, fill_value=0)
    frame = pd.DataFrame(
        {
            "slot": np.arange(slots.count),
            "at": slots.local(),
            "used": used.reindex(every, fill_value=0).to_numpy(),
            "peak": peak.reindex(every, fill_value=0).to_numpy(),
            "attempts": begun.attempts.to_numpy(),
            "blocked": begun.blocked.to_numpy(),
        }
    )
    mean = frame.used / slots.length
    through = frame.attempts - frame.blocked
    load = mean * np.where(through > 0, frame.attempts / through.where(through > 0, 1), 1.0)
    at = pd.to_datetime(frame["at"])
    frame = frame.assign(
        mean=mean,
        load=load,
        day=at.to_numpy().astype("datetime64[D]").astype("int64"),
        clock=at.dt.hour + at.dt.minute / 60,
        full=np.nan,
    )
    if lines is not None:
        full = lasting[lasting["level"] >= lines].groupby("slot").lasted.sum()
        frame["full"] = full.reindex(every, fill_value=0).to_numpy() / slots.length
    return with_rate(frame, "blocked_share", "blocked", "attempts")


def total_frame(
    frame: pd.DataFrame, window: Window, first_seen: int | None, lines: int | None
) -> pd.DataFrame:
    """One row a stretch: line hours, mean and peak of lines, load, blocking expected and seen.

    Means are over the slots in which any line was used; the interval of `full`, the share of that
    time in which every line was busy, is from the differences between days.
    """
    stretches = window.stretches(first_seen)
    rows = []
    for stretch in stretches.stretch:
        part = frame[(window.last - frame.day) // window.days == stretch]
        day = profile_frame(part, lines)
        part = part[(part.used > 0) | (part.attempts > 0)]
        by_day = part.groupby("day").full
        full, low, high = ratio_of_sums(by_day.sum(min_count=1), by_day.size())
        calls = int(part.attempts.sum())
        expected = float((day.expected * day.attempts).sum(skipna=False))
        rows.append(
            {
                "line_hours": float(part.used.sum()) / 3.6e9,
                "mean": float(part["mean"].mean()) if len(part) else np.nan,
                "peak": int(part.peak.max()) if len(part) else 0,
                "busiest": float(part.load.max()) if len(part) else np.nan,
                "attempts": calls,
                "blocked": int(part.blocked.sum()),
                "expected": expected / calls if calls else np.nan,
                "full": full,
                "full_low": max(low, 0.0),
                "full_high": min(high, 1.0),
            }
        )
    totals = pd.concat([stretches, pd.DataFrame(rows)], axis=1)
    return with_rate(totals, "blocked_share", "blocked", "attempts")


def profile_frame(frame: pd.DataFrame, lines: int | None) -> pd.DataFrame:
    """One row a time of the day: means over the days in use, the highest peak, blocking expected.

    Erlang B is taken of the mean load over days: it bends upwards, so that the chance ups and downs
    of single intervals would make too much of it.
    """
    days = set(frame.day[(frame.used > 0) | (frame.attempts > 0)])
    part = frame[frame.day.isin(days)]
    sums = part.groupby("clock", as_index=False).agg(
        mean=("mean", "mean"),
        peak=("peak", "max"),
        load=("load", "mean"),
        busiest=("load", "max"),
        full=("full", "mean"),
        attempts=("attempts", "sum"),
        blocked=("blocked", "sum"),
    )
    expected = [np.nan if lines is None else erlang_b(load, lines) for load in sums.load]
    sums = sums.assign(expected=pd.Series(expected, index=sums.index, dtype="float64"))
    sums = with_rate(sums, "blocked_share", "blocked", "attempts")
    return sums[(sums.peak > 0) | (sums.attempts > 0)].reset_index(drop=True)


def level_frame(lasting: pd.DataFrame) -> pd.DataFrame:
    """For every number of lines, the hours and the share of time with at least so many in use."""
    hours = lasting[lasting["level"] > 0].groupby("level").lasted.sum() / 3.6e9
    if hours.empty:
        return pd.DataFrame({"lines": [], "hours": [], "share": []})
    every = hours.reindex(range(1, int(hours.index.max()) + 1), fill_value=0.0)
    at_least = every[::-1].cumsum()[::-1]
    return pd.DataFrame(
        {
            "lines": at_least.index,
            "hours": at_least.to_numpy(),
            "share": at_least.to_numpy() / at_least.iloc[0],
        }
    )
