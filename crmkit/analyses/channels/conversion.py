"""The share of visitors and leads who became customers, by channel or source."""

import pandas as pd

from crmkit.analyses.channels.measures import Counts
from crmkit.stats import wilson
from crmkit.text import message

__all__ = ["KINDS", "conversion"]

KINDS = {"visitors": message("New visitors"), "leads": message("Leads")}


def conversion(counts: Counts, *, within: int) -> pd.DataFrame:
    """Prospects by kind and channel, the most first, each kind's total last.

    Returns: kind (visitors or leads), channel (of leads: their source; `*` for all), n, won, rate
    with limits, rate_before (nan where the tables do not tell of that period).
    """
    parts = [_kind(counts, kind, within) for kind in KINDS if counts.has(kind)]
    columns = ["kind", "channel", "n", "won", "rate", "rate_low", "rate_high", "rate_before"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _kind(counts: Counts, kind: str, within: int) -> pd.DataFrame:
    whole = counts.together()
    now = counts.rows(kind).sort_values("n", ascending=False, kind="stable")
    now = pd.concat([now, whole.rows(kind)])
    before = pd.concat([counts.rows(kind, -1), whole.rows(kind, -1)]).reindex(now.index)
    low, high = wilson(now.hits, now.n)
    known = counts.complete(kind, -1, within)
    return pd.DataFrame(
        {
            "kind": kind,
            "n": now.n,
            "won": now.hits,
            "rate": now.hits / now.n,
            "rate_low": low,
            "rate_high": high,
            "rate_before": before.hits / before.n if known else float("nan"),
        }
    ).reset_index(names="channel")
