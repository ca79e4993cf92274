"""Every model's shares of the credit, of the whole and of each bootstrap draw."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.analyses.attribution.answer import Counts
from crmkit.analyses.attribution.counts import RULES
from crmkit.credit import markov, shapley
from crmkit.errors import ParameterError, nearest

Floats = npt.NDArray[np.float64]

MODELS = (*RULES, "markov", "shapley")
"""Every model, in the order of tables."""
MEASURES = ("conversions", "revenue")


def known_model(model: str) -> None:
    """Refuse a model that is not there, with the nearest name.

    Raises: ParameterError.
    """
    if model not in MODELS:
        guess = nearest(model, MODELS)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(f"model={model!r} is unknown.{hint} Give one of: {', '.join(MODELS)}.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Shares:
    """How models share out the credit.

    `credit`: shares of all conversions and of all revenue, by case, model, channel (the last one
    stands for no touch) and measure; each sums to 1 over the channels. `removal`: removal effects
    as they are, by case, channel and measure. `game`: Shapley values before those below 0 are cut,
    by case, channel and measure; `errors`, their standard errors from drawing orders.
    """

    credit: Floats
    removal: Floats
    game: Floats
    errors: Floats


def evaluated(counts: Counts, weights: Floats, *, game: str) -> Shares:
    """The shares in each case; a case weighs the groups of customers.

    Parameters: `weights`, by case and group; `game`, "rate" or "conversions", of Shapley values.
    """
    rules = np.einsum("cg,gnrm->crnm", weights, counts.rules)
    removal, chain = _markov(counts, weights)
    values, errors = _shapley(counts, weights, game)
    raw = np.concatenate([rules, chain[:, None], np.maximum(values, 0.0)[:, None]], axis=1)
    alone = weights @ counts.alone + counts.constant
    touched = np.stack([weights @ counts.sets.conversions, weights @ counts.sets.value], axis=-1)
    return Shares(
        credit=_whole(raw, touched.sum(axis=1), alone),
        removal=removal,
        game=values,
        errors=errors,
    )


def _whole(raw: Floats, touched: Floats, alone: Floats) -> Floats:
    """Shares of everything: those of what was touched, and what was not.

    Revenue too small to be shared out in its smallest unit is shared as conversions are.
    """
    raw = np.where((raw.sum(axis=2, keepdims=True) > 0), raw, raw[..., :1])
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = raw / raw.sum(axis=2, keepdims=True)
        part = (touched / (touched + alone))[:, None, None, :]
    inner = np.where(part > 0, inner, 0.0) if raw.shape[2] else raw
    rest = np.broadcast_to(1 - part, (*raw.shape[:2], 1, 2))
    return np.concatenate([inner * part, rest], axis=2)


def _markov(counts: Counts, weights: Floats) -> tuple[Floats, Floats]:
    """Removal effects, and what they are in relation to each other, by case."""
    moves, n = counts.moves, counts.channels
    count, converted = weights @ moves.count, weights @ moves.converted
    value, lost = weights @ moves.value, weights @ moves.lost
    effects = np.zeros((len(weights), n, 2))
    for case in range(len(weights)):
        chain = markov.Chain(
            origin=moves.origin,
            target=moves.target,
            count=count[case],
            owner=moves.owner,
            converted=converted[case],
            lost=lost[case],
            reward=np.stack([converted[case], value[case]], axis=1),
        )
        found = markov.removal_effects(markov.worth(chain))
        effects[case, : len(found)] = found
    return effects, np.nan_to_num(effects)


def _shapley(counts: Counts, weights: Floats, game: str) -> tuple[Floats, Floats]:
    sets = counts.sets
    paths, sums = weights @ sets.paths, [weights @ sets.conversions, weights @ sets.value]
    values = np.zeros((len(weights), counts.channels, 2))
    errors = np.zeros_like(values)
    if game == "conversions":
        inside = (sets.masks[:, None] >> np.arange(counts.channels)) & 1
        equal = inside / np.maximum(inside.sum(axis=1, keepdims=True), 1)
        return np.stack([total @ equal for total in sums], axis=-1), errors
    games = shapley.set_game(sets.masks, counts.channels)
    for measure, total in enumerate(sums):
        rate = np.divide(total, paths, out=np.zeros_like(total), where=paths > 0)
        found = shapley.shares(games, rate, paths)
        values[..., measure], errors[..., measure] = found.values, found.errors
    return values, errors


def resampled(groups: int, times: int, rng: np.random.Generator) -> Floats:
    """How often each group of customers is drawn, in so many draws with replacement."""
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=times).astype(float)
