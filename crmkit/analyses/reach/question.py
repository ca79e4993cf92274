"""How many attempts it takes to reach a lead, at which hour, and whom to call back."""

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit import periods
from crmkit.analyses.reach.fit import Fitted, Patterns, fit, likelihood_ratio, precision_limits
from crmkit.analyses.reach.result import Reach
from crmkit.analyses.reach.rows import Options, counted, open_leads, prepared
from crmkit.analyses.reach.within import fit_within
from crmkit.errors import ParameterError
from crmkit.stats import wilson

__all__ = ["reach"]

Floats = npt.NDArray[np.float64]
_Z = 1.959963984540054
_PLACES = 8


def reach(
    calls: ir.Table,
    dispositions: ir.Table | None = None,
    *,
    as_of: periods.Day,
    start: periods.Day | None = None,
    timezone: str = "UTC",
    bands: tuple[int, ...] = (0, 10, 12, 14, 17, 19),
    most: int = 12,
    worth: float = 0.5,
    limit: int = 1000,
) -> Reach:
    """The chance that the next attempt reaches a lead, the hour that reaches most, whom to call.

    An attempt is an outbound dial that a person could have answered; a lead is reached by the first
    that a person answers, a dropped call too. Attempts after it do not count. Leads differ in how
    easily they are reached, so that those left after some attempts are the harder ones, and the
    hours in which they are tried look worse than they are: comparing bare rates by hour compares
    other leads. Here the reachability of a lead is latent, beta over the leads of a list, the same
    at every attempt; an hour raises or lowers it (see `fit`). All of it is estimated from the
    attempts up to the first success, by maximum likelihood; hours are compared within lists, which
    are dialled at hours of their own (see `within`). Within a list the hour of a dial is taken to
    say nothing of the lead's reachability.

    Parameters:
        calls, dispositions: the canonical tables.
        as_of: the last local calendar day that counts, included.
        start: leads count that were first dialled on this local day or later; None for all.
        timezone: IANA zone of days and hours.
        bands: the local hours at which bands begin, the first 0; at most 8 bands.
        most: attempts of a lead that count; it is taken as not reached after them.
        worth: an attempt is worth making while its chance is at least this share of that of a
            fresh lead; 0 to 1.
        limit: leads to list, at most.

    Returns: `Reach` with the frames `attempts` (attempt, at_risk, reached, rate with limits, chance
        (fitted), cumulative with limits, cumulative_fitted, cumulative_naive), `bands` and
        `weekdays` (band, n, reached, naive with limits, naive_factor, fair with limits: the chance
        that a fresh lead answers then, factor with limits: that over its mean), and `due` (lead_id,
        why, chance, band, failed, last_day; and in all: of, callbacks, drops).
    Raises: ParameterError for bands that do not rise from 0 within a day, `most` beyond 2 to 50,
        `worth` beyond 0 to 1, a limit below 1.

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 3, 3)
    >>> rows = [{"call_id": f"{lead}-{n}", "lead_id": lead, "started_at": at + n * day,
    ...     "result": "human" if n == last else "no_answer"}
    ...     for day in [dt.timedelta(days=1)] for lead, last in zip("abcde", (0, 0, 1, 2, 9))
    ...     for n in range(min(last, 3) + 1)]
    >>> found = reach(ibis.memtable(rows), as_of="2025-03-09")
    >>> found.attempts[["at_risk", "reached"]].values.tolist()
    [[5, 2], [3, 1], [2, 1], [1, 0]]
    """
    _check(bands, most, worth, limit)
    options = Options(as_of=as_of, start=start, timezone=timezone, bands=bands, most=most)
    rows = prepared(calls, dispositions, options)
    cells = counted(rows, options).execute()
    left = cells[cells.kind == "left"].set_index("code").n
    cohort = cells[cells.cohort.astype(bool) & (cells.kind != "left")]
    hours = _patterns(cohort[cohort.kind == "hours"], len(bands), most)
    week = _patterns(cohort[cohort.kind == "weekdays"], 7, most)
    pooled = Patterns(hours.failed.sum(axis=1)[:, None], np.minimum(hours.hit, 0), hours.n)
    plain = fit(pooled, factored=False)
    by_hour, p_hours = _factored(cohort[cohort.kind == "hours"], hours, plain, most)
    by_day, p_weekdays = _factored(cohort[cohort.kind == "weekdays"], week, plain, most)
    attempts = _attempts(pooled, plain)
    assert int(attempts.reached.sum()) == int(hours.n[hours.hit >= 0].sum())
    assert np.isclose(week.n.sum(), hours.n.sum())
    shown = _bands(hours, by_hour, options)
    return Reach(
        attempts=attempts,
        bands=shown,
        weekdays=_bands(week, by_day, options).assign(band=range(7)),
        due=_due(rows, cells, shown, plain, by_hour, options, worth=worth, limit=limit),
        starts=bands,
        n=int(hours.n.sum()),
        reached=int(attempts.reached.sum()),
        tries=int(attempts.at_risk.sum()),
        earlier=int(cells.n[~cells.cohort.astype(bool) & (cells.kind == "hours")].sum()),
        no_lead=int(left.get(0, 0)),
        no_try=int(left.get(1, 0)),
        **_shape(pooled, plain, worth),
        p_hours=p_hours,
        p_weekdays=p_weekdays,
        as_of=str(periods.day(as_of)),
        start=None if start is None else str(periods.day(start)),
        most=most,
        worth=worth,
    )


def _check(bands: tuple[int, ...], most: int, worth: float, limit: int) -> None:
    rising = list(bands) == sorted(set(bands))
    if not bands or bands[0] != 0 or bands[-1] > 23 or not rising or len(bands) > _PLACES:
        raise ParameterError(
            f"bands are {bands!r}. Give up to {_PLACES} rising hours from 0 to 23, the first 0."
        )
    if not 2 <= most <= 50:
        raise ParameterError(f"most is {most!r}. Give 2 to 50 attempts.")
    if not 0 <= worth <= 1:
        raise ParameterError(f"worth is {worth!r}. Give a share from 0 to 1.")
    if limit < 1:
        raise ParameterError(f"limit is {limit!r}. Give 1 or more.")


def _patterns(cells: pd.DataFrame, places: int, most: int) -> Patterns:
    code = cells.code.to_numpy(dtype=np.int64)
    failed = np.array([code // (most + 1) ** k % (most + 1) for k in range(places)]).T
    return Patterns(
        failed.reshape(len(cells), places), cells.hit.to_numpy(np.int64), cells.n.to_numpy(float)
    )


def _attempts(pooled: Patterns, plain: Fitted | None) -> pd.DataFrame:
    """The hazard by attempt, and the share reached by then: Kaplan-Meier, fitted, naive."""
    failed, reached = pooled.failed[:, 0], pooled.hit >= 0
    length = failed + reached
    longest = int(length.max(initial=0))
    numbers = np.arange(1, longest + 1)
    at_risk = np.array([pooled.n[length >= k].sum() for k in numbers])
    hits = np.array([pooled.n[reached & (length == k)].sum() for k in numbers])
    low, high = wilson(hits, at_risk)
    left = np.cumprod(1 - hits / np.maximum(at_risk, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(hits / (at_risk * (at_risk - hits)))
        error = _Z * np.sqrt(greenwood) / np.abs(np.log(left))  # on the scale log(-log S)
        below, above = 1 - left ** np.exp(-error), 1 - left ** np.exp(error)
    naive = hits.sum() / max(at_risk.sum(), 1)
    fitted = np.full(longest, np.nan) if plain is None else 1 - plain.survive(numbers)
    before = np.concatenate([[0.0], fitted[:-1]])
    return pd.DataFrame(
        {
            "attempt": numbers,
            "at_risk": at_risk.astype(np.int64),
            "reached": hits.astype(np.int64),
            "rate": hits / np.maximum(at_risk, 1),
            "rate_low": low,
            "rate_high": high,
            "chance": (fitted - before) / (1 - before),
            "cumulative": 1 - left,
            "cumulative_low": below,
            "cumulative_high": above,
            "cumulative_fitted": fitted,
            "cumulative_naive": 1 - (1 - naive) ** numbers,
        }
    )


def _shape(pooled: Patterns, plain: Fitted | None, worth: float) -> dict[str, float]:
    """The fitted distribution, whether leads differ, and the attempt from which on to stop."""
    names = ("a", "a_low", "a_high", "b", "b_low", "b_high", "p_alike")
    stops = ("stop", "stop_low", "stop_high")
    if plain is None:
        return dict.fromkeys((*names, *stops), float("nan"))
    (a_low, a_high), (b_low, b_high) = plain.shape_limits()
    reached = float(pooled.n[pooled.hit >= 0].sum())
    failed = float(pooled.n @ pooled.failed[:, 0])
    rate = reached / (reached + failed)
    geometric = reached * np.log(rate) + failed * np.log1p(-rate)
    low, high = precision_limits(pooled, plain)
    return {
        "a": plain.a,
        "a_low": float(a_low),
        "a_high": float(a_high),
        "b": plain.b,
        "b_low": float(b_low),
        "b_high": float(b_high),
        "p_alike": likelihood_ratio(plain.loglik, geometric, 1, edge=True),
        "stop": float("inf") if plain.alike else _stop(plain.a + plain.b, worth),
        "stop_low": _stop(low, worth),
        "stop_high": _stop(high, worth),
    }


def _stop(precision: float, worth: float) -> float:
    """The first attempt whose chance, a / (a + b + fails), is below `worth` times a fresh lead's.

    >>> _stop(4.0, 0.5), _stop(3.9, 0.5), _stop(float("inf"), 0.5)
    (6, 5, inf)
    """
    if worth == 0 or np.isinf(precision):
        return float("inf")
    return int(np.floor(precision * (1 / worth - 1) + 1e-9)) + 2


def _factored(
    cells: pd.DataFrame, whole: Patterns, plain: Fitted | None, most: int
) -> tuple[Fitted | None, float]:
    """The factors of bands within lists, and the p-value that there are none."""
    places = whole.failed.shape[1]
    strata = [_patterns(part, places, most) for _, part in cells.groupby("list_id")]
    if len(strata) < 2:
        alone = fit(whole, factored=True)
        return alone, _p_factors(whole, alone)
    shared = fit_within(strata, plain)
    return shared.fitted, shared.p


def _p_factors(patterns: Patterns, factored: Fitted | None) -> float:
    same = fit(patterns, factored=False)
    if factored is None or same is None or len(factored.free) == 0:
        return float("nan")
    return likelihood_ratio(factored.loglik, same.loglik, len(factored.free))


def _bands(patterns: Patterns, factored: Fitted | None, options: Options) -> pd.DataFrame:
    """Each band's bare rate, and what it would be were all leads tried in it afresh."""
    places = patterns.failed.shape[1]
    hit = patterns.hit >= 0
    reached = np.bincount(patterns.hit[hit], patterns.n[hit], minlength=places)
    n = patterns.n @ patterns.failed + reached
    low, high = wilson(reached, n)
    with np.errstate(invalid="ignore"):
        naive = np.where(n > 0, reached / n, np.nan)
        naive_factor = naive / (reached.sum() / n.sum())
    blank = np.full(places, np.nan)
    fair, fair_low, fair_high = blank, blank, blank
    factor, factor_low, factor_high = blank, blank, blank
    if factored is not None and len(factored.free):
        fair = factored.fresh()
        fair_low, fair_high = factored.fresh_limits()
        factor, factor_low, factor_high = factored.relative(n)
    return pd.DataFrame(
        {
            "band": np.arange(places),
            "n": n.astype(np.int64),
            "reached": reached.astype(np.int64),
            "naive": naive,
            "naive_low": low,
            "naive_high": high,
            "naive_factor": naive_factor,
            "fair": fair,
            "fair_low": fair_low,
            "fair_high": fair_high,
            "factor": factor,
            "factor_low": factor_low,
            "factor_high": factor_high,
        }
    )


def _due(
    rows: ir.Table,
    cells: pd.DataFrame,
    shown: pd.DataFrame,
    plain: Fitted | None,
    by_hour: Fitted | None,
    options: Options,
    *,
    worth: float,
    limit: int,
) -> pd.DataFrame:
    """Leads to call, each with the band in which to do it and the chance of reaching it then."""
    never = pd.DataFrame({"code": [0], "hit": [-1], "n": [0]})  # called in, not yet dialled
    hours = pd.concat([never, cells.loc[cells.kind == "hours", ["code", "hit", "n"]]])
    hours = hours.drop_duplicates(["code", "hit"])
    patterns = _patterns(hours, len(options.bands), options.most)
    chances = _chances(patterns, shown, plain, by_hour, worth).assign(
        code=hours.code.to_numpy(np.int64), last=patterns.hit
    )
    due: pd.DataFrame = open_leads(rows, chances, limit=limit, options=options).execute()
    ordered = due.sort_values(["place", "turn"], ignore_index=True)
    return ordered.drop(columns=["place", "turn"])


def _chances(
    patterns: Patterns,
    shown: pd.DataFrame,
    plain: Fitted | None,
    by_hour: Fitted | None,
    worth: float,
) -> pd.DataFrame:
    """For each pattern of attempts, the band to call in and the expected chance of an answer.

    Among bands that are not clearly below the best, the one in which the lead failed least often.
    """
    good = shown.factor_high >= shown.factor.max()
    model = by_hour if by_hour is not None and good.any() else plain
    places = np.flatnonzero(good) if good.any() else np.flatnonzero(shown.n == shown.n.max())
    order = places[np.argsort(-shown.factor.fillna(1).to_numpy()[places], kind="stable")]
    band = order[np.argmin(patterns.failed[:, order], axis=1)]
    if model is None:
        nobody = np.full(len(band), np.nan)
        return pd.DataFrame({"band": band, "chance": nobody, "worth": True})
    factors = np.ones(len(shown)) if model is plain else np.nan_to_num(model.factors, nan=1.0)
    exposure, step = patterns.failed @ factors, factors[band]
    fresh = 1 - model.survive(step)
    chance = 1 - model.survive(exposure + step) / model.survive(exposure)
    last = np.where(patterns.hit < 0, 0.0, factors[np.maximum(patterns.hit, 0)])
    alive, gone = model.survive(exposure), model.survive(exposure + last)
    after = model.survive(exposure + step) - model.survive(exposure + last + step)
    with np.errstate(invalid="ignore", divide="ignore"):
        again = 1 - after / (alive - gone)  # reached once: easier than it seemed
    return pd.DataFrame(
        {
            "band": band,
            "chance": np.where(patterns.hit < 0, chance, again),
            "worth": chance >= worth * fresh,
        }
    )
