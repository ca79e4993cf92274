"""From counted cells to scores: raw, adjusted and shrunken rates, one dial mode at a time."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.analyses.agents.cells import KEYS
from crmkit.analyses.agents.mix import Mix, expected_rates
from crmkit.analyses.agents.options import Options
from crmkit.shrinkage import (
    Shrunk,
    best_over_mean,
    funnel_limits,
    identical,
    ninth_over_first,
    overdispersion,
    shrink,
)
from crmkit.stats import SMALL, holm, mean_interval, wilson

__all__ = ["funnel_of", "modes_of", "ordered", "placebo_of", "scored"]

Floats = npt.NDArray[np.float64]

ALPHA = 0.05
_INNER, _OUTER = 0.95, 0.998
"""Levels of the control limits: about two and three standard deviations."""
_ENOUGH = 30  # cases of others that make a list one that is shared

SCORES = [
    "mode", "agent_id", "team", "hired", "calls", "n", "x", "contacts",
    "rate", "rate_low", "rate_high", "expected", "variance", "z", "weight",
    "adjusted", "adjusted_low", "adjusted_high", "shrunk", "shrunk_low", "shrunk_high",
    "p_above", "p_top", "rank_low", "rank_high", "stands",
    "handle", "handle_low", "handle_high", "handle_n", "handle_sum", "talk",
    "short", "short_share", "short_share_low", "short_share_high", "shared",
]  # fmt: skip
MODES = [
    "mode", "agents", "calls", "n", "x", "rate", "rate_low", "rate_high", "p_value", "p_adjusted",
    "above_chance", "factor", "spread", "spread_low", "spread_high",
]  # fmt: skip
SUMS = [
    "calls", "n", "x", "contacts", "short",
    "talk_n", "talk_sum", "handle_n", "handle_sum", "handle_squares",
]  # fmt: skip


def ordered(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells in an order of their own, so that sums do not depend on the engine's."""
    return cells.sort_values(list(KEYS), na_position="first", ignore_index=True)


def scored(cells: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scores, a row for each dial mode and agent, and what holds of each mode.

    `cells` have a mode and an agent.
    """
    parts, found = [], []
    for mode in _by_size(cells):
        of_mode = cells[cells["mode"] == mode]
        scores = _counted(of_mode)
        known = scores.n > 0
        shrunk = shrink(
            scores.x[known].to_numpy(),
            scores.n[known].to_numpy(),
            scores.expected[known].to_numpy(),
            seed=options.seed,
            draws=options.draws,
        )
        parts.append(scores.assign(mode=mode))
        found.append(shrunk)
    adjusted = holm([shrunk.p_value for shrunk in found])
    found = [
        shrunk if p < ALPHA else shrunk.held() for shrunk, p in zip(found, adjusted, strict=True)
    ]
    judged = [_judged(part, shrunk, options) for part, shrunk in zip(parts, found, strict=True)]
    scores = pd.concat(judged) if judged else pd.DataFrame(columns=SCORES)
    scores = scores[SCORES].reset_index(drop=True)
    return scores, modes_of(scores, found, adjusted)


def _by_size(cells: pd.DataFrame) -> list[str]:
    """The dial modes, the one with the most cases first."""
    sizes = cells.groupby("mode")[["n", "calls"]].sum().reset_index()
    sizes = sizes.sort_values(["n", "calls", "mode"], ascending=[False, False, True])
    return [str(mode) for mode in sizes["mode"]]


def _counted(cells: pd.DataFrame) -> pd.DataFrame:
    """One row an agent: sums, the raw rate, and what an average agent would have reached."""
    n, x = cells.n.to_numpy(dtype=float), cells.x.to_numpy(dtype=float)
    rate = expected_rates(Mix.of(cells, n), x)
    expected = np.where(n > 0, n * rate, 0.0)
    variance = np.where(n > 0, n * rate * (1 - rate), 0.0)
    cells = cells.assign(expected=expected, variance=variance, shared=n * _shared(cells))
    names = [*SUMS, "expected", "variance", "shared"]
    sums = cells.groupby("agent_id")[names].sum()
    about = cells.groupby("agent_id").agg(
        team=("team", "first"), hired=("hired", "first"), last=("last", "max")
    )
    scores = about.join(sums).reset_index()
    cases = scores.n.astype("float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        scores["rate"] = scores.x / cases.where(cases > 0)
        scores["shared"] = scores.shared / cases.where(cases > 0)
        scores["z"] = (scores.x - scores.expected) / np.sqrt(
            scores.variance.where(scores.variance > 0)
        )
    scores["rate_low"], scores["rate_high"] = wilson(scores.x, cases)
    return _timed(scores)


def _shared(cells: pd.DataFrame) -> Floats:
    """Whether others, too, had cases enough of the list that a cell is of."""
    whole = cells.groupby("list_id").n.transform("sum")
    own = cells.groupby(["list_id", "agent_id"]).n.transform("sum")
    return np.asarray((whole - own >= _ENOUGH).to_numpy(dtype=float))


def _timed(scores: pd.DataFrame) -> pd.DataFrame:
    """Handling and talk time, and the share of contacts that ended at once."""
    timed = scores.handle_n.where(scores.handle_n > 0)
    low, high = mean_interval(scores.handle_sum, scores.handle_squares, scores.handle_n)
    short_low, short_high = wilson(scores.short, scores.contacts)
    return scores.assign(
        handle=scores.handle_sum / timed,
        handle_low=low,
        handle_high=high,
        talk=scores.talk_sum / scores.talk_n.where(scores.talk_n > 0),
        short_share=scores.short / scores.contacts.where(scores.contacts > 0),
        short_share_low=short_low,
        short_share_high=short_high,
    )


def _judged(scores: pd.DataFrame, shrunk: Shrunk, options: Options) -> pd.DataFrame:
    """Adjusted and shrunken rates, and who stands out.

    In order of the shrunken rate, which is by id where agents differ no more than by chance.
    """
    known = (scores.n > 0).to_numpy()
    common = scores.x.sum() / scores.n.sum() if known.any() else np.nan
    known_rate = scores.expected / scores.n.where(scores.n > 0)
    lift = (common / known_rate.where(known_rate > 0)).where(scores.expected > 0, 1.0)
    columns = {
        "shrunk": common * shrunk.ratio,
        "shrunk_low": common * shrunk.low,
        "shrunk_high": common * shrunk.high,
        "p_above": shrunk.above,
        "p_top": shrunk.top,
        "rank_low": shrunk.rank_low,
        "rank_high": shrunk.rank_high,
    }
    for name, values in columns.items():
        scores[name] = np.nan
        scores.loc[known, name] = values
    scores = scores.assign(
        weight=scores.expected / common if common > 0 else scores.n.astype("float64"),
        adjusted=scores.rate * lift,
        adjusted_low=(scores.rate_low * lift).clip(upper=1.0),
        adjusted_high=(scores.rate_high * lift).clip(upper=1.0),
    )
    sure = shrunk.above_chance & (scores.n >= SMALL)
    scores["stands"] = np.select(
        [
            sure & (scores.p_above >= options.certainty),
            sure & (scores.p_above <= 1 - options.certainty),
        ],
        ["above", "below"],
        default="",
    )
    return scores.sort_values(["shrunk", "agent_id"], ascending=[False, True], na_position="last")


def modes_of(scores: pd.DataFrame, found: list[Shrunk], adjusted: Floats) -> pd.DataFrame:
    """What holds of each dial mode: counts, rate, whether agents differ, and by how much."""
    rows = []
    for (mode, part), shrunk, p in zip(
        scores.groupby("mode", sort=False), found, adjusted, strict=True
    ):
        n, x = int(part.n.sum()), int(part.x.sum())
        low, high = wilson(x, n)
        rows.append(
            {
                "mode": mode,
                "agents": int((part.n > 0).sum()),
                "calls": int(part.calls.sum()),
                "n": n,
                "x": x,
                "rate": x / n if n else np.nan,
                "rate_low": float(low),
                "rate_high": float(high),
                "p_value": shrunk.p_value,
                "p_adjusted": p,
                "above_chance": shrunk.above_chance,
                "factor": overdispersion(part.z.to_numpy()),
                "spread": shrunk.spread,
                "spread_low": shrunk.spread_low,
                "spread_high": shrunk.spread_high,
            }
        )
    return pd.DataFrame(rows, columns=MODES)


def funnel_of(scores: pd.DataFrame, modes: pd.DataFrame) -> pd.DataFrame:
    """Control limits of each mode over the numbers of cases that its agents have.

    The inner ones are 95 % limits of chance alone; the outer ones 99.8 %, widened by the
    overdispersion factor.
    """
    parts = []
    for _, mode in modes.iterrows():
        weights = scores.weight[(scores["mode"] == mode["mode"]) & (scores.n > 0)]
        if weights.empty or not 0 < mode.rate < 1:
            continue
        n = np.geomspace(max(float(weights.min()) * 0.7, 1.0), float(weights.max()) * 1.05, 60)
        frame = pd.DataFrame({"mode": mode["mode"], "n": n, "rate": mode.rate})
        frame["inner_low"], frame["inner_high"] = funnel_limits(n, mode.rate, level=_INNER)
        frame["outer_low"], frame["outer_high"] = funnel_limits(
            n, mode.rate, level=_OUTER, factor=mode.factor
        )
        parts.append(frame)
    columns = ["mode", "n", "rate", "inner_low", "inner_high", "outer_low", "outer_high"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def placebo_of(scores: pd.DataFrame, modes: pd.DataFrame, options: Options) -> pd.DataFrame:
    """How unequal identical agents would look, had they taken the calls of each mode.

    One row for each mode and measure: `best`, the highest rate over the mean, and `range`, the
    ninth decile over the first; `observed` here; `identical`, the middle of the simulated floors,
    with `low` and `high` for 95 % of them; `share`, how many are at least as unequal.
    """
    rows = []
    for mode in modes["mode"]:
        part = scores[(scores["mode"] == mode) & (scores.n >= SMALL)]
        if len(part) < 2 or part.x.sum() == 0:
            continue
        n, x = part.n.to_numpy(), part.x.to_numpy()
        floors = identical(n, part.expected / part.n, seed=options.seed)
        for measure, simulated, observed in (
            ("best", floors.best, best_over_mean(x, n)),
            ("range", floors.range, ninth_over_first(x, n)),
        ):
            known = simulated[~np.isnan(simulated)]
            low, middle, high = np.quantile(known, [0.025, 0.5, 0.975], method="nearest")
            rows.append(
                {
                    "mode": mode,
                    "measure": measure,
                    "agents": len(part),
                    "observed": float(observed),
                    "identical": middle,
                    "low": low,
                    "high": high,
                    "share": float((known >= observed).mean()),
                }
            )
    columns = ["mode", "measure", "agents", "observed", "identical", "low", "high", "share"]
    return pd.DataFrame(rows, columns=columns)
