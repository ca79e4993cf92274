"""From counts by cohort and offset to the cells of the triangle, with rates and intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.retention.options import Options
from crmkit.stats import wilson

__all__ = ["Counts", "counts", "dated", "means", "retained", "revenue", "sizes", "with_rates"]

_MEMBER = ["cohort", "group", "complete"]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What the engine counted: by cohort, group, complete windows and offset; and the rest."""

    frame: pd.DataFrame
    starters: int
    dropped: int

    @property
    def periods(self) -> int:
        """How many periods the oldest cohort has begun."""
        return int(self.frame.complete.max()) if len(self.frame) else 0


def counts(raw: pd.DataFrame, options: Options) -> Counts:
    """The engine's rows, checked; on the calendar clock a begun window can be seen."""
    rest = raw[raw.cohort.isna()]
    frame = raw[raw.cohort.notna()].reset_index(drop=True)
    whole = ["cohort", "offset", "members", "customers"]
    frame[whole] = frame[whole].astype("int64")
    if options.clock == "calendar":
        frame["complete"] = options.last - frame.cohort + 1
    frame["complete"] = frame.complete.astype("int64")
    frame["revenue"] = frame.revenue.astype("float64")
    starters, members = int(rest.customers.sum()), int(frame[frame.offset == 0].members.sum())
    fits = {"first": members == starters, "first_ever": members <= starters}
    if not fits.get(options.cohort, members >= starters):
        raise AssertionError(f"{members} members of cohorts, but {starters} customers started")
    return Counts(frame=frame, starters=starters, dropped=int(rest.members.sum()))


def sizes(found: Counts, options: Options, by: list[str]) -> pd.DataFrame:
    """The members of each cohort, and whether it may still grow."""
    starts = found.frame[found.frame.offset == 0]
    sums = starts.groupby(by, dropna=False, as_index=False).agg(n=("members", "sum"))
    return sums.assign(partial=sums.cohort > options.last_complete)


def retained(found: Counts, options: Options) -> pd.DataFrame:
    """One row for each cohort, group and window that can be seen: n, customers, partial."""
    starts = found.frame[found.frame.offset == 0]
    grid = starts[[*_MEMBER, "members"]].merge(options.windows(found.periods), how="cross")
    grid = grid[grid.needed < grid.complete]
    hits = _hits(found.frame, options)
    cells = grid.merge(hits, how="left", on=[*_MEMBER, "period"])
    cells["customers"] = cells.customers.fillna(0).astype("int64")
    if options.criterion == "on_or_after":
        backwards = cells.sort_values([*_MEMBER, "period"], ascending=False)
        reached = backwards.groupby(_MEMBER, dropna=False).customers.cumsum()
        cells["customers"] = reached.reindex(cells.index)
    if not options.same_period:
        cells["customers"] = cells.customers.where(cells.period > 0, cells.members)
    keys = ["cohort", "group", "period", "through"]
    summed = cells.groupby(keys, dropna=False, as_index=False).agg(
        n=("members", "sum"), customers=("customers", "sum")
    )
    if not (summed.customers <= summed.n).all():
        raise AssertionError("more customers came back than there are")
    return summed.assign(partial=_partial(summed, options))


def _hits(frame: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Members that returned, placed on the window in which they did."""
    period = frame.offset
    if options.criterion == "on_or_after":
        period = period.clip(upper=frame.complete - 1)
    elif options.criterion == "brackets":
        period = period.map(
            {k: first for first, last in options.brackets for k in range(first, last + 1)}
        )
    placed = frame.assign(period=period).dropna(subset="period").astype({"period": "int64"})
    return placed.groupby([*_MEMBER, "period"], dropna=False, as_index=False)[["customers"]].sum()


def _partial(cells: pd.DataFrame, options: Options) -> "pd.Series[bool]":
    """A cohort that may still grow, or on the calendar clock a window that is not over."""
    growing = cells.cohort > options.last_complete
    if options.clock == "elapsed":
        return growing
    return growing | (cells.cohort + cells.through > options.last_complete)


def revenue(found: Counts, options: Options) -> pd.DataFrame:
    """Revenue by cohort and period: against period 0, and so far for each member.

    On the elapsed clock both sides are of the members whose period is over.
    """
    known = found.frame.dropna(subset="revenue")
    starts = known[known.offset == 0].rename(columns={"members": "n", "revenue": "base"})
    offsets = pd.DataFrame({"period": np.arange(found.periods)})
    grid = starts[[*_MEMBER, "n", "base"]].merge(offsets, how="cross")
    grid = grid[grid.period < grid.complete]
    earned = known.rename(columns={"offset": "period"})[[*_MEMBER, "period", "revenue"]]
    cells = grid.merge(earned, how="left", on=[*_MEMBER, "period"]).fillna({"revenue": 0.0})
    cells = cells.sort_values([*_MEMBER, "period"])
    cells["so_far"] = cells.groupby(_MEMBER, dropna=False).revenue.cumsum()
    values = ["n", "base", "revenue", "so_far"]
    summed = cells.groupby(["cohort", "period"], as_index=False)[values].sum()
    if options.periods is not None:
        summed = summed[summed.period <= options.periods]
    summed = summed.assign(through=summed.period)
    return summed.assign(
        retention=summed.revenue / summed.base.where(summed.base > 0),
        per_customer=summed.so_far / summed.n,
        partial=_partial(summed, options),
    ).drop(columns=["through", "so_far"])


def with_rates(cells: pd.DataFrame, options: Options) -> pd.DataFrame:
    """The cells with the rate and its Wilson interval; period 0 is 100% by definition."""
    low, high = wilson(cells.customers, cells.n)
    if not options.same_period:
        low = np.where(cells.through == 0, 1.0, low)
    rate = cells.customers / cells.n.where(cells.n > 0)
    return cells.assign(rate=rate, rate_low=low, rate_high=high)


def means(cells: pd.DataFrame, options: Options, by: list[str]) -> pd.DataFrame:
    """The mean of the cohorts, weighted by their size, over cells that are complete."""
    mature = cells[~cells.partial]
    sums = mature.groupby(by, dropna=False, as_index=False).agg(
        cohorts=("cohort", "nunique"), n=("n", "sum"), customers=("customers", "sum")
    )
    return with_rates(sums, options)


def dated(frame: pd.DataFrame, options: Options) -> pd.DataFrame:
    """The frame with the first day of each cohort instead of its number."""
    first = [pd.Timestamp(periods.period_start(n, options.period)) for n in frame.cohort]
    return frame.assign(cohort=pd.Series(first, index=frame.index, dtype="datetime64[us]"))
