"""Whom to give leads: a policy tried on past leads, and the list of those that wait."""

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit.analyses.leads.dispatch_result import LeadDispatch
from crmkit.analyses.leads.policy import policy_gain, policy_shares
from crmkit.analyses.leads.score_result import LeadScore
from crmkit.analyses.leads.traits import traits
from crmkit.analyses.leads.waiting import given_to, waiting
from crmkit.analyses.leads.wins import win_cells
from crmkit.errors import ParameterError
from crmkit.persons import with_unit

__all__ = ["DispatchRules", "lead_dispatch"]


@dataclass(frozen=True, kw_only=True)
class DispatchRules:
    """How leads are given out.

    `who`, the owners who get any (all who are still there, where none is named); `cap`, how many
    times an equal share an owner may get; `validity`, days from when a lead came in in which it is
    given out; `protection`, days an owner keeps a lead without winning, losing or releasing it;
    `limit`, leads on the list.

    >>> DispatchRules(cap=2).validity
    180
    """

    who: tuple[str, ...] = ()
    cap: float = 1.5
    validity: int = 180
    protection: int = 30
    limit: int = 500

    def __post_init__(self) -> None:
        if self.cap < 1 or min(self.validity, self.protection, self.limit) < 1:
            raise ParameterError(
                f"cap={self.cap}, validity={self.validity}, protection={self.protection}, "
                f"limit={self.limit}: give at least 1 for each."
            )


def lead_dispatch(
    leads: ir.Table,
    lead_events: ir.Table,
    events: ir.Table | None = None,
    identities: ir.Table | None = None,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 180,
    window: int = 30,
    rules: DispatchRules | None = None,
    score: LeadScore | None = None,
    seed: int = 0,
) -> LeadDispatch:
    """What giving more leads to strong owners would win, and who gets the leads that wait.

    The policy gives each owner a share in proportion to the index (won over expected of the same
    sources, shrunk), at most `cap` times and at least 1/cap times an equal share. It is learnt from
    the assignments of the earlier half and judged on what the same owners won in the later half, so
    luck is not taken for strength. Assumed: an owner wins as often with more leads as with fewer,
    and leads of a source were given out without regard to how good they are.

    Parameters: `leads` and `lead_events`, canonical tables; `events` and `identities`, for a score
    that counts what people did; `as_of`, the last day, included; `days`, of assignments looked back
    on; `window`, days for a win; `rules`, how leads are given out; `score`, of `lead_score`, by
    which those that wait are ranked (by the share won of their source without); `seed`, of draws.
    Returns: LeadDispatch with `shares` (agent, index and interval, active, share), `gain`: more
    wins of `judged` later assignments with their interval; `waiting`: lead_id, customer_id, source,
    since, last, chance, agent.
    Raises: ParameterError for days or a window too short.

    >>> import ibis
    >>> at = dt.datetime(2025, 3, 3, 9)
    >>> made = ibis.memtable({"lead_id": ["a"], "created_at": [at], "source": ["web"]})
    >>> made = made.mutate(customer_id=ibis.null("string"), list_id=ibis.null("string"))
    >>> did = ibis.memtable({"lead_id": ["a"], "occurred_at": [at], "kind": ["lost"],
    ...                      "agent_id": ["x"]})
    >>> len(lead_dispatch(made, did, as_of="2025-03-03").waiting)
    0
    """
    rules = rules or DispatchRules()
    if days < 2 or window < 1:
        raise ParameterError(f"days={days}, window={window}: give 2 days or more, a window from 1.")
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    start = calendar.day_start(day - dt.timedelta(days=days - 1), timezone)
    middle = start + (end - dt.timedelta(days=window) - start) / 2
    raw = win_cells(leads, lead_events, None, start, end, window, middle=middle).execute()
    cells = raw.astype(dict.fromkeys(["n", "interacted", "won", "unpaid"], "int64"))
    gain, judged, equal = policy_gain(cells, rules.cap, seed)
    shares = policy_shares(cells, end, window, rules.cap, seed, rules.who)
    seen = with_unit(events, identities=identities) if score and events is not None else None
    known = traits(leads, seen, score.events if score else (), end, score.lookback if score else 1)
    listed = waiting(
        known,
        lead_events,
        _rates(cells),
        score.chances if score else None,
        end,
        validity=rules.validity,
        protection=rules.protection,
        limit=rules.limit,
    ).execute()
    return LeadDispatch(
        shares=shares,
        gain=gain,
        judged=judged,
        equal=equal,
        waiting=listed.assign(agent=given_to(shares, listed["last"])),
        rules=(rules.cap, rules.validity, rules.protection),
        scored=score is not None,
        window=window,
        days=days,
        as_of=str(day),
    )


def _rates(cells: pd.DataFrame) -> pd.DataFrame:
    """The share won of each source."""
    totals = cells.groupby("source", as_index=False)[["n", "won"]].sum()
    return pd.DataFrame({"source": totals.source, "chance": totals.won / totals.n})
