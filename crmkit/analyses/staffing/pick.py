"""Rows of a frame: one by one, and the one that has the most or the least of something."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

__all__ = ["busiest", "each", "least", "most"]


def each(frame: pd.DataFrame) -> Iterable[Any]:
    """The rows, with the columns as attributes."""
    return frame.itertuples()


def most(frame: pd.DataFrame, measure: str) -> "pd.Series[Any]":
    """The row with the largest value, the first of equals."""
    return frame.sort_values(measure, ascending=False, kind="stable").iloc[0]


def least(frame: pd.DataFrame, measure: str) -> "pd.Series[Any]":
    """The row with the smallest value, the first of equals."""
    return frame.sort_values(measure, kind="stable").iloc[0]


def busiest(intervals: pd.DataFrame) -> "pd.Series[Any]":
    """The interval with the most calls for its length, the first of equals."""
    return most(intervals.assign(rate=intervals.forecast / intervals.length), "rate")
