"""Frames of a funnel from the engine's counts: rates with intervals, comparisons, trend."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit.records import records
from crmkit.stats import holm, two_proportions, wilson
from crmkit.steps import Step
from crmkit.text import number, say

__all__ = ["compared", "histogram", "leaks", "step_names", "stepped", "trend"]


def step_names(steps: Sequence[Step], order: str) -> list[str]:
    """What a row of the funnel is called: its step, or how many steps were made in any order."""
    if order != "unordered":
        return [step.name for step in steps]
    more = [say("any {n} of the steps", n=number(k)) for k in range(2, len(steps))]
    ends = [say("any of the steps"), *more, say("all steps")]
    return ends[-1:] if len(steps) == 1 else ends


def stepped(answer: pd.DataFrame, steps: Sequence[Step], order: str) -> pd.DataFrame:
    """One row a step: units, the rate from the step before and from the first, times.

    The step before is the last one that is not optional; those who made it are `n`.
    """
    made = answer[answer.part == "all"].set_index("step").units
    units = [int(made.get(j, 0)) for j in range(1, len(steps) + 1)]
    frame = _rates(pd.DataFrame({"step": range(1, len(steps) + 1), "units": units}), steps)
    frame.insert(1, "name", step_names(steps, order))
    for part in ("from_last", "from_first"):
        took = answer[answer.part == part].set_index("step")
        frame[f"mean_{part}"] = frame.step.map(took["mean"])
        frame[f"median_{part}"] = frame.step.map(took["median"])
    return frame


def _rates(frame: pd.DataFrame, steps: Sequence[Step]) -> pd.DataFrame:
    """Add n (units at the step before), rate, total rate, their intervals, and those lost."""
    units = frame.units.to_numpy()
    before = [_before(j, steps) for j in range(len(steps))]
    n = np.array([units[b] if b is not None else units[j] for j, b in enumerate(before)])
    low, high = wilson(units, n)
    total_low, total_high = wilson(units, np.full(len(units), units[0] if len(units) else 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return frame.assign(
            n=n,
            entered=units[0] if len(units) else 0,
            rate=np.where(n > 0, units / np.maximum(n, 1), np.nan),
            rate_low=low,
            rate_high=high,
            total=np.where(units[0] > 0, units / max(units[0], 1), np.nan),
            total_low=total_low,
            total_high=total_high,
            lost=n - units,
            weak=n < 30,
            optional=[step.optional for step in steps],
        )


def _before(place: int, steps: Sequence[Step]) -> int | None:
    """The place of the last step before that everybody had to make."""
    return next((i for i in range(place - 1, -1, -1) if not steps[i].optional), None)


def compared(answer: pd.DataFrame, steps: Sequence[Step]) -> pd.DataFrame:
    """One row a value: those who entered and finished, against the rest, corrected after Holm.

    `n` and `units` are those of the first and the last step; `p` of the two-proportion test
    against all others together.
    """
    part = answer[answer.part == "value"]
    counts = part.pivot_table(
        index=part["value"].fillna(""), columns="step", values="units", aggfunc="sum", fill_value=0
    ).reindex(columns=range(1, len(steps) + 1), fill_value=0)
    frame = pd.DataFrame(
        {
            "value": counts.index.to_numpy(),
            "n": counts[1].to_numpy(dtype="int64"),
            "units": counts[len(steps)].to_numpy(dtype="int64"),
            **{f"step_{j}": counts[j].to_numpy(dtype="int64") for j in counts.columns},
        }
    )
    low, high = wilson(frame.units, frame.n)
    frame = frame.assign(
        rate=frame.units / frame.n.where(frame.n > 0),
        rate_low=low,
        rate_high=high,
        weak=frame.n < 30,
    )
    n, units = frame.n.sum(), frame.units.sum()
    tests = [
        two_proportions(row.units, row.n, units - row.units, n - row.n)
        if row.n and n > row.n
        else np.nan
        for row in records(frame)
    ]
    frame["p"] = _corrected(np.array(tests, dtype=float))
    frame["rest"] = (units - frame.units) / (n - frame.n).where(n > frame.n)
    return frame.sort_values(["n", "value"], ascending=[False, True], ignore_index=True)


def leaks(values: pd.DataFrame, steps: Sequence[Step], order: str) -> pd.DataFrame:
    """One row a value and step after the first: who goes on, against all other values.

    `n` made the step before that is not optional; `p` is corrected after Holm over all rows.
    """
    names, rows = step_names(steps, order), []
    for j in range(2, len(steps) + 1):
        before = _before(j - 1, steps)
        if steps[j - 1].optional or before is None:
            continue
        n, units = values[f"step_{before + 1}"], values[f"step_{j}"]
        others, others_units = n.sum() - n, units.sum() - units
        rows.append(
            pd.DataFrame(
                {
                    "value": values["value"],
                    "step": j,
                    "name": names[j - 1],
                    "n": n,
                    "units": units,
                    "rate": units / n.where(n > 0),
                    "rest": others_units / others.where(others > 0),
                    "p": [
                        two_proportions(*cell) if cell[1] and cell[3] else np.nan
                        for cell in zip(units, n, others_units, others, strict=True)
                    ],
                }
            )
        )
    if not rows:
        return pd.DataFrame(columns=["value", "step", "name", "n", "units", "rate", "rest", "p"])
    frame = pd.concat(rows, ignore_index=True)
    low, high = wilson(frame.units, frame.n)
    p = _corrected(frame.p.to_numpy(dtype=float))
    return frame.assign(p=p, rate_low=low, rate_high=high, weak=frame.n < 30)


def _corrected(p_values: np.ndarray) -> np.ndarray:
    known = ~np.isnan(p_values)
    corrected = np.full(len(p_values), np.nan)
    if known.any():
        corrected[known] = holm(p_values[known])
    return corrected


def trend(
    answer: pd.DataFrame, steps: Sequence[Step], period: calendar.Period, first: dt.date
) -> pd.DataFrame:
    """One row a period of entry: entered, finished, rate; `partial` where windows are still open.

    A rate of a period that is not final may only grow. `cut` is the period that began before the
    `first` day: of its units, only those who entered since are counted.
    """
    part = answer[answer.part == "period"]
    counts = part.pivot_table(index="period", columns="step", values="units", aggfunc="sum")
    counts = counts.reindex(columns=range(1, len(steps) + 1)).fillna(0).astype("int64")
    open_ = part.groupby("period").open.max().reindex(counts.index)
    low, high = wilson(counts[len(steps)], counts[1])
    return pd.DataFrame(
        {
            "period": [pd.Timestamp(calendar.period_start(int(p), period)) for p in counts.index],
            "n": counts[1].to_numpy(),
            "units": counts[len(steps)].to_numpy(),
            "rate": (counts[len(steps)] / counts[1].where(counts[1] > 0)).to_numpy(),
            "rate_low": low,
            "rate_high": high,
            "open": open_.fillna(0).astype("int64").to_numpy(),
            "partial": (open_.fillna(0) > 0).to_numpy(),
            "cut": [calendar.period_start(int(p), period) < first for p in counts.index],
        }
    )


def histogram(answer: pd.DataFrame) -> pd.DataFrame:
    """Bins of the time to convert in seconds: left edge, right edge, units; empty bins too."""
    part = answer[answer.part == "bin"].sort_values("left")
    if part.empty:
        return pd.DataFrame({"left": [], "right": [], "units": []})
    width, low = float(part.width.iloc[0]), float(part.left.iloc[0])
    places = ((part.left - low) / width).round().astype("int64")
    counts = pd.Series(part.units.to_numpy(), index=places)
    counts = counts.groupby(level=0).sum().reindex(range(int(places.max()) + 1), fill_value=0)
    left = low + counts.index.to_numpy() * width
    return pd.DataFrame(
        {"left": left, "right": left + width, "units": counts.to_numpy(dtype="int64")}
    )
