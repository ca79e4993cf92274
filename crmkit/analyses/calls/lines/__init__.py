"""Lines in use, and how many are needed."""

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.analyses.calls.lines import counts
from crmkit.analyses.calls.lines.result import Trunks
from crmkit.analyses.calls.slots import Slots
from crmkit.analyses.calls.window import Window
from crmkit.dials import dials
from crmkit.errors import ParameterError

__all__ = ["Trunks", "trunks"]


def trunks(
    calls: ir.Table,
    *,
    as_of: periods.Day,
    days: int = 7,
    history: int = 4,
    lines: int | None = None,
    blocked: float = 0.01,
    interval: int = 30,
    timezone: str = "UTC",
) -> Trunks:
    """Lines in use by interval: mean, peak, time with all of them busy, against Erlang B.

    A line is in use from the start to the end of a call of any kind; calls marked as blocked hold
    none. The mean is the exact integral over the interval. The load offered is that mean times
    calls / calls not blocked; Erlang B gives the blocking to expect of it where calls come at
    random. A dialler that waits for a free line marks nothing as blocked: the share of time in
    which every line is busy shows it all the same, as both are equal for random calls.

    Parameters: `calls`, the canonical table; `as_of`, the last local day, included; `days`, how
    many are told; `history`, how many stretches of as many days before; `lines`, how many there
    are, or None for those seen in `trunk_id`; `blocked`, the share of calls that may find no line;
    `interval`, minutes: 5, 10, 15, 30 or 60; `timezone`, IANA zone of days.
    Returns: `Trunks` with `slots` (an interval: mean, peak, load, attempts, blocked, full),
    `profile` (by time of day, and expected), `levels` (time with at least so many lines),
    `totals` (a row a stretch), `lines` and `needed`, the lines that the busiest interval needs.
    Raises: ParameterError for lines, a share, an interval, days or a zone that cannot be.
    Source: Erlang 1917; arrivals see time averages (Wolff 1982).

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 3, 3, 10)
    >>> log = ibis.memtable({"call_id": ["1", "2"], "started_at": [at, at],
    ...     "ended_at": [at + dt.timedelta(minutes=15), at + dt.timedelta(minutes=30)]})
    >>> found = trunks(log, as_of="2025-03-03", lines=2).slots
    >>> found.query("used > 0")[["mean", "peak", "full"]].values.tolist()
    [[1.5, 2.0, 0.5]]
    """
    window = Window.of(as_of, days=days, history=history, timezone=timezone)
    slots = Slots.of(window.start, window.as_of, minutes=interval, timezone=timezone)
    if lines is not None and (isinstance(lines, bool) or not isinstance(lines, int) or lines < 1):
        raise ParameterError(f"lines is {lines!r}. Give a whole number of 1 or more, or None.")
    if not 0 < blocked < 1:
        raise ParameterError(f"blocked is {blocked!r}. Give a share such as 0.01.")
    rows = dials(calls, as_of=window.as_of, timezone=timezone)
    rows = rows.filter((rows.ended_at > slots.begin) | (rows.started_at >= slots.begin))
    answer = counts.counted(rows, slots, window).execute()
    singles = answer.set_index("part").value

    def single(name: str) -> int | None:
        value = singles.get(name)
        return None if value is None or pd.isna(value) else int(value)

    lasting = slots.lasting(answer[answer.part == "levels"])
    assert int((lasting["level"] * lasting.lasted).sum()) == (single("length") or 0), (
        "the integral of lines in use is the sum of the lengths of calls"
    )
    known = lines or single("trunks") or None
    frame = counts.slot_frame(lasting, answer[answer.part == "starts"], slots, known)
    current = frame[frame.day > window.last - window.days].reset_index(drop=True)
    return Trunks(
        window=window,
        interval=interval,
        lines=known,
        given=lines is not None,
        allowed=blocked,
        unfinished=single("open") or 0,
        totals=counts.total_frame(frame, window, single("first"), known),
        slots=current,
        profile=counts.profile_frame(current, known),
        levels=counts.level_frame(lasting[lasting.slot.isin(current.slot)]),
    )
