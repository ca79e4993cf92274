"""Two expressions: conversations counted by length, and a sample of them drawn by strata."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from crmkit import periods
from crmkit.dials import dials

__all__ = ["BINS", "OUTCOMES", "Options", "conversations", "counted", "drawn"]

BINS = 40
"""Bins of the logarithm (base e) of a length: each is 2.5 % wide."""

OUTCOMES = ("sale", "interest", "do_not_call", "refused", "no_outcome")
_LONGEST_LISTED = 50


@dataclass(frozen=True, kw_only=True)
class Options:
    """The decisions taken: days, what is short, and how a sample is drawn."""

    as_of: periods.Day
    start: periods.Day | None
    timezone: str
    short: float
    sample: int
    seed: int


def conversations(calls: ir.Table, dispositions: ir.Table | None, options: Options) -> ir.Table:
    """Calls that an agent spoke on with a person, their talk known, each with its outcome."""
    rows = dials(
        calls,
        dispositions,
        as_of=options.as_of,
        start=options.start,
        timezone=options.timezone,
    )
    rows = rows.filter(rows.handled, rows.answered, rows.talk_seconds.notnull())

    def true(name: str) -> ir.BooleanValue:
        return rows[name].fill_null(False)

    outcome = ibis.cases(
        (true("sale"), "sale"),
        (true("interest"), "interest"),
        (true("do_not_call"), "do_not_call"),
        (true("right_party"), "refused"),
        else_="no_outcome",
    )
    return rows.select(
        "call_id",
        "agent_id",
        "campaign_id",
        "hangup_by",
        "recording_id",
        "started_at",
        "talk_seconds",
        outcome=outcome,
        short=rows.talk_seconds < options.short,
    )


def counted(rows: ir.Table) -> ir.Table:
    """Conversations by agent, campaign, who hung up, outcome and bin of their length.

    Bin 0 holds talks below a second; short talks are told apart in every bin.
    """
    length = ibis.greatest(rows.talk_seconds, 1.0).ln()
    keyed = rows.mutate(bin=(length * BINS).floor().cast("int64"))
    keys = ["agent_id", "campaign_id", "hangup_by", "outcome", "short", "bin"]
    return keyed.group_by(keys).aggregate(
        n=keyed.count(),
        recorded=keyed.recording_id.count(),
        seconds=keyed.talk_seconds.round(0).cast("int64").sum(),
    )


def drawn(rows: ir.Table, *, long: float, options: Options) -> ir.Table:
    """The longest conversations, and recorded ones drawn by outcome and length.

    A conversation's place in its stratum is by a digest of the seed and its id, one of each agent
    before a second of any; the same rows on every engine.
    """
    keyed = rows.mutate(
        length=ibis.cases(
            (rows.short, "short"), (rows.talk_seconds >= long, "long"), else_="usual"
        ),
        lot=(ibis.literal(f"{options.seed}:") + rows.call_id).hexdigest("md5"),
    )
    longest = ibis.window(order_by=[keyed.talk_seconds.desc(), keyed.call_id])
    ranked = keyed.mutate(rank=ibis.row_number().over(longest))
    outliers = ranked.filter(ranked.length == "long", ranked["rank"] < _LONGEST_LISTED)
    recorded = keyed.filter(keyed.recording_id.notnull())
    of_agent = ibis.window(group_by=["outcome", "length", "agent_id"], order_by=["lot", "call_id"])
    turn = recorded.mutate(turn=ibis.row_number().over(of_agent))
    stratum = ibis.window(group_by=["outcome", "length"], order_by=["turn", "lot", "call_id"])
    size = ibis.window(group_by=["outcome", "length"])
    placed = turn.mutate(place=ibis.row_number().over(stratum), of=turn.call_id.count().over(size))
    sample = placed.filter(placed.place < options.sample)
    names = ["call_id", "agent_id", "recording_id", "started_at", "talk_seconds", "outcome"]
    return ibis.union(
        outliers.select(*names, "length", of=ibis.null("int64"), place=outliers["rank"]).mutate(
            why=ibis.literal("outlier")
        ),
        sample.select(*names, "length", "of", "place").mutate(why=ibis.literal("sample")),
    )
