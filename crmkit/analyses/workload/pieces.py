"""States made whole, cut at the edges of intervals, and summed: the one expression.

Times are whole microseconds since 1970, so that sums are exact on every engine.
"""

import ibis
import ibis.expr.types as ir

from crmkit.analyses.workload.options import EPOCH, Options, seconds
from crmkit.errors import InputError
from crmkit.schema import AGENT_STATES

__all__ = ["ANSWER", "FAULTS", "counted", "read", "whole"]

_MILLION = 1_000_000
_LONG = 12 * 3600 * _MILLION  # a state of more than half a day is hardly true
_ORDER = ("begin", "finish_known", "state", "reason")

FAULTS = (
    "nameless",
    "backwards",
    "open",
    "open_micros",
    "overlapping",
    "overlap_micros",
    "long",
)
ANSWER = ibis.schema(
    dict.fromkeys(("kind", "agent_id", "team", "state", "reason"), "string")
    | dict.fromkeys(("day", "place", "micros", *FAULTS), "int64")
)
"""One row a sum: `kind` says of what (day, interval, team); two rows count faults of the log."""


def counted(states: ir.Table, agents: ir.Table | None, options: Options) -> ir.Table:
    """Microseconds in each state by agent and day, by day and interval, by team and interval.

    Two more rows count what was left out and what was mended; see `ANSWER`.
    """
    rows = read(states, options)
    mended = whole(rows, options)
    kept = mended.filter(mended.until > mended.since)
    cells = _cells(_in_teams(kept, agents), options)
    parts = [
        _summed(cells, "day", ("agent_id", "team", "day", "state", "reason")),
        _summed(cells, "interval", ("day", "place", "state")),
        _summed(cells, "team", ("team", "place", "state")),
        *_faults(rows, mended, options),
    ]
    return ibis.union(*parts)


def read(states: ir.Table, options: Options) -> ir.Table:
    """Agent, state, reason, begin and end (null: open) of the states begun by the last day."""
    for needed in ("agent_id", "state", "started_at"):
        if needed not in states.columns:
            raise InputError(
                f"agent_states have no column {needed}; they have: {', '.join(states.columns)}."
            )
    ended = states.ended_at if "ended_at" in states.columns else ibis.null("timestamp")
    reason = states.reason if "reason" in states.columns else ibis.null("string")
    rows = states.select(
        agent_id=states.agent_id.cast("string"),
        state=ibis.ifelse(states.state.isin(AGENT_STATES), states.state, "other").fill_null(
            "other"
        ),
        reason=reason.cast("string").fill_null(""),
        begin=_micros(states.started_at.cast("timestamp")),
        ended=_micros(ended.cast("timestamp")),
    )
    limit = seconds(options.end) * _MILLION
    return rows.filter(rows.begin < limit)


def _micros(instant: ir.TimestampValue) -> ir.IntegerValue:
    return instant.delta(ibis.literal(EPOCH), unit="microsecond").cast("int64")


def whole(rows: ir.Table, options: Options) -> ir.Table:
    """Each state from `since` to `until`, within the days asked for, none over another.

    An open state ends where the agent's next one begins, or with the last day; where two overlap,
    the later one begins when the earlier ends. A state whose end is before its beginning is out.
    """
    first, limit = (seconds(at) * _MILLION for at in (options.begin, options.end))
    named = rows.filter(~rows.agent_id.isnull())
    named = named.filter(named.ended.isnull() | (named.ended >= named.begin))
    named = named.mutate(finish_known=named.ended.fill_null(limit))
    in_order = [named[name] for name in _ORDER]
    following = ibis.window(group_by=named.agent_id, order_by=in_order)
    named = named.mutate(next_begin=named.begin.lead().over(following))
    named = named.mutate(
        is_open=named.ended.isnull(),
        finish=ibis.least(named.ended.coalesce(named.next_begin, limit), limit),
    )
    before = ibis.window(
        group_by=named.agent_id, order_by=[named[name] for name in _ORDER], preceding=(None, 1)
    )
    named = named.mutate(taken=named.finish.max().over(before).fill_null(first))
    return named.mutate(
        since=ibis.greatest(named.begin, named.taken, first),
        until=named.finish,
        overlap=ibis.greatest(ibis.least(named.taken, named.finish) - named.begin, 0),
    )


def _in_teams(rows: ir.Table, agents: ir.Table | None) -> ir.Table:
    if agents is None or "team" not in agents.columns:
        return rows.mutate(team=ibis.null("string"))
    known = agents.drop_null("agent_id")
    known = known.select(person=known.agent_id.cast("string"), team=known.team.cast("string"))
    known = known.group_by("person").aggregate(team=known.team.max())
    return rows.left_join(known, rows.agent_id == known.person).drop("person")


def _cells(rows: ir.Table, options: Options) -> ir.Table:
    """Microseconds by agent, local day, interval of the day, state and reason."""
    step = options.step * _MILLION
    cut = rows.mutate(
        slot=ibis.range(
            (rows.since // step).cast("int64"), ((rows.until - 1) // step).cast("int64") + 1
        )
    ).unnest("slot")
    local = cut.slot * options.step + _offset(cut.slot, options)
    pieces = cut.select(
        "agent_id",
        "team",
        "state",
        "reason",
        day=(local // 86_400).cast("int64"),
        place=((local % 86_400) // (options.interval * 60)).cast("int64"),
        micros=ibis.least(cut.until, (cut.slot + 1) * step)
        - ibis.greatest(cut.since, cut.slot * step),
    )
    keys = ["agent_id", "team", "day", "place", "state", "reason"]
    return pieces.group_by(keys).aggregate(micros=pieces.micros.sum())


def _offset(slot: ir.IntegerValue, options: Options) -> ir.IntegerValue:
    """The zone's offset in seconds at the beginning of a slot of the grid."""
    first, later = options.offsets
    found = ibis.literal(first, type="int64")
    for at, offset in later:
        found = ibis.ifelse(slot >= at // options.step, ibis.literal(offset, type="int64"), found)
    return found


def _summed(cells: ir.Table, kind: str, keys: tuple[str, ...]) -> ir.Table:
    sums = cells.group_by(list(keys)).aggregate(micros=cells.micros.sum())
    return _shaped(sums, kind, (*keys, "micros"))


def _shaped(sums: ir.Table, kind: str, keys: tuple[str, ...]) -> ir.Table:
    given = {"kind": ibis.literal(kind)} | {key: sums[key] for key in keys}
    return sums.select(
        **{name: given.get(name, ibis.null(type_)) for name, type_ in ANSWER.items()}
    ).cast(ANSWER)


def _faults(rows: ir.Table, mended: ir.Table, options: Options) -> list[ir.Table]:
    """What was left out, and what was mended with the time of all states before any cut."""
    first = seconds(options.begin) * _MILLION
    seen = mended.filter(mended.until > first)
    lasts = ibis.greatest(seen.until - seen.since, 0)
    long = (lasts > _LONG) & (seen.state != "offline")
    left_out = rows.aggregate(
        nameless=_times(rows.agent_id.isnull()),
        backwards=_times(~rows.agent_id.isnull() & (rows.ended < rows.begin).fill_null(False)),
    )
    kept = seen.aggregate(
        micros=lasts.sum().fill_null(0),
        open=_times(seen.is_open),
        open_micros=ibis.ifelse(seen.is_open, lasts, 0).sum().fill_null(0),
        overlapping=_times(seen.overlap > 0),
        overlap_micros=seen.overlap.sum().fill_null(0),
        long=_times(long),
    )
    return [
        _shaped(left_out, "left_out", ("nameless", "backwards")),
        _shaped(kept, "whole", ("micros", *FAULTS[2:])),
    ]


def _times(flag: ir.BooleanValue) -> ir.IntegerValue:
    return flag.cast("int64").sum().fill_null(0)
