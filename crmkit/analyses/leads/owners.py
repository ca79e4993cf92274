"""Who wins the leads: owners ranked fairly, with what their commission is counted on."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.analyses.leads.wins import against_expected, win_cells
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.shrinkage import shrink
from crmkit.stats import wilson
from crmkit.text import message, money, number, percent, say, span

__all__ = ["LeadOwners", "lead_owners"]

_RULES = {
    "holder": message("Who held the lead when it was won."),
    "first": message("Who got the lead first, whoever won it."),
}
_FEWEST = 30


def lead_owners(
    leads: ir.Table,
    lead_events: ir.Table,
    orders: ir.Table | None = None,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 180,
    window: int = 30,
    rule: str = "holder",
    seed: int = 0,
) -> "LeadOwners":
    """Owners by the leads they won, against what their mix of sources would give.

    An assignment is won by its owner within `window` days; younger ones are left out. Expected are
    the wins that the same assignments would bring at the rate of their source and of first and
    later assignments. The index is won over expected, shrunk by how unequal owners truly are
    (empirical Bayes); ranks have intervals. Commission is counted on the first purchase from the
    win on, within a week.

    Parameters: `leads` and `lead_events`, canonical tables; `orders`, purchases; `as_of`, the last
    day, included; `days`, of assignments looked back on; `rule`, "holder" credits who held the lead
    when it was won, "first" who got it first; `seed`, of the shrinkage.
    Returns: LeadOwners with `owners`: agent, n, interacted, won, revenue, unpaid, expected, rate
    and interval, index and interval, rank_low, rank_high, clear (certainly above or below).
    Raises: ParameterError for days below 1 or another rule.
    """
    if days < 1 or window < 1:
        raise ParameterError(f"days={days}, window={window}: give at least 1.")
    if rule not in _RULES:
        raise ParameterError(f"rule={rule!r}. Give one of: {', '.join(_RULES)}.")
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    start = calendar.day_start(day - dt.timedelta(days=days - 1), timezone)
    raw = win_cells(leads, lead_events, orders, start, end, window, rule).execute()
    counts = ["n", "interacted", "won", "unpaid"]
    cells = raw.astype(dict.fromkeys(counts, "int64") | {"revenue": "float64"})
    return LeadOwners(
        owners=_owners(cells, seed),
        rule=rule,
        window=window,
        paid=orders is not None,
        start=str(day - dt.timedelta(days=days - 1)),
        as_of=str(day),
    )


def _owners(cells: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Won against expected, shrunk."""
    owners = against_expected(cells)
    found = shrink(owners.won, owners.n, owners.expected.clip(lower=1e-9), seed=seed)
    low, high = wilson(owners.won, owners.n)
    met_low, met_high = wilson(owners.interacted, owners.n)
    owners = owners.assign(
        rate=owners.won / owners.n, rate_low=low, rate_high=high,
        met=owners.interacted / owners.n, met_low=met_low, met_high=met_high,
        index=found.ratio, index_low=found.low, index_high=found.high,
        rank_low=found.rank_low, rank_high=found.rank_high,
    )  # fmt: skip
    clear = (owners.index_low > 1) | (owners.index_high < 1)
    owners = owners.assign(clear=clear & found.above_chance)
    return owners.sort_values(["index", "n", "agent"], ascending=[False, False, True],
                              ignore_index=True)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LeadOwners(Result):
    """Owners by the leads they won; see `lead_owners` for the frame."""

    owners: pd.DataFrame = field(repr=False)
    rule: str
    window: int
    paid: bool
    start: str
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether no assignment is old enough."""
        return self.owners.empty

    @property
    def headline(self) -> str:
        """How many owners certainly differ, and by how much."""
        if self.empty:
            return say("No assignment to an owner is old enough to tell who wins leads.")
        total = self.owners[["n", "won"]].sum()
        low, high = wilson(total.won, total.n)
        words = {
            "owners": number(len(self.owners)),
            "rate": percent(total.won / total.n),
            "span": span(float(low), float(high)),
            "n": number(total.n),
        }
        above = self.owners[self.owners.clear & (self.owners["index"] > 1)]
        if above.empty:
            return say(
                "{owners} owners won {rate} ({span}) of {n} leads; they differ no more than chance "
                "and their sources explain.",
                **words,
            )
        best = records(above)[0]
        return say(
            "{owners} owners won {rate} ({span}) of {n} leads; {strong} are certainly stronger, "
            "first {best}: {index} times what was expected ({limits}).",
            **words,
            strong=number(len(above)),
            best=best.agent,
            index=number(best.index, 2),
            limits=f"{number(best.index_low, 2)}–{number(best.index_high, 2)}",
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (say("Credit"), say(_RULES[self.rule])),
                (
                    say("Won"),
                    say(
                        "Within {days} days of the assignment; younger ones are left out.",
                        days=number(self.window),
                    ),
                ),
                (
                    say("Expected"),
                    say("At the rate of the lead's source, first or given out again."),
                ),
                (say("Index"), say("Won over expected, shrunk by empirical Bayes; 95% intervals.")),
                (
                    say("Commission"),
                    say("Counted on the first purchase from the win on, within a week."),
                ),
                (
                    say("Data"),
                    say(
                        "Assignments from {start} to {end}.",
                        start=text.day(self.start),
                        end=text.day(self.as_of),
                    ),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Owners, the strongest first."""
        ranks = [
            "" if pd.isna(row.rank_low) else f"{number(row.rank_low)}–{number(row.rank_high)}"
            for row in records(self.owners)
        ]
        columns = [
            Column("agent", say("Owner")),
            Column("n", say("Assigned leads"), "count"),
            Column("met", say("Interacted"), "rate", low="met_low", high="met_high", n="n"),
            Column("won", say("Won"), "count"),
            Column("rate", say("Share won"), "rate", low="rate_low", high="rate_high", n="n"),
            Column("index", say("Index"), "number", 2, low="index_low", high="index_high", n="n"),
            Column("ranks", say("Rank")),
        ]
        if self.paid:
            columns += [
                Column("revenue", say("Commission is counted on"), "money"),
                Column("unpaid", say("Won without a purchase"), "count"),
            ]
        frame = self.owners.assign(ranks=ranks)
        caption = say("Owners by the leads they won.")
        return {"owners": Table("lead-owners", caption, frame, tuple(columns))}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The index of each owner."""
        return {"owners": self._bars}

    def _bars(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        most = 12
        frame = self.owners
        if len(frame) > 2 * most:
            frame = pd.concat([frame.head(most), frame.tail(most)])
        return draw.bars(
            frame.assign(weak=frame.n < _FEWEST),
            label="agent",
            value="index",
            low="index_low",
            high="index_high",
            accent=frame.agent[frame.clear].tolist(),
            weak="weak",
            name="lead-owners",
            title=self.headline,
            subtitle=say("Leads won over those expected of the same sources; 1 is as expected."),
            alt=self.headline,
            kind="number",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share of assigned leads won."""
        if self.empty:
            return ()
        total = self.owners[["n", "won"]].sum()
        low, high = wilson(total.won, total.n)
        return (
            KeyFigure(
                name="assigned_leads_won",
                label=say("Assigned leads won"),
                value=float(total.won / total.n),
                kind="rate",
                low=float(low),
                high=float(high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Whose way to learn from, and wins that nobody paid for."""
        if self.empty:
            return ()
        found = []
        above = self.owners[self.owners.clear & (self.owners["index"] > 1)]
        if len(above):
            names = ", ".join(str(row.agent) for row in records(above.head(3)))
            found.append(
                Finding(
                    words=say("Certainly stronger than their leads explain: {names}.", names=names),
                    action=say("Let others listen to them; give them leads that are worth most."),
                    weight=float(above.n.sum() / self.owners.n.sum()),
                )
            )
        unpaid = int(self.owners.unpaid.sum())
        if self.paid and unpaid:
            found.append(
                Finding(
                    words=say(
                        "{n} of {all} wins have no purchase within a week; {money} were paid for "
                        "the others.",
                        n=number(unpaid),
                        all=number(self.owners.won.sum()),
                        money=money(float(self.owners.revenue.sum()), short=True),
                    ),
                    action=say("Look at these wins before commission is paid."),
                    weight=0.1,
                )
            )
        return tuple(found)
