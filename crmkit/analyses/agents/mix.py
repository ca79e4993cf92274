"""What an average agent would have made of the same calls: the adjustment for mix.

A regression on counts with the factors that an agent does not choose (list, local hour, attempt)
and an effect for every agent. The effects of agents are in the fit so that a good agent's success
is not credited to the list; they are left out of the prediction.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

__all__ = ["FACTORS", "Mix", "expected_rates", "expected_seconds"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

FACTORS = ("list_id", "hour", "attempt")
_AGENT_SD = 1.0  # wide: agents rarely differ so much in log-odds
_FACTOR_SD = 2.5
_FEWEST, _MOST = 50, 60  # levels with fewer cases, or beyond so many levels, go together
_STEPS = 60


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Calls in cells: `agent`, a position; `design`, a column of 0 and 1 for each level; `n`."""

    agent: Wholes
    agents: int
    design: Floats
    n: Floats

    @classmethod
    def of(cls, cells: pd.DataFrame, n: Floats) -> "Mix":
        """The cells of one dial mode, with the number of cases in each."""
        agent, names = pd.factorize(cells.agent_id)
        columns = [column for factor in FACTORS for column in _levels(cells[factor].to_numpy(), n)]
        design = np.column_stack(columns) if columns else np.zeros((len(cells), 0))
        return cls(agent=agent.astype(np.int64), agents=len(names), design=design, n=n)


def _levels(values: npt.NDArray[np.object_], n: Floats) -> list[Floats]:
    """A column for each level of a factor that has cases enough; one alone says nothing."""
    codes, _ = pd.factorize(values)
    sizes = np.bincount(codes, weights=n)
    large = [code for code in np.argsort(-sizes, kind="stable")[:_MOST] if sizes[code] >= _FEWEST]
    columns = [(codes == code).astype(float) for code in large]
    rest = ~np.isin(codes, large)
    if n[rest].sum() > 0:
        columns.append(rest.astype(float))
    return columns if len(columns) > 1 else []


def expected_rates(
    mix: Mix,
    successes: Floats,
    base: npt.NDArray[np.bool_] | None = None,
    *,
    agent_sd: float = _AGENT_SD,
    factor_sd: float = _FACTOR_SD,
) -> Floats:
    """The chance of success of an average agent in each cell, by logistic regression on counts.

    Maximum a posteriori with normal priors around 0 on the effects, by Newton's method.

    Parameters: `successes` of each cell; `base`, the cells whose total is met exactly (all by
    default); `agent_sd`, `factor_sd`, standard deviations of the priors.
    Returns: a rate for each cell, whose expected successes add up to those that came.
    """
    total, cases = successes.sum(), mix.n.sum()
    if total in (0, cases):
        return np.full(len(mix.n), total / cases if cases else np.nan)
    start = float(logit((total + 0.5) / (cases + 1)))
    beta, effect = np.zeros(mix.design.shape[1] + 1), np.zeros(mix.agents)
    beta[0] = start
    for _ in range(_STEPS):
        score = beta[0] + mix.design @ beta[1:] + effect[mix.agent]
        rate = expit(score)
        change = _step(
            mix,
            mix.n * rate * (1 - rate),
            successes - mix.n * rate,
            (beta, effect),
            (1 / factor_sd**2, 1 / agent_sd**2),
        )
        longest = max(np.abs(change[0]).max(), np.abs(change[1]).max())
        ease = min(1.0, 2.0 / longest) if longest > 0 else 1.0
        beta, effect = beta + ease * change[0], effect + ease * change[1]
        if longest < 1e-9:
            break
    within = np.ones(len(mix.n), dtype=bool) if base is None else base
    return _levelled(mix.design @ beta[1:], mix.n * within, float(successes[within].sum()))


def _levelled(score: Floats, n: Floats, total: float) -> Floats:
    """The rates of scores shifted so that n cases give that total."""
    cases = n.sum()
    if not 0 < total < cases:
        return np.full(len(score), total / cases if cases else np.nan)
    low, high = -40.0 - score.max(), 40.0 - score.min()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if n @ expit(score + middle) < total else (low, middle)
    return np.asarray(expit(score + (low + high) / 2))


def expected_seconds(
    mix: Mix, seconds: Floats, base: npt.NDArray[np.bool_] | None = None
) -> Floats:
    """The mean handling of an average agent in each cell, by least squares on cell means.

    Effects are held back as by one call without them. Parameters and result as `expected_rates`;
    `seconds` is the sum of each cell.
    """
    cases = mix.n.sum()
    if cases == 0:
        return np.full(len(mix.n), np.nan)
    zero = np.zeros(mix.design.shape[1] + 1), np.zeros(mix.agents)
    beta, _ = _step(mix, mix.n, seconds, zero, (1.0, 1.0))
    score = mix.design @ beta[1:]
    within = mix.n if base is None else mix.n * base
    if within.sum() == 0:
        return np.full(len(mix.n), np.nan)
    wanted = float(seconds.sum() if base is None else seconds[base].sum())
    shift = (wanted - float(within @ score)) / float(within.sum())
    return np.asarray(score + shift)


def _step(
    mix: Mix,
    weight: Floats,
    residual: Floats,
    at: tuple[Floats, Floats],
    precision: tuple[float, float],
) -> tuple[Floats, Floats]:
    """One Newton step; the many effects of agents are eliminated before the few of factors."""
    wide = np.column_stack([np.ones(len(weight)), mix.design])
    held = np.full(wide.shape[1], precision[0])
    held[0] = 0.0  # the level itself is free
    own = np.bincount(mix.agent, weight, mix.agents) + precision[1]
    both = np.column_stack(
        [np.bincount(mix.agent, weight * column, mix.agents) for column in wide.T]
    )
    slope = wide.T @ residual - held * at[0]
    own_slope = np.bincount(mix.agent, residual, mix.agents) - precision[1] * at[1]
    curve = wide.T @ (weight[:, None] * wide) + np.diag(held) - both.T @ (both / own[:, None])
    change = np.linalg.solve(curve, slope - both.T @ (own_slope / own))
    return change, (own_slope - both @ change) / own
