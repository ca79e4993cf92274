"""The scorecard of agents: from one answer of the engine to a result."""

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.analyses.agents.cells import counted
from crmkit.analyses.agents.learning import learned
from crmkit.analyses.agents.options import Options, Outcome, Per
from crmkit.analyses.agents.result import Agents
from crmkit.analyses.agents.scores import funnel_of, ordered, placebo_of, scored

__all__ = ["agents"]


def agents(
    calls: ir.Table,
    dispositions: ir.Table | None = None,
    *,
    as_of: periods.Day,
    agents: ir.Table | None = None,
    start: periods.Day | None = None,
    timezone: str = "UTC",
    outcome: Outcome = "sale",
    per: Per = "contact",
    short: float = 10.0,
    settled: int = 13,
    certainty: float = 0.95,
    draws: int = 4000,
    seed: int = 20250303,
) -> Agents:
    """What each agent makes of the calls given, and whether agents differ more than by chance.

    A rate is adjusted for list, local hour and attempt by indirect standardisation (successes over
    those that an average agent would have had on the same calls, from a logistic regression that
    holds every agent's own effect), and held back to the mean by empirical Bayes (beta-binomial),
    wholly where the differences are not above chance. Agents are compared within a dial mode only:
    preview, callbacks and manual dialling do not give out leads at random.

    Parameters:
        calls: the canonical table. A call without an agent, or one that no agent took, counts for
            nobody.
        dispositions: the canonical table; without it no outcome is known.
        as_of: the last local day that counts, included; `start`, the first, None for all.
        agents: the canonical table, for teams and days of hiring; its names are not read.
        timezone: IANA zone of days and hours.
        outcome: "sale", "interest" or "right_party", a flag of the dispositions.
        per: of which calls: "contact" (a person answered and an agent spoke), "right_party" (the
            right person) or "call" (an agent spoke, be it to a machine).
        short: seconds; contacts that end sooner are short.
        settled: weeks after hiring from which an agent is a settled colleague.
        certainty: the probability of being above, or below, the mean from which an agent stands
            out; only where agents differ more than by chance, and from 30 cases on.
        draws: draws of the posterior; `seed` of all that is simulated.

    Returns: `Agents` with the frames
        scores (mode, agent_id; n cases, x successes, rate with rate_low and rate_high by Wilson;
        expected; adjusted with its limits; shrunk with its credible interval; p_above the mean,
        p_top tenth, rank_low and rank_high; stands: above, below or nothing; handle and talk,
        seconds, with limits; short_share with limits; shared, the share of cases on lists that
        others worked too), modes (whether agents differ: p_value, p_adjusted by Holm for the number
        of modes, the overdispersion factor, the spread of log-odds), funnel (control limits),
        placebo (identical agents on the same calls), learning (by week since hiring, for agents
        hired since the first day) and novices. `actions()` lists whom to coach.
    Raises: ParameterError for arguments that cannot be.
    The funnel is Spiegelhalter's (2005), the interval of a rate Wilson's (1927).

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 3, 3, 2)
    >>> rows = [{"call_id": f"{k}{n}", "started_at": at, "agent_at": at, "agent_id": k,
    ...     "result": "human", "disposition": "SALE" if n < sold else "NO", "mode": "predictive"}
    ...     for k, sold in (("a", 30), ("b", 5)) for n in range(100)]
    >>> codes = ibis.memtable([{"code": "SALE", "sale": True}, {"code": "NO", "sale": False}])
    >>> found = agents(ibis.memtable(rows), codes, as_of="2025-03-31")
    >>> found.scores[["agent_id", "n", "x", "stands"]].values.tolist()
    [['a', 100, 30, 'above'], ['b', 100, 5, 'below']]
    """
    options = Options(
        as_of=periods.day(as_of),
        start=None if start is None else periods.day(start),
        timezone=timezone,
        outcome=outcome,
        per=per,
        short=short,
        settled=settled,
        certainty=certainty,
        draws=draws,
        seed=seed,
    )
    cells = ordered(counted(calls, dispositions, agents, options).execute())
    handled = cells[cells["mode"].notna()]
    known = handled[handled.agent_id.notna()]
    scores, modes = scored(known, options)
    main = modes["mode"].iloc[0] if len(modes) else None
    first = periods.number_of(options.start, "day") if options.start else None
    if first is None and len(handled):
        first = int(handled["first"].min())
    learning = learned(
        known[known["mode"] == main],
        float(modes.spread.fillna(0.0).iloc[0]) if len(modes) else 0.0,
        first or 0,
        options,
    )
    result = Agents(
        options=options,
        scores=scores,
        modes=modes,
        funnel=funnel_of(scores, modes),
        placebo=placebo_of(scores, modes, options),
        growth=learning,
        contacts=int(handled.contacts.sum()),
        unassigned=int(handled.contacts[handled.agent_id.isna()].sum()),
        uncoded=int(handled.uncoded.sum()),
        idle=_without_calls(cells, known),
    )
    assert not len(scores) or int(scores.n.sum()) == int(known.n.sum())
    assert not len(scores) or abs(scores.expected.sum() - known.x.sum()) < 1e-6 * (
        1 + known.x.sum()
    )
    return result


def _without_calls(cells: pd.DataFrame, known: pd.DataFrame) -> tuple[str, ...]:
    """Agents of the table who handled no call."""
    return tuple(sorted(set(cells.agent_id.dropna()) - set(known.agent_id)))
