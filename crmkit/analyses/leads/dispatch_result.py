"""What is said of giving leads out: the policy's gain, the shares, who gets which lead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmkit import text
from crmkit.actions import ActionList
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, say

__all__ = ["LeadDispatch"]


@dataclass(frozen=True, kw_only=True)
class LeadDispatch(Result):
    """A policy of giving leads out, and a list; see `lead_dispatch` for the frames."""

    shares: pd.DataFrame = field(repr=False)
    gain: tuple[float, float, float]
    judged: int
    equal: float
    waiting: pd.DataFrame = field(repr=False)
    rules: tuple[float, int, int]
    scored: bool
    window: int
    days: int
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether there is nothing to learn from."""
        return self.shares.empty

    @property
    def headline(self) -> str:
        """What the policy would have won, as far as that can be told."""
        if self.empty:
            return say("No assignment to an owner is old enough to learn from.")
        value, low, high = self.gain
        if np.isnan(value):
            return say("There are too few owners or wins to try a policy on.")
        words = {
            "n": number(self.judged),
            "gain": number(value, 1),
            "span": f"{number(low, 1)}–{number(high, 1)}",
            "equal": number(self.equal, 1),
        }
        if low > 0:
            return say(
                "Given by strength instead of equally, the {n} later leads would have brought "
                "{gain} ({span}) more wins than {equal}.",
                **words,
            )
        return say(
            "Giving leads by strength shows no certain gain: {gain} ({span}) more wins than "
            "{equal} of {n} later leads.",
            **words,
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        cap, validity, protection = self.rules
        return Definition(
            (
                (
                    say("Policy"),
                    say(
                        "Shares in proportion to the index, at most {cap} times an equal share.",
                        cap=number(cap, 1),
                    ),
                ),
                (say("Tried"), say("Learnt from the earlier half, judged on the later half.")),
                (
                    say("Assumed"),
                    say(
                        "Owners win as often with more leads as with fewer, and leads of a source "
                        "were given out without regard to how good they are."
                    ),
                ),
                (
                    say("Who left"),
                    say("Owners who were given nothing lately get no share."),
                ),
                (
                    say("Waiting"),
                    say(
                        "New, released, or held for more than {kept} days without a win, a no or a "
                        "release; came in within {days} days; never to who had it last.",
                        kept=number(protection),
                        days=number(validity),
                    ),
                ),
                (
                    say("Chance"),
                    say("By the score of the lead, else the share won of its source.")
                    if self.scored
                    else say("The share won of its source."),
                ),
                (say("Interval"), say("95%, from the uncertainty of each owner's later rate.")),
                (
                    say("Data"),
                    say(
                        "Assignments of the {days} days to {day}.",
                        days=number(self.days),
                        day=text.day(self.as_of),
                    ),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """The share of each owner."""
        active = int(self.shares.active.sum()) if len(self.shares) else 0
        counts = self.waiting.agent.value_counts()
        frame = self.shares.assign(
            equal=np.where(self.shares.active, 1 / max(active, 1), 0.0),
            listed=self.shares.agent.map(counts).fillna(0).astype("int64"),
        )
        columns = (
            Column("agent", say("Owner")),
            Column("n", say("Assigned leads"), "count"),
            Column("index", say("Index"), "number", 2, low="index_low", high="index_high", n="n"),
            Column("share", say("Share of new leads"), "rate"),
            Column("equal", say("Equal share"), "rate"),
            Column("listed", say("Leads on the list"), "count"),
        )
        caption = say("Who gets which share of the leads.")
        return {"shares": Table("lead-dispatch", caption, frame, columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share of each owner."""
        return {"shares": self._bars}

    def _bars(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.shares[self.shares.active]
        return draw.bars(
            frame,
            label="agent",
            value="share",
            name="lead-dispatch",
            title=self.headline,
            subtitle=say("Share of new leads by owner."),
            alt=self.headline,
            kind="rate",
        )

    def actions(self) -> ActionList:
        """Leads that wait, the best first, with who should get them."""
        columns = (
            Column("lead_id", say("Lead")),
            Column("customer_id", say("Customer")),
            Column("source", say("Source")),
            Column("since", say("Waiting since"), "day"),
            Column("last", say("Had it last")),
            Column("chance", say("Chance"), "rate"),
            Column("agent", say("Give to")),
        )
        return ActionList(
            "leads_to_give_out",
            say("Leads to give out"),
            self.waiting,
            columns,
            note=say("In nobody's hands and not closed; the best chances first, then the newest."),
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """None: a policy that was not tried is no figure to watch."""
        return ()

    def findings(self) -> tuple[Finding, ...]:
        """The gain, where it is certain."""
        value, low, _ = self.gain
        if self.empty or np.isnan(value) or low <= 0:
            return ()
        best = records(self.shares)[0]
        action = say(
            "Give {owner} {share} of new leads, and try the shares on half of them first.",
            owner=best.agent,
            share=percent(best.share),
        )
        weight = min(1.0, value / self.equal) if self.equal else 0.0
        return (Finding(words=self.headline, action=action, weight=weight),)
