"""A policy of giving leads by strength: learnt from earlier assignments, judged on later ones."""

import datetime as dt

import numpy as np
import pandas as pd

from crmkit.analyses.leads.wins import against_expected
from crmkit.shrinkage import shrink

__all__ = ["policy_gain", "policy_shares"]

_GONE_DAYS = 14
"""An owner who was given nothing for so long is taken to have left."""
_DRAWS = 4000


def _weights(index: "pd.Series[float]", cap: float) -> np.ndarray:
    """Shares in proportion to the index, within the cap of an equal share."""
    held = index.clip(1 / cap, cap).to_numpy(dtype=float)
    return np.asarray(held / held.sum()) if len(held) else held


def policy_gain(
    cells: pd.DataFrame, cap: float, seed: int
) -> tuple[tuple[float, float, float], int, float]:
    """More wins of the later half by the policy of the earlier, with their interval.

    Parameters: `cells`, of `win_cells`, parted in the middle; `cap` and `seed` of `lead_dispatch`.
    Returns: the difference, its limits; later assignments; wins at equal shares.
    """
    unknown = (float("nan"),) * 3
    late = cells.late.astype(bool)
    early, later = against_expected(cells[~late]), against_expected(cells[late])
    both = early.merge(later, on="agent", suffixes=("", "_later"))
    judged = int(later.n.sum())
    if len(both) < 2 or not both.won.sum() or not both.won_later.sum():
        return unknown, judged, float("nan")
    index = shrink(both.won, both.n, both.expected.clip(lower=1e-9), seed=seed).ratio
    weights = _weights(pd.Series(index), cap)
    flat = np.full(len(both), 1 / len(both))
    rng = np.random.default_rng(seed)
    won, n = both.won_later.to_numpy(float), both.n_later.to_numpy(float)
    rates = rng.beta(won + 0.5, n - won + 0.5, size=(_DRAWS, len(both)))
    scale = n / both.expected_later.clip(lower=1e-9).to_numpy(float)
    base = float(later.won.sum())
    seen = won / n * scale
    gains = base * ((rates * scale) @ (weights - flat))
    low, high = np.quantile(gains, [0.025, 0.975])
    return (
        (base * float(seen @ (weights - flat)), float(low), float(high)),
        judged,
        base * float(seen @ flat),
    )


def policy_shares(
    cells: pd.DataFrame,
    end: dt.datetime,
    window: int,
    cap: float,
    seed: int,
    who: tuple[str, ...] = (),
) -> pd.DataFrame:
    """The share of each owner who is still there (and named, where any is), from all assignments.

    Parameters: `cells`, of `win_cells`; `end`, the instant of the day; the others of
    `lead_dispatch`.
    Returns: agent, n, index and interval, active, share; the largest share first.
    """
    owners = against_expected(cells)
    found = shrink(owners.won, owners.n, owners.expected.clip(lower=1e-9), seed=seed)
    # Assignments are counted up to `window` days before the end; who got none then has left.
    gone = end - dt.timedelta(days=window + _GONE_DAYS)
    active = pd.to_datetime(owners["last"]) >= pd.Timestamp(gone)
    if who:
        active &= owners.agent.isin(who)
    owners = owners.assign(index=found.ratio, index_low=found.low, index_high=found.high,
                           active=active)  # fmt: skip
    weights = np.zeros(len(owners))
    weights[active] = _weights(owners["index"][active], cap)
    return owners.assign(share=weights).sort_values(
        ["share", "agent"], ascending=[False, True], ignore_index=True
    )
