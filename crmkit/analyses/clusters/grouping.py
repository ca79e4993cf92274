"""K-means on standardised features: how many groups, and whether they come again."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Grouping", "grouped", "jaccard", "stability"]

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
_FITTED, _SHAPED, _DRAWS = 20_000, 3_000, 25
"""Customers that are fitted, that silhouettes are taken of, and bootstrap samples."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Grouping:
    """The groups of k-means, and what was tried: k, inertia, silhouette."""

    k: int
    labels: Labels = field(repr=False)
    trials: pd.DataFrame = field(repr=False)
    stable: pd.DataFrame = field(repr=False)


def grouped(x: Floats, *, k: int | None, most: int, seed: int) -> Grouping:
    """The groups of the rows of x, standardised; k where given, else by the highest silhouette.

    Fitted to at most 20,000 rows, spread evenly; all rows are given to the nearest centre.
    """
    from sklearn.cluster import KMeans  # noqa: PLC0415 (takes a second)
    from sklearn.metrics import silhouette_score  # noqa: PLC0415

    sample = x[:: max(1, -(-len(x) // _FITTED))]
    shape = sample[:: max(1, -(-len(sample) // _SHAPED))]
    largest = min(most, len(np.unique(sample, axis=0)) - 1)
    rows, models = [], {}
    for tried in range(2, largest + 1):
        model = KMeans(tried, n_init=5, random_state=seed).fit(sample)
        models[tried] = model
        found = model.predict(shape)
        several = 1 < len(np.unique(found)) < len(shape)
        rows.append(
            (tried, float(model.inertia_), silhouette_score(shape, found) if several else np.nan)
        )
    trials = pd.DataFrame(rows, columns=["k", "inertia", "silhouette"])
    if not models:
        return Grouping(
            k=1, labels=np.zeros(len(x), dtype=np.int64), trials=trials, stable=pd.DataFrame()
        )
    chosen = min(k, largest) if k else _best(trials)
    labels = models[chosen].predict(x).astype(np.int64)
    stable = stability(shape, models[chosen], chosen, seed)
    return Grouping(k=chosen, labels=labels, trials=trials, stable=stable)


def _best(trials: pd.DataFrame) -> int:
    known = trials.dropna(subset="silhouette")
    return int(known.k.iloc[int(known.silhouette.argmax())]) if len(known) else 2


def stability(x: Floats, model: "object", k: int, seed: int) -> pd.DataFrame:
    """How well each group is found again in bootstrap samples (Hennig 2007).

    The Jaccard overlap of a group with the most similar one of the sample, over the rows drawn.
    Above .75 a group is stable, below .6 it should not be relied on.
    Returns: group, jaccard (mean), jaccard_low and jaccard_high (2.5 and 97.5 % of the draws).
    """
    from sklearn.cluster import KMeans  # noqa: PLC0415

    rng = np.random.default_rng(seed)
    first = model.predict(x)  # type: ignore[attr-defined]
    found = np.full((_DRAWS, k), np.nan)
    for draw in range(_DRAWS):
        rows = np.unique(rng.integers(0, len(x), len(x)))
        if len(np.unique(x[rows], axis=0)) < k:
            continue
        again = KMeans(k, n_init=2, random_state=draw).fit_predict(x[rows])
        found[draw] = [jaccard(first[rows] == group, again, k) for group in range(k)]
    known = ~np.isnan(found).all(axis=0)
    low, high = np.full(k, np.nan), np.full(k, np.nan)
    mean = np.full(k, np.nan)
    if known.any():
        low[known], high[known] = np.nanquantile(found[:, known], [0.025, 0.975], axis=0)
        mean[known] = np.nanmean(found[:, known], axis=0)
    return pd.DataFrame(
        {"group": range(k), "jaccard": mean, "jaccard_low": low, "jaccard_high": high}
    )


def jaccard(inside: npt.NDArray[np.bool_], labels: Labels, k: int) -> float:
    """The overlap of a set with the most similar group: both over either; nan for nobody.

    >>> jaccard(np.array([True, True, False]), np.array([0, 0, 1]), 2)
    1.0
    """
    if not inside.any():
        return float("nan")
    best = 0.0
    for group in range(k):
        other = labels == group
        best = max(best, float((inside & other).sum() / (inside | other).sum()))
    return best
