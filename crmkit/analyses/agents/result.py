"""What a scorecard of agents says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from crmkit.actions import ActionList
from crmkit.analyses.agents import charts, coaching, tables, words
from crmkit.analyses.agents.learning import Learning
from crmkit.analyses.agents.options import Options
from crmkit.blocks import Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import say

__all__ = ["Agents"]


@dataclass(frozen=True, kw_only=True)
class Agents(Result):
    """Agents compared fairly; see `agents` for the frames. `actions()` lists whom to coach.

    `contacts`, conversations in all; `unassigned`, those without an agent; `uncoded`, those whose
    outcome is not known; `idle`, agents of the table who handled no call.
    """

    options: Options
    scores: pd.DataFrame = field(repr=False)
    modes: pd.DataFrame = field(repr=False)
    funnel: pd.DataFrame = field(repr=False)
    placebo: pd.DataFrame = field(repr=False)
    growth: Learning = field(repr=False)
    contacts: int
    unassigned: int
    uncoded: int
    idle: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether there is no outcome to compare."""
        return self.modes.empty or int(self.modes.n.sum()) == 0

    @property
    def main(self) -> "pd.Series[Any]":
        """What holds of the dial mode with the most cases."""
        return self.modes.iloc[0]

    @property
    def learning(self) -> pd.DataFrame:
        """New agents by week since hiring, in the main dial mode."""
        return self.growth.curve

    @property
    def novices(self) -> pd.DataFrame:
        """The new agents one by one."""
        return self.growth.people

    def of_mode(self, mode: str | None = None) -> pd.DataFrame:
        """The scores of one dial mode, by default the one with the most cases.

        Raises: ParameterError for a mode without calls, naming those that have some.
        """
        if self.modes.empty:
            return self.scores
        chosen = self.main["mode"] if mode is None else mode
        if chosen not in set(self.modes["mode"]):
            raise ParameterError(
                f"No agent handled calls of mode {chosen!r}. "
                f"There are: {', '.join(self.modes['mode'])}."
            )
        return self.scores[self.scores["mode"] == chosen]

    def standing(self, side: Literal["above", "below"]) -> pd.DataFrame:
        """The agents who stand out on that side of their mode's mean, surest first."""
        found = self.scores[self.scores.stands == side]
        return found.sort_values(
            ["p_above", "shrunk", "agent_id"], ascending=[side == "below", side == "below", True]
        )

    @property
    def headline(self) -> str:
        """Whether agents differ more than chance makes them, and only then who stands out."""
        return words.headline(self)

    @property
    def definition(self) -> Definition:
        """Every decision behind the scores."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """The scores; the dial modes; the placebo; the learning curve; the new agents."""
        return tables.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The funnel, the rates with intervals, the learning curves of rate and of handling."""
        drawn: dict[str, Callable[[], Figure]] = {
            "funnel": lambda: charts.funnel(self),
            "rates": lambda: charts.rates(self),
        }
        if len(self.learning):
            drawn["learning"] = lambda: charts.learning(self)
            drawn["handling"] = lambda: charts.handling(self)
        return drawn

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The rate and the handling time of the main dial mode."""
        if self.empty:
            return ()
        of_mode, main = self.of_mode(), self.main
        handled = of_mode.handle_n.sum()
        return (
            KeyFigure(
                name="agent_rate",
                label=words.rate_label(self),
                value=float(main.rate),
                kind="rate",
                low=float(main.rate_low),
                high=float(main.rate_high),
            ),
            KeyFigure(
                name="handle_seconds",
                label=say("Handling, seconds a call"),
                value=float(of_mode.handle_sum.sum() / handled) if handled else None,
                kind="number",
                better="neither",
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """What to do about differences, about new agents, and about calls that count for nobody."""
        return coaching.findings(self)

    def actions(
        self, side: Literal["below", "above"] = "below", *, limit: int | None = None
    ) -> ActionList:
        """The agents to coach ("below") or to learn from ("above"), with the evidence.

        Empty where agents differ no more than by chance.
        Raises: ParameterError for another side.
        """
        if side not in ("below", "above"):
            raise ParameterError(f"side is {side!r}. Give 'below' or 'above'.")
        return coaching.listed(self, side, limit)
