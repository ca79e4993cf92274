"""How long conversations last, and which of them somebody should listen to."""

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from crmkit import periods
from crmkit.analyses.talks.result import Talks
from crmkit.analyses.talks.rows import BINS, OUTCOMES, Options, conversations, counted, drawn
from crmkit.errors import ParameterError
from crmkit.stats import holm, two_proportions, wilson

__all__ = ["talks"]

Floats = npt.NDArray[np.float64]

_NINETIETH = 1.2815515655446004  # of the normal distribution
_FAR = 3.5  # deviations above the median; Iglewicz and Hoaglin 1993
_LENGTHS = ("short", "usual", "long")


def talks(
    calls: ir.Table,
    dispositions: ir.Table | None = None,
    *,
    as_of: periods.Day,
    start: periods.Day | None = None,
    timezone: str = "UTC",
    short: float = 10.0,
    sample: int = 30,
    seed: int = 20250303,
) -> Talks:
    """Lengths of conversations: short ones by agent and campaign, outliers, and a sample to hear.

    A conversation is a call on which an agent spoke with a person and whose talk is known. Many
    short ones point to a bad line, a bad list or a bad opening; how many each agent has is tested
    against what the same campaigns had on the whole, adjusted for the number of agents (Holm). A
    talk is long where its logarithm lies 3.5 deviations or more above the median of those that are
    not short, the deviation by the distance from the median to the ninetieth percentile (after
    Iglewicz and Hoaglin 1993): a transfer without an end looks like that. Recordings to review
    are drawn by outcome and length, the same number from each stratum as far as there are any, and
    one of each agent before a second of any.

    Parameters:
        calls, dispositions: the canonical tables.
        as_of: the last local calendar day that counts, included; `start`, the first, None for all.
        timezone: IANA zone of days.
        short: seconds below which a conversation is short.
        sample: recordings to review, in all.
        seed: of the draw; another gives another sample.

    Returns: `Talks` with the frames `agents` and `campaigns` (name, n, short, share with limits,
        expected, p_adjusted, median seconds), `lengths` (low, high, n), `enders` (as `agents`, by
        who hung up), `outliers` and `sample` (call_id, agent_id, recording_id, started_at,
        talk_seconds, outcome, length, of).
    Raises: ParameterError for lengths or sizes below 1.

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 3, 3)
    >>> rows = [{"call_id": str(n), "started_at": at, "agent_at": at, "result": "human",
    ...     "ended_at": at + dt.timedelta(seconds=n), "agent_id": "A1"} for n in (4, 60, 70, 80)]
    >>> found = talks(ibis.memtable(rows), as_of="2025-03-03")
    >>> found.n, found.short, found.median
    (4, 1, 60)
    """
    if short < 1 or sample < 1:
        raise ParameterError(f"short is {short!r} and sample {sample!r}. Give 1 or more of each.")
    options = Options(
        as_of=as_of, start=start, timezone=timezone, short=short, sample=sample, seed=seed
    )
    rows = conversations(calls, dispositions, options)
    cells = counted(rows).execute()
    long = _threshold(cells)
    chosen = drawn(rows, long=long, options=options).execute() if len(cells) else _nothing()
    return Talks(
        agents=_shares(cells, "agent_id"),
        campaigns=_shares(cells, "campaign_id"),
        enders=_shares(cells, "hangup_by"),
        lengths=_lengths(cells),
        outliers=_ordered(chosen[chosen.why == "outlier"]),
        sample=_quota(chosen[chosen.why == "sample"], sample),
        n=int(cells.n.sum()),
        short=int(cells.n[cells.short].sum()),
        beyond=int(cells.n[_middle(cells.bin) >= long].sum()),
        median=round(_quantile(cells, 0.5)),
        long=float(long),
        recorded=int(cells.recorded.sum()),
        as_of=str(periods.day(as_of)),
        start=None if start is None else str(periods.day(start)),
        limit=short,
    )


def _nothing() -> pd.DataFrame:
    names = ["call_id", "agent_id", "recording_id", "started_at", "talk_seconds", "outcome"]
    return pd.DataFrame(columns=[*names, "length", "of", "place", "why"])


def _middle(bins: "pd.Series[int]") -> npt.NDArray[np.float64]:
    """The middle of bins, in seconds."""
    return np.asarray(np.exp((bins.to_numpy(dtype=float) + 0.5) / BINS))


def _quantile(cells: pd.DataFrame, share: float) -> float:
    """A quantile of lengths, within the width of a bin (2.5 %)."""
    if cells.empty:
        return 0.0
    counts = cells.groupby("bin").n.sum().sort_index()
    place = int(np.searchsorted(counts.cumsum().to_numpy(), share * counts.sum()))
    return float(np.exp((counts.index[place] + 0.5) / BINS))


def _threshold(cells: pd.DataFrame) -> float:
    """Seconds from which on a conversation is an outlier, at the edge of a bin.

    The spread is that of the upper half of talks that are not short: very short ones are another
    kind of call, and would widen it until nothing is far.
    """
    usual = cells[~cells.short]
    if usual.empty:
        return float("inf")
    middle, high = (np.log(_quantile(usual, share)) for share in (0.5, 0.9))
    spread = max((high - middle) / _NINETIETH, 0.1)
    return float(np.exp(np.ceil((middle + _FAR * spread) * BINS) / BINS))


def _shares(cells: pd.DataFrame, by: str) -> pd.DataFrame:
    """Conversations and short ones of each agent, campaign or side, the most frequent first."""
    names = ["name", "n", "short", "share", "share_low", "share_high", "expected", "p_adjusted"]
    if cells.empty:
        return pd.DataFrame(columns=[*names, "median"])
    known = cells.assign(name=cells[by], brief=cells.n.where(cells.short, 0))
    sums = known.groupby("name", dropna=False)[["n", "brief"]].sum().reset_index()
    low, high = wilson(sums.brief, sums.n)
    expected, p = _against_campaigns(known) if by == "agent_id" else _against_others(sums)
    medians = {
        key: round(_quantile(part, 0.5)) for key, part in known.groupby("name", dropna=False)
    }
    frame = pd.DataFrame(
        {
            "name": sums.name,
            "n": sums.n,
            "short": sums.brief,
            "share": sums.brief / sums.n,
            "share_low": low,
            "share_high": high,
            "expected": expected,
            "p_adjusted": holm(p),
            "median": [medians[key] for key in sums.name],
        }
    )
    assert frame.n.sum() == cells.n.sum()
    return frame.sort_values(["n", "name"], ascending=[False, True], ignore_index=True)


def _against_others(sums: pd.DataFrame) -> tuple[Floats, Floats]:
    """The share of all, and the p-value of each against the others."""
    n, brief = int(sums.n.sum()), int(sums.brief.sum())
    p = [
        two_proportions(x, m, brief - x, n - m)
        for x, m in zip(sums.brief.tolist(), sums.n.tolist(), strict=True)
    ]
    return np.full(len(sums), brief / n), np.array(p)


def _against_campaigns(known: pd.DataFrame) -> tuple[Floats, Floats]:
    """What each agent's campaigns would give, and the p-value of what the agent has beside it.

    Campaigns differ far more than agents do: who dials cold numbers is hung up on more often.
    """
    cells = known.groupby(["name", "campaign_id"], dropna=False)[["n", "brief"]].sum()
    cells = cells.reset_index()
    whole = cells.groupby("campaign_id", dropna=False)[["n", "brief"]].transform("sum")
    rate = whole.brief / whole.n
    cells = cells.assign(mean=cells.n * rate, spread=cells.n * rate * (1 - rate))
    # The campaign's rate holds the agent's own calls, so what is left varies less than they do.
    cells["spread"] = cells.spread * (1 - cells.n / whole.n)
    sums = cells.groupby("name", dropna=False)[["n", "brief", "mean", "spread"]].sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        z = ((sums.brief - sums["mean"]) / np.sqrt(sums.spread)).to_numpy(dtype=float)
    p = np.where(np.isfinite(z), 2 * ndtr(-np.abs(z)), np.nan)
    return (sums["mean"] / sums.n).to_numpy(dtype=float), np.asarray(p)


def _lengths(cells: pd.DataFrame) -> pd.DataFrame:
    """Counts between round lengths, for a histogram with as much detail as people read."""
    edges = np.array([0, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1800, 3600])
    if cells.empty:
        return pd.DataFrame(columns=["low", "high", "n"])
    place = np.searchsorted(edges, _middle(cells.bin), side="right") - 1
    place = np.where(cells.short & (edges[place] >= 10), 1, place)
    counts = pd.Series(cells.n.to_numpy()).groupby(place).sum()
    counts = counts.reindex(range(len(edges)), fill_value=0)
    return pd.DataFrame({"low": edges, "high": [*edges[1:], np.inf], "n": counts.to_numpy()})


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("place", ignore_index=True).drop(columns=["why", "of", "place"])


def _quota(rows: pd.DataFrame, wanted: int) -> pd.DataFrame:
    """The same number from each stratum, as far as it has any, until there are enough."""
    strata = {(o, k): n for n, (o, k) in enumerate((o, k) for k in _LENGTHS for o in OUTCOMES)}
    order = [strata[key] for key in zip(rows.outcome, rows.length, strict=True)]
    ranked = rows.assign(stratum=order).sort_values(["place", "stratum"], ignore_index=True)
    return ranked.head(wanted).drop(columns=["why", "place", "stratum"])
