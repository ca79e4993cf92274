"""Which leads to call first: a table of points and a model, learnt earlier and judged later."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit.analyses.leads.odds import Odds, area, fitted_odds, tenths
from crmkit.analyses.leads.score_result import LeadScore
from crmkit.analyses.leads.score_rules import ScoreRule, score_rules
from crmkit.analyses.leads.traits import keys, trait_cells, traits
from crmkit.errors import ParameterError
from crmkit.persons import with_unit
from crmkit.stats import wilson

__all__ = ["lead_score"]

_DOUBLE = 10 / np.log(2)
"""Points for a unit of the log odds: ten double the odds."""


def lead_score(
    leads: ir.Table,
    lead_events: ir.Table,
    events: ir.Table | None = None,
    identities: ir.Table | None = None,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 180,
    window: int = 30,
    lookback: int = 90,
    table: str | Path = "score",
) -> LeadScore:
    """The chance that an assigned lead is won, by an editable table of points and by a model.

    What is known when a lead is given out counts, and nothing later: its source and list, what its
    person did before it came in, how often it was given out before. The model, a logistic
    regression on the same traits, and the rate of each sum of points are learnt from assignments
    that could be won before the middle of the period, and judged on those given out after it.

    Parameters: `leads` and `lead_events`, canonical tables; `events` and `identities`, who did what
    before; `as_of`, the last day, included; `days`, of assignments looked back on; `window`, days
    for a win; `lookback`, days before a lead in which events count; `table`, the rules: a name of
    crmkit's or the path of a CSV file.
    Returns: LeadScore with `rules` (rule, points, n, won, odds: log odds, all else held equal, with
    interval, and fair points), `terms` of the model, `trials` (method, n, won, area, top: share won
    of the best tenth, lift; with intervals), `tenths` of the model, and `chances` by cell.
    Raises: ParameterError for days below 1, or fewer than two windows of them.
    """
    if window < 1 or lookback < 1 or days < 2 * window + 2:
        raise ParameterError(
            f"days={days}, window={window}, lookback={lookback}: give at least 1, and days for two "
            f"windows and more, such as days={max(6 * window, 12)}."
        )
    rules = score_rules(table)
    names = sorted({rule.event for rule in rules if rule.event})
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    start = calendar.day_start(day - dt.timedelta(days=days - 1), timezone)
    middle = start + (end - start) / 2
    seen = with_unit(events, identities=identities) if events is not None else None
    known = traits(leads, seen, names, end, lookback)
    raw = trait_cells(known, lead_events, names, start, middle, end, window).execute()
    cells = raw.sort_values([*keys(names), "part"], ignore_index=True)
    cells = cells.astype({"n": "int64", "won": "int64", "again": "int64"})
    cells["points"] = _points(cells, rules)
    return LeadScore(
        rules=_judged(cells, rules),
        **_tried(cells, names),
        events=tuple(names),
        window=window,
        lookback=lookback,
        start=str(day - dt.timedelta(days=days - 1)),
        middle=str(middle.date()),
        as_of=str(day),
    )


def _points(cells: pd.DataFrame, rules: Sequence[ScoreRule]) -> "pd.Series[float]":
    total = pd.Series(0.0, index=cells.index)
    for rule in rules:
        total += rule.points * rule.holds(cells)
    return total


def _judged(cells: pd.DataFrame, rules: Sequence[ScoreRule]) -> pd.DataFrame:
    """Each rule with what followed, all other rules held equal, and the points that were fair."""
    design = pd.DataFrame({rule.rule: rule.holds(cells).astype(float) for rule in rules})
    found = fitted_odds(design, cells.won, cells.n)
    rows = []
    for rule in rules:
        true = design[rule.rule] > 0
        rows.append((rule.rule, rule.name, rule.points, int(cells.n[true].sum()),
                     int(cells.won[true].sum())))  # fmt: skip
    frame = pd.DataFrame(rows, columns=["rule", "name", "points", "n", "won"])
    low, high = wilson(frame.won, frame.n)
    known = frame.n.where(frame.n > 0)
    frame = frame.assign(rate=frame.won / known, rate_low=low, rate_high=high)
    odds = (
        found.table().set_index("term") if found else pd.DataFrame(columns=["slope", "low", "high"])
    )
    odds = odds.reindex(frame.rule).reset_index(drop=True).astype(float)
    frame = frame.assign(slope=odds.slope, slope_low=odds.low, slope_high=odds.high)
    fair = {f"fair{end}": _DOUBLE * frame[f"slope{end}"] for end in ("", "_low", "_high")}
    frame = frame.assign(**fair)
    outside = (frame.points < frame.fair_low) | (frame.points > frame.fair_high)
    return frame.assign(off=outside)


def _design(cells: pd.DataFrame, names: Sequence[str], sources: Sequence[str]) -> pd.DataFrame:
    """The model's terms: each source against the commonest, each event, each earlier assignment."""
    columns = {f"source {name}": (cells.source == name).astype(float) for name in sources[1:]}
    columns |= {f"seen {name}": cells[f"seen {name}"].astype(float) for name in names}
    columns["again"] = cells.again.astype(float)
    return pd.DataFrame(columns, index=cells.index)


def _tried(cells: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The model and the table, learnt from the earlier part and judged on the later one."""
    sizes = cells.groupby("source").n.sum().sort_values(ascending=False, kind="stable")
    sources = [str(name) for name in sizes.index]
    design = _design(cells, names, sources)
    early, late = cells.part == "earlier", cells.part == "later"
    model = fitted_odds(design[early], cells.won[early], cells.n[early])
    table = fitted_odds(cells.loc[early, ["points"]], cells.won[early], cells.n[early])
    now = fitted_odds(design, cells.won, cells.n)
    terms = now.table() if now else pd.DataFrame(columns=["term", "slope", "low", "high"])
    n, won = (cells.loc[late, c].to_numpy(float) for c in ("n", "won"))
    chances = {
        "model": model.chance(design[late]) if model else None,
        "table": table.chance(cells.loc[late, ["points"]]) if table else None,
    }
    trials = pd.DataFrame(
        [_trial(name, chance, won, n) for name, chance in chances.items() if chance is not None],
        columns=["method", "n", "won", "area", "area_low", "area_high", "best", "best_won", "top",
                 "top_low", "top_high", "lift"],
    )  # fmt: skip
    shown = chances["model"] if chances["model"] is not None else np.zeros(0)
    return {
        "terms": terms,
        "trials": trials,
        "tenths": tenths(shown, won[: len(shown)], n[: len(shown)]),
        "chances": _chances(cells, names, design, now),
    }


def _trial(method: str, chance: np.ndarray, won: np.ndarray, n: np.ndarray) -> tuple[object, ...]:
    value, low, high = area(chance, won, n)
    best, best_won = _best(chance, won, n)
    top_low, top_high = wilson(best_won, best)
    base = won.sum() / n.sum() if n.sum() else float("nan")
    top = best_won / best if best else float("nan")
    return (method, int(n.sum()), int(won.sum()), value, low, high, best, best_won, top,
            float(top_low), float(top_high), top / base if base else float("nan"))  # fmt: skip


def _best(chance: np.ndarray, won: np.ndarray, n: np.ndarray) -> tuple[float, float]:
    """The best tenth: its size, and its wins; a cell at the edge gives its share."""
    left, wins, size = n.sum() / 10, 0.0, n.sum() / 10
    for place in np.argsort(-chance, kind="stable"):
        taken = min(left, n[place])
        wins += won[place] * taken / n[place] if n[place] else 0.0
        left -= taken
    return float(size), float(wins)


def _chances(
    cells: pd.DataFrame, names: Sequence[str], design: pd.DataFrame, model: Odds | None
) -> pd.DataFrame:
    """Every cell that was met, with its points and its chance by the model of all assignments."""
    chance = model.chance(design) if model else np.full(len(cells), np.nan)
    return (
        cells.assign(chance=chance)[[*keys(names), "points", "chance"]]
        .drop_duplicates(ignore_index=True)
    )  # fmt: skip
