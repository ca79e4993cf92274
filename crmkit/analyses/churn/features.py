"""What a model sees of a customer: a few measures on a scale that suits it."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from crmkit.snapshots import rhythm
from crmkit.text import message, say

__all__ = ["STREAMS", "design", "measures", "name"]

STREAMS = ("events", "calls")

_NAMES = {
    "recency": message("Days since the last order"),
    "recency_squared": message("Days since the last order, curved"),
    "once": message("Bought once"),
    "orders_squared": message("Orders so far, curved"),
    "tenure_squared": message("Days since the first order, curved"),
    "overdue": message("Days since the last order over the usual time"),
    "silent": message("Days without any activity"),
    "orders": message("Orders so far"),
    "spend_per_order": message("Spend an order"),
    "tenure": message("Days since the first order"),
    "orders_change": message("Change of orders, last 30 days"),
    "active_7": message("Activity of 7 days"),
    "active_30": message("Activity of 30 days"),
    "active_change": message("Change of activity, last 30 days"),
    "calls_change": message("Change of conversations, last 30 days"),
    "complaint": message("Complaints"),
    "bad_review": message("Bad reviews"),
    "search_discount": message("Searches for discounts"),
}


def name(feature: str) -> str:
    """A feature for readers."""
    return say(_NAMES[feature]) if feature in _NAMES else feature


def measures(rows: pd.DataFrame) -> pd.DataFrame:
    """The snapshot's columns with those that rules and models share: overdue, changes, spend.

    A change is blank where there was nothing before.
    """
    usual = rhythm(rows)

    def change(now: str, before: str) -> "pd.Series[float]":
        return rows[now] / rows[before].where(rows[before] > 0) - 1

    return rows.assign(
        rhythm=usual,
        overdue=rows.recency / usual,
        orders_change=change("orders_30", "orders_before_30"),
        active_change=change("active_30", "active_before_30"),
        calls_change=change("calls_30", "calls_before_30"),
        spend_per_order=rows.spend / rows.orders,
    )


def design(
    rows: pd.DataFrame, signs: Sequence[str], streams: Collection[str] = STREAMS
) -> pd.DataFrame:
    """The features of a model, from `measures`: logarithms, so that no customer pulls too much.

    Number and age of orders enter curved as well: who bought once an hour ago and who bought once
    a year ago differ by more than a straight line tells.
    """

    def log(column: str) -> "pd.Series[float]":
        return pd.Series(np.log1p(rows[column].astype("float64")), index=rows.index)

    def curve(column: str, usual: float) -> "pd.Series[float]":
        return (log(column) - float(np.log1p(usual))) ** 2

    def change(now: str, before: str) -> "pd.Series[float]":
        return log(now) - log(before)

    columns = {
        "recency": log("recency"),
        "recency_squared": curve("recency", 30),
        "overdue": log("overdue"),
        "orders": log("orders"),
        "orders_squared": curve("orders", 3),
        "once": (rows.orders == 1).astype(float),
        "spend_per_order": log("spend_per_order"),
        "tenure": log("tenure"),
        "tenure_squared": curve("tenure", 365),
        "orders_change": change("orders_30", "orders_before_30"),
    }
    if "events" in streams:
        columns |= {
            "silent": log("silent"),
            "active_7": log("active_7"),
            "active_30": log("active_30"),
            "active_change": change("active_30", "active_before_30"),
            **{sign: log(sign) for sign in signs},
        }
    if "calls" in streams:
        columns["calls_change"] = change("calls_30", "calls_before_30")
    return pd.DataFrame(columns, index=rows.index)
