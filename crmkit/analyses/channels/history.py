"""The key figures of channels by period, as far back as the tables tell of."""

import numpy as np
import pandas as pd

from crmkit.analyses.channels.measures import Counts
from crmkit.analyses.channels.span import BACK

__all__ = ["history"]


def history(counts: Counts) -> pd.DataFrame:
    """A row for each period of equal length, the oldest first; nan before a table begins.

    Returns: span (0 is this period), start, end, customers, paid (of channels with spend in that
    period), paid_share, cost, cac (cost over the customers of those channels), roas (money credited
    to those channels over their cost).
    """
    return pd.DataFrame([_row(counts, index) for index in range(-BACK, 1)])


def _row(counts: Counts, index: int) -> dict[str, object]:
    won, spent, credit = (counts.rows(part, index) for part in ("won", "spend", "credit"))
    current = index == 0
    known = current or counts.complete("won", index)
    costed = counts.has("spend") and (current or counts.complete("spend", index)) and known
    credited = counts.has("credit") and costed and (current or counts.complete("credit", index))
    names = spent.index[spent.total > 0]
    customers, cost = float(won.n.sum()), float(spent.total.sum())
    paid = float(won.n.reindex(names).fillna(0).sum())
    revenue = float(credit.total.reindex(names).fillna(0).sum())
    return {
        "span": index,
        "start": counts.span.starts(index),
        "end": counts.span.ends(index),
        "customers": customers if known else np.nan,
        "paid": paid if costed else np.nan,
        "paid_share": paid / customers if costed and customers else np.nan,
        "cost": cost if costed else np.nan,
        "cac": cost / paid if costed and paid and cost > 0 else np.nan,
        "roas": revenue / cost if credited and cost > 0 else np.nan,
    }
