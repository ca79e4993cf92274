"""The customers who will bring most, as a list to act on."""

import ibis.expr.types as ir
import pandas as pd

from crmkit.actions import ActionList
from crmkit.blocks import Column
from crmkit.text import number, say

__all__ = ["to_come"]

_COLUMNS = (
    "customer_id",
    "value",
    "expected_purchases",
    "p_alive",
    "repeats",
    "last_weeks_ago",
    "spent",
)


def to_come(people: ir.Table | None, *, limit: int, horizon: int) -> ActionList:
    """The customers of most value to come, the most valuable first; one query."""
    found = pd.DataFrame(columns=list(_COLUMNS))
    if people is not None:
        found = people.select(*_COLUMNS).limit(limit).execute()
    return ActionList(
        name="lifetime_value",
        title=say("The customers of most value in the next {weeks} weeks", weeks=number(horizon)),
        frame=found,
        columns=(
            Column("customer_id", say("Customer")),
            Column("value", say("Value to come"), "money"),
            Column("expected_purchases", say("Purchases to come"), "number", 1),
            Column("p_alive", say("Chance of still buying"), "rate", 0),
            Column("repeats", say("Repeat purchases"), "count"),
            Column("last_weeks_ago", say("Weeks since last purchase"), "number", 1),
            Column("spent", say("Spent on repeat purchases"), "money", folded=True),
        ),
    )
