"""Did last month's list help? Treated against held out, by reason and action."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy.stats import norm

from crmkit import periods, text
from crmkit.analyses.winback.counts import counts
from crmkit.analyses.winback.qini import Qini, qini
from crmkit.analyses.winback.remedies import Remedy, remedies, written
from crmkit.analyses.winback.uplift import uplift
from crmkit.analyses.winback.winback import reason_words
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.purchases import purchases
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import wilson
from crmkit.text import message, money, number, percent, say, span

__all__ = ["Feedback", "feedback"]

_PRIOR = 0.03
"""How far an action's uplift is thought to lie from the table's, as a standard deviation."""
_NOTHING = Qini(
    reached=np.zeros(1),
    gained=np.full(1, np.nan),
    low=np.full(1, np.nan),
    high=np.full(1, np.nan),
    coefficient=float("nan"),
    p_value=float("nan"),
)
_VERDICTS = {
    "works": message("works"),
    "harms": message("harms"),
    "not yet known": message("not yet known"),
}


def feedback(
    interventions: ir.Table,
    orders: ir.Table,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    days: int = 180,
    horizon_days: int = 30,
    actions: str | Path = "actions",
    scores: ir.Table | None = None,
) -> "Feedback":
    """By how much the actions of past lists raised the chance to buy, and what that was worth.

    Customers who were treated are compared with those who were held out at random. An order counts
    from the instant of the assignment to before the horizon is over. A customer counts once, at the
    first assignment of the `days`. Campaigns (reason "campaign") are no win-back and stay out.

    Parameters: `interventions` and `orders`, canonical; `as_of`, the last day of the data,
    included; `days`, in which the lists were made, up to it; `horizon_days`; `actions`, the table
    of actions in use; `scores`, rows of customer_id, snapshot (a day) and chance, as the lists were
    ranked (else the spend of the year before is taken).
    Returns: Feedback with frames `effects` (reason, action, treated, held, unfinished,
    bought_treated, bought_held, uplift with interval, ratio, p, p_adjusted, verdict, cost, revenue
    a customer with interval, gain, needed) and `learnt` (the table of actions, re-ranked by what
    worked), and the Qini curve `ranking`. Blank where nobody was held out, or nothing is over.
    Raises: ParameterError for days that cannot be.
    Sources: Newcombe (1998) for the difference, Koopman (1984) for the ratio, Holm (1979),
    Radcliffe (2007) for Qini.

    >>> import datetime as dt, ibis
    >>> day = dt.datetime(2025, 1, 1)
    >>> given = ibis.memtable(
    ...     {
    ...         "customer_id": ["a", "b"], "assigned_at": [day] * 2, "reason": ["price"] * 2,
    ...         "action": ["coupon"] * 2, "arm": ["treated", "holdout"], "cost": [1.0, 0.0],
    ...     }
    ... )
    >>> orders = ibis.memtable(
    ...     {
    ...         "order_id": ["1"], "customer_id": ["a"], "ordered_at": [dt.datetime(2025, 1, 9)],
    ...         "amount": [10.0], "refunded": [False],
    ...     }
    ... )
    >>> feedback(given, orders, as_of="2025-03-01").effects.uplift.tolist()
    [1.0]
    """
    if days < 1 or horizon_days < 1:
        raise ParameterError(f"days={days} and horizon_days={horizon_days}: give at least 1.")
    day = periods.day(as_of)
    counted = counts(
        interventions,
        purchases(orders),
        scores,
        begin=periods.day_start(periods.window_start(day, days), timezone),
        end=periods.day_end(day, timezone),
        horizon_days=horizon_days,
        timezone=timezone,
    ).execute()
    effects = _with_money(uplift(counted), counted)
    table = remedies(actions)
    effects = effects.assign(needed=[_needed(row, table) for row in records(effects)])
    return Feedback(
        effects=effects.sort_values("treated", ascending=False, kind="stable", ignore_index=True),
        learnt=_learnt(effects, table),
        table_before=table,
        ranking=_ranked(counted),
        scored=scores is not None,
        both=int(counted.n[counted.arm == "both"].sum()),
        days=days,
        horizon_days=horizon_days,
        as_of=str(day),
    )


def _ranked(counted: pd.DataFrame) -> Qini | None:
    """The Qini curve over the levels of the score, the highest first; None without a full list."""
    rows = counted[counted.over.astype(bool) & counted.arm.isin(["treated", "holdout"])]
    if rows.empty:
        return None
    wide = rows.pivot_table(
        index="level", columns="arm", values=["n", "buyers"], aggfunc="sum", fill_value=0
    ).sort_index()

    def of(what: str, arm: str) -> list[int]:
        return [int(v) for v in wide[what, arm]] if (what, arm) in wide else [0] * len(wide)

    return qini(
        of("n", "treated"), of("buyers", "treated"), of("n", "holdout"), of("buyers", "holdout")
    )


def _with_money(effects: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
    """Add the revenue a customer that the action brought, with Welch's interval, and the gain."""
    over = counted[counted.over.astype(bool)]
    rows = []
    for effect in records(effects):
        part = over[_same(over.reason, effect.reason) & _same(over.action, effect.action)]
        mean, variance = {}, {}
        for arm in ("treated", "holdout"):
            mine = part[part.arm == arm]
            n, total = float(mine.n.sum()), float(mine.revenue.astype(float).sum())
            squares = float(mine.squares.astype(float).sum())
            mean[arm] = total / n if n else np.nan
            spread = max(squares - n * mean[arm] ** 2, 0.0) / (n - 1) if n > 1 else np.nan
            variance[arm] = spread / n if n else np.nan
        more = mean["treated"] - mean["holdout"]
        half = norm.ppf(0.975) * np.sqrt(variance["treated"] + variance["holdout"])
        spent = effect.cost / effect.treated if effect.treated else np.nan
        rows.append((more, more - half, more + half, more - spent))
    columns = ["revenue", "revenue_low", "revenue_high", "gain"]
    return effects.join(pd.DataFrame(rows, columns=columns, index=effects.index, dtype=float))


def _same(values: "pd.Series[str]", value: str | None) -> "pd.Series[bool]":
    return values.isna() if pd.isna(value) else values == value


def _planned(reason: str, action: str, table: tuple[Remedy, ...]) -> Remedy | None:
    """The row of the table that an effect belongs to."""
    known = [remedy for remedy in table if remedy.called(action)]
    mine = [remedy for remedy in known if remedy.reason == reason]
    return next(iter([*mine, *known]), None)


def _needed(effect: Any, table: tuple[Remedy, ...]) -> float:
    """Customers in each arm to see the table's uplift with a power of four in five; nan if none."""
    remedy = _planned(effect.reason, effect.action, table)
    if remedy is None or not effect.held or remedy.uplift <= 0:
        return float("nan")
    base = effect.bought_held / effect.held
    raised = min(base + remedy.uplift, 1.0)
    spread = base * (1 - base) + raised * (1 - raised)
    needed = (norm.ppf(0.975) + norm.ppf(0.8)) ** 2 * spread / (raised - base) ** 2
    return float(np.ceil(needed)) if raised > base else float("nan")


def _learnt(effects: pd.DataFrame, table: tuple[Remedy, ...]) -> pd.DataFrame:
    """The table of actions with what was measured, the highest uplift first.

    The new uplift lies between the old one and the measured one, by how sure the latter is (normal
    prior with a standard deviation of 0.03): a lucky small list does not jump to the top.
    """
    measured: dict[int, list[Any]] = {}
    extra: list[Remedy] = []
    for effect in records(effects):
        remedy = _planned(effect.reason, effect.action, table)
        if remedy is None:
            cost = float(effect.cost / effect.treated) if effect.treated else 0.0
            name = str(effect.action)
            remedy = Remedy(str(effect.reason), name, name, "", 0.0, cost)
            extra.append(remedy)
        measured.setdefault(id(remedy), []).append(effect)
    rows = []
    for remedy in (*table, *extra):
        value, weight, n = remedy.uplift / _PRIOR**2, 1 / _PRIOR**2, 0
        for effect in measured.get(id(remedy), []):
            error = (effect.uplift_high - effect.uplift_low) / (2 * norm.ppf(0.975))
            if error > 0:
                value += effect.uplift / error**2
                weight += 1 / error**2
                n += int(effect.treated)
        rows.append({"remedy": remedy, "before": remedy.uplift, "after": value / weight, "n": n})
    frame = pd.DataFrame(rows, columns=["remedy", "before", "after", "n"])
    return frame.sort_values("after", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Feedback(Result):
    """Whether past lists helped; see `feedback`."""

    effects: pd.DataFrame = field(repr=False)
    learnt: pd.DataFrame = field(repr=False)
    table_before: tuple[Remedy, ...] = field(repr=False)
    ranking: Qini | None = field(repr=False)
    scored: bool
    both: int
    days: int
    horizon_days: int
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether there was no list."""
        return self.effects.empty

    @property
    def known(self) -> pd.DataFrame:
        """The actions of which something can be known."""
        return self.effects[self.effects.uplift.notna()]

    def action_name(self, action: str) -> str:
        """An action for readers."""
        return next((r.name for r in self.table_before if r.called(action)), str(action))

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """The table of actions for the next list, by what worked, as `winback` takes it."""
        return tuple(
            replace(row.remedy, uplift=round(float(row.after), 4)) for row in records(self.learnt)
        )

    def write_remedies(self, path: str | Path) -> Path:
        """Write the table of actions for the next list as CSV."""
        return written(self.remedies, path)

    @property
    def headline(self) -> str:
        """Which actions help, or what is still missing to know."""
        if self.empty:
            return say("No list of the last {n} days: nothing to learn from.", n=number(self.days))
        if self.known.empty:
            if not self.effects.treated.sum() and not self.effects.held.sum():
                return say("No list is {n} days old yet: it is too early to tell.",
                           n=number(self.horizon_days))  # fmt: skip
            return say("Nobody was held out: whether the actions helped cannot be known.")
        works = self.known[self.known.verdict == "works"]
        harms = self.known[self.known.verdict == "harms"]
        if works.empty and harms.empty:
            return say(
                "No action is proven yet: of {n} customers treated, differences lie within chance.",
                n=number(self.known.treated.sum()),
            )
        sure = pd.concat([works, harms]).sort_values("uplift", ascending=False).iloc[0]
        return say(
            "{action} ({reason}) changes the share who buy by {uplift} ({span}).",
            action=self.action_name(sure.action),
            reason=reason_words(sure.reason),
            uplift=_points(sure.uplift),
            span=span(sure.uplift_low, sure.uplift_high),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Lists"),
                    say(
                        "Made in the {n} days up to {day}; campaigns are no part of it.",
                        n=number(self.days),
                        day=text.day(self.as_of),
                    ),
                ),
                (
                    say("Bought"),
                    say(
                        "An order from the assignment on, within {n} days; refunds do not count.",
                        n=number(self.horizon_days),
                    ),
                ),
                (
                    say("Uplift"),
                    say("Share of the treated who bought less that of the held out (Newcombe)."),
                ),
                (
                    say("Verdict"),
                    say("By the pooled test of two shares, corrected after Holm over all actions."),
                ),
                (
                    say("Money"),
                    say("Revenue a customer, treated less held out (Welch); gain is after cost."),
                ),
                (
                    say("Re-ranked"),
                    say(
                        "Between the table's uplift and the measured one, by how sure this is: "
                        "normal prior, standard deviation {sd}.",
                        sd=percent(_PRIOR),
                    ),
                ),
                (
                    say("Left out"),
                    say("{n} customers who were in both arms.", n=number(self.both)),
                ),
            )
        )

    def _named(self) -> pd.DataFrame:
        low, high = wilson(self.effects.held - self.effects.bought_held, self.effects.held)
        held = self.effects.held.where(self.effects.held > 0)
        return self.effects.assign(
            name=[
                f"{reason_words(r.reason)} · {self.action_name(r.action)}"
                for r in records(self.effects)
            ],
            verdict_name=[say(_VERDICTS[v]) for v in self.effects.verdict],
            hit=(self.effects.held - self.effects.bought_held) / held,
            hit_low=low,
            hit_high=high,
            weak=self.effects[["treated", "held"]].min(axis=1) < 30,
        )

    def tables(self) -> Mapping[str, Table]:
        """Effects; the table of actions re-ranked."""
        columns = (
            Column("name", say("Reason and action")),
            Column("treated", say("Treated"), "count", partial="open"),
            Column("held", say("Held out"), "count"),
            Column("uplift", say("Uplift"), "rate", low="uplift_low", high="uplift_high", n="held"),
            Column("verdict_name", say("Verdict")),
            Column("needed", say("Needed in each arm"), "count"),
            Column("gain", say("Gain after cost"), "money", 2),
            Column("hit", say("Held out who did not buy"), "rate", low="hit_low", high="hit_high",
                   n="held", folded=True),
            Column("p_adjusted", say("p after Holm"), "number", 3, folded=True),
            Column("revenue", say("Revenue a customer"), "money", 2, low="revenue_low",
                   high="revenue_high", n="held", folded=True),
        )  # fmt: skip
        frame = self._named().assign(open=self.effects.unfinished > 0)
        learnt = self.learnt.assign(
            name=[
                f"{reason_words(r.remedy.reason)} · {r.remedy.name}" for r in records(self.learnt)
            ]
        )
        shown = (
            Column("name", say("Reason and action")),
            Column("before", say("Uplift before"), "rate"),
            Column("after", say("Uplift now"), "rate"),
            Column("n", say("Treated so far"), "count"),
        )
        return {
            "effects": Table("winback-effects", say("What the actions did"), frame, columns),
            "learnt": Table("winback-learnt", say("Actions by what worked"), learnt, shown),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Uplift by action; the Qini curve."""
        return {"uplift": self._dots, "qini": self._curve}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self._named()
        frame = frame[frame.uplift.notna()]
        return draw.dots(
            frame,
            label="name",
            value="uplift",
            low="uplift_low",
            high="uplift_high",
            weak="weak",
            name="winback-uplift",
            title=self.headline,
            subtitle=say(
                "Share who bought, treated less held out, with 95% intervals; the line is no effect"
            ),
            alt="; ".join(
                f"{row.name} {_points(row.uplift)} ({span(row.uplift_low, row.uplift_high)})"
                for row in records(frame)
            ),
            reference=0.0,
            accent=list(frame.name[frame.verdict != "not yet known"]),
        )

    def _curve(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        curve, chance, r = say("By the score"), say("By chance"), self.ranking or _NOTHING
        frame = pd.concat(
            [
                pd.DataFrame(
                    {"x": r.reached, "y": r.gained, "low": r.low, "high": r.high, "line": curve}
                ),
                pd.DataFrame({"x": r.reached, "y": r.gained[-1:] * r.reached, "line": chance}),
            ],
            ignore_index=True,
        )
        sure = r.p_value < 0.05
        title = (
            say("The score finds those whom the action moves.")
            if sure
            else say("The score finds those whom the action moves no better than chance.")
        )
        if np.isnan(r.p_value):
            title = self.headline
        return draw.curves(
            frame,
            x="x",
            y="y",
            by="line",
            low="low",
            high="high",
            name="winback-qini",
            title=title,
            subtitle=say(
                "Buyers won by the share treated, the highest score first; the band is what a "
                "score that knows nothing gives"
            )
            if self.scored
            else say(
                "Buyers won by the share treated, the highest spender of the year before first; "
                "the band is what chance gives"
            ),
            alt=say("Qini coefficient {value}, p {p}.", value=number(r.coefficient, 4),
                    p=number(r.p_value, 3)),
            accent=[curve],
            dashed=[chance],
            kind="count",
            from_zero=False,
            across=say("Share of customers"),
            write_x=percent,
        )  # fmt: skip

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The uplift of all actions together, weighted by those treated."""
        if self.known.empty:
            return ()
        mean = float(np.average(self.known.uplift, weights=self.known.treated))
        return (
            KeyFigure(
                name="winback_uplift", label=say("Uplift of the actions"), value=mean, kind="rate"
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """What to keep, to stop, and to go on trying."""
        if self.empty:
            return ()
        if self.known.empty:
            return (
                Finding(
                    words=self.headline,
                    action=say("Hold a random tenth of every list out, or nobody can tell."),
                    weight=0.1,
                ),
            )
        return tuple(self._verdict(row) for row in records(self.known))

    def _verdict(self, row: Any) -> Finding:
        words = {
            "action": self.action_name(row.action),
            "reason": reason_words(row.reason),
            "uplift": _points(row.uplift),
            "span": span(row.uplift_low, row.uplift_high),
        }
        share = row.treated / max(float(self.known.treated.sum()), 1)
        if row.verdict == "works":
            action = (
                say("Keep it, for {money} a customer after cost.", money=money(row.gain))
                if row.gain > 0
                else say("It wins buyers, but costs more than it brings: make it cheaper.")
            )
            found = say("{action} for {reason} works: {uplift} ({span}).", **words)
            return Finding(words=found, action=action, weight=share / 2)
        if row.verdict == "harms":
            found = say("{action} for {reason} does harm: {uplift} ({span}).", **words)
            return Finding(words=found, action=say("Stop it."), weight=share / 2)
        if min(row.treated, row.held) >= row.needed:
            found = say("{action} for {reason} shows no effect: {uplift} ({span}).", **words)
            action = say("Its list is large enough to see one: spend the money elsewhere.")
            return Finding(words=found, action=action, weight=share / 4)
        found = say("{action} for {reason} is not yet known: {uplift} ({span}).", **words)
        action = say("Go on, with a random part held out.")
        if not np.isnan(row.needed):
            action = say(
                "Go on with more held out: {n} in each arm are needed, {held} are.",
                n=number(row.needed),
                held=number(row.held),
            )
        return Finding(words=found, action=action, weight=share / 8)


def _points(value: float) -> str:
    """A difference of shares with its sign."""
    sign = "+" if value > 0 else ""
    return f"{sign}{percent(value)}"
