"""Dials and what came of them: results, contacts, right parties, sales."""

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.analyses.calls.dialling import counts
from crmkit.analyses.calls.dialling.counts import COUNTS, group_frame
from crmkit.analyses.calls.dialling.hours import hour_frame
from crmkit.analyses.calls.dialling.result import Calls
from crmkit.analyses.calls.measures import summed
from crmkit.analyses.calls.window import Window
from crmkit.dials import dials

__all__ = ["Calls", "calls"]


def calls(
    calls: ir.Table,
    dispositions: ir.Table | None = None,
    *,
    as_of: periods.Day,
    days: int = 7,
    history: int = 12,
    period: periods.Period = "week",
    timezone: str = "UTC",
) -> Calls:
    """Dials, what came of them, and whom agents spoke to, by campaign, list, hour and mode.

    A dial is an outbound call; automatic voice calls are told apart, by `voice`. A contact is a
    dial that a person answered and an agent took. The contact rate is contacts / dials, the reach
    rate leads spoken to / leads dialled, the right-party rate right-party contacts / contacts.
    Conversion is sales over right-party contacts, over contacts, and over dials: three columns.

    Parameters:
        calls: the canonical table; dispositions: likewise, for what an outcome means.
        as_of: the last local day that counts, included.
        days: how many days up to it are told; the same number before are compared with.
        history: how many such stretches before are read, for trends.
        period: the calendar period of the trend: day, week or month.
        timezone: IANA zone of days and hours.

    Returns: `Calls` with the frames `totals` (a row a stretch of days), `results` (a row a result),
        `campaigns`, `lists`, `modes`, `hours` (by hour and weekday), `trend` (by period). Each has
        counts (dials, answered, contacts, right_party, sales), and rates with their limits, such as
        contact_rate, contact_rate_low, contact_rate_high; `hours` also adjusted, the contact rate
        with what campaigns and modes explain taken out. What the log does not tell is NaN: no
        contacts without agents' times, no conversion without dispositions.
    Raises: ParameterError for days, a period or a zone that cannot be; InputError for a table
        without ids or starts.

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 3, 3, 10)
    >>> log = ibis.memtable(
    ...     {"call_id": ["1", "2"], "started_at": [at, at], "agent_at": [at, None],
    ...      "result": ["human", "busy"], "disposition": ["SALE", None]},
    ...     schema={"call_id": "string", "started_at": "timestamp", "agent_at": "timestamp",
    ...             "result": "string", "disposition": "string"})
    >>> codes = ibis.memtable({"code": ["SALE"], "right_party": [True], "sale": [True]})
    >>> found = calls(log, codes, as_of="2025-03-03")
    >>> found.totals[["dials", "contacts", "contact_rate", "conversion_contacts"]].values.tolist()
    [[2.0, 1.0, 0.5, 1.0]]
    """
    window = Window.of(as_of, days=days, history=history, timezone=timezone)
    periods.number_of(window.as_of, period)
    rows = dials(calls, dispositions, as_of=window.as_of, start=window.start, timezone=timezone)
    # leads are counted from rows read apart: shared, the engine would keep them all
    at = calls.started_at.cast("timestamp")
    compared = calls.filter(at >= periods.day_start(window.compared, timezone))
    recent = dials(compared, dispositions, as_of=window.as_of, timezone=timezone)
    answer = counts.counted(rows, recent, window).execute()
    parts = dict(iter(answer.groupby("part")))

    def part(name: str) -> pd.DataFrame:
        found: pd.DataFrame = parts.get(name, answer.iloc[:0])
        return found.reset_index(drop=True)

    cells = part("cells")
    cells = cells.assign(
        **{name: cells[name].astype("int64") for name in (*COUNTS, "day", "hour")},
        stretch=(window.last - cells.day.astype("int64")) // window.days,
        weekday=(cells.day.astype("int64") + 3) % 7,
    )
    told = counts.known(cells)
    totals = counts.total_frame(cells, part("leads"), window, told)
    oldest = 1 if len(totals) > 1 else 0
    recent, current = cells[cells.stretch <= oldest], cells[cells.stretch == 0]
    by_campaign, by_mode = (
        summed(recent, ["stretch", key], COUNTS) for key in ("campaign_id", "mode")
    )
    by_list = part("lists")[["stretch", "list_id", *COUNTS]]
    by_list = by_list[by_list.stretch <= oldest]
    found = Calls(
        window=window,
        period=period,
        known=told,
        totals=totals,
        results=counts.result_frame(part("results"), len(totals) > 1),
        campaigns=group_frame(by_campaign, "campaign_id", told, part("leads by campaign_id")),
        lists=group_frame(by_list, "list_id", told, part("leads by list_id")),
        modes=group_frame(by_mode, "mode", told),
        hours=hour_frame(current, told),
        trend=counts.trend_frame(cells, window, period, told),
    )
    for frame in (found.results, found.campaigns, found.lists, found.modes, found.hours):
        assert frame.dials.sum() == totals.dials.iloc[0], "dials must add up"
    return found
