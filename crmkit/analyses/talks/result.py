"""What the lengths of conversations say, in words, tables and charts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmkit import text
from crmkit.actions import ActionList
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import SMALL, wilson
from crmkit.text import message, number, percent, say, span

__all__ = ["Talks"]

_OUTCOMES = {
    "sale": message("Sold"),
    "interest": message("Interested"),
    "do_not_call": message("Asked not to be called"),
    "refused": message("Refused"),
    "no_outcome": message("No outcome noted"),
}
_LENGTHS = {"short": message("Short"), "usual": message("Usual length"), "long": message("Long")}
_ENDERS = {
    "customer": message("Hung up by the customer"),
    "agent": message("Hung up by the agent"),
    "system": message("Ended by the system"),
}


@dataclass(frozen=True, kw_only=True)
class Talks(Result):
    """Lengths of conversations; see `talks` for the frames.

    `n` conversations, `short` of them; `beyond` the length `long` (seconds); `median` seconds;
    `recorded`, those with a recording; `limit`, the seconds below which one is short.
    """

    agents: pd.DataFrame = field(repr=False)
    campaigns: pd.DataFrame = field(repr=False)
    enders: pd.DataFrame = field(repr=False)
    lengths: pd.DataFrame = field(repr=False)
    outliers: pd.DataFrame = field(repr=False)
    sample: pd.DataFrame = field(repr=False)
    n: int
    short: int
    beyond: int
    median: int
    long: float
    recorded: int
    as_of: str
    start: str | None
    limit: float

    @property
    def empty(self) -> bool:
        """Whether nobody spoke with anybody."""
        return self.n == 0

    @property
    def share(self) -> float:
        """The share of short conversations."""
        return self.short / self.n if self.n else float("nan")

    @property
    def standing_out(self) -> pd.DataFrame:
        """Agents with more short conversations than chance explains, enough of them to say so."""
        frame = self.agents
        above = (frame.p_adjusted < 0.05) & (frame.share > frame.expected) & (frame.n >= SMALL)
        return frame[above].sort_values("share", ascending=False)

    @property
    def headline(self) -> str:
        """How long people talk, how many hang up at once, and who stands out."""
        if self.empty:
            return say("No conversation with a known length by {day}.", day=text.day(self.as_of))
        low, high = wilson(self.short, self.n)
        words = {
            "median": number(self.median),
            "share": percent(self.share),
            "span": span(float(low), float(high)),
            "limit": number(self.limit),
            "n": number(len(self.standing_out)),
        }
        if self.standing_out.empty:
            return say(
                "Half of all conversations last less than {median} s; {share} ({span}) end within "
                "{limit} s, no agent's more often than chance explains.",
                **words,
            )
        return say(
            "Half of all conversations last less than {median} s; {share} ({span}) end within "
            "{limit} s, with {n} agents more often than chance explains.",
            **words,
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Conversation"),
                    say("A call on which an agent spoke with a person, its length known."),
                ),
                (say("Short"), say("Below {n} seconds.", n=number(self.limit))),
                (
                    say("Long"),
                    say(
                        "{n} seconds or more: 3.5 deviations of the logarithm above the median of "
                        "those that are not short. A transfer whose end was not logged looks so.",
                        n=number(self.long) if np.isfinite(self.long) else "–",
                    ),
                ),
                (
                    say("Standing out"),
                    say(
                        "More short ones than the same campaigns had on the whole, p below 5% "
                        "after Holm's adjustment for the number of agents."
                    ),
                ),
                (
                    say("Sample"),
                    say(
                        "Recorded conversations by outcome and length, as many of each as there "
                        "are; one of each agent before a second of any. Drawn by a fixed seed."
                    ),
                ),
                (say("Median"), say("Within 2.5%.")),
                (say("Data until"), say("{day}, included", day=text.day(self.as_of))),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Short conversations by agent, campaign and who hung up; outliers; the sample."""
        return {
            "agents": self._shares(
                "talks-agents", say("Short conversations by agent."), self.agents
            ),
            "campaigns": self._shares(
                "talks-campaigns", say("Short conversations by campaign."), self.campaigns
            ),
            "enders": self._shares(
                "talks-enders",
                say("Short conversations by who hung up."),
                self.enders.assign(name=[_named(_ENDERS, key) for key in self.enders.name]),
            ),
            "outliers": Table(
                "talks-outliers",
                say("The longest conversations, to be checked for transfers without an end."),
                _readable(self.outliers),
                _listed()[:-1],
                limit=20,
            ),
            "sample": self.actions().table(10),
        }

    def _shares(self, name: str, caption: str, frame: pd.DataFrame) -> Table:
        columns = (
            Column("name", say("Name")),
            Column("n", say("Conversations"), "count"),
            Column("short", say("Short"), "count"),
            Column("share", say("Share"), "rate", low="share_low", high="share_high", n="n"),
            Column("expected", say("Share expected"), "rate", folded=True),
            Column("p_adjusted", say("p, adjusted"), "number", 3, folded=True),
            Column("median", say("Median, s"), "count"),
        )
        return Table(name, caption, frame.assign(name=frame.name.fillna("–")), columns)

    def actions(self) -> ActionList:
        """Recordings to review, with the reason each was drawn for."""
        return ActionList(
            "recordings_to_review",
            say("Recordings to review"),
            _readable(self.sample),
            _listed(),
            say("Listen for the opening, the offer and the close; the outcome is the agent's own."),
        )

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """How long conversations last; who has short ones."""
        return {"lengths": self._histogram, "agents": self._dots}

    def _histogram(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        shown = self.lengths[self.lengths.high <= max(3 * self.median, 120)]
        rest = self.n - int(shown.n.sum())
        names = [f"{low:g}–{high:g}" for low, high in zip(shown.low, shown.high, strict=True)]
        last = number(float(shown.high.iloc[-1])) if len(shown) else "0"
        frame = pd.DataFrame({"label": [*names, f"{last}+"], "n": [*shown.n, rest]})
        return draw.columns(
            frame,
            label="label",
            values=[("n", say("Conversations"))],
            name="talks-lengths",
            title=self.headline,
            subtitle=say("Conversations by length in seconds."),
            alt=self.headline,
        )

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.agents.sort_values("share", ascending=False).head(15)
        return draw.dots(
            frame.assign(weak=frame.n < SMALL, name=frame.name.fillna("–")),
            label="name",
            value="share",
            low="share_low",
            high="share_high",
            weak="weak",
            name="talks-agents",
            title=self.headline,
            subtitle=say(
                "Share of conversations that end within {limit} s, the highest 15 agents, 95% "
                "interval; the line is all agents.",
                limit=number(self.limit),
            ),
            alt=self.headline,
            reference=self.share,
            accent=tuple(self.standing_out.name.astype(str)) or ("",),
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share of short conversations."""
        if self.empty:
            return ()
        low, high = wilson(self.short, self.n)
        return (
            KeyFigure(
                name="short_talks",
                label=say("Conversations within {limit} s", limit=number(self.limit)),
                value=self.share,
                kind="rate",
                better="down",
                low=float(low),
                high=float(high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Who has many short ones, and talks that are no talks."""
        found = []
        if not self.standing_out.empty:
            worst = self.standing_out.iloc[0]
            found.append(
                Finding(
                    words=say(
                        "{agent}: {share} ({span}) of {n} conversations end within {limit} s.",
                        agent=worst["name"],
                        share=percent(worst.share),
                        span=span(worst.share_low, worst.share_high),
                        n=number(worst.n),
                        limit=number(self.limit),
                    ),
                    action=say(
                        "Listen to short calls of {agent}: the opening, the line or the list?",
                        agent=worst["name"],
                    ),
                    weight=float(self.standing_out.n.sum() / self.n) / 2,
                )
            )
        if self.beyond:
            found.append(
                Finding(
                    words=say(
                        "{n} conversations seem to last longer than {long} s.",
                        n=number(self.beyond),
                        long=number(self.long),
                    ),
                    action=say("Check whether these are transfers whose end was not logged."),
                    weight=self.beyond / self.n,
                )
            )
        return tuple(found)


def _named(names: Mapping[str, str], key: object) -> str:
    return say(names[str(key)]) if key in names else "–"


def _readable(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        outcome_words=[_named(_OUTCOMES, key) for key in rows.outcome],
        length_words=[_named(_LENGTHS, key) for key in rows.length],
        day=rows.started_at,
    )


def _listed() -> tuple[Column, ...]:
    return (
        Column("call_id", say("Call")),
        Column("recording_id", say("Recording")),
        Column("agent_id", say("Agent")),
        Column("day", say("Day"), "day"),
        Column("talk_seconds", say("Talk, s"), "count"),
        Column("outcome_words", say("Outcome")),
        Column("length_words", say("Length")),
        Column("of", say("Of so many alike"), "count", folded=True),
    )
