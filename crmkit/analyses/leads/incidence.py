"""Cumulative incidence with competing events, from counts by duration."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.kaplan_meier import log_log

__all__ = ["incidence"]

Floats = npt.NDArray[np.float64]


def incidence(counts: pd.DataFrame, causes: tuple[str, ...]) -> pd.DataFrame:
    """The Aalen-Johansen estimate: the share that has ended by each cause, by duration.

    Parameters: `counts`, one row a duration, with the column `n` (all that ended or left
    observation there) and a column of counts for each of `causes`.
    Returns: one row a duration: duration, at_risk, still (none of the causes yet), and for each
    cause its share with `<cause>_low` and `<cause>_high` (Aalen's variance, interval on the scale
    of log(-log), 95%). The shares and `still` add up to 1.

    >>> counts = pd.DataFrame({"duration": [1, 2], "n": [2, 2], "won": [1, 1], "lost": [1, 0]})
    >>> incidence(counts, ("won", "lost"))[["won", "lost", "still"]].round(3).values.tolist()
    [[0.25, 0.25, 0.5], [0.5, 0.25, 0.25]]
    """
    rows = counts.sort_values("duration", ignore_index=True)
    at_risk = (rows.n.sum() - rows.n.cumsum().shift(fill_value=0)).to_numpy(dtype=float)
    events = {cause: rows[cause].to_numpy(dtype=float) for cause in causes}
    ended = np.sum(list(events.values()), axis=0) if len(rows) else np.zeros(0)
    still = np.cumprod(1 - ended / at_risk)
    before = np.concatenate([[1.0], still[:-1]])[: len(rows)]
    made = {"duration": rows.duration, "at_risk": at_risk.astype("int64"), "still": still}
    for cause, happened in events.items():
        share = np.cumsum(before * happened / at_risk)
        error = np.sqrt(_variance(share, before, happened, ended, at_risk))
        low, high = _interval(share, error)
        made |= {cause: share, f"{cause}_low": low, f"{cause}_high": high}
    frame = pd.DataFrame(made)
    assert np.allclose(frame[["still", *causes]].sum(axis=1), 1)
    return frame


def _variance(
    share: Floats, before: Floats, happened: Floats, ended: Floats, at_risk: Floats
) -> Floats:
    """Aalen's variance of a cumulative incidence, in sums that need one pass.

    For the incidence F of a cause, with S just before each time, d of the cause, D of all and n at
    risk: sum over u up to t of (F(t) - F(u))^2 D / (n (n - D)) + S^2 d (n - d) / n^3
    - 2 (F(t) - F(u)) S d / n^2.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        all_ = np.where(at_risk > ended, ended / (at_risk * (at_risk - ended)), 0.0)
    own = before**2 * happened * (at_risk - happened) / at_risk**3
    cross = before * happened / at_risk**2
    sums = {power: np.cumsum(share**power * all_) for power in (0, 1, 2)}
    squares = share**2 * sums[0] - 2 * share * sums[1] + sums[2]
    crossed = share * np.cumsum(cross) - np.cumsum(share * cross)
    return np.maximum(squares + np.cumsum(own) - 2 * crossed, 0.0)


def _interval(share: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Limits inside 0 and 1; nan where nothing has happened."""
    with np.errstate(divide="ignore", invalid="ignore"):
        left = 1 - share
        low, high = log_log(left, error / left)
    return 1 - high, 1 - low
