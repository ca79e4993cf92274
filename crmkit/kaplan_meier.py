"""The arithmetic of survival on counts by duration: Kaplan-Meier, medians, the log-rank test."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats as distributions

__all__ = ["LogRank", "at_times", "each", "kaplan_meier", "log_log", "log_rank", "medians"]

Floats = npt.NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class LogRank:
    """The test that all groups survive alike."""

    chi2: float
    df: int
    p: float


def each(frame: pd.DataFrame) -> Iterable[Any]:
    """The rows of a small frame, to be put into words."""
    return frame.itertuples()


def log_log(share: npt.ArrayLike, error: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Interval of a survival share, symmetric on the scale log(-log S).

    Parameters: `share`, S; `error`, the standard error of log S (Greenwood's sum, its root).
    Returns: lower and upper limits, inside 0 and 1; nan where S is 0 or 1.
    """
    s = np.asarray(share, dtype=float)
    z = distributions.norm.ppf(0.5 + LEVEL / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = z * np.asarray(error, dtype=float) / np.abs(np.log(s))
        low, high = s ** np.exp(width), s ** np.exp(-width)
    inner = (s > 0) & (s < 1)
    return np.where(inner, low, np.nan), np.where(inner, high, np.nan)


def kaplan_meier(counts: pd.DataFrame) -> pd.DataFrame:
    """The product-limit estimate of one group (Kaplan and Meier 1958), from its counts.

    Parameters: `counts`, one row a duration: duration, n (all that ended or left observation
    there), ended.
    Returns: duration, at_risk, ended, censored, survival, low, high. Who leaves observation at a
    duration was at risk there.
    """
    rows = counts.sort_values("duration", ignore_index=True)
    total = rows.n.sum()
    at_risk = (total - rows.n.cumsum().shift(fill_value=0)).to_numpy(dtype=float)
    ended = rows.ended.to_numpy(dtype=float)
    survival = np.cumprod(1 - ended / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(ended / (at_risk * (at_risk - ended)))
    low, high = log_log(survival, np.sqrt(greenwood))
    return pd.DataFrame(
        {
            "duration": rows.duration,
            "at_risk": at_risk.astype("int64"),
            "ended": rows.ended,
            "censored": rows.n - rows.ended,
            "survival": survival,
            "low": low,
            "high": high,
        }
    )


def medians(curve: pd.DataFrame) -> tuple[float, float, float]:
    """Median duration with its interval (Brookmeyer and Crowley 1982); nan where not reached."""

    def first(below: "pd.Series[bool]") -> float:
        reached = curve.duration[below]
        return float(reached.iloc[0]) if len(reached) else float("nan")

    gone = curve.survival <= 0
    return (
        first(curve.survival <= 0.5),
        first((curve.low <= 0.5) | gone),
        first(curve.high < 0.5),
    )


def at_times(curve: pd.DataFrame, times: tuple[float, ...]) -> pd.DataFrame:
    """The curve at given durations; blank beyond the longest one observed.

    Returns: duration, at_risk (those observed to the duration or beyond), survival, low, high.
    """
    rows = []
    for time in times:
        before = curve[curve.duration <= time]
        beyond = curve[curve.duration >= time]
        if beyond.empty:
            values = (0, np.nan, np.nan, np.nan)
        elif before.empty:
            values = (int(beyond.at_risk.iloc[0]), 1.0, np.nan, np.nan)
        else:
            last = before.iloc[-1]
            values = (int(beyond.at_risk.iloc[0]), last.survival, last.low, last.high)
        rows.append((float(time), *values))
    return pd.DataFrame(rows, columns=["duration", "at_risk", "survival", "low", "high"])


def log_rank(counts: pd.DataFrame) -> LogRank | None:
    """Mantel's log-rank test over the groups of a frame with group, duration, n, ended.

    Returns: chi-squared with (groups - 1) degrees of freedom; None for fewer than two groups or
    where nothing ended.
    """
    groups = counts.group.nunique(dropna=False)
    if groups < 2 or counts.ended.sum() == 0:
        return None
    keyed = counts.assign(group=pd.factorize(counts.group, use_na_sentinel=False)[0])
    left = keyed.pivot_table(index="duration", columns="group", values="n", aggfunc="sum")
    ended = keyed.pivot_table(index="duration", columns="group", values="ended", aggfunc="sum")
    risk = left.fillna(0).to_numpy()[::-1].cumsum(axis=0)[::-1]
    deaths = ended.fillna(0).to_numpy()
    n, d = risk.sum(axis=1), deaths.sum(axis=1)
    share = risk / n[:, None]
    expected = d[:, None] * share
    spread = np.divide(d * (n - d), n - 1, out=np.zeros_like(d, dtype=float), where=n > 1)
    covariance = (
        np.diag((spread[:, None] * share).sum(axis=0)) - (spread[:, None] * share).T @ share
    )
    gap = (deaths - expected).sum(axis=0)[:-1]
    chi2 = float(gap @ np.linalg.pinv(covariance[:-1, :-1]) @ gap)
    return LogRank(chi2=chi2, df=groups - 1, p=float(distributions.chi2.sf(chi2, groups - 1)))
