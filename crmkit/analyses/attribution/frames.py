"""The frames of an attribution, from its shares and counts."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.analyses.attribution.answer import KEYS, Counts
from crmkit.analyses.attribution.models import MEASURES, MODELS, Shares
from crmkit.analyses.attribution.steps import LAYERS
from crmkit.analyses.attribution.streams import CONVERSION, UNIT
from crmkit.credit.ranks import kendall
from crmkit.stats import wilson

Floats = npt.NDArray[np.float64]

NO_TOUCH = "(no touch)"
CONVERTED, MORE = "(converted)", "(more)"
"""Where a path may lead besides a channel; "(more)" stands for the steps that are not shown."""
LEVEL = 0.95


def totals_of(counts: Counts) -> Floats:
    """All conversions and all revenue, with and without a touch."""
    touched = [counts.sets.conversions.sum(), counts.sets.value.sum()]
    found: Floats = np.array(touched) + counts.alone.sum(axis=0) + counts.constant
    return found


def credit_frame(
    labels: Sequence[str], counts: Counts, whole: Shares, drawn: Floats, *, valued: bool
) -> pd.DataFrame:
    """One row a model and channel, "(no touch)" last: credit, share, their intervals, and rank.

    Parameters: `drawn`, the shares of every draw; `valued`, whether conversions have a value.
    """
    names = [*labels, NO_TOUCH]
    totals = totals_of(counts)
    keys = pd.MultiIndex.from_product([MODELS, names], names=["model", "channel"])
    frame = pd.DataFrame(index=keys).reset_index()
    for place, measure in enumerate(MEASURES):
        known = valued or measure == "conversions"
        share = whole.credit[0, ..., place] if known else np.full(whole.credit.shape[1:3], np.nan)
        low, high = limits(drawn[..., place]) if known else (share, share)
        for suffix, part in (("", share), ("_low", low), ("_high", high)):
            frame[f"{measure}_share{suffix}"] = part.ravel()
            frame[f"{measure}{suffix}"] = part.ravel() * totals[place]
    frame["rank"] = _ranks(frame)
    return frame


def limits(drawn: Floats) -> tuple[Floats, Floats]:
    """The middle 95% of the draws (first axis); nan where there are none."""
    if not len(drawn):
        return np.full(drawn.shape[1:], np.nan), np.full(drawn.shape[1:], np.nan)
    tail = (1 - LEVEL) / 2
    known = np.where(np.isnan(drawn).all(axis=0), 0.0, drawn)
    low, high = np.nanquantile(known, [tail, 1 - tail], axis=0)
    nothing = np.isnan(drawn).all(axis=0)
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def _ranks(frame: pd.DataFrame) -> "pd.Series[float]":
    """1 for the channel with the most credit of its model; no touch has none; ties share."""
    touched = frame[frame.channel != NO_TOUCH]
    ranks = touched.groupby("model").conversions_share.rank(ascending=False, method="min")
    return ranks.reindex(frame.index)


def channel_frame(
    labels: Sequence[str], touches: Mapping[str, int], counts: Counts, whole: Shares
) -> pd.DataFrame:
    """One row a channel: its paths, how many converted, removal effects, spread over the models."""
    sets, n = counts.sets, len(labels)
    inside = (sets.masks[:, None] >> np.arange(n)) & 1
    paths = np.asarray(sets.paths.sum(axis=0)) @ inside
    converting = np.asarray(sets.converting.sum(axis=0)) @ inside
    low, high = wilson(converting, paths)
    removal, games = whole.removal[0], whole.game[0]
    share = whole.credit[0, :, :n, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        frame = pd.DataFrame(
            {
                "channel": list(labels),
                "touches": [touches.get(label, 0) for label in labels],
                "paths": paths.astype("int64"),
                "converting": converting.astype("int64"),
                "rate": np.where(paths > 0, converting / paths, np.nan),
                "rate_low": low,
                "rate_high": high,
                "removal": removal[:, 0],
                "removal_normalised": removal[:, 0] / removal[:, 0].sum(),
                "shapley": games[:, 0],
                "shapley_error": whole.errors[0, :, 0],
            }
        )
    if n:
        lowest, highest = share.argmin(axis=0), share.argmax(axis=0)
        frame["lowest"], frame["highest"] = share.min(axis=0), share.max(axis=0)
        frame["lowest_model"] = [MODELS[k] for k in lowest]
        frame["highest_model"] = [MODELS[k] for k in highest]
    else:
        frame = frame.assign(lowest=[], highest=[], lowest_model=[], highest_model=[])
    return frame


def agreement_frame(credit: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau between the ranks of each two models, and the largest difference of ranks."""
    wide = credit[credit.channel != NO_TOUCH].pivot_table(
        index="channel", columns="model", values="conversions_share", dropna=False
    )
    ranks = wide.rank(ascending=False, method="min")
    rows = [
        {
            "first": one,
            "second": other,
            "tau": kendall(wide[one], wide[other]),
            "moved": float((ranks[one] - ranks[other]).abs().max()),
            "share_moved": float((wide[one] - wide[other]).abs().sum() / 2),
        }
        for place, one in enumerate(MODELS)
        for other in MODELS[place + 1 :]
        if len(wide)
    ]
    columns = ["first", "second", "tau", "moved", "share_moved"]
    return pd.DataFrame(rows, columns=columns)


def flow_frame(answer: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """How many converting paths went from each channel to what followed; step 1 is the first."""
    rows = answer[answer.part == "flow"]
    step = rows.a.to_numpy(dtype=np.int64) + 1
    target = [
        CONVERTED if code == CONVERSION else MORE if at == LAYERS else labels[code]
        for at, code in zip(step, rows.c, strict=True)
    ]
    source = [labels[code] for code in rows.b]
    frame = pd.DataFrame(
        {"step": step, "source": source, "target": target, "paths": rows.x1.astype("int64")}
    )
    return frame.groupby(["step", "source", "target"], as_index=False)[["paths"]].sum()


def path_frame(answer: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """The paths with the most conversions, in words; of long ones the first five channels."""
    rows = answer[answer.part == "path"]
    words = [
        " → ".join(
            [*(labels[code] for code in codes if code >= 0), *(["…"] if length > LAYERS else [])]
        )
        for codes, length in zip(rows[KEYS].to_numpy(), rows.x1, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "path": words,
            "touches": rows.x1.to_numpy(),
            "paths": rows.x2.to_numpy(),
            "conversions": rows.x3.to_numpy(),
            "revenue": rows.x4.to_numpy(dtype=float) / UNIT,
        }
    )
    order = ["conversions", "paths", "path"]
    return frame.sort_values(order, ascending=[False, False, True], ignore_index=True)


def assert_whole(credit: pd.DataFrame, totals: Floats, *, valued: bool) -> None:
    """Every model's credit sums to all conversions and to all revenue, and none is below zero."""
    for place, measure in enumerate(MEASURES[: 2 if valued else 1]):
        if totals[place] <= 0:
            continue
        sums = credit.groupby("model")[measure].sum()
        assert np.allclose(sums, totals[place], rtol=1e-9, atol=1e-9), (measure, sums.to_dict())
        assert (credit[measure] >= 0).all(), measure


__all__ = [
    "CONVERTED",
    "MORE",
    "NO_TOUCH",
    "agreement_frame",
    "assert_whole",
    "channel_frame",
    "credit_frame",
    "flow_frame",
    "limits",
    "path_frame",
    "totals_of",
]
