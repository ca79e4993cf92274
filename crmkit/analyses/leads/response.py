"""First response: how soon assigned leads are contacted, and what speed is worth."""

import datetime as dt

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit.analyses.leads.response_result import FirstResponse
from crmkit.analyses.leads.rows import assignments, known_leads, known_steps
from crmkit.analyses.leads.speed import Speed, fitted
from crmkit.errors import ParameterError
from crmkit.stats import wilson
from crmkit.working_hours import WorkingHours
from crmkit.working_time import with_working_time

__all__ = ["first_response"]

BANDS = (5, 30, 60, 240, 540)
"""Minutes up to which waits are of one band."""
_FINE = 8.0
"""Steps of log(1 + hours) to a unit, for the curve of speed."""


def first_response(
    leads: ir.Table,
    lead_events: ir.Table,
    *,
    as_of: calendar.Day,
    hours: WorkingHours,
    timezone: str = "UTC",
    sla: float = 30,
    since: str = "dispatched",
    days: int = 180,
    window: int = 30,
) -> FirstResponse:
    """The wait from an assignment to the first contact, in working minutes, against the SLA.

    An assignment gives a lead to an owner, until it is given out again; what goes to the dialler
    without an owner is counted and left out. One not yet contacted has missed the SLA
    once it has waited longer; until then it cannot be judged and is left out. Won is within
    `window` days of the assignment; younger ones are left out of shares won. What speed is worth is
    a logistic regression of won on log(1 + hours waited), with source, owner and number of the
    assignment held equal.

    Parameters: `leads` and `lead_events`, canonical tables; `as_of`, the last day, included;
    `hours`, of the firm (`working_hours`); `sla`, minutes; `since`, "dispatched", or "created" for
    the first assignment of each lead, from when it was made; `days`, of assignments looked back on;
    `window`, days for a win.
    Returns: FirstResponse with frames `sources`, `owners`, `clock` (n, within, rate and interval,
    median minutes) and `bands` (n, won, rate and interval by wait), and `speed`.
    Raises: ParameterError for an SLA, days or window that are not positive, or another `since`.
    """
    if sla <= 0 or days < 1 or window < 1:
        raise ParameterError(f"sla={sla}, days={days}, window={window}: give positive numbers.")
    if since not in ("dispatched", "created"):
        raise ParameterError(f"since={since!r}. Give 'dispatched' or 'created'.")
    day = calendar.day(as_of)
    first = day - dt.timedelta(days=days - 1)
    asked = _Asked(day, first, timezone, hours, sla, since, window)
    raw = asked.counted(leads, lead_events).execute()
    measures = ("judged", "within", "mature", "won", "n", "contacted")
    raw = raw.astype(dict.fromkeys(measures, "int64"))
    cells = raw[raw.agent != ""]
    return FirstResponse(
        sources=_rates(cells, "source"),
        owners=_rates(cells, "agent"),
        clock=_rates(cells, "hour"),
        bands=_bands(cells),
        speed=_speed(cells),
        total=_rates(cells.assign(every="every"), "every"),
        waiting=int(cells.n.sum() - cells.judged.sum()),
        unowned=int(raw.n.sum() - cells.n.sum()),
        sla=float(sla),
        since=since,
        window=window,
        start=str(first),
        as_of=str(day),
        timezone=timezone,
    )


class _Asked:
    """What was asked, and the one expression that answers it."""

    def __init__(
        self,
        day: dt.date,
        first: dt.date,
        timezone: str,
        hours: WorkingHours,
        sla: float,
        since: str,
        window: int,
    ) -> None:
        self.first, self.day, self.timezone, self.hours = first, day, timezone, hours
        self.sla, self.since, self.window = sla, since, window
        self.start = calendar.day_start(first, timezone)
        self.end = calendar.day_end(day, timezone)

    def counted(self, leads: ir.Table, lead_events: ir.Table) -> ir.Table:
        """Assignments by source, owner, round, hour and wait: how many, judged, in time, won."""
        given = self._waits(leads, lead_events)
        minutes = given.wait / 60.0
        contacted = ~given.answered.isnull()
        judged = contacted | (given.so_far > self.sla * 60)
        mature = given.dispatched < self.end - dt.timedelta(days=self.window)
        soon = given.dispatched + ibis.interval(days=self.window)
        won = ~given.won.isnull() & (given.won < soon)
        band = ibis.literal(0, "int64")
        for limit in BANDS:
            band = band + (minutes > limit).cast("int64")
        fine = ((minutes / 60.0 + 1.0).ln() * _FINE).floor().cast("int64")
        local = calendar.local_time(given.begun, self.timezone, until=self.end)
        rows = given.mutate(
            hour=local.hour().cast("int64"),
            band=ibis.ifelse(contacted, band, len(BANDS) + 1),
            fine=ibis.ifelse(contacted, fine, -1),
            # A half minute is told apart, so that a median is right to the minute.
            minute=ibis.ifelse(contacted, minutes.floor().cast("int64"), -1),
            judged=judged,
            within=contacted & (given.wait <= self.sla * 60),
            contacted=contacted,
            mature=mature,
            won=won & mature,
        )
        keys = ["source", "agent", "round", "hour", "band", "fine", "minute"]
        return rows.group_by(keys).aggregate(
            n=rows.count(),
            contacted=rows.contacted.cast("int64").sum(),
            judged=rows.judged.cast("int64").sum(),
            within=rows.within.cast("int64").sum(),
            mature=rows.mature.cast("int64").sum(),
            won=rows.won.cast("int64").sum(),
        )

    def _waits(self, leads: ir.Table, lead_events: ir.Table) -> ir.Table:
        """Each assignment with its wait in working seconds, and how long it has lasted so far."""
        made = known_leads(leads, self.end)
        given = assignments(known_steps(lead_events, self.end))
        given = given.filter(given.dispatched >= self.start)
        known = made.select(named="lead_id", source="source", created=made.created_at)
        rows = given.inner_join(known, given.lead_id == known.named)
        begun = rows.dispatched
        if self.since == "created":
            rows = rows.filter(rows["round"] == 1)
            begun = rows.created.cast("timestamp")
        # Who was lost or given back without a contact was not answered.
        rows = rows.mutate(
            begun=begun, answered=rows.contacted, now=ibis.literal(self.end).cast("timestamp")
        )
        gone = ibis.least(
            ibis.coalesce(rows["next"], rows.now),
            ibis.coalesce(rows.lost, rows.now),
            ibis.coalesce(rows.released, rows.now),
        )
        rows = rows.mutate(
            now=gone, agent=rows.agent.fill_null(""), source=rows.source.fill_null("")
        )
        return with_working_time(
            rows,
            self.hours,
            {"wait": ("begun", "answered"), "so_far": ("begun", "now")},
            timezone=self.timezone,
            first=self.first - dt.timedelta(days=400),
            last=self.day + dt.timedelta(days=1),
        )


def _rates(cells: pd.DataFrame, by: str) -> pd.DataFrame:
    """In time of those that can be judged, and the median wait, by a column."""
    grouped = cells.groupby(by, as_index=False)[["n", "judged", "within", "mature", "won"]].sum()
    low, high = wilson(grouped.within, grouped.judged)
    won_low, won_high = wilson(grouped.won, grouped.mature)
    medians = {key: _median(part) for key, part in cells.groupby(by)}
    return grouped.assign(
        rate=grouped.within / grouped.judged.where(grouped.judged > 0),
        rate_low=low,
        rate_high=high,
        median=[medians[key] for key in grouped[by]],
        won_rate=grouped.won / grouped.mature.where(grouped.mature > 0),
        won_low=won_low,
        won_high=won_high,
    )


def _median(part: pd.DataFrame) -> float:
    """The median wait in minutes, those never contacted above all others; blank among them."""
    counts = part[part.judged > 0].groupby("minute").judged.sum()
    never = counts.pop(-1) if -1 in counts.index else 0
    total = counts.sum() + never
    if not total:
        return float("nan")
    reached = counts.cumsum() >= total / 2
    return float(str(reached.idxmax())) if reached.any() else float("nan")


def _bands(cells: pd.DataFrame) -> pd.DataFrame:
    """Won of the assignments old enough, by how long they waited."""
    grouped = (
        cells.groupby("band")[["n", "mature", "won"]]
        .sum()
        .reindex(range(len(BANDS) + 2), fill_value=0)
        .reset_index()
    )
    low, high = wilson(grouped.won, grouped.mature)
    return grouped.assign(
        rate=grouped.won / grouped.mature.where(grouped.mature > 0), rate_low=low, rate_high=high
    )


def _speed(cells: pd.DataFrame) -> Speed | None:
    """What speed is worth; only assignments that were contacted say it."""
    chosen = cells[(cells.fine >= 0) & (cells.mature > 0)]
    grouped = chosen.groupby(["source", "agent", "round", "fine"], as_index=False)[
        ["mature", "won"]
    ].sum()
    grouped = grouped.assign(waited=(grouped.fine + 0.5) / _FINE)
    return fitted(grouped) if len(grouped) and np.ptp(grouped.waited) > 0 else None
