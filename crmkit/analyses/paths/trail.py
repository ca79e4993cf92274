"""Visits as rows of nodes: cleaned, renamed, repeats collapsed, numbered."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from crmkit.activity import value_of
from crmkit.errors import ParameterError
from crmkit.persons import with_unit
from crmkit.sessions import with_sessions

__all__ = ["END", "OTHER", "Cleaning", "quantiles", "trail"]

END = "path_end"
"""The node after the last one of a visit."""
OTHER = "other"
"""Nodes that were counted, but are too rare to be told apart."""


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """How events become nodes.

    Parameters: `node`, the column that names nodes: "event", "page" or any other; `hide`, patterns
    of nodes that are passed over; `group`, patterns and the name that their nodes take, the first
    that fits counts; `collapse`, whether a node repeated at once counts once. A pattern is a
    wildcard ("/product/*") or, between slashes after `re:`, a regular expression ("re:^/p/.+$").
    Raises: ParameterError for an expression that cannot be read.
    """

    node: str = "event"
    hide: Sequence[str] = ()
    group: Mapping[str, str] = field(default_factory=dict)
    collapse: bool = True

    def __post_init__(self) -> None:
        for pattern in (*self.hide, *self.group):
            _expression(pattern)


def _expression(pattern: str) -> str:
    words = pattern.removeprefix("re:") if pattern.startswith("re:") else _wildcard(pattern)
    try:
        re.compile(words)
    except re.error as error:
        raise ParameterError(f"The pattern {pattern!r} cannot be read: {error}.") from None
    return words


def _wildcard(pattern: str) -> str:
    """A regular expression that both engines read: no Python-only groups."""
    literal = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return f"^{literal}$" if any(c in pattern for c in "*?") else f"^{re.escape(pattern)}$"


def trail(
    events: ir.Table,
    clean: Cleaning,
    *,
    start: dt.datetime,
    end: dt.datetime,
    unit: str,
    gap_minutes: int,
    identities: ir.Table | None,
    keep: Sequence[str] = (),
) -> ir.Table:
    """One row a node of a visit that begins in [start, end): session, unit, node, at, place from 1.

    `next_node` and `next_at` are those of the following row, null at the end.
    """
    rows = events.mutate(at=events.occurred_at).filter(ibis._["at"] >= start, ibis._["at"] < end)
    rows = with_sessions(with_unit(rows, unit, identities=identities), gap_minutes=gap_minutes)
    name = value_of(rows, clean.node)
    named = [(name.re_search(_expression(p)), new) for p, new in clean.group.items()]
    node = ibis.cases(*named, else_=name) if named else name
    rows = rows.mutate(node=node)
    rows = rows.filter(~rows.node.isnull())
    if clean.hide:
        rows = rows.filter(~ibis.or_(*(rows.node.re_search(_expression(p)) for p in clean.hide)))
    rows = rows.select("session", "unit", "event_id", "at", "node", *keep)
    keys, order = ["session"], ["at", "event_id"]
    if clean.collapse:
        before = rows.node.lag().over(group_by=keys, order_by=order)
        rows = rows.mutate(before=before)
        rows = rows.filter(rows.before.isnull() | (rows.before != rows.node)).drop("before")
    place = ibis.row_number().over(group_by=keys, order_by=order) + 1
    window = {"group_by": keys, "order_by": order}
    return rows.mutate(
        place=place,
        next_node=rows.node.lead().over(**window),
        next_at=rows["at"].lead().over(**window),
    )


def quantiles(rows: ir.Table, keys: Sequence[str], took: str) -> ir.Table:
    """The `median` and the 95th percentile, `q95`, of `took` in each group that has any.

    Equal values are counted first: the groups are then small, and nothing large is sorted. The
    percentile is the smallest value that 95 % do not exceed.
    """
    known = rows.filter(~rows[took].isnull())
    counts = known.group_by([*keys, took]).aggregate(many=known.count())
    running = ibis.cumulative_window(group_by=list(keys), order_by=took)
    counts = counts.mutate(
        upto=counts.many.sum().over(running),
        all=counts.many.sum().over(ibis.window(group_by=list(keys))),
    )

    def at(rank: ir.IntegerValue) -> ir.FloatingScalar:
        return counts[took].min(where=counts.upto > rank)

    n = counts["all"]
    return counts.group_by(list(keys)).aggregate(
        median=(at((n - 1) // 2) + at(n // 2)) / 2, q95=at((n * 19 + 19) // 20 - 1)
    )
