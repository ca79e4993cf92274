"""What the lists are still worth, in words, tables and charts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from crmkit import text
from crmkit.actions import ActionList
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import SMALL, wilson
from crmkit.text import message, money, number, percent, say, span

__all__ = ["Lists"]

_VERDICTS = {
    "used_up": message("Used up"),
    "weak": message("Weaker than the others"),
    "good": message("Worth dialling"),
    "few": message("Too early to say"),
    "untouched": message("Not dialled yet"),
}
_DEAD = {
    "empty_number": message("The number does not exist"),
    "suspended": message("The number is out of service"),
}


@dataclass(frozen=True, kw_only=True)
class Lists(Result):
    """Lists and what is left in them; see `lists` for the frames.

    `dead`, leads whose number is dead; `dead_minutes`, minutes of lines spent on such numbers.
    """

    lists: pd.DataFrame = field(repr=False)
    ages: pd.DataFrame = field(repr=False)
    dead: pd.DataFrame = field(repr=False)
    as_of: str
    tries: int
    price: float | None
    line_minute: float | None
    dead_minutes: float

    @property
    def empty(self) -> bool:
        """Whether no lead was dialled."""
        return self.lists.empty

    @property
    def weak(self) -> pd.DataFrame:
        """Lists that answer less than the others, beyond chance."""
        return self.lists[self.lists.verdict == "weak"]

    @property
    def saved(self) -> float:
        """Dials that a check of every number beforehand would have saved, as a share."""
        return float(self.lists.dead_dials.sum() / self.lists.dials.sum())

    @property
    def headline(self) -> str:
        """What is used up, what is weak, what is dead."""
        if self.empty:
            return say("No lead was dialled by {day}.", day=text.day(self.as_of))
        dead, dialled = int(self.lists.dead.sum()), int(self.lists.dialled.sum())
        low, high = wilson(dead, dialled)
        return say(
            "{used} of {n} lists are used up and {weak} answer less than the others; {share} "
            "({span}) of the numbers dialled are dead and took {dials} of all dials.",
            used=number(int((self.lists.verdict == "used_up").sum())),
            n=number(len(self.lists)),
            weak=number(len(self.weak)),
            share=percent(dead / dialled),
            span=span(float(low), float(high)),
            dials=percent(self.saved),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (say("Penetration"), say("Leads dialled at least once over leads loaded.")),
                (
                    say("Done"),
                    say(
                        "A final outcome, a dead number, or {n} dials. The rest is still to dial.",
                        n=number(self.tries),
                    ),
                ),
                (
                    say("Dead number"),
                    say(
                        "Once a dial came back as empty or suspended. Switches sometimes report "
                        "one cause for another, so a few may be alive."
                    ),
                ),
                (
                    say("Contact rate of a list"),
                    say(
                        "An agent spoke with a person, of the first dial of each lead: later dials "
                        "go to those who are hard to reach."
                    ),
                ),
                (
                    say("Decay"),
                    say(
                        "Factor on the odds of a contact for each week of the list's age; logistic "
                        "regression, its error widened where weeks differ by more than chance."
                    ),
                ),
                (
                    say("Weaker than the others"),
                    say(
                        "Against lists dialled in the same mode; two proportions, p below 5% after "
                        "Holm's adjustment."
                    ),
                ),
                (say("Data until"), say("{day}, included", day=text.day(self.as_of))),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Lists, what is dead in them, and contacts by age."""
        named = self._named(self.lists)
        frame = named.assign(words=[say(_VERDICTS[key]) for key in named.verdict])
        name = Column("name", say("Calling list"))
        lists = (
            name,
            Column("loaded", say("Leads loaded"), "count"),
            Column("penetration", say("Penetration"), "rate"),
            Column("left", say("Still to dial"), "count"),
            Column("rate", say("Contact rate"), "rate", None, "rate_low", "rate_high", "fresh"),
            Column("decay", say("Odds by week"), "number", 3, "decay_low", "decay_high"),
            Column("words", say("Verdict")),
            Column("dialled", say("Leads dialled"), "count", folded=True),
            Column("dials", say("Dials"), "count", folded=True),
            Column("sold", say("Sales per dial"), "rate", 2, "sold_low", "sold_high", folded=True),
            Column("p_adjusted", say("p, adjusted"), "number", 3, folded=True),
        )
        dead = (
            name,
            Column("dead_share", say("Dead numbers"), "rate", None, "dead_low", "dead_high"),
            Column("empty", say("Empty"), "count"),
            Column("suspended", say("Suspended"), "count"),
            Column("off", say("Always off or out of reach"), "count"),
            Column("dead_dials", say("Dials on dead numbers"), "count"),
            Column("after", say("of these after it was known"), "count"),
        )
        ages = (
            name,
            Column("age", say("Week of the list"), "count"),
            Column("dials", say("First dials"), "count"),
            Column("rate", say("Contact rate"), "rate", None, "rate_low", "rate_high", "dials"),
        )
        return {
            "lists": Table("lists", say("Lists, the newest first."), frame, lists),
            "dead": Table("lists-dead", say("What a check of numbers would save."), frame, dead),
            "ages": Table(
                "lists-ages",
                say("Contacts of first dials by the list's age."),
                self._named(self.ages),
                ages,
                limit=20,
            ),
        }

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(name=frame.list_id.where(frame.list_id != "", say("(no list)")))

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Contact rate of each list, and by its age."""
        return {"lists": self._dots, "ages": self._curves}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        known = self.lists[self.lists.fresh > 0].sort_values("rate", ascending=False)
        frame = self._named(known.assign(weak=known.fresh < SMALL))
        return draw.dots(
            frame,
            label="name",
            value="rate",
            low="rate_low",
            high="rate_high",
            weak="weak",
            name="lists",
            title=self.headline,
            subtitle=say(
                "Share of leads reached by their first dial, 95% interval; blue: weaker than other "
                "lists dialled in the same mode."
            ),
            alt=self.headline,
            accent=tuple(self._named(self.weak).name) or ("",),
        )

    def _curves(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        largest = self.lists.nlargest(4, "fresh").list_id
        shown = self.ages[self.ages.list_id.isin(largest) & (self.ages.dials >= SMALL)]
        return draw.curves(
            self._named(shown),
            x="age",
            y="rate",
            by="name",
            low="rate_low",
            high="rate_high",
            name="lists-ages",
            title=say("How lists wear out"),
            subtitle=say("Share of leads reached by their first dial, by week of the list's age."),
            alt=self.headline,
            write_x=number,
        )

    def actions(self) -> ActionList:
        """Numbers to drop from lists, those dialled most in vain first."""
        frame = self.dead.assign(
            reason=[say(_DEAD[key]) for key in self.dead.result],
            list_name=self.dead.list_id,
        )
        columns = (
            Column("lead_id", say("Lead")),
            Column("list_name", say("Calling list")),
            Column("reason", say("Why")),
            Column("day", say("Known since"), "day"),
            Column("after", say("Dials since then"), "count"),
        )
        return ActionList("numbers_to_drop", say("Numbers to drop from lists"), frame, columns)

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share of dials on dead numbers."""
        if self.empty:
            return ()
        low, high = wilson(self.lists.dead_dials.sum(), self.lists.dials.sum())
        return (
            KeyFigure(
                name="dead_dials",
                label=say("Dials on dead numbers"),
                value=self.saved,
                kind="rate",
                better="down",
                low=float(low),
                high=float(high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Weak lists, dials in vain, and what a check of numbers would save."""
        if self.empty:
            return ()
        found = []
        if not self.weak.empty:
            worst = self._named(self.weak).sort_values("rate").iloc[0]
            found.append(
                Finding(
                    words=say(
                        "{name} reaches {rate} ({span}) by first dials, less than other lists.",
                        name=worst["name"],
                        rate=percent(worst.rate),
                        span=span(worst.rate_low, worst.rate_high),
                    ),
                    action=say("Dial {name} last, or replace it.", name=worst["name"]),
                    weight=float(self.weak.dials.sum() / self.lists.dials.sum()) / 2,
                )
            )
        after = int(self.lists.after.sum())
        if after:
            found.append(
                Finding(
                    words=say(
                        "{n} dials went to numbers already known to be dead.", n=number(after)
                    ),
                    action=say("Take the numbers of the list beside this report out of the lists."),
                    weight=after / float(self.lists.dials.sum()),
                )
            )
        if self.price is not None and self.line_minute is not None:
            found.append(self._check())
        return tuple(found)

    def _check(self) -> Finding:
        """What checking every number would have cost and saved."""
        cost = float(self.lists.dialled.sum()) * (self.price or 0.0)
        gain = self.dead_minutes * (self.line_minute or 0.0)
        words = say(
            "Checking all numbers would have cost {cost} and saved {gain} of lines and {dials} of "
            "dials.",
            cost=money(cost, short=True),
            gain=money(gain, short=True),
            dials=percent(self.saved),
        )
        return Finding(words=words, weight=self.saved / 2)
