"""How long until a visitor comes back, when many have not come back yet."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from crmkit.stats import wilson

__all__ = ["DAYS", "revisits"]

DAYS = (7, 30)
"""Days within which the share that came back is told."""
_Z = float(ndtri(0.975))


def revisits(gaps: pd.DataFrame) -> pd.DataFrame:
    """Days from a visit to the visitor's next one, by source, by Kaplan and Meier's method.

    Parameters: `gaps`, rows of key, day, visits (all whose interval ends on that day) and new (of
    these, the ones that were followed by a visit; the others are only known to have lasted so
    long).
    Returns: key (None for all), visits, returned, median with median_low and median_high, seen (the
    median of those who returned, which is too short), and back_7, back_30 with limits; nan where
    it was not reached or nobody was watched so long.
    """
    if gaps.empty:
        return pd.DataFrame(columns=_COLUMNS)
    groups = [(None, gaps), *gaps.groupby("key", dropna=False)]
    rows = pd.DataFrame([_row(key, part) for key, part in groups], columns=_COLUMNS)
    ranked = rows.iloc[1:].sort_values("visits", ascending=False, kind="stable")
    return pd.concat([rows.iloc[:1], ranked], ignore_index=True)


_COLUMNS = [
    *("key", "visits", "returned", "median", "median_low", "median_high", "seen"),
    *(f"back_{day}{limit}" for day in DAYS for limit in ("", "_low", "_high")),
]


def _row(key: object, gaps: pd.DataFrame) -> dict[str, object]:
    days = gaps.groupby("day")[["visits", "new"]].sum().sort_index()
    curve = _curve(days)
    row: dict[str, object] = {
        "key": None if pd.isna(key) else key,  # type: ignore[call-overload]
        "visits": int(days.visits.sum()),
        "returned": int(days.new.sum()),
        "median": _first(curve.index[curve.still <= 0.5]),
        "median_low": _first(curve.index[curve.low <= 0.5]),
        "median_high": _first(curve.index[curve.high <= 0.5]),
        "seen": _median(days.new),
    }
    for day in DAYS:
        still, low, high = _at(curve, day)
        row[f"back_{day}"], row[f"back_{day}_low"] = 1 - still, 1 - high
        row[f"back_{day}_high"] = 1 - low
    return row


def _at(curve: pd.DataFrame, day: int) -> tuple[float, float, float]:
    """The share not back by a day, with limits; nan where nobody was watched so long."""
    if curve.index[-1] < day:
        return (np.nan,) * 3
    known = curve[curve.index <= day]
    if len(known):
        return float(known.still.iloc[-1]), float(known.low.iloc[-1]), float(known.high.iloc[-1])
    low, high = wilson(curve.watched.iloc[0], curve.watched.iloc[0])
    return 1.0, float(low), float(high)


def _curve(days: pd.DataFrame) -> pd.DataFrame:
    """The share not back yet by day, with Greenwood's interval on the log of minus its log.

    Where all or none are back, which that interval does not know, it is Wilson's.
    """
    watched = days.visits[::-1].cumsum()[::-1].to_numpy(dtype=float)
    back = days.new.to_numpy(dtype=float)
    still = np.cumprod(1 - back / watched)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.cumsum(back / (watched * (watched - back))))
        half = _Z * error / np.abs(np.log(still))
        low, high = still ** np.exp(half), still ** np.exp(-half)
    flat = (still >= 1) | (still <= 0)
    flat_low, flat_high = wilson(np.round(still) * watched, watched)
    return pd.DataFrame(
        {
            "still": still,
            "low": np.where(flat, flat_low, low),
            "high": np.where(flat, flat_high, high),
            "watched": watched,
        },
        index=days.index,
    )


def _first(days: "pd.Index[float]") -> float:
    return float(days[0]) if len(days) else float("nan")


def _median(counts: "pd.Series[int]") -> float:
    """The middle of values given as counts by value."""
    total = int(counts.sum())
    if total == 0:
        return float("nan")
    upto = counts.cumsum().to_numpy()
    at = [int(np.searchsorted(upto, rank, side="right")) for rank in ((total - 1) // 2, total // 2)]
    return float(np.mean([counts.index[place] for place in at]))
