"""Whose event it is: the person, the account or the visit that a funnel or a path follows."""

import ibis
import ibis.expr.types as ir

from crmkit.errors import ParameterError, nearest

__all__ = ["with_unit"]


def with_unit(
    events: ir.Table, unit: str = "person", *, identities: ir.Table | None = None
) -> ir.Table:
    """Events with a column `unit`, which says whose they are; those of nobody known are left out.

    A person is the customer of the event; where that is unknown, the one customer that the
    visitor belongs to (by `identities` where its source_id is the visitor's id, else by other
    events of the visitor, if all of them name the same customer); else the visitor. A visitor that
    several customers use stays a visitor in events that name none. Customers and visitors are kept
    apart by a letter before the id.

    Parameters: `events`, with customer_id, visitor_id or the column that `unit` names; `unit`,
    "person", "session" (the column session_id), or any column such as an account's; `identities`,
    the canonical table.
    Returns: the rows with a string column `unit`, never null.
    Raises: ParameterError where there is no such column, naming the nearest.

    >>> import datetime
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1", "2", "3"],
    ...         "visitor_id": ["v", "v", "w"],
    ...         "customer_id": [None, "c", None],
    ...     }
    ... )
    >>> with_unit(rows).order_by("event_id").unit.execute().tolist()
    ['c:c', 'c:c', 'v:w']
    """
    if unit == "person":
        return _by_person(events, identities)
    column = "session_id" if unit == "session" else unit
    if column not in events.columns:
        guess = nearest(unit, ["person", "session", *events.columns])
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(
            f"unit={unit!r} is no column of the events.{hint} "
            f"Give person, session or one of: {', '.join(events.columns)}."
        )
    return events.mutate(unit=events[column].cast("string")).filter(ibis._.unit.notnull())


def _by_person(events: ir.Table, identities: ir.Table | None) -> ir.Table:
    if "visitor_id" not in events.columns:
        if "customer_id" not in events.columns:
            raise ParameterError("The events have neither customer_id nor visitor_id.")
        return events.mutate(unit=ibis.literal("c:") + events.customer_id).filter(
            ibis._.unit.notnull()
        )
    if "customer_id" not in events.columns:
        return events.mutate(unit=ibis.literal("v:") + events.visitor_id).filter(
            ibis._.unit.notnull()
        )
    owners = _owners(events, identities)
    found = events.left_join(owners, events.visitor_id == owners.visitor).drop("visitor")
    customer = ibis.coalesce(found.customer_id, found.owner)
    unit = ibis.coalesce(ibis.literal("c:") + customer, ibis.literal("v:") + found.visitor_id)
    return found.mutate(unit=unit).drop("owner").filter(ibis._.unit.notnull())


def _owners(events: ir.Table, identities: ir.Table | None) -> ir.Table:
    """The one customer of each visitor that has just one."""
    seen = events.select(visitor="visitor_id", owner="customer_id")
    if identities is not None:
        given = identities.select(visitor="source_id", owner="customer_id")
        told = given.semi_join(seen, "visitor")
        seen = seen.anti_join(told, "visitor").union(told)
    known = seen.filter(seen.visitor.notnull(), seen.owner.notnull())
    owners = known.group_by("visitor").aggregate(owner=known.owner.min(), last=known.owner.max())
    return owners.filter(owners.owner == owners.last).select("visitor", "owner")
