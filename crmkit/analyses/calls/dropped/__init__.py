"""Dropped calls: persons who answered and were met by no agent, against the rule on them."""

import ibis.expr.types as ir

from crmkit import periods
from crmkit.analyses.calls.dropped import counts
from crmkit.analyses.calls.dropped.counts import COUNTS, judged
from crmkit.analyses.calls.dropped.result import Drops
from crmkit.analyses.calls.dropped.rule import DropRule
from crmkit.analyses.calls.measures import summed
from crmkit.analyses.calls.window import Window
from crmkit.dials import dials

__all__ = ["DropRule", "Drops", "drops"]


def drops(
    calls: ir.Table,
    dispositions: ir.Table | None = None,
    *,
    as_of: periods.Day,
    days: int = 7,
    history: int = 12,
    rule: str | DropRule = "us_tsr",
    amd_error: float | None = None,
    timezone: str = "UTC",
) -> Drops:
    """Outbound calls that a person answered and no agent took, in each variant, and the rule kept.

    By the rule a call is abandoned where no agent was there within the grace time: drops, less
    persons who hung up within it, and contacts that an agent took too late. Automatic voice calls
    have no agent to wait for and are left out.

    Parameters: `calls` and `dispositions`, canonical; `as_of`, the last local day, included;
    `days`, how many are told; `history`, how many stretches of as many days before; `rule`,
    "us_tsr", "uk" or a DropRule; `amd_error`, the share of persons whom answering-machine detection
    turns away, for a rule that counts them; `timezone`, IANA zone of days and hours.
    Returns: `Drops` with `totals` (a row a stretch of days: the rule's rate and the variants
    per_dials, per_offered, per_answers, each with limits), `campaigns`, `daily` (campaign and day),
    `hourly` (campaign and hour), and `ruled` (campaign and the rule's days: rate, broken).
    Raises: ParameterError for a rule, days or a zone that cannot be.
    Source: 16 CFR 310.4(b)(4); Ofcom, statements on persistent misuse of 2010 and 2016.

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 3, 3, 10)
    >>> log = ibis.memtable(
    ...     {"call_id": ["1", "2"], "started_at": [at, at], "agent_at": [at, None],
    ...      "result": ["human", "dropped"]},
    ...     schema={"call_id": "string", "started_at": "timestamp", "agent_at": "timestamp",
    ...             "result": "string"})
    >>> drops(log, as_of="2025-03-03").totals[["drops", "answers", "rate"]].values.tolist()
    [[1.0, 2.0, 0.5]]
    """
    window = Window.of(as_of, days=days, history=history, timezone=timezone)
    law = DropRule.of(rule, amd_error)
    start = window.start if law.days == 1 else None
    rows = dials(calls, dispositions, as_of=window.as_of, start=start, timezone=timezone)
    cells = counts.counted(rows, law).execute()
    cells = cells.astype(dict.fromkeys((*COUNTS, "day", "hour"), "int64"))
    cells = cells.assign(stretch=(window.last - cells.day) // window.days)
    known = counts.computable(cells)
    current = cells[cells.stretch == 0]
    ruled = counts.period_frame(cells, window, law, known=known)
    daily = judged(summed(current, ["campaign_id", "day"], COUNTS), law, known=known)
    return Drops(
        window=window,
        rule=law,
        known=known,
        totals=counts.total_frame(cells, window, law, known=known),
        campaigns=counts.campaign_frame(current, ruled, law, known=known),
        daily=daily[daily.out_of > 0].reset_index(drop=True),
        hourly=judged(summed(current, ["campaign_id", "hour"], COUNTS), law, known=known),
        ruled=ruled,
    )
