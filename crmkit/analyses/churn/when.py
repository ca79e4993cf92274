"""When: the chance of another order, given how long a customer has been silent."""

import datetime as dt

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.kaplan_meier import kaplan_meier, log_log
from crmkit.purchases import purchases

__all__ = ["conditional", "silences"]

SILENT = (0, 15, 30, 45, 60, 90, 120, 180)


def silences(orders: ir.Table, *, as_of: dt.date, timezone: str) -> ir.Table:
    """Days between orders of each customer, and from the last one to the end: counts by length.

    Returns: duration, n, ended (another order came).
    """
    bought, end = purchases(orders), periods.day_end(as_of, timezone)
    bought = bought.filter(bought.ordered_at < end)
    day = periods.day_number(bought.ordered_at, timezone, until=end)
    days = bought.select("customer_id", day=day).distinct()
    following = days.day.lead().over(group_by="customer_id", order_by="day")
    days = days.mutate(following=following)
    today = (as_of - dt.date(1970, 1, 1)).days
    rows = days.mutate(
        duration=ibis.coalesce(days.following, ibis.literal(today)) - days.day,
        ended=(~days.following.isnull()).ifelse(1, 0),
    )
    return rows.group_by("duration").aggregate(n=rows.count(), ended=rows.ended.sum())


def conditional(
    counts: pd.DataFrame, within: int, silent: tuple[int, ...] = SILENT
) -> pd.DataFrame:
    """For each length of silence: at_risk, and the chance of an order within so many days more.

    Kaplan-Meier over all silences, those not over as censored; the interval is symmetric on the
    scale log(-log S), by Greenwood's sum over the days in question.
    Returns: silent, at_risk, returns, returns_low, returns_high; blank where nobody was watched
    for so long.
    """
    columns = ["silent", "at_risk", "returns", "returns_low", "returns_high"]
    known = counts[counts.duration > 0]
    if known.empty:
        return pd.DataFrame(columns=columns)
    curve = kaplan_meier(known)
    found = []
    for length in silent:
        beyond = curve[curve.duration > length]
        inside = beyond[beyond.duration <= length + within]
        if beyond.empty or beyond.duration.max() < length + within:
            continue
        at_risk, ended = inside.at_risk.to_numpy(float), inside.ended.to_numpy(float)
        stays = float(np.prod(1 - ended / at_risk))
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(np.sum(ended / (at_risk * (at_risk - ended))))
        low, high = log_log(stays, error)
        found.append(
            (length, int(beyond.at_risk.iloc[0]), 1 - stays, 1 - float(high), 1 - float(low))
        )
    return pd.DataFrame(found, columns=columns)
