"""What is said of the life of leads: three ways to count it, by cohort, source and owner."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.analyses.leads.stage_tables import NAMES, all_tables
from crmkit.blocks import Definition, Figure, Table
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import SMALL, wilson
from crmkit.text import number, percent, say, span

__all__ = ["ORDERED", "STATUSES", "Leads"]

ORDERED = ("dispatched", "interacted", "intent", "won")
STATUSES = (
    "recycled",
    "dispatched",
    "contacted",
    "interacted",
    "intent",
    "won",
    "lost",
    "released",
)
"""Steps that set a status; of those at one moment the later here is the status."""


@dataclass(frozen=True, kw_only=True)
class Leads(Result):
    """The life of leads; see `leads` for the frames."""

    cells: pd.DataFrame = field(repr=False)
    times: pd.DataFrame = field(repr=False)
    period: calendar.Period
    window: int
    repeat: int
    repeats: bool
    as_of: str
    timezone: str

    @property
    def empty(self) -> bool:
        """Whether no lead is old enough to be counted."""
        return not int(self.cells.n.sum()) if len(self.cells) else True

    @property
    def stages(self) -> pd.DataFrame:
        """Each stage: n of all leads; in order, at all and by status; share in order, of the whole
        and of the stage before; median hours from the stage before.
        """  # noqa: D205
        sums = self.cells.drop(columns=["cohort", "source", "owner"]).sum()
        rows = [("listed", sums.n, sums.n, sums.n)]
        rows += [(k, sums[f"ordered_{k}"], sums[f"any_{k}"], sums[f"status_{k}"]) for k in ORDERED]
        frame = pd.DataFrame(rows, columns=["stage", "ordered", "any", "status"])
        frame = frame.assign(n=sums.n, before=frame.ordered.shift(fill_value=sums.n))
        if self.repeats:
            again = {"stage": "again", "ordered": sums.again, "n": sums.old, "before": sums.old}
            frame = pd.concat([frame, pd.DataFrame([again])], ignore_index=True)
        low, high = wilson(frame.ordered, frame.n)
        step_low, step_high = wilson(frame.ordered, frame.before)
        return frame.assign(
            rate=frame.ordered / frame.n.where(frame.n > 0),
            rate_low=low,
            rate_high=high,
            step=frame.ordered / frame.before.where(frame.before > 0),
            step_low=step_low,
            step_high=step_high,
            hours=[self._median(stage) for stage in frame.stage],
        )

    def _stage(self, stage: str) -> Any:
        """The row of a stage."""
        (row,) = records(self.stages[self.stages.stage == stage])
        return row

    def _median(self, stage: str) -> float:
        counts = self.times[self.times.stage == stage].groupby("tenths").n.sum()
        reached = counts.cumsum() >= counts.sum() / 2
        return float(str(reached.idxmax())) / 10 if len(counts) else float("nan")

    def by(self, column: str) -> pd.DataFrame:
        """Leads, given out, interacted and won, with the share won, by cohort, source or owner."""
        chosen = self.cells if column != "owner" else self.cells[self.cells.owner != ""]
        names = {f"ordered_{kind}": kind for kind in ORDERED}
        grouped = chosen.groupby(column, as_index=False)[["n", "young", *names]].sum()
        grouped = grouped.rename(columns=names)
        low, high = wilson(grouped.won, grouped.n)
        met_low, met_high = wilson(grouped.interacted, grouped.n)
        known = grouped.n.where(grouped.n > 0)
        return grouped.assign(
            rate=grouped.won / known,
            rate_low=low,
            rate_high=high,
            met=grouped.interacted / known,
            met_low=met_low,
            met_high=met_high,
            partial=grouped.young > 0,
        )

    @property
    def headline(self) -> str:
        """How many of how many were won, and where most are lost."""
        if self.empty:
            return say(
                "No lead is {days} days old by {day}, so none can be judged.",
                days=number(self.window),
                day=text.day(self.as_of),
            )
        given, met, won = (self._stage(kind) for kind in ("dispatched", "interacted", "won"))
        return say(
            "Of {n} leads, {given} were given out, {met} interacted and {won} were won: "
            "{rate} ({span}) within {days} days.",
            n=number(won.n),
            given=number(given.ordered),
            met=number(met.ordered),
            won=number(won.ordered),
            rate=percent(won.rate, 2),
            span=span(won.rate_low, won.rate_high, digits=2),
            days=number(self.window),
        )

    @property
    def hidden(self) -> str:
        """What a funnel by current status hides, and why."""
        sums = self.cells[
            ["any_interacted", "status_interacted", "now_lost", "now_released", "now_recycled"]
        ].sum()
        return say(
            "By current status {seen} leads have interacted; by their steps {true} have. The rest "
            "is hidden among those lost, released or recycled ({gone}): a status forgets where a "
            "lead had been.",
            seen=number(sums.status_interacted),
            true=number(sums.any_interacted),
            gone=number(sums.now_lost + sums.now_released + sums.now_recycled),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        young = number(self.cells.young.sum()) if len(self.cells) else number(0)
        skipped = number(self.cells.undispatched.sum()) if len(self.cells) else number(0)
        items = [
            (
                say("Stages"),
                say("Given out, interacted, showed intent, won, by the steps of each lead."),
            ),
            (say("In order"), say("Each stage at or after the one before it.")),
            (
                say("At all"),
                say("The stage alone; {n} leads were won without being given out.", n=skipped),
            ),
            (say("By status"), say("What the last step says; shown to differ, never used.")),
            (
                say("Window"),
                say(
                    "{days} days from a lead's creation; {n} younger leads are left out.",
                    days=number(self.window),
                    n=young,
                ),
            ),
            (say("Owner"), say("Who got the lead first.")),
            (say("Interval"), say("Wilson, 95%.")),
            (say("Data until"), say("{day}, included", day=text.day(self.as_of))),
        ]
        if self.repeats:
            words = say(
                "A purchase within {days} days after the win, of wins that old.",
                days=number(self.repeat),
            )
            items.insert(5, (say("Bought again"), words))
        return Definition(tuple(items))

    def tables(self) -> Mapping[str, Table]:
        """The stages, and leads by cohort, source and owner."""
        return all_tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The stages in order, and the share won by source."""
        return {"stages": self._stages, "sources": self._sources}

    def _stages(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.stages[self.stages.stage != "again"]
        names = [say(NAMES[stage]) for stage in frame.stage]
        return draw.bars(
            frame.assign(name=names, note=[number(each) for each in frame.ordered]),
            label="name",
            value="rate",
            low="rate_low",
            high="rate_high",
            note="note",
            name="leads-stages",
            title=self.headline,
            subtitle=say("Share of leads that reached each stage in order."),
            alt=self.headline,
            kind="rate",
        )

    def _sources(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.by("source")
        frame = frame[frame.n > 0].sort_values("rate", ascending=False)
        return draw.bars(
            frame.assign(weak=frame.n < SMALL),
            label="source",
            value="rate",
            low="rate_low",
            high="rate_high",
            weak="weak",
            name="leads-sources",
            title=self.headline,
            subtitle=say(
                "Share of leads won within {days} days, by source.", days=number(self.window)
            ),
            alt=self.headline,
            kind="rate",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share won, of the last cohort that is old enough against the one before."""
        cohorts = self.by("cohort") if not self.empty else pd.DataFrame()
        ripe = cohorts[(cohorts.n > 0) & ~cohorts.partial] if len(cohorts) else cohorts
        if not len(ripe):
            return ()
        last = ripe.iloc[-1]
        return (
            KeyFigure(
                name="leads_won",
                label=say(
                    "Leads won, made in {period}", period=text.period(last.cohort, self.period)
                ),
                value=float(last.rate),
                previous=float(ripe.rate.iloc[-2]) if len(ripe) > 1 else None,
                kind="rate",
                history=tuple(ripe.rate.iloc[:-1].tail(12)),
                low=float(last.rate_low),
                high=float(last.rate_high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The source that is certainly better or worse than all, and what a status hides."""
        if self.empty:
            return ()
        sources = self.by("source")
        whole = self._stage("won")
        enough = sources[sources.n >= SMALL]
        found = []
        worse = enough[enough.rate_high < whole.rate_low].sort_values("n", ascending=False)
        better = enough[enough.rate_low > whole.rate_high].sort_values("rate", ascending=False)
        if len(better):
            row = records(better)[0]
            found.append(
                Finding(
                    words=say(
                        "{source} leads are won best: {rate} ({span}) of {n}.",
                        source=row.source,
                        rate=percent(row.rate),
                        span=span(row.rate_low, row.rate_high),
                        n=number(row.n),
                    ),
                    action=say(
                        "Ask for more leads from {source}, and give them out first.",
                        source=row.source,
                    ),
                    weight=float(better.n.sum() / whole.n),
                )
            )
        if len(worse):
            row = records(worse)[0]
            found.append(
                Finding(
                    words=say(
                        "{source} leads are won least for their number: {rate} ({span}) of {n}.",
                        source=row.source,
                        rate=percent(row.rate),
                        span=span(row.rate_low, row.rate_high),
                        n=number(row.n),
                    ),
                    action=say(
                        "Pay less for {source}, or clean it before it is given out.",
                        source=row.source,
                    ),
                    weight=float(worse.n.sum() / whole.n) * 0.5,
                )
            )
        return tuple(found)
