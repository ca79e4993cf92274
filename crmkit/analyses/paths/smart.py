"""The few routes that lead to a goal: how many conversions each carries, and its lift."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.analyses.paths.span import Span, card, span_of
from crmkit.analyses.paths.trail import Cleaning, trail
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Finding, Result
from crmkit.stats import holm, ratio_interval, two_proportions, wilson
from crmkit.text import number, percent, say

__all__ = ["SmartPaths", "smart_paths"]

ARROW = " → "
_FEWEST = 30
_ASKED = 2000


def smart_paths(
    events: ir.Table,
    *,
    goal: str,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
    clean: Cleaning | None = None,
    longest: int = 4,
    routes: int = 8,
    unit: str = "person",
    gap_minutes: int = 30,
    identities: ir.Table | None = None,
) -> "SmartPaths":
    """The few routes that carry most visits to a goal, and how much oftener they lead there.

    A route is a row of two to `longest` nodes, one directly after another (repeats collapsed),
    before the goal's first time in the visit, or anywhere in a visit that never reaches it. Its
    rate is of the visits with the route; its lift is that rate over the rate of the visits
    without it. Routes are taken by the conversions they carry; one that lies within another
    already taken, or holds it, is left out.

    Parameters: `goal`, a node; `longest`, nodes of a route; `routes`, how many are told; others as
    of `paths`.
    Returns: SmartPaths with `rows`: route, nodes, n (visits with it), units (of them with the
    goal), rate with rate_low and rate_high (Wilson), carried (share of all visits with the goal),
    rest (rate without), lift with lift_low and lift_high, p (two proportions, corrected after Holm
    over all routes that 30 visits have).
    Raises: ParameterError for routes shorter than two nodes, and as of `paths`.

    >>> import datetime, ibis
    >>> day = datetime.datetime(2025, 1, 1)
    >>> visits = [(i, j) for i in range(40) for j in range(3)]
    >>> names = ["search", "view", "buy"]
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": [f"{i:02}{j}" for i, j in visits],
    ...         "customer_id": [f"c{i}" for i, j in visits],
    ...         "occurred_at": [day + datetime.timedelta(minutes=j) for _, j in visits],
    ...         "event": [names[j] for _, j in visits],
    ...     }
    ... )
    >>> smart_paths(rows, goal="buy", as_of="2025-01-01").rows.route.tolist()
    ['search → view']
    """
    if longest < 2 or routes < 1:
        raise ParameterError(f"longest={longest} and routes={routes}: give at least 2 and 1.")
    clean = clean or Cleaning()
    span = span_of(as_of, days, timezone)
    rows = trail(
        events,
        clean,
        start=span.start,
        end=span.end,
        unit=unit,
        gap_minutes=gap_minutes,
        identities=identities,
    )
    raw = _counted(rows, goal, longest).execute()
    whole = raw[raw.route == ""]
    visits, reached = (int(whole.n.sum()), int(whole.units.sum())) if len(whole) else (0, 0)
    tested = _tested(raw[(raw.route != "") & (raw.n >= _FEWEST)], visits, reached)
    return SmartPaths(
        rows=_chosen(tested, routes),
        tried=len(tested),
        visits=visits,
        reached=reached,
        goal=goal,
        longest=longest,
        clean=clean,
        span=span,
        gap_minutes=gap_minutes,
    )


def _counted(rows: ir.Table, goal: str, longest: int) -> ir.Table:
    """Visits and visits with the goal by route; the empty route is all visits."""
    at_goal = (rows.node == goal).ifelse(rows.place, ibis.null("int64"))
    rows = rows.mutate(goal_place=at_goal.min().over(group_by="session"))
    before = rows.filter(rows.goal_place.isnull() | (rows.place < rows.goal_place))
    won = (~rows.goal_place.isnull()).ifelse(1, 0)
    every = rows.mutate(won=won).group_by("session").aggregate(won=ibis._.won.max())
    whole = every.aggregate(n=every.count(), units=ibis.coalesce(every.won.sum(), 0))
    parts = [whole.select(route=ibis.literal(""), n="n", units="units")]
    window = {"group_by": "session", "order_by": "place"}
    chained = before.mutate(
        won=(~before.goal_place.isnull()).ifelse(1, 0),
        **{f"lag_{k}": before.node.lag(k).over(**window) for k in range(1, longest)},
    )
    for length in range(2, longest + 1):
        nodes = [chained[f"lag_{k}"] for k in range(length - 1, 0, -1)]
        route = nodes[0]
        for node in [*nodes[1:], chained.node]:
            route = route + ibis.literal(ARROW) + node
        seen = chained.select("session", "won", route=route)
        seen = seen.filter(~seen.route.isnull()).distinct()
        counts = seen.group_by("route").aggregate(n=seen.count(), units=seen.won.sum())
        top = counts.order_by([ibis.desc("units"), ibis.desc("n"), "route"]).limit(_ASKED)
        parts.append(top.select("route", "n", "units"))
    schema = {"route": "string", "n": "int64", "units": "int64"}
    return ibis.union(*(part.cast(schema) for part in parts))


def _tested(raw: pd.DataFrame, visits: int, reached: int) -> pd.DataFrame:
    raw = raw[raw.n < visits] if len(raw[raw.n < visits]) else raw
    low, high = wilson(raw.units, raw.n)
    frame = raw.assign(
        nodes=[route.count(ARROW) + 1 for route in raw.route],
        rate=raw.units / raw.n,
        rate_low=low,
        rate_high=high,
        carried=raw.units / max(reached, 1),
        rest=(reached - raw.units) / (visits - raw.n).where(raw.n < visits),
    )
    lifts, p = [], []
    for row in records(frame):
        rest_n, rest_units = visits - row.n, reached - row.units
        known = rest_n > 0 and rest_units > 0
        lift = row.rate / (rest_units / rest_n) if known else np.nan
        ends = ratio_interval(row.units, row.n, rest_units, rest_n) if known else (np.nan, np.nan)
        lifts.append((lift, *ends))
        p.append(two_proportions(row.units, row.n, rest_units, rest_n) if rest_n else np.nan)
    frame[["lift", "lift_low", "lift_high"]] = np.array(lifts, dtype=float).reshape(-1, 3)
    tests = np.array(p, dtype=float)
    known_p = ~np.isnan(tests)
    tests[known_p] = holm(tests[known_p]) if known_p.any() else tests[known_p]
    return frame.assign(p=tests)


def _chosen(frame: pd.DataFrame, routes: int) -> pd.DataFrame:
    """The routes that carry most, none within another."""
    taken: list[int] = []
    names: list[str] = []
    order = frame.sort_values(
        ["units", "nodes", "route"], ascending=[False, False, True], kind="stable"
    )
    for place, row in zip(order.index, records(order), strict=True):
        nested = any(_within(row.route, name) or _within(name, row.route) for name in names)
        if row.units and not nested:
            taken.append(place)
            names.append(row.route)
        if len(taken) == routes:
            break
    return frame.loc[taken].reset_index(drop=True)


def _within(short: str, long: str) -> bool:
    return f"{ARROW}{short}{ARROW}" in f"{ARROW}{long}{ARROW}"


@dataclass(frozen=True, kw_only=True)
class SmartPaths(Result):
    """Routes to a goal; see `smart_paths`. `tried` routes were tested, of `visits` visits."""

    rows: pd.DataFrame = field(repr=False)
    tried: int
    visits: int
    reached: int
    goal: str
    longest: int
    clean: Cleaning = field(repr=False)
    span: Span = field(repr=False)
    gap_minutes: int

    @property
    def empty(self) -> bool:
        """Whether no route leads to the goal."""
        return self.rows.empty

    @property
    def sure(self) -> pd.DataFrame:
        """Routes that lead there oftener than other visits, beyond chance; the strongest first."""
        found = self.rows[(self.rows.p < 0.05) & (self.rows.lift > 1)]
        return found.sort_values("lift", ascending=False, kind="stable")

    @property
    def headline(self) -> str:
        """The route that carries most, and how it compares."""
        if self.reached == 0:
            return say(
                "No visit from {start} to {end} reached {goal}.",
                start=text.day(self.span.first),
                end=text.day(self.span.last),
                goal=self.goal,
            )
        if self.empty:
            return say("No route to {goal} was taken by enough visits.", goal=self.goal)
        top = self.rows.iloc[0]
        return say(
            "{carried} of {n} visits to {goal} go by {route}; {rate} of the visits that take it "
            "get there, {rest} of the others.",
            carried=percent(top.carried),
            n=number(self.reached),
            goal=self.goal,
            route=top.route,
            rate=percent(top.rate),
            rest=percent(top.rest),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Route"),
                    say(
                        "Two to {n} nodes, one directly after another, before the first {goal} of "
                        "the visit.",
                        n=number(self.longest),
                        goal=self.goal,
                    ),
                ),
                (say("Lift"), say("The rate with the route over the rate without it.")),
                (
                    say("Chosen"),
                    say("By the conversions they carry; none lies within another; routes overlap."),
                ),
                (
                    say("p"),
                    say(
                        "Two-proportion tests, corrected after Holm over {n} routes that {few} "
                        "visits took.",
                        n=number(self.tried),
                        few=number(_FEWEST),
                    ),
                ),
                (
                    say("Caution"),
                    say("A route to a late step leads there oftener because it is nearer."),
                ),
                *card(self.span, self.clean, self.gap_minutes),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """One row a route, by what it carries."""
        columns = (
            Column("route", say("Route")),
            Column("n", say("Visits"), "count"),
            Column("units", say("Reach the goal"), "count"),
            Column("carried", say("Of all that reach it"), "rate"),
            Column("rate", say("Rate"), "rate", low="rate_low", high="rate_high", n="n"),
            Column("lift", say("Lift"), "number", 2, low="lift_low", high="lift_high"),
            Column("p", say("p after Holm"), "number", 3),
        )
        caption = say("Routes to {goal}", goal=self.goal)
        return {"rows": Table("smart-paths", caption, self.rows, columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The rate of each route with its interval; the line is all visits."""
        return {"rows": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        return draw.dots(
            self.rows,
            label="route",
            value="rate",
            low="rate_low",
            high="rate_high",
            name="smart-paths",
            title=self.headline,
            subtitle=say(
                "Share of visits by each route that reach {goal}, with 95% intervals; the line is "
                "all visits",
                goal=self.goal,
            ),
            alt="; ".join(f"{row.route}: {percent(row.rate)}" for row in records(self.rows)),
            reference=self.reached / self.visits if self.visits else None,
            accent=[str(route) for route in self.sure.route],
        )

    def findings(self) -> tuple[Finding, ...]:
        """The route with the surest lift."""
        if self.empty or self.sure.empty:
            return ()
        top = self.sure.iloc[0]
        return (
            Finding(
                words=say(
                    "Visits by {route} reach {goal} {lift} times as often.",
                    route=top.route,
                    goal=self.goal,
                    lift=number(top.lift, 1),
                ),
                action=say(
                    "Make this route shorter to find, and test whether more visits take it."
                ),
                weight=float(top.carried) / 3,
            ),
        )
