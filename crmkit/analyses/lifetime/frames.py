"""From counted histories to fitted models and the frames of the result."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.lifetime.options import Options
from crmkit.btyd import purchasing, spending
from crmkit.btyd.forecast import Customers, Forecast, cumulative, totals
from crmkit.btyd.likelihood import Estimate, Floats
from crmkit.btyd.purchasing import PurchasingFit
from crmkit.btyd.spending import SpendingFit
from crmkit.stats import SMALL

__all__ = [
    "HIGHEST",
    "LOST",
    "History",
    "Holdout",
    "alive",
    "deciles",
    "gone",
    "history",
    "holdout",
    "parameters",
    "tracking",
    "whole",
]

LOST = 0.3
"""Below this P(alive) a customer is called probably lost."""
HIGHEST = 7
"""Customers with this many repeat purchases or more are one class."""


@dataclass(frozen=True, kw_only=True)
class History:
    """What the engine counted: customers now, as they were at the cut, and what they did since.

    `starts` and `course` count first and repeat purchases by period (first, n), and whether by
    customers who were there at the cut (`early`).
    """

    now: Customers
    then: Customers
    since: Floats
    starts: pd.DataFrame
    course: pd.DataFrame
    cut: int
    weeks: int


@dataclass(frozen=True, kw_only=True)
class Holdout:
    """How the model, fitted on the weeks before, did on the weeks held out."""

    weeks: int
    customers: int
    actual: float
    expected: Estimate
    mean_absolute_error: float
    classes: pd.DataFrame
    course: pd.DataFrame

    @property
    def error(self) -> float:
        """Expected over actual, minus 1."""
        return self.expected.value / self.actual - 1 if self.actual else float("nan")


def history(raw: pd.DataFrame, options: Options) -> History:
    """The engine's rows as arrays, times in weeks."""
    whole = ["first", "last", "x", "last_then", "x_then", "cut", "n"]
    raw = raw.astype(dict.fromkeys(whole, "int64") | {"spent": "float64"})
    people = raw[raw.kind == "customer"].sort_values([*whole, "spent"], ignore_index=True)
    course = raw[raw.kind == "period"].sort_values("first", ignore_index=True)
    cut = int(raw.cut.iloc[0]) if len(raw) else options.last
    early = people[people["first"] <= cut]
    return History(
        now=_customers(people, "last", "x", options.last, options),
        then=_customers(early, "last_then", "x_then", cut, options),
        since=(early.x - early.x_then).to_numpy(dtype=float),
        starts=_by_period(people),
        course=_by_period(course),
        cut=cut,
        weeks=(options.last - cut) // options.week,
    )


def _by_period(rows: pd.DataFrame) -> pd.DataFrame:
    early = rows.assign(early=rows.x_then >= 0)
    return early.groupby(["first", "early"], as_index=False)[["n"]].sum()


def _customers(rows: pd.DataFrame, last: str, x: str, end: int, options: Options) -> Customers:
    first = rows["first"].to_numpy()
    return Customers(
        x=rows[x].to_numpy(dtype=float),
        recency=(rows[last].to_numpy() - first) / options.week,
        age=(end - first) / options.week,
        spent=rows.spent.to_numpy(dtype=float),
        weights=rows.n.to_numpy(dtype=float),
    )


def repeaters(who: Customers) -> int:
    """Customers with a repeat purchase."""
    return int(who.weights[who.x > 0].sum())


def fit_purchases(who: Customers) -> PurchasingFit | None:
    """The BG/NBD fit, customers alike counted together; None where it cannot be."""
    if repeaters(who) < SMALL:
        return None
    rows = pd.DataFrame({"x": who.x, "recency": who.recency, "age": who.age, "n": who.weights})
    alike = rows.groupby(["x", "recency", "age"], as_index=False).n.sum()
    fit = purchasing.fit(alike.x, alike.recency, alike.age, alike.n)
    return fit if fit.maximum.converged else None


def fit_spending(who: Customers) -> SpendingFit | None:
    """The Gamma-Gamma fit on customers with repeat purchases; None where it cannot be."""
    paid = (who.x > 0) & (who.spent > 0)
    if who.weights[paid].sum() < SMALL:
        return None
    fit = spending.fit(who.x[paid], who.spent[paid] / who.x[paid], who.weights[paid])
    return fit if fit.maximum.converged else None


def parameters(buying: PurchasingFit, paying: SpendingFit) -> pd.DataFrame:
    """Each parameter of both models with its interval; `edge` where the data cannot tell it."""
    found = [("BG/NBD", buying.estimates()), ("Gamma-Gamma", paying.estimates())]
    return pd.DataFrame(
        [
            (model, name, e.value, e.low, e.high, bool(np.isnan(e.low)))
            for model, estimates in found
            for name, e in estimates.items()
        ],
        columns=["model", "name", "estimate", "low", "high", "edge"],
    )


def correlation(who: Customers) -> float:
    """Correlation of number and mean amount of repeat purchases, which the model takes as none."""
    again = who.x > 0
    x, mean, n = who.x[again], who.spent[again] / who.x[again], who.weights[again]
    if len(x) == 0 or np.ptp(x) == 0 or np.ptp(mean) <= 1e-12 * mean.max():
        return float("nan")
    covariance = np.cov(x, mean, aweights=n, bias=True)
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def deciles(who: Customers, seen: Forecast) -> pd.DataFrame:
    """Tenths of the customers by value, the most valuable first.

    Customers alike lie in one row; a row over a border is divided, so the tenths are exact.
    """
    order = np.argsort(-seen.value, kind="stable")
    weights = who.weights[order]
    borders = np.append(0.0, np.cumsum(weights))
    cuts = np.rint(np.arange(11) * borders[-1] / 10)

    def part(each: Floats) -> Floats:
        return np.diff(np.interp(cuts, borders, np.append(0.0, np.cumsum(each[order] * weights))))

    customers, value = np.diff(cuts), part(seen.value)
    frame = pd.DataFrame(
        {
            "decile": np.arange(1, 11),
            "customers": customers.astype("int64"),
            "expected_purchases": part(seen.purchases) / customers,
            "p_alive": part(seen.p_alive) / customers,
            "value": value,
            "share": value / value.sum(),
        }
    )
    if not np.isclose(frame.value.sum(), seen.total_value.value):
        raise AssertionError("the tenths do not add up to the total value")
    return frame


def alive(buying: PurchasingFit, who: Customers) -> pd.DataFrame:
    """P(alive) by repeat purchases and weeks since the last, at the median age of repeaters."""
    again = np.flatnonzero(who.x > 0)
    order = again[np.argsort(who.age[again], kind="stable")]
    half = np.searchsorted(np.cumsum(who.weights[order]), who.weights[order].sum() / 2)
    age = float(who.age[order][half])
    step = max(1, int(age // 8))
    gaps = np.arange(0, int(age) + 1, step, dtype=float)
    grid = pd.MultiIndex.from_product(
        [np.arange(1, HIGHEST + 1), gaps.astype(int)], names=["repeats", "weeks_since"]
    ).to_frame(index=False)
    gone = grid.weeks_since.to_numpy(dtype=float)
    return grid.assign(age=age, p_alive=buying.model.p_alive(grid.repeats, age - gone, age))


def holdout(found: History, options: Options) -> Holdout | None:
    """The model fitted up to the cut, held against the weeks after it; None where it cannot be."""
    buying = fit_purchases(found.then) if found.weeks else None
    if buying is None:
        return None
    who, n = found.then, found.then.weights
    kinds = np.minimum(who.x, HIGHEST)
    groups = np.stack([np.ones(len(n)), *(kinds == k for k in range(HIGHEST + 1))]).astype(float)
    each, (total, *by_class) = totals(buying, who, float(found.weeks), groups)
    customers, actual = groups @ n, groups @ (n * found.since)
    classes = pd.DataFrame(
        {
            "repeats": np.arange(HIGHEST + 1),
            "customers": customers[1:].astype("int64"),
            "actual": actual[1:],
            "expected": [e.value for e in by_class],
            "low": [e.low for e in by_class],
            "high": [e.high for e in by_class],
        }
    )
    classes = classes[classes.customers > 0].reset_index(drop=True)
    per = ["actual", "expected", "low", "high"]
    classes[per] = classes[per].div(classes.customers, axis=0)
    course = _early(found).course
    later = course[course["first"] > found.cut].n.sum()
    if float(later) != float(actual[0]):
        raise AssertionError(f"{later} purchases by week, {actual[0]} by customer in the holdout")
    return Holdout(
        weeks=found.weeks,
        customers=int(customers[0]),
        actual=float(actual[0]),
        expected=total,
        mean_absolute_error=float(n @ np.abs(each - found.since) / customers[0]),
        classes=classes,
        course=tracking(_early(found), buying, options),
    )


def _early(found: History) -> History:
    """Only the customers who were there at the cut."""
    starts, course = found.starts, found.course
    return replace(found, starts=starts[starts.early], course=course[course.early])


def whole(found: History, options: Options) -> History:
    """Everything up to the last day, nothing held out."""
    return replace(found, cut=options.last, weeks=0)


def tracking(found: History, buying: PurchasingFit, options: Options) -> pd.DataFrame:
    """Cumulative repeat purchases by week, actual and expected from each customer's start."""
    week = options.week
    begin = int(found.starts["first"].min())
    back = np.arange(found.cut, begin, -week)[::-1]
    ends = np.append(back, np.arange(found.cut + week, options.last + 1, week))
    course = found.course.groupby("first", as_index=False)[["n"]].sum()
    done = np.append(0.0, course.n.cumsum().to_numpy(dtype=float))
    actual = done[np.searchsorted(course["first"].to_numpy(), ends, side="right")]
    expected = cumulative(
        buying.model,
        found.starts["first"].to_numpy(dtype=float) / week,
        found.starts.n.to_numpy(dtype=float),
        ends / week,
    )
    days = [periods.period_start(int(end) + 1, options.unit) - pd.Timedelta(days=1) for end in ends]
    return pd.DataFrame(
        {
            "week": np.arange(1, len(ends) + 1),
            "day": days,
            "held_out": ends > found.cut,
            "actual": actual,
            "expected": expected,
        }
    )


def gone(who: Customers, seen: Forecast) -> tuple[int, float]:
    """Valuable customers who are probably lost, and what they had spent on repeat purchases.

    Valuable is the fifth of repeat customers who spent most (ties count in), probably lost a
    P(alive) below `LOST`.
    """
    again = np.flatnonzero(who.x > 0)
    order = again[np.argsort(-who.spent[again], kind="stable")]
    reached = np.cumsum(who.weights[order])
    border = who.spent[order][np.searchsorted(reached, reached[-1] / 5)]
    lost = (who.x > 0) & (who.spent >= border) & (seen.p_alive < LOST)
    return int(who.weights[lost].sum()), float(who.weights[lost] @ who.spent[lost])
