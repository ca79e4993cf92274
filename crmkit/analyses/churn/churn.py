"""The churn warning: from a book to who is about to leave, why, when, and what it is worth."""

from collections.abc import Sequence
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.churn import backtest as trials
from crmkit.analyses.churn.features import design, measures
from crmkit.analyses.churn.grades import Grades, graded
from crmkit.analyses.churn.leaving import Leaving
from crmkit.analyses.churn.model import Constant, Logistic, Model, boosted, logistic
from crmkit.analyses.churn.question import asked, learnable, never_activated, score_day
from crmkit.analyses.churn.result import Churn
from crmkit.analyses.churn.rules import flags, judged
from crmkit.analyses.churn.sheets import Reason, Rule
from crmkit.analyses.churn.sheets import reasons as read_reasons
from crmkit.analyses.churn.sheets import rules as read_rules
from crmkit.analyses.churn.when import conditional, silences
from crmkit.analyses.churn.why import why
from crmkit.errors import ParameterError
from crmkit.snapshots import SIGNS

__all__ = ["churn"]

READABLE = "logistic"


def churn(
    orders: ir.Table,
    events: ir.Table | None = None,
    calls: ir.Table | None = None,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    leaving: Leaving | None = None,
    history: int = 12,
    capacity: int = 500,
    rules: str | Path = "rules",
    reasons: str | Path = "reasons",
    signs: Sequence[str] = SIGNS,
    customers: ir.Table | None = None,
    identities: ir.Table | None = None,
    ends: ir.Table | None = None,
) -> Churn:
    """Who is about to leave, why, when, and what it is worth; with how good the warning was.

    Features are cut at the end of a snapshot's day; labels begin after the gap. Models are tried on
    later snapshots than those they were fitted on, fitted on what was complete by then.

    Parameters: `orders`, `events`, `calls`, canonical; `as_of`, the day of the warning, included;
    `leaving`, what leaving means; `history`, past snapshots, thirty days apart (fewer where events
    or calls are known for a shorter time); `capacity`, customers that the team can contact;
    `rules` and `reasons`, tables of crmkit or CSV files; `signs`, events that tell a reason;
    `customers`, to count those who never bought; `identities`; `ends`, rows of customer_id and
    ended_at, needed where leaving is by contract.
    Returns: Churn with frames `scores` (a customer of the day each: customer_id, snapshot, chance,
    grade, reason, stage, value, at_risk, eligible, points), `grades`, `rules`, `backtest`,
    `calibration`, `gains`, `coefficients`, `causes`, `stages`, `when`.
    Raises: ParameterError for options that cannot be, or an unknown feature in the rules.

    >>> import datetime as dt, ibis
    >>> rows = ibis.memtable(
    ...     {
    ...         "order_id": ["1"],
    ...         "customer_id": ["c"],
    ...         "ordered_at": [dt.datetime(2025, 1, 1)],
    ...         "amount": [10.0],
    ...         "refunded": [False],
    ...     }
    ... )
    >>> churn(rows, as_of="2025-01-09").scores[["customer_id", "grade", "stage"]].values.tolist()
    [['c', 'low', 'tried_once']]
    """
    leaving = leaving or Leaving()
    if leaving.by == "contract" and ends is None:
        raise ParameterError("Leaving by contract needs `ends`: rows of customer_id and ended_at.")
    if history < 1 or capacity < 1:
        raise ParameterError(f"history={history} and capacity={capacity}: give at least 1.")
    day = periods.day(as_of)
    table, why_table = read_rules(rules), read_reasons(reasons)
    known = learnable(
        {"events": events, "calls": calls},
        day=day, timezone=timezone, leaving=leaving, history=history,
    )  # fmt: skip
    rows = asked(
        orders, events, calls,
        day=day, timezone=timezone, leaving=leaving, past=known.past, signs=signs,
        identities=identities, ends=ends,
    ).execute()  # fmt: skip
    rows = measures(rows.sort_values(["snapshot", "customer_id"], ignore_index=True))
    rows = rows.assign(left=leaving.left(rows), staying=leaving.staying(rows))
    past = rows[rows.staying & rows.left.notna() & (rows.snapshot < score_day(day))]
    past = past.reset_index(drop=True)
    now = rows[rows.snapshot == score_day(day)].reset_index(drop=True)
    features = design(past, signs, known.streams)
    fits: dict[str, trials.Fit] = {READABLE: logistic, "boosted": boosted}
    trial = trials.tried(features, past, fits, leaving.gap + leaving.followed)
    results = trials.backtest(trial, list(fits), capacity)
    best = trials.chosen(results, READABLE)
    readable = logistic(features, past.left)
    model = readable if best == READABLE else fits[best](features, past.left)
    last = trial[trial.snapshot == trial.snapshot.max()] if len(trial) else trial
    last_rows = past[past.snapshot == (last.snapshot.iloc[0] if len(last) else past.snapshot.max())]
    grades = Grades.of(trial[best] if len(trial) else pd.Series(dtype=float))
    seen = design(now, signs, known.streams)
    scores = _scores(now, seen, model, readable, leaving, table, why_table, grades, len(past) > 0)
    return Churn(
        scores=scores,
        grades=graded(scores, last, best, grades),
        rules=judged(flags(last_rows, table), last_rows, leaving.horizon(last_rows), table),
        backtest=results,
        best=best,
        calibration=trials.calibrated(last.left, last[best])
        if len(last)
        else trials.calibrated([], []),
        gains=trials.gains(last.left, last[best]) if len(last) else trials.gains([], []),
        coefficients=readable.table() if isinstance(readable, Logistic) else None,
        held=isinstance(readable, Logistic) and readable.held,
        dropped=readable.dropped if len(past) else (),
        short=known.short,
        suspects=trials.suspects(features, past.left),
        base=float(past.left.mean()) if len(past) else float("nan"),
        trained=len(past),
        when=conditional(silences(orders, as_of=day, timezone=timezone).execute(), 30),
        never=never_activated(customers, orders, day, timezone),
        rule_table=table,
        reasons=why_table,
        leaving=leaving,
        capacity=capacity,
        as_of=str(day),
        timezone=timezone,
    )


def _scores(
    now: pd.DataFrame,
    features: pd.DataFrame,
    model: Model,
    readable: Logistic | Constant,
    leaving: Leaving,
    table: Sequence[Rule],
    why_table: Sequence[Reason],
    grades: Grades,
    trained: bool,
) -> pd.DataFrame:
    """One row a customer of the day, frozen: it depends on the day's row and the model alone."""
    points = flags(now, table).mul([rule.weight for rule in table]).sum(axis=1)
    chance = pd.Series(model.chance(features) if trained else np.nan, index=now.index)
    chance = chance.where(now.staying)
    horizon = leaving.horizon(now)
    value = now.spend / np.maximum(now.tenure, horizon) * horizon
    stage = pd.Series("active", index=now.index).where(now.orders > 1, "tried_once")
    found = pd.DataFrame(
        {
            "customer_id": now.customer_id,
            "snapshot": pd.Timestamp("1970-01-01") + pd.to_timedelta(now.snapshot, unit="D"),
            "chance": chance,
            "grade": grades.of_rows(chance, points).where(now.staying, "gone"),
            "reason": why(now, readable.contributions(features), why_table),
            "stage": stage.where(now.staying, "left"),
            "value": value,
            "at_risk": chance * value,
            "recency": now.recency,
            "points": points,
            "eligible": True,
        }
    )
    order = ["at_risk", "value", "customer_id"]
    return found.sort_values(order, ascending=[False, False, True], ignore_index=True)
