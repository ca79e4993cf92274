"""The result of a lifetime analysis: its sentence, tables, charts and definition."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import ibis.expr.types as ir
import pandas as pd

from crmkit import text
from crmkit.actions import ActionList
from crmkit.analyses.lifetime import charts, findings, lists
from crmkit.analyses.lifetime.frames import HIGHEST, Holdout
from crmkit.analyses.lifetime.options import Options
from crmkit.blocks import Column, Definition, Figure, Notice, Table
from crmkit.btyd.likelihood import Estimate
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import SMALL
from crmkit.text import message, money, number, percent, say

__all__ = ["Lifetime"]

_UNKNOWN = Estimate(value=float("nan"), low=float("nan"), high=float("nan"))
_MEANINGS = {
    "r": message("purchase rates: how alike customers are (r)"),
    "alpha": message("purchase rates: scale in weeks (alpha)"),
    "a": message("stopping: a"),
    "b": message("stopping: b"),
    "rate": message("mean purchases per week of an active customer"),
    "dropout": message("mean probability to stop after a repeat purchase"),
    "p": message("amounts: how alike those of one customer are (p)"),
    "q": message("amounts: how alike customers are (q)"),
    "v": message("amounts: scale (v)"),
    "spend": message("mean amount of a repeat purchase"),
}


def _none(*columns: str) -> Callable[[], pd.DataFrame]:
    return partial(pd.DataFrame, columns=list(columns))


@dataclass(frozen=True, kw_only=True)
class Lifetime(Result):
    """What today's customers will still buy and what that is worth; frames as `lifetime` says.

    `held_out` is None where too little came before the holdout; `people` is an expression with
    one row a customer (customer_id, repeats, last_weeks_ago, spent, p_alive, expected_purchases,
    expected_spend, value), most valuable first, computed when it is executed; None when empty.
    """

    options: Options
    customers: int
    repeaters: int
    value: Estimate = _UNKNOWN
    expected_purchases: Estimate = _UNKNOWN
    held_out: Holdout | None = None
    correlation: float = float("nan")
    gone_customers: int = 0
    gone_spent: float = 0.0
    log_likelihood: float = float("nan")
    people: ir.Table | None = field(default=None, repr=False)
    parameters: pd.DataFrame = field(
        default_factory=_none("model", "name", "estimate", "low", "high", "edge")
    )
    deciles: pd.DataFrame = field(
        default_factory=_none(
            "decile", "customers", "expected_purchases", "p_alive", "value", "share"
        )
    )
    classes: pd.DataFrame = field(
        default_factory=_none("repeats", "customers", "actual", "expected", "low", "high")
    )
    tracking: pd.DataFrame = field(
        default_factory=_none("week", "day", "held_out", "actual", "expected")
    )
    alive: pd.DataFrame = field(default_factory=_none("repeats", "weeks_since", "age", "p_alive"))

    @property
    def empty(self) -> bool:
        """Whether too few customers came back, or no model could be fitted."""
        return self.deciles.empty

    @property
    def headline(self) -> str:
        """What today's customers will bring, and how far the model missed the weeks held out."""
        if self.customers == 0:
            return say("There are no purchases up to {day}.", day=text.day(self.options.last_day))
        if self.repeaters < SMALL:
            return say(
                "Only {n} of {all} customers have bought again; a forecast needs at least {least}.",
                n=number(self.repeaters),
                all=number(self.customers),
                least=number(SMALL),
            )
        if self.empty:
            return say("These purchases fit no lifetime model, so there is no forecast.")
        brings = say(
            "Customers of today are expected to bring {value} in the next {weeks} weeks"
            " (95% interval {span})",
            value=money(self.value.value, short=True),
            weeks=number(self.options.horizon),
            span=_money_span(self.value),
        )
        if self.held_out is None or not self.held_out.actual:
            return say("{sentence}.", sentence=brings)
        return say(
            "{sentence}; the model missed the last {weeks} weeks by {error}.",
            sentence=brings,
            weeks=number(self.held_out.weeks),
            error=text.change(self.held_out.error),
        )

    @property
    def definition(self) -> Definition:
        """The decisions behind the forecast."""
        items = [
            (say("Purchase"), self._purchase()),
            (
                say("Purchases to come"),
                say(
                    "BG/NBD model (Fader, Hardie, Lee 2005) by maximum likelihood: each customer"
                    " buys at a steady rate of its own and may stop for good after a repeat"
                    " purchase. Who never came back counts as alive, at a low rate."
                ),
            ),
            (
                say("Amounts"),
                say(
                    "Gamma-Gamma model on the mean of a customer's repeat purchases, the first left"
                    " out; amounts and number of purchases are taken as unrelated"
                    " (correlation here {n}).",
                    n=number(self.correlation, 2),
                ),
            ),
            (say("Value"), self._value()),
            (
                say("Intervals"),
                say(
                    "95%, from the curvature of the likelihood; those of totals also hold the"
                    " chance in what each customer does."
                ),
            ),
            (say("Holdout"), self._held_out()),
        ]
        at_edge = self.parameters.loc[self.parameters.edge.astype(bool), "name"]
        if len(at_edge):
            items.append((say("Not told by the data"), say(", ").join(at_edge)))
        return Definition(tuple(items))

    def _purchase(self) -> str:
        last, zone = text.day(self.options.last_day), self.options.timezone
        if self.options.unit == "day":
            return say(
                "All purchases of a customer on one calendar day ({zone}), up to {day}.",
                zone=zone,
                day=last,
            )
        return say(
            "All purchases of a customer in one week from Monday ({zone}), up to the last whole"
            " week, which ends on {day}.",
            zone=zone,
            day=last,
        )

    def _value(self) -> str:
        return say(
            "Expected purchases of {weeks} weeks times the expected amount, times a margin of"
            " {margin}, discounted at {rate} a year: purchases of each four weeks at their middle."
            " Customers won later are not in it.",
            weeks=number(self.options.horizon),
            margin=percent(self.options.margin, 0),
            rate=percent(self.options.discount),
        )

    def _held_out(self) -> str:
        if self.held_out is None:
            return self._no_holdout()
        return say(
            "The last {weeks} weeks: the model is fitted on what came before, for the {n} customers"
            " known then, and compared with what they did.",
            weeks=number(self.held_out.weeks),
            n=number(self.held_out.customers),
        )

    def _no_holdout(self) -> str:
        if self.options.holdout == 0:
            return say("No weeks were held out.")
        return say("No weeks were held out: too few customers came back before them.")

    def tables(self) -> Mapping[str, Table]:
        """`deciles`, `holdout` and `parameters`."""
        return {
            "deciles": self._deciles(),
            "holdout": self._classes(),
            "parameters": self._parameters(),
        }

    def _deciles(self) -> Table:
        return Table(
            name="lifetime-deciles",
            caption=say("Customers by tenths of expected value, the most valuable first"),
            frame=self.deciles,
            columns=(
                Column("decile", say("Tenth"), "count"),
                Column("customers", say("Customers"), "count"),
                Column("expected_purchases", say("Expected purchases each"), "number", digits=2),
                Column("p_alive", say("Mean P(alive)"), "rate"),
                Column("value", say("Expected value"), "money", digits=0),
                Column("share", say("Share of value"), "rate", shade=True),
            ),
        )

    def _classes(self) -> Table:
        return Table(
            name="lifetime-holdout",
            caption=say("Repeat purchases per customer in the holdout, by repeats before it"),
            frame=self.classes.assign(group=[_class(k) for k in self.classes.repeats]),
            columns=(
                Column("group", say("Repeats before")),
                Column("customers", say("Customers"), "count"),
                Column("actual", say("Actual"), "number", digits=2, n="customers"),
                Column("expected", say("Expected"), "number", digits=2, low="low", high="high"),
            ),
            note=self._error(),
        )

    def _error(self) -> str:
        held = self.held_out
        if held is None:
            return self._no_holdout()
        return say(
            "All: {actual} actual, {expected} expected ({span}), {error}; a customer's forecast is"
            " off by {mean} purchases on average.",
            actual=number(held.actual),
            expected=number(held.expected.value),
            span=text.span(held.expected.low, held.expected.high, digits=0, rate=False),
            error=text.change(held.error),
            mean=number(held.mean_absolute_error, 2),
        )

    def _parameters(self) -> Table:
        labels = [say(_MEANINGS[name]) for name in self.parameters.name]
        return Table(
            name="lifetime-parameters",
            caption=say("Parameters of the models, with 95% intervals"),
            frame=self.parameters.assign(label=labels),
            columns=(
                Column("model", say("Model")),
                Column("label", say("Parameter")),
                Column("estimate", say("Estimate"), "number", digits=4, low="low", high="high"),
            ),
        )

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """`tracking`, `holdout`, `value` and `alive`."""
        held = self.held_out
        drawn: dict[str, Callable[[], Figure]] = {
            "tracking": lambda: charts.tracking(self.tracking, held),
            "value": lambda: charts.value(self.deciles, self.options.horizon),
            "alive": lambda: charts.alive(self.alive),
        }
        if held is not None:
            drawn["holdout"] = lambda: charts.holdout(self._classes().frame, held)
        return drawn

    def plot(self, kind: str | None = None) -> Figure | Notice:
        """One chart; a notice where there was nothing to draw, as with no holdout."""
        if kind == "holdout" and self.held_out is None:
            return Notice(self.headline if self.empty else self._no_holdout())
        return super().plot(kind)

    def actions(self, limit: int = 500) -> ActionList:
        """The customers who will bring most, the most valuable first; runs a query when called.

        Returns: a list named "lifetime_value", empty where nothing could be forecast.
        """
        return lists.to_come(self.people, limit=limit, horizon=self.options.horizon)

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Expected value, expected purchases and the error of the holdout."""
        figures = [
            _figure("lifetime_value", say("Expected value"), self.value, "money"),
            _figure("expected_purchases", say("Expected purchases"), self.expected_purchases),
        ]
        if self.held_out is not None and not self.empty:
            figures.append(
                KeyFigure(
                    name="forecast_error",
                    label=say("Forecast error in the holdout"),
                    value=self.held_out.error,
                    kind="rate",
                    better="neither",
                )
            )
        return () if self.empty else tuple(figures)

    def findings(self) -> tuple[Finding, ...]:
        """Who is probably lost, where the value lies, and whether the model can be trusted."""
        if self.empty:
            return ()
        found = [findings.top(self.deciles)]
        if self.gone_customers:
            found.append(findings.gone(self.gone_customers, self.gone_spent))
        held = self.held_out
        if held is not None and not held.expected.low <= held.actual <= held.expected.high:
            found.append(findings.missed(held))
        return tuple(found)


def _figure(name: str, label: str, of: Estimate, kind: str = "count") -> KeyFigure:
    return KeyFigure(name=name, label=label, value=of.value, low=of.low, high=of.high, kind=kind)


def _money_span(of: Estimate) -> str:
    return f"{money(of.low, short=True)}–{money(of.high, short=True)}"


def _class(repeats: int) -> str:
    return f"{repeats}+" if repeats == HIGHEST else str(repeats)
