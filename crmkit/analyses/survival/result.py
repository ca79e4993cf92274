"""The result of a survival analysis."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit import text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.kaplan_meier import LogRank, each
from crmkit.periods import Period
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import message, number, percent, say, span

__all__ = ["Survival"]

_AFTER = {
    "day": message("{n} days"),
    "week": message("{n} weeks"),
    "month": message("{n} months"),
    "quarter": message("{n} quarters"),
    "year": message("{n} years"),
}
_ACROSS = {
    "day": message("Days"),
    "week": message("Weeks"),
    "month": message("Months"),
    "quarter": message("Quarters"),
    "year": message("Years"),
}
DRAWN = 6
"""Groups drawn at most, the largest ones."""


@dataclass(frozen=True, kw_only=True)
class Survival(Result):
    """How long customers stay or take to return; see `survival` for the frames."""

    curve: pd.DataFrame = field(repr=False)
    points: pd.DataFrame = field(repr=False)
    groups: pd.DataFrame = field(repr=False)
    group_curves: pd.DataFrame = field(repr=False)
    group_points: pd.DataFrame = field(repr=False)
    log_rank: LogRank | None
    dropped: int
    unit: Period
    returning: bool
    by: str | None
    decisions: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is no duration to look at."""
        return self.curve.empty

    @property
    def total(self) -> int:
        """Customers observed."""
        return 0 if self.empty else int(self.curve.at_risk.iloc[0])

    def length(self, duration: float) -> str:
        """A duration with its unit."""
        return say(_AFTER[self.unit], n=number(duration, 0 if float(duration).is_integer() else 1))

    @property
    def known(self) -> pd.DataFrame:
        """The reported durations that can be observed."""
        return self.points[self.points.survival.notna()]

    @property
    def headline(self) -> str:
        """The share at the reported durations, and the difference between groups."""
        if self.empty:
            return say("There is no customer whose duration is known.")
        if self.known.empty:
            return say(
                "{n} customers are known; none was followed as long as asked.",
                n=number(self.total),
            )
        said = [self._said(point) for point in each(self.known)][:3]
        words = {"n": number(self.total), "list": "; ".join(said)}
        if self.returning:
            return say("Share of {n} customers who came back: {list}.", **words)
        return say("Share of {n} customers still there: {list}.", **words)

    def _said(self, point: Any) -> str:
        share, low, high = self._share(point)
        limits = span(low, high)
        words = {
            "length": self.length(point.duration),
            "rate": f"{percent(share)} ({limits})" if limits else percent(share),
        }
        if self.returning:
            return say("{rate} within {length}", **words)
        return say("{rate} after {length}", **words)

    def _share(self, point: Any) -> tuple[float, float, float]:
        """What a reader looks at: the share still there, or the share that has come back."""
        if self.returning:
            return 1 - point.survival, 1 - point.high, 1 - point.low
        return point.survival, point.low, point.high

    def _shares(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.returning:
            turned = {"rate": 1 - frame.survival, "low": 1 - frame.high, "high": 1 - frame.low}
            return frame.assign(**turned)
        return frame.assign(rate=frame.survival)

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        what = (
            (
                say("Return"),
                say("The next calendar day with activity after the customer's first day."),
            )
            if self.returning
            else (say("End"), say("As the table says; all others are still there."))
        )
        items = [
            what,
            (
                say("Still open"),
                say("Counts for as long as it was observed (estimate of Kaplan and Meier)."),
            ),
            (say("Interval"), say("95%, on the log-log scale, variance of Greenwood.")),
            (say("Beyond the data"), say("Durations longer than any observed are blank.")),
            (
                say("Left out"),
                say("{n} rows without a customer or a usable duration.", n=number(self.dropped)),
            ),
        ]
        if self.by is not None:
            items.append((say("Groups"), say("Compared by the log-rank test.")))
        if self.decisions:
            day, zone = self.decisions
            items.append((say("Data until"), say("{day}, included", day=text.day(day))))
            items.append((say("Clock"), say("Calendar days in the time zone {zone}.", zone=zone)))
        return Definition(tuple(items))

    def _name(self, group: object) -> str:
        return group if isinstance(group, str) else say("unknown")

    def tables(self) -> Mapping[str, Table]:
        """The shares at the durations, and the groups."""
        label = say("Have come back") if self.returning else say("Still there")
        columns = (
            Column("duration", say(_ACROSS[self.unit]), kind="number"),
            Column("at_risk", say("Still observed"), kind="count"),
            Column("rate", label, kind="rate", low="low", high="high", n="at_risk"),
        )
        caption = say("Customers after each duration.")
        found = {"points": Table("survival", caption, self._shares(self.points), columns)}
        if self.by is not None:
            points = self._shares(self.group_points)
            points = points.assign(name=[self._name(g) for g in points.group])
            by = (Column("name", say("Group")), *columns)
            groups = say("Groups after each duration.")
            found["group_points"] = Table("survival-group-points", groups, points, by)
        found["groups"] = self._groups_table()
        return found

    def _groups_table(self) -> Table:
        everyone = self.by is None
        names = [say("All customers") if everyone else self._name(g) for g in self.groups.group]
        columns = (
            Column("name", say("Group")),
            Column("n", say("Customers"), kind="count"),
            Column("ended", say("Came back") if self.returning else say("Ended"), kind="count"),
            Column(
                "median",
                say("Median ({unit})", unit=say(_ACROSS[self.unit])),
                kind="number",
                low="median_low",
                high="median_high",
                n="n",
            ),
        )
        note = ""
        if self.log_rank is not None:
            note = say(
                "Log-rank test over the groups: chi-squared {chi2}, {df} degrees of freedom, "
                "p {p}.",
                chi2=number(self.log_rank.chi2, 2),
                df=number(self.log_rank.df),
                p=_small(self.log_rank.p),
            )
        caption = say("Medians; blank where half has not been reached.")
        return Table("survival-groups", caption, self.groups.assign(name=names), columns, note=note)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The curve of all, and those of the groups."""
        found: dict[str, Callable[[], Figure]] = {"curve": self._curve}
        if self.by is not None:
            found["groups"] = self._group_curves
        return found

    def _curve(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        return draw.curves(
            _from_start(self._shares(self.curve), returning=self.returning),
            x="duration",
            y="rate",
            low="low",
            high="high",
            name="survival",
            title=self.headline,
            subtitle=self._subtitle(),
            alt="; ".join(self._said(point) for point in each(self.known)),
            steps=True,
            across=say(_ACROSS[self.unit]),
        )

    def _subtitle(self) -> str:
        if self.returning:
            return say("Share of customers that has come back, with 95% interval.")
        return say("Share of customers still there, with 95% interval.")

    def _group_curves(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        largest = self.groups.sort_values(["n", "group"], ascending=[False, True]).head(DRAWN)
        parts = []
        for group in largest.group:
            own = (
                self.group_curves.group.isna()
                if pd.isna(group)
                else (self.group_curves.group == group)
            )
            shares = self._shares(self.group_curves[own])
            parts.append(
                _from_start(shares, returning=self.returning).assign(line=self._name(group))
            )
        frame = pd.concat(parts)
        names = [self._name(group) for group in largest.group]
        return draw.curves(
            frame,
            x="duration",
            y="rate",
            by="line",
            low="low",
            high="high",
            accent=names[:2],
            name="survival-groups",
            title=self._group_title(),
            subtitle=self._subtitle(),
            alt=self._group_title(),
            steps=True,
            across=say(_ACROSS[self.unit]),
        )

    def _extremes(self) -> tuple[Any, Any] | None:
        """The groups with the highest and the lowest share at the first duration both reach."""
        points = self._shares(self.group_points).dropna(subset="rate")
        if points.empty:
            return None
        first = points[points.duration == points.duration.iloc[0]].sort_values("rate")
        return (first.iloc[-1], first.iloc[0]) if len(first) > 1 else None

    def _group_title(self) -> str:
        extremes = self._extremes()
        if extremes is None:
            return self.headline
        best, worst = extremes
        return say(
            "After {length}: {best} {high}, {worst} {low}",
            length=self.length(best.duration),
            best=self._name(best.group),
            high=percent(best.rate),
            worst=self._name(worst.group),
            low=percent(worst.rate),
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The shares at the reported durations."""
        label = (
            message("Came back within {length}")
            if self.returning
            else message("Still there after {length}")
        )
        figures = []
        for point in each(self.known):
            share, low, high = self._share(point)
            figures.append(
                KeyFigure(
                    name=f"survival_{point.duration:g}",
                    label=say(label, length=self.length(point.duration)),
                    value=float(share),
                    kind="rate",
                    low=None if pd.isna(low) else float(low),
                    high=None if pd.isna(high) else float(high),
                )
            )
        return tuple(figures)

    def findings(self) -> tuple[Finding, ...]:
        """The groups that differ most, where the test says that they do."""
        extremes = self._extremes()
        if self.log_rank is None or self.log_rank.p >= 0.05 or extremes is None:
            return ()
        action = say(
            "Ask what {best} does differently before spending on {worst}.",
            best=self._name(extremes[0].group),
            worst=self._name(extremes[1].group),
        )
        weight = float(extremes[0].rate - extremes[1].rate) * 0.5
        return (Finding(words=self._group_title(), action=action, weight=weight),)


def _small(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {number(p, 3)}"


def _from_start(curve: pd.DataFrame, *, returning: bool) -> pd.DataFrame:
    """The curve with its beginning: nobody gone, nobody back."""
    if curve.empty or curve.duration.iloc[0] == 0:
        return curve
    rate = 0.0 if returning else 1.0
    start = pd.DataFrame({"duration": [0.0], "rate": [rate], "low": [rate], "high": [rate]})
    return pd.concat([start, curve], ignore_index=True)
