"""One table for every rate that has several definitions: each by its name, now and before."""

from collections.abc import Iterable

import pandas as pd

from crmkit.blocks import Column, Table
from crmkit.text import say

__all__ = ["variants_table"]

Variant = tuple[str, str, str, str]
"""A rate: its column, those of its part and its whole, and what it is called."""


def variants_table(
    name: str,
    caption: str,
    totals: pd.DataFrame,
    variants: Iterable[Variant],
    *,
    digits: int | None = None,
    note: str = "",
) -> Table:
    """The definitions of a rate side by side.

    Parameters: `totals`, the days asked for and, where known, those before; a rate's limits are
    its column with `_low` and `_high`.
    """
    now = totals.iloc[0]
    before = totals.iloc[1] if len(totals) > 1 else None
    rows = [
        {
            "named": say(label),
            "part": now[part],
            "n": now[whole],
            "rate": now[rate],
            "low": now[f"{rate}_low"],
            "high": now[f"{rate}_high"],
            "before": float("nan") if before is None else before[rate],
        }
        for rate, part, whole, label in variants
    ]
    columns = (
        Column("named", say("Rate")),
        Column("part", say("Cases"), "count"),
        Column("n", say("Out of"), "count"),
        Column("rate", say("Value of the rate"), "rate", digits, low="low", high="high", n="n"),
        Column("before", say("Rate before"), "rate", digits),
    )
    return Table(name, caption, pd.DataFrame(rows), columns, note=note)
