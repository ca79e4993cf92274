"""How long inbound calls last and how long callers wait before they give up, as measured."""

import math
from dataclasses import dataclass

import pandas as pd

from crmkit.stats import mean_interval

__all__ = ["ASSUMED_PATIENCE", "Measured", "inbound"]

ASSUMED_PATIENCE = 120.0
"""Seconds of mean patience where it was neither given nor can be measured."""
_FEW = 10
"""Fewer callers who gave up than this tell nothing of patience."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Seconds of handle time and patience with their intervals and where they are from.

    `source` of each is given, measured or assumed; `n`, what it was measured on: calls handled, and
    callers who gave up; `held`, mean seconds that a call holds its line.
    """

    handle: float
    handle_low: float
    handle_high: float
    handle_n: int
    handle_source: str
    patience: float
    patience_low: float
    patience_high: float
    patience_n: int
    patience_source: str
    held: float


def inbound(units: pd.DataFrame, *, handle: float | None, patience: float | None) -> Measured:
    """Measure inbound calls; what is given counts before what was measured.

    Handle time is talk and wrap, of transfers too, over calls handled; its interval is Student's.
    Patience is the time that callers waited, all together, over those who gave up: the likeliest
    mean of an exponential patience of which an answer hides the rest (Brown et al. 2005). Its
    interval is that of a Poisson count.
    """
    names = ["offered", "abandoned", "waited", "held_in", "first_in", "talks_in", "seconds_in"]
    sums = units[[*names, "squares_in"]].sum()
    mean = _ratio(sums.seconds_in, sums.first_in)
    low, high = mean_interval(sums.seconds_in, sums.squares_in, sums.talks_in)
    legs = _ratio(sums.talks_in, sums.first_in)
    left = int(sums.abandoned)
    enough = left >= _FEW and sums.waited > 0
    least, most = _poisson(left)
    known = patience is None and enough
    return Measured(
        handle=float(handle) if handle is not None else mean,
        handle_low=math.nan if handle is not None else float(low) * legs,
        handle_high=math.nan if handle is not None else float(high) * legs,
        handle_n=int(sums.first_in),
        handle_source="given" if handle is not None else "measured",
        patience=float(patience)
        if patience is not None
        else float(sums.waited) / left
        if enough
        else ASSUMED_PATIENCE,
        patience_low=float(sums.waited) / most if known else math.nan,
        patience_high=float(sums.waited) / least if known else math.nan,
        patience_n=left,
        patience_source="given" if patience is not None else "measured" if enough else "assumed",
        held=_ratio(sums.held_in, sums.offered),
    )


def _poisson(count: int) -> tuple[float, float]:
    """The exact 95 % interval of a Poisson mean (Garwood 1936)."""
    from scipy.special import gammaincinv  # noqa: PLC0415

    low = float(gammaincinv(count, 0.025)) if count else 0.0
    return low, float(gammaincinv(count + 1, 0.975))


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else math.nan
