"""Contacts by weekday and hour, with what campaigns and modes explain taken out."""

import numpy as np
import pandas as pd
from scipy.special import ndtr

from crmkit.analyses.calls.dialling.counts import COUNTS, Known, measured
from crmkit.analyses.calls.measures import summed
from crmkit.stats import holm

__all__ = ["hour_frame", "hours_apart"]


def hour_frame(cells: pd.DataFrame, told: Known) -> pd.DataFrame:
    """One row a weekday and hour: counts, rates, and the contact rate adjusted.

    Agreed callbacks, dialled by hand, reach most; an hour with many of them looks good without
    being so. `expected` are the contacts that the hour's dials would have had at the rates of their
    campaigns and modes; `adjusted` is the rate of all dials times contacts / expected, with limits
    (indirect standardisation). Where contacts are not known, it is of answers.
    """
    part = "contacts" if told.contacts else "answered"
    own = cells.groupby(["campaign_id", "mode"], dropna=False)
    chance = own[part].transform("sum") / own.dials.transform("sum")
    cells = cells.assign(expected=(cells.dials * chance).astype("float64"))
    frame = measured(summed(cells, ["weekday", "hour"], (*COUNTS, "expected")), told)
    whole = cells[part].sum() / cells.dials.sum() if len(cells) else np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = whole / (frame.expected / frame.dials)
    rate = "contact_rate" if told.contacts else "answer_rate"
    for end in ("", "_low", "_high"):
        adjusted = (frame[f"{rate}{end}"] * factor).clip(upper=1.0)
        frame[f"adjusted{end}"] = adjusted.where(frame.expected > 0)
    return frame


def hours_apart(frame: pd.DataFrame, part: str, *, certain: float = 0.05) -> pd.DataFrame:
    """The hours of the day whose contacts surely differ from those expected, the lowest first.

    A normal test of contacts against expected, its p-values adjusted for the number of hours.
    Returns: hour, dials, expected, adjusted, and `above`, whether there were more than expected.
    """
    sums = frame.groupby("hour", as_index=False)[["dials", part, "expected"]].sum()
    spread = sums.expected * (1 - sums.expected / sums.dials)
    sums = sums[spread > 5]  # fewer are not normal
    if len(sums) < 2:
        return sums.assign(adjusted=np.nan, above=False).iloc[:0]
    difference = sums[part] - sums.expected
    p = holm(2 * ndtr(-np.abs(difference / np.sqrt(spread[spread > 5]))))
    whole = frame[part].sum() / frame.dials.sum()
    sums = sums.assign(adjusted=whole * sums[part] / sums.expected, above=difference > 0)
    return sums[p < certain].sort_values("adjusted", kind="stable", ignore_index=True)
