"""Rates with their intervals as columns of a frame, and what a log lets be known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from crmkit.stats import difference_interval, mean_interval, wilson

__all__ = ["by_size", "change", "summed", "with_mean", "with_rate"]


def with_rate(frame: pd.DataFrame, name: str, part: str, whole: str) -> pd.DataFrame:
    """The frame with a rate and its Wilson interval: `name`, `name_low`, `name_high`.

    NaN where the whole is 0 or either is not known.
    """
    x, n = (frame[column].to_numpy(dtype="float64", na_value=np.nan) for column in (part, whole))
    known = ~(np.isnan(x) | np.isnan(n))
    low, high = wilson(np.where(known, x, 0), np.where(known, n, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return frame.assign(**{name: x / n, f"{name}_low": low, f"{name}_high": high})


def with_mean(
    frame: pd.DataFrame, name: str, total: str, squares: str, n: str, *, unit: float = 1.0
) -> pd.DataFrame:
    """The frame with a mean and its Student interval, from sums in a `unit` of what is told."""
    sums = frame[total].to_numpy(dtype="float64") / unit
    low, high = mean_interval(sums, frame[squares].to_numpy(dtype="float64") / unit**2, frame[n])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums / frame[n].to_numpy(dtype="float64")
    return frame.assign(**{name: mean, f"{name}_low": np.maximum(low, 0), f"{name}_high": high})


def summed(cells: pd.DataFrame, by: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Sums of counts by some columns; no name is a group of its own."""
    grouped = cells.groupby(list(by), dropna=False, sort=True)
    return grouped[list(columns)].sum().reset_index()


def by_size(frame: pd.DataFrame, measure: str, *names: str) -> pd.DataFrame:
    """The largest first; equals by name."""
    order = [False, *(True for _ in names)]
    return frame.sort_values([measure, *names], ascending=order, ignore_index=True)


def change(frame: pd.DataFrame, name: str, part: str, whole: str) -> "tuple[float, float, float]":
    """The difference of a rate between the first two rows, with its interval; nan if not known."""
    unknown = (float("nan"),) * 3
    if len(frame) < 2:
        return unknown
    now: pd.Series[Any] = frame.iloc[0]
    before: pd.Series[Any] = frame.iloc[1]
    if pd.isna(now[name]) or pd.isna(before[name]):
        return unknown
    low, high = difference_interval(now[part], now[whole], before[part], before[whole])
    return float(now[name] - before[name]), low, high
