"""What an attribution gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.analyses.attribution import card, charts, words
from crmkit.analyses.attribution import tables as shown
from crmkit.analyses.attribution.budget import Budget, budget_of
from crmkit.analyses.attribution.distance import distances
from crmkit.analyses.attribution.frames import NO_TOUCH
from crmkit.analyses.attribution.options import Options
from crmkit.blocks import Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import wilson
from crmkit.text import say


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution(Result):
    """Credit of conversions and revenue by model and channel; see `attribution`.

    `credit`: model, channel ("(no touch)" last), conversions and revenue with intervals, their
    shares (`conversions_share`, `revenue_share`) with intervals, rank among the channels.
    `channels`: channel, touches (all of its, in a path or not), paths, converting, rate with
    interval, removal (effect of removing it, as it is) and removal_normalised, shapley (value
    before negative ones are cut) and shapley_error (of drawing orders), lowest and highest share of
    conversions over the models, and by which.
    `agreement`: first and second model, tau (Kendall), moved (largest difference of ranks),
    share_moved (part of the conversions credited to another channel).
    `flow`: step, source, target, paths (converting). `paths`: the most frequent ones of them.
    `drawn`: shares of the bootstrap by draw, model, channel and measure (conversions, revenue).
    `facts`: rows that were left out or changed, and touches by what became of their path.
    """

    options: Options = field(repr=False)
    model: str
    bootstrap: int
    groups: int
    valued: bool
    conversions: int
    revenue: float
    touched: int
    touched_revenue: float
    facts: Mapping[str, int] = field(repr=False)
    credit: pd.DataFrame = field(repr=False)
    channels: pd.DataFrame = field(repr=False)
    agreement: pd.DataFrame = field(repr=False)
    flow: pd.DataFrame = field(repr=False)
    paths: pd.DataFrame = field(repr=False)
    drawn: npt.NDArray[np.float64] = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether there was no conversion."""
        return self.conversions == 0

    def credited(self, model: str | None = None) -> pd.DataFrame:
        """The credit of one model (the chosen one, by default), the most first, no touch last."""
        rows = self.credit[self.credit.model == (model or self.model)]
        touched = rows[rows.channel != NO_TOUCH].sort_values(
            ["conversions_share", "channel"], ascending=[False, True]
        )
        return pd.concat([touched, rows[rows.channel == NO_TOUCH]], ignore_index=True)

    @property
    def headline(self) -> str:
        """The channel with the most credit, and where models differ most."""
        return words.headline(self)

    @property
    def definition(self) -> Definition:
        """Every decision behind the credit, and what it cannot say."""
        return card.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """Models side by side; credit with intervals; channels; agreement; frequent paths."""
        return shown.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Models by channel, credit with intervals, the flow of paths."""
        return {
            "models": lambda: charts.models(self),
            "credit": lambda: charts.credit(self),
            "flow": lambda: charts.flow(self),
        }

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Conversions, the share with a touch, the share credited to the first channel."""
        if self.empty:
            return ()
        low, high = wilson(self.touched, self.conversions)
        figures = [
            KeyFigure(name="conversions", label=say("Conversions"), value=self.conversions),
            KeyFigure(
                name="touched_share",
                label=say("Conversions after a touch"),
                value=self.touched / self.conversions,
                kind="rate",
                low=float(low),
                high=float(high),
            ),
        ]
        first = self.credited().iloc[0]
        if first.channel != NO_TOUCH and self.touched:
            figures.append(
                KeyFigure(
                    name="first_channel_share",
                    label=say("Credited to {channel}", channel=words.name(first.channel)),
                    value=float(first.conversions_share),
                    kind="rate",
                    better="neither",
                    low=_known(first.conversions_share_low),
                    high=_known(first.conversions_share_high),
                )
            )
        return tuple(figures)

    def findings(self) -> tuple[Finding, ...]:
        """Channels that the last touch hides or flatters, untracked conversions, and the limits."""
        return words.findings(self)

    def budget(self, spend: Mapping[str, float] | ir.Table) -> Budget:
        """What each model would move, if money followed its credit.

        Parameters: `spend`, money by channel, or a table with the column that `by` named and cost
        (days outside start and as_of are left out).
        Raises: ParameterError for money below zero or a table without the columns.
        """
        return budget_of(self.options, self.credit, self.drawn, spend, self.model)

    def against(self, measured: Mapping[str, float]) -> pd.DataFrame:
        """How far each model lies from conversions that were measured to be caused by channels.

        Parameters: `measured`, conversions by channel, from experiments; only their relation
        counts, and only the channels named are compared.
        Returns: model, distance (the share of credit that lies on the wrong channel, 0 to 1) with
        its bootstrap interval, worst (the channel furthest off) and worst_by (its share too much).
        """
        return distances(self.credit, self.drawn, measured)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
