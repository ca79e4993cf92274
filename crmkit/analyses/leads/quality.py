"""How clean the leads were that came in: who can be worked, who cannot, and who was known."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.schema import LEAD_VERDICTS
from crmkit.stats import SMALL, wilson
from crmkit.text import message, number, percent, say, span

__all__ = ["LeadQuality", "lead_quality"]

_BAD = tuple(verdict for verdict in LEAD_VERDICTS if verdict != "sound")
_NAMES = {
    "blacklisted": message("On the blacklist"),
    "unreachable": message("Cannot be reached"),
    "do_not_call": message("Must not be called"),
    "merged": message("Known already"),
    "too_often": message("Given out too often"),
}


def lead_quality(
    lead_checks: ir.Table, *, as_of: calendar.Day, timezone: str = "UTC", days: int = 180
) -> "LeadQuality":
    """Share of the leads that came in that are sound, by source and list, and what the others are.

    Sound: reachable by telephone, mail or chat, on no list of whom to leave alone, not given out
    too often, and new: not of a person who is protected with an owner already. The import checks
    each lead once, as it comes in ([leads] in the settings).

    Parameters: `lead_checks`, the canonical table; `as_of`, the last day, included; `days`, looked
    back on.
    Returns: LeadQuality with `lists`: source, list, n, sound, a count for each other verdict, kept
    (worked already, whatever was found), twice (repeats given to another than the owner).
    Raises: ParameterError for days below 1.
    """
    if days < 1:
        raise ParameterError(f"days={days}: give at least 1.")
    day = calendar.day(as_of)
    first = day - dt.timedelta(days=days - 1)
    start, end = calendar.day_start(first, timezone), calendar.day_end(day, timezone)
    rows = lead_checks.filter(lead_checks.created_at >= start, lead_checks.created_at < end)
    rows = rows.mutate(source=rows.source.fill_null(""), list=rows.list_id.fill_null(""))

    def count(flag: ir.BooleanValue) -> ir.IntegerValue:
        return flag.fill_null(False).cast("int64").sum().cast("int64")

    cells = rows.group_by(["source", "list"]).aggregate(
        n=rows.count().cast("int64"),
        kept=count(rows.stored & (rows.verdict != "sound")),
        twice=count(rows.given_to != rows.agent_id),
        **{verdict: count(rows.verdict == verdict) for verdict in LEAD_VERDICTS},
    )
    lists = cells.execute().sort_values(["source", "list"], ignore_index=True)
    counts = [c for c in lists.columns if c not in ("source", "list")]
    lists = lists.astype(dict.fromkeys(counts, "int64"))
    assert (lists[list(LEAD_VERDICTS)].sum(axis=1) == lists.n).all(), "a lead has two verdicts"
    return LeadQuality(lists=lists, start=str(first), as_of=str(day))


@dataclass(frozen=True, kw_only=True)
class LeadQuality(Result):
    """How clean leads were; see `lead_quality` for the frame."""

    lists: pd.DataFrame = field(repr=False)
    start: str
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether no lead was checked."""
        return self.lists.empty

    def by(self, *columns: str) -> pd.DataFrame:
        """Leads by source, or by source and list, with shares and their intervals."""
        counts = [c for c in self.lists.columns if c not in ("source", "list")]
        frame = self.lists.groupby(list(columns), as_index=False)[counts].sum()
        for verdict in LEAD_VERDICTS:
            low, high = wilson(frame[verdict], frame.n)
            frame[f"{verdict}_share"] = frame[verdict] / frame.n
            frame[f"{verdict}_low"], frame[f"{verdict}_high"] = low, high
        return frame.sort_values(["n", *columns], ascending=False, ignore_index=True)

    @property
    def headline(self) -> str:
        """The share of sound leads, and what most others are."""
        if self.empty:
            return say("No lead that came in was checked: [leads] in the settings turns it on.")
        total = self.lists.drop(columns=["source", "list"]).sum()
        low, high = wilson(total.sound, total.n)
        words = {
            "rate": percent(total.sound / total.n, 1),
            "span": span(float(low), float(high), digits=1),
            "n": number(total.n),
        }
        worst = max(_BAD, key=lambda verdict: int(total[verdict]))
        if not total[worst]:
            return say("All of {n} leads that came in are sound.", n=words["n"])
        return say(
            "{rate} ({span}) of {n} leads that came in are sound; of the others most: {what} "
            "({bad}).",
            **words,
            what=say(_NAMES[worst]),
            bad=number(total[worst]),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Sound"),
                    say(
                        "Reachable, on no list of whom to leave alone, not given out too often, "
                        "and new."
                    ),
                ),
                (
                    say("Known already"),
                    say("Of a person whose lead is protected; merged into that lead."),
                ),
                (
                    say("Worked already"),
                    say("Such leads stay, whatever was found; they count as what was found."),
                ),
                (say("Interval"), say("Wilson, 95%.")),
                (
                    say("Data"),
                    say(
                        "Leads that came in from {start} to {end}.",
                        start=text.day(self.start),
                        end=text.day(self.as_of),
                    ),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Sources, and lists of each."""
        shares = (
            Column("n", say("Came in"), "count"),
            _share("sound", say("Sound")),
            *(_share(verdict, say(_NAMES[verdict])) for verdict in _BAD),
        )
        lists = self.by("source", "list")
        return {
            "sources": Table(
                "lead-quality",
                say("Leads that came in, by source: what was found of them."),
                self.by("source"),
                (Column("source", say("Source")), *shares),
            ),
            "lists": Table(
                "lead-quality-lists",
                say("Leads that came in, by list."),
                lists,
                (Column("source", say("Source")), Column("list", say("List")), *shares[:2],
                 *(Column(verdict, say(_NAMES[verdict]), "count") for verdict in _BAD)),
            ),
        }  # fmt: skip

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share of sound leads by source."""
        return {"sources": self._bars}

    def _bars(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.by("source").sort_values("sound_share", ascending=False, ignore_index=True)
        return draw.bars(
            frame.assign(weak=frame.n < SMALL),
            label="source",
            value="sound_share",
            low="sound_low",
            high="sound_high",
            weak="weak",
            name="lead-quality",
            title=self.headline,
            subtitle=say("Share of leads that came in that are sound, by source."),
            alt=self.headline,
            kind="rate",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share of sound leads."""
        if self.empty:
            return ()
        total = self.lists[["n", "sound"]].sum()
        low, high = wilson(total.sound, total.n)
        return (
            KeyFigure(
                name="sound_leads",
                label=say("Sound leads"),
                value=float(total.sound / total.n),
                kind="rate",
                low=float(low),
                high=float(high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Sources certainly worse than all, leads worked against a rule, two owners at once."""
        if self.empty:
            return ()
        return (*self._worst(), *self._kept(), *self._twice())

    def _worst(self) -> list[Finding]:
        total = self.lists[["n", "sound"]].sum()
        low, _ = wilson(total.sound, total.n)
        sources = self.by("source")
        worse = sources[(sources.sound_high < float(low)) & (sources.n >= SMALL)]
        if worse.empty:
            return []
        row = records(worse.sort_values("sound_share"))[0]
        words = say(
            "{source} is the least clean: {rate} ({span}) of {n} leads are sound.",
            source=row.source,
            rate=percent(row.sound_share, 1),
            span=span(row.sound_low, row.sound_high, digits=1),
            n=number(row.n),
        )
        action = say("Ask for money back for leads that are not new or cannot be reached.")
        return [Finding(words=words, action=action, weight=float((row.n - row.sound) / total.n))]

    def _kept(self) -> list[Finding]:
        kept = int(self.lists.kept.sum())
        if not kept:
            return []
        words = say("{n} leads were worked although a rule speaks against it.", n=number(kept))
        action = say("Look at them first: some may be people who must not be called.")
        return [Finding(words=words, action=action, weight=kept / float(self.lists.n.sum()))]

    def _twice(self) -> list[Finding]:
        twice = int(self.lists.twice.sum())
        if not twice:
            return []
        words = say(
            "{n} leads were given to a second owner while the first was protected.",
            n=number(twice),
        )
        action = say("Settle whose they are by the date of the first, before commission is paid.")
        return [Finding(words=words, action=action, weight=twice / float(self.lists.n.sum()))]


def _share(verdict: str, label: str) -> Column:
    return Column(
        f"{verdict}_share", label, "rate", 1, low=f"{verdict}_low", high=f"{verdict}_high", n="n"
    )
