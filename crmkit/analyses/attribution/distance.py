"""How far the credit of models lies from what was measured."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.analyses.attribution.frames import limits
from crmkit.analyses.attribution.models import MODELS
from crmkit.errors import ParameterError, nearest

Floats = npt.NDArray[np.float64]


def distances(credit: pd.DataFrame, drawn: Floats, measured: Mapping[str, float]) -> pd.DataFrame:
    """The total variation distance between each model's shares and the measured ones.

    Both are taken among the channels that were measured. It is half the sum of the differences: the
    share of the credit that lies on the wrong channel.
    """
    labels = credit[credit.model == MODELS[0]].channel.tolist()[:-1]
    truth = _shares_of(measured, labels)
    named = [labels.index(name) for name in measured]
    whole = [credit[credit.model == m].conversions_share.to_numpy()[named] for m in MODELS]
    off = _inner(np.stack(whole)) - truth
    low, high = limits(np.abs(_inner(drawn[:, :, named, 0]) - truth).sum(axis=-1) / 2)
    worst = np.abs(off).argmax(axis=1)
    return pd.DataFrame(
        {
            "model": MODELS,
            "distance": np.abs(off).sum(axis=1) / 2,
            "distance_low": low,
            "distance_high": high,
            "worst": [list(measured)[k] for k in worst],
            "worst_by": off[np.arange(len(off)), worst],
        }
    )


def _inner(shares: Floats) -> Floats:
    """Shares among the channels alone."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = shares / shares.sum(axis=-1, keepdims=True)
    return found


def _shares_of(measured: Mapping[str, float], labels: list[str]) -> Floats:
    strange = [name for name in measured if name not in labels]
    if strange:
        guess = nearest(strange[0], labels)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(f"There is no channel {strange[0]!r}.{hint} There are: {labels}.")
    values = np.array([float(value) for value in measured.values()])
    if not len(values) or (values < 0).any() or not np.isfinite(values).all() or values.sum() <= 0:
        raise ParameterError(
            f"measured is {dict(measured)}. Give conversions by channel, 0 or more, some above 0."
        )
    found: Floats = values / values.sum()
    return found
