"""Customers, cost, worth and conversion of each channel, from the counts that the engine gave."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from crmkit.analyses.channels.span import Span
from crmkit.periods import number_of
from crmkit.stats import holm, mean_interval, poisson_interval, two_proportions, wilson

__all__ = ["ALL", "Asked", "Counts", "by_age", "measured", "paybacks"]

ALL = "*"
"""The key of all channels together."""
_Z = float(ndtri(0.975))
_LEAST = 30


class Counts:
    """The engine's counts by part, period and channel; an unknown channel is the empty string."""

    def __init__(self, raw: pd.DataFrame, span: Span) -> None:
        numbers = dict.fromkeys(("span", "age", "until", "touched", "n", "hits"), "float64")
        given = raw.astype(numbers).assign(channel=raw.channel.fillna(""))
        order = ["part", "channel", "span", "age", "until", "touched"]
        self.raw = given.sort_values(order, kind="stable")  # engines give rows in any order
        self.span = span

    def together(self) -> "Counts":
        """The same counts with all channels taken as one."""
        return Counts(self.raw.assign(channel=ALL), self.span)

    def has(self, part: str) -> bool:
        """Whether the part was asked for."""
        return bool((self.raw.part == f"first_{part}").any())

    def first_day(self, part: str) -> float:
        """The number of the first day that a part's table tells of; nan where it is empty."""
        return float(self.raw.loc[self.raw.part == f"first_{part}", "span"].max())

    def rows(
        self, part: str, span: int = 0, age: int | None = None, until: int | None = None
    ) -> pd.DataFrame:
        """Sums of one part and period by channel: n, hits, total, squares.

        Parameters: `age`, by which the period is moved back; `until`, up to which age of customers
        purchases count, `age` by default.
        """
        found = self.raw[(self.raw.part == part) & (self.raw.span == span)]
        if age is not None:
            found = found[(found.age == age) & (found.until == (until or age))]
        if part == "credit":
            found = found[found.touched == 1]
        return found.groupby("channel")[["n", "hits", "total", "squares"]].sum()

    def complete(self, part: str, span: int, age: int = 0) -> bool:
        """Whether the part's table tells of the whole period, moved back by an age."""
        return self.first_day(part) <= number_of(self.span.starts(span, age), "day")

    def horizon(self, most: int) -> int:
        """The longest age, in months of 30 days, whose customers the tables tell of all."""
        months = [30 * month for month in range(most // 30, 0, -1)]
        return next((age for age in months if self.complete("won", 0, age)), 30)

    @property
    def channels(self) -> list[str]:
        """Every channel of this period and the one before, in any part."""
        now = self.raw[self.raw.part.isin(["won", "spend", "credit", "aged"])]
        now = now[now.span.isin([0, -1])]
        now = now[(now.part != "credit") | (now.touched == 1)]
        return sorted(set(now.channel))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of customers: ages in days, the horizon of their value, and the margin."""

    ages: tuple[int, ...]
    repeat_age: int
    horizon: int
    margin: float


def measured(counts: Counts, asked: Asked) -> pd.DataFrame:
    """One row for each channel with everything that is known of it."""
    frame = pd.DataFrame(index=pd.Index(counts.channels, name="channel"))
    frame = frame.join(_customers(counts)).join(_money(counts))
    customers, cost = frame.customers.fillna(0), frame.cost
    frame["kind"] = np.select(
        [(cost > 0) & (customers > 0), cost > 0, customers > 0],
        ["paid", "spend_only", "organic"],
        "",
    )
    frame = frame.join(_cost_of_customers(frame)).join(_credit(counts, frame.cost))
    frame = frame.join(_repeat(counts, asked.repeat_age))
    for age in asked.ages:
        frame = frame.join(_value(counts, age).add_suffix(f"_{age}"))
    worth = _value(counts, asked.horizon).reindex(frame.index)
    frame = frame.join(_ratio(worth, frame, asked.margin).add_prefix("ltv_cac"))
    frame.insert(0, "ltv", asked.margin * worth.value)
    frame["ltv_n"] = worth.n.fillna(0)
    return frame.reset_index()


def _customers(counts: Counts) -> pd.DataFrame:
    now = counts.rows("won").n.reindex(counts.channels).fillna(0)
    total = float(now.sum())
    low, high = poisson_interval(now)
    share_low, share_high = wilson(now, total)
    before = counts.rows("won", -1).n.reindex(counts.channels).fillna(0)
    known = counts.complete("won", -1)
    return pd.DataFrame(
        {
            "customers": now,
            "customers_low": low,
            "customers_high": high,
            "share": now / total if total else np.nan,
            "share_low": share_low,
            "share_high": share_high,
            "customers_before": before if known else np.nan,
        }
    )


def _money(counts: Counts) -> pd.DataFrame:
    cost = counts.rows("spend").total.reindex(counts.channels)
    before = counts.rows("spend", -1).total.reindex(counts.channels)
    known = counts.has("spend") and counts.complete("spend", -1)
    return pd.DataFrame({"cost": cost, "cost_before": before if known else np.nan})


def _cost_of_customers(frame: pd.DataFrame) -> pd.DataFrame:
    """Cost per new customer; the interval takes the number won as a Poisson count."""
    paid = frame.cost.where((frame.cost > 0) & (frame.customers > 0))
    before = frame.cost_before.where(frame.cost_before > 0)
    return pd.DataFrame(
        {
            "cac": paid / frame.customers.where(frame.customers > 0),
            "cac_low": paid / frame.customers_high,
            "cac_high": paid / frame.customers_low.where(frame.customers_low > 0),
            "cac_before": before / frame.customers_before.where(frame.customers_before > 0),
        }
    )


def _credit(counts: Counts, cost: "pd.Series[float]") -> pd.DataFrame:
    """Purchases and money by the date of the touch they are credited to, against its cost.

    Sums over customers are taken as compound Poisson: the variance of a sum is the sum of squares.
    """
    if not counts.has("credit"):
        return pd.DataFrame(np.nan, index=cost.index, columns=_CREDIT)
    rows = counts.rows("credit").reindex(cost.index).fillna(0)
    paid = cost.where(cost > 0)
    orders, revenue = rows.n.where(rows.n > 0), rows.total.where(rows.total > 0)
    by_orders = _factor(rows.hits**0.5 / orders)
    by_money = _factor(rows.squares**0.5 / revenue)
    before = counts.rows("credit", -1).reindex(cost.index)
    spent = counts.rows("spend", -1).total.reindex(cost.index)
    known = counts.complete("credit", -1) and counts.complete("spend", -1)
    return pd.DataFrame(
        {
            "orders": rows.n,
            "revenue": rows.total,
            "cpa": paid / orders,
            "cpa_low": paid / orders / by_orders,
            "cpa_high": paid / orders * by_orders,
            "roas": rows.total / paid,
            "roas_low": revenue / paid / by_money,
            "roas_high": revenue / paid * by_money,
            "roas_before": before.total / spent.where(spent > 0) if known else np.nan,
        }
    )[_CREDIT]


_CREDIT = [
    *("orders", "revenue", "cpa", "cpa_low", "cpa_high"),
    *("roas", "roas_low", "roas_high", "roas_before"),
]


def _factor(relative: "pd.Series[float]") -> "pd.Series[float]":
    """By what to multiply and divide for the limits, on the logarithm."""
    return pd.Series(np.exp(_Z * relative), index=relative.index)


def _repeat(counts: Counts, age: int) -> pd.DataFrame:
    """The share who bought at least twice by an age, and whether it differs from the others."""
    rows = counts.rows("aged", 0, age).reindex(counts.channels).fillna(0)
    before = counts.rows("aged", -1, age).reindex(counts.channels)
    n, hits = float(rows.n.sum()), float(rows.hits.sum())
    low, high = wilson(rows.hits, rows.n)
    p = [
        two_proportions(x, k, hits - x, n - k) if k >= _LEAST else np.nan
        for x, k in zip(rows.hits, rows.n, strict=True)
    ]
    known = counts.complete("won", -1, age)
    return pd.DataFrame(
        {
            "aged": rows.n,
            "again": rows.hits / rows.n.where(rows.n > 0),
            "again_low": low,
            "again_high": high,
            "again_rest": (hits - rows.hits) / (n - rows.n).where(n - rows.n > 0),
            "again_p": holm(p),
            "aged_before": before.n if known else np.nan,
            "again_before": before.hits / before.n if known else np.nan,
        }
    )


def _value(counts: Counts, age: int, until: int | None = None) -> pd.DataFrame:
    """Money per customer by an age, with its interval."""
    rows = counts.rows("aged", 0, age, until).reindex(counts.channels).fillna(0)
    before = counts.rows("aged", -1, age, until).reindex(counts.channels)
    low, high = mean_interval(rows.total, rows.squares, rows.n)
    known = counts.complete("won", -1, age)
    return pd.DataFrame(
        {
            "value": rows.total / rows.n.where(rows.n > 0),
            "value_low": low,
            "value_high": high,
            "value_n": rows.n,
            "value_error": _relative_error(rows),
            "value_before": before.total / before.n if known else np.nan,
            "n": rows.n,
        }
    )


def _relative_error(rows: pd.DataFrame) -> "pd.Series[float]":
    """The standard error of a mean over the mean."""
    n = rows.n.where(rows.n > 1)
    mean = rows.total / n
    variance = ((rows.squares - n * mean**2) / (n - 1)).clip(lower=0)
    return pd.Series(np.sqrt(variance / n) / mean.where(mean > 0), index=rows.index)


def _ratio(worth: pd.DataFrame, frame: pd.DataFrame, margin: float) -> pd.DataFrame:
    """Margin per customer over cost per customer, by the delta method on the logarithm."""
    ratio = margin * worth.value / frame.cac
    customers = frame.customers.where(frame.customers > 0)
    spread = _factor((worth.value_error**2 + 1 / customers) ** 0.5)
    return pd.DataFrame({"": ratio, "_low": ratio / spread, "_high": ratio * spread})


def paybacks(counts: Counts, frame: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Margin per customer against its cost by age in months of 30 days, of the same customers.

    Returns: channel, months, n, margin (per customer) with limits, over (margin over cost per new
    customer) with limits.
    """
    parts = []
    costs = frame.set_index("channel")
    for month in range(1, asked.horizon // 30 + 1):
        worth = _value(counts, asked.horizon, 30 * month).reindex(costs.index)
        over = _ratio(worth, costs, asked.margin).add_prefix("over")
        part = pd.DataFrame(
            {
                "months": month,
                "n": worth.n,
                "margin": asked.margin * worth.value,
                "margin_low": asked.margin * worth.value_low,
                "margin_high": asked.margin * worth.value_high,
            }
        ).join(over)
        parts.append(part.reset_index())
    return pd.concat(parts, ignore_index=True)


def by_age(curve: pd.DataFrame) -> pd.DataFrame:
    """The first month in which margin covers cost, with the limits of that month.

    Returns: a row for each channel: payback, payback_low, payback_high; nan where not reached
    within what was observed.
    """

    def first(column: str) -> "pd.Series[float]":
        reached = curve[curve[column] >= 1]
        return reached.groupby("channel").months.min().astype("float64")

    names = pd.Index(curve.channel.unique(), name="channel")
    return pd.DataFrame(
        {
            "payback": first("over").reindex(names),
            "payback_low": first("over_high").reindex(names),
            "payback_high": first("over_low").reindex(names),
        }
    )
