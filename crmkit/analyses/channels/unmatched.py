"""Channels that money was spent on and that no customer names."""

import pandas as pd

from crmkit.analyses.channels.measures import Counts
from crmkit.errors import nearest

__all__ = ["unmatched"]


def unmatched(counts: Counts, rows: pd.DataFrame) -> pd.DataFrame:
    """Names in spend that no customer has, ever: often one channel written in two ways.

    Parameters: `rows`, the channels as measured, for their cost in this period.
    Returns: channel, cost in this period, like (the most similar name of customers, or None).
    """
    raw = counts.raw
    of_customers = {name for name in raw.channel[raw.part == "won"] if name}
    of_spend = sorted(set(raw.channel[raw.part == "spend"]) - of_customers)
    cost = rows.set_index("channel").cost.reindex(of_spend).fillna(0)
    return pd.DataFrame(
        {
            "channel": of_spend,
            "cost": cost.to_numpy(),
            "like": [nearest(name, of_customers) for name in of_spend],
        }
    ).sort_values(["cost", "channel"], ascending=[False, True], ignore_index=True)
