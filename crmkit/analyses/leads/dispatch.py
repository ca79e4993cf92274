"""Whom to give leads: a policy tried on past leads, and the list of those that wait."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.actions import ActionList
from crmkit.analyses.leads.rows import known_leads, known_steps, rank
from crmkit.analyses.leads.wins import against_expected, win_cells
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.shrinkage import shrink
from crmkit.text import number, percent, say

__all__ = ["LeadDispatch", "lead_dispatch", "policy_gain"]

_GONE_DAYS = 14
"""An owner who was given nothing for so long is taken to have left."""
_DRAWS = 4000


def lead_dispatch(
    leads: ir.Table,
    lead_events: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 180,
    window: int = 30,
    cap: float = 1.5,
    limit: int = 500,
    seed: int = 0,
) -> "LeadDispatch":
    """What giving more leads to strong owners would win, and who gets the leads that wait.

    The policy gives each owner a share in proportion to the index (won over expected of the same
    sources, shrunk), at most `cap` times and at least 1/cap times an equal share. It is learnt from
    the assignments of the earlier half and judged on what the same owners won in the later half, so
    luck is not taken for strength. Assumed: an owner wins as often with more leads as with fewer,
    and leads of a source were given out without regard to how good they are.

    Parameters: `leads` and `lead_events`, canonical tables; `as_of`, the last day, included;
    `days`, of assignments looked back on; `window`, days for a win; `cap`, how unequal shares may
    be; `limit`, leads on the list; `seed`, of the draws.
    Returns: LeadDispatch with `shares` (agent, index and interval, active, share), `gain`: more
    wins of `judged` later assignments with their interval; `waiting`: lead_id, customer_id, source,
    since, chance, agent.
    Raises: ParameterError for a cap below 1, days or a limit below 1.
    """
    if cap < 1 or days < 2 or window < 1 or limit < 1:
        raise ParameterError(
            f"cap={cap}, days={days}, window={window}, limit={limit}: give a cap from 1 on, "
            "2 days or more, the others at least 1."
        )
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    start = calendar.day_start(day - dt.timedelta(days=days - 1), timezone)
    middle = start + (end - dt.timedelta(days=window) - start) / 2
    raw = win_cells(leads, lead_events, None, start, end, window, middle=middle).execute()
    cells = raw.astype(dict.fromkeys(["n", "interacted", "won", "unpaid"], "int64"))
    gain, judged, equal = policy_gain(cells, cap, seed)
    shares = _shares(cells, end, window, cap, seed)
    waiting = _waiting(leads, lead_events, cells, end, limit).execute()
    return LeadDispatch(
        shares=shares,
        gain=gain,
        judged=judged,
        equal=equal,
        waiting=waiting.assign(agent=_given(shares, len(waiting))),
        cap=cap,
        window=window,
        days=days,
        as_of=str(day),
    )


def _weights(index: "pd.Series[float]", cap: float) -> np.ndarray:
    """Shares in proportion to the index, within the cap of an equal share."""
    held = index.clip(1 / cap, cap).to_numpy(dtype=float)
    return np.asarray(held / held.sum()) if len(held) else held


def policy_gain(
    cells: pd.DataFrame, cap: float, seed: int
) -> tuple[tuple[float, float, float], int, float]:
    """More wins of the later half by the policy of the earlier, with their interval.

    Parameters: `cells`, of `win_cells`, parted in the middle; `cap` and `seed` of `lead_dispatch`.
    Returns: the difference, its limits; later assignments; wins at equal shares.
    """
    unknown = (float("nan"),) * 3
    late = cells.late.astype(bool)
    early, later = against_expected(cells[~late]), against_expected(cells[late])
    both = early.merge(later, on="agent", suffixes=("", "_later"))
    judged = int(later.n.sum())
    if len(both) < 2 or not both.won.sum() or not both.won_later.sum():
        return unknown, judged, float("nan")
    index = shrink(both.won, both.n, both.expected.clip(lower=1e-9), seed=seed).ratio
    weights = _weights(pd.Series(index), cap)
    flat = np.full(len(both), 1 / len(both))
    rng = np.random.default_rng(seed)
    won, n = both.won_later.to_numpy(float), both.n_later.to_numpy(float)
    rates = rng.beta(won + 0.5, n - won + 0.5, size=(_DRAWS, len(both)))
    scale = n / both.expected_later.clip(lower=1e-9).to_numpy(float)
    base = float(later.won.sum())
    seen = won / n * scale
    gains = base * ((rates * scale) @ (weights - flat))
    low, high = np.quantile(gains, [0.025, 0.975])
    return (
        (base * float(seen @ (weights - flat)), float(low), float(high)),
        judged,
        base * float(seen @ flat),
    )


def _shares(
    cells: pd.DataFrame, end: dt.datetime, window: int, cap: float, seed: int
) -> pd.DataFrame:
    """The share of each owner who is still there, from all assignments."""
    owners = against_expected(cells)
    found = shrink(owners.won, owners.n, owners.expected.clip(lower=1e-9), seed=seed)
    # Assignments are counted up to `window` days before the end; who got none then has left.
    gone = end - dt.timedelta(days=window + _GONE_DAYS)
    active = pd.to_datetime(owners["last"]) >= pd.Timestamp(gone)
    owners = owners.assign(index=found.ratio, index_low=found.low, index_high=found.high,
                           active=active)  # fmt: skip
    weights = np.zeros(len(owners))
    weights[active] = _weights(owners["index"][active], cap)
    return owners.assign(share=weights).sort_values(
        ["share", "agent"], ascending=[False, True], ignore_index=True
    )


def _waiting(
    leads: ir.Table, lead_events: ir.Table, cells: pd.DataFrame, end: dt.datetime, limit: int
) -> ir.Table:
    """Leads in nobody's hands and not closed, those of the best sources and the newest first."""
    made = known_leads(leads, end)
    steps = known_steps(lead_events, end)
    settling = steps.filter(steps.kind.isin(["dispatched", "released", "won", "lost"]))
    place = ibis.row_number().over(
        group_by=settling.lead_id,
        order_by=[settling.at.desc(), rank(settling.kind).desc(), settling.kind],
    )
    last = settling.mutate(place=place)
    last = last.filter(last.place == 0).select(_lead="lead_id", state="kind", since="at")
    rows = made.left_join(last, made.lead_id == last["_lead"])
    free = rows.filter(rows.state.isnull() | (rows.state == "released"))
    totals = cells.groupby("source", as_index=False)[["n", "won"]].sum()
    rates = pd.DataFrame({"of": totals.source, "chance": totals.won / totals.n}).astype(
        {"of": "str", "chance": "float64"}
    )
    known = ibis.memtable(rates, schema={"of": "string", "chance": "float64"})
    free = free.mutate(
        source=free.source.fill_null(""),
        since=ibis.coalesce(free.since, free.created_at.cast("timestamp")),
    )
    ranked = free.inner_join(known, free.source == known.of)
    return (
        ranked.order_by([ranked.chance.desc(), ranked.since.desc(), ranked.lead_id])
        .limit(limit)
        .select("lead_id", "customer_id", "source", "since", "chance")
    )


def _given(shares: pd.DataFrame, size: int) -> list[str]:
    """An owner for each lead in turn: who is furthest behind their share."""
    weights = shares.share.to_numpy(dtype=float)
    if not weights.sum():
        return [""] * size
    names = shares.agent.tolist()
    owed = np.zeros(len(names))
    chosen = []
    for _ in range(size):
        owed += weights
        best = int(np.argmax(owed))
        owed[best] -= 1
        chosen.append(str(names[best]))
    return chosen


@dataclass(frozen=True, kw_only=True)
class LeadDispatch(Result):
    """A policy of giving leads out, and a list; see `lead_dispatch` for the frames."""

    shares: pd.DataFrame = field(repr=False)
    gain: tuple[float, float, float]
    judged: int
    equal: float
    waiting: pd.DataFrame = field(repr=False)
    cap: float
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
        return Definition(
            (
                (
                    say("Policy"),
                    say(
                        "Shares in proportion to the index, at most {cap} times an equal share.",
                        cap=number(self.cap, 1),
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
            Column("chance", say("Won of its source"), "rate"),
            Column("agent", say("Give to")),
        )
        return ActionList(
            "leads_to_give_out",
            say("Leads to give out"),
            self.waiting,
            columns,
            note=say("In nobody's hands and not closed; the best sources first, then the newest."),
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
