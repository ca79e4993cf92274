"""Which lists are used up, and which of their numbers are not worth a dial."""

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.lists.result import Lists
from crmkit.analyses.lists.rows import MODES, counted, dead_leads, loaded, outbound
from crmkit.errors import ParameterError
from crmkit.stats import SMALL, holm, two_proportions, wilson

__all__ = ["lists"]

_USED_UP = 0.05  # of the leads still to dial
_Z = 1.959963984540054


def lists(
    calls: ir.Table,
    leads: ir.Table | None = None,
    dispositions: ir.Table | None = None,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    tries: int = 6,
    price: float | None = None,
    line_minute: float | None = None,
    limit: int = 1000,
) -> Lists:
    """Each list: how far it is dialled, who is reached, what is dead, and how its yield decays.

    Penetration is leads dialled at least once over leads loaded. A lead is done with a final
    outcome, a dead number, or `tries` dials. A number is dead once a dial came back as empty or
    suspended. Yield is compared on the first dial of each lead only, because later ones go to those
    who are hard to reach; decay is the change of the odds of a contact by week of the list's age
    (logistic regression). A list is weak where its share is below that of the other lists dialled
    in the same mode, p below 5 % after Holm's adjustment. Automatic voice
    is left out: nobody speaks.

    Parameters:
        calls, dispositions: the canonical tables.
        leads: the canonical table, for how many were loaded; None leaves that unknown.
        as_of: the last local calendar day that counts, included.
        timezone: IANA zone of days.
        tries: dials after which a lead is done.
        price: money for checking one number beforehand; line_minute: money for a minute of a line;
            None leaves what a check would save in dials and minutes.
        limit: leads in the list of numbers to drop.

    Returns: `Lists` with the frames `lists` (list_id, loaded, dialled, penetration, reached, done,
        left, dials, fresh, contacts, rate with limits, sales, yield with limits, decay with limits,
        empty, suspended, off, dead, dead_share with limits, dead_dials, after, way (the mode of
        most dials), p_adjusted, verdict)
        and `ages` (list_id, age in weeks, dials, contacts, rate with limits, sales).
    Raises: ParameterError for less than one try.

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 3, 3)
    >>> rows = [{"call_id": str(n), "lead_id": str(n), "list_id": "a", "started_at": at,
    ...     "result": "empty_number" if n else "human"} for n in range(4)]
    >>> found = lists(ibis.memtable(rows), as_of="2025-03-03").lists
    >>> found[["dialled", "dead", "done"]].to_numpy().tolist()
    [[4, 3, 3]]
    """
    if tries < 1:
        raise ParameterError(f"tries is {tries!r}. Give 1 or more.")
    end = periods.day_end(as_of, timezone)
    rows = outbound(calls, dispositions, as_of=as_of, timezone=timezone)
    there = None if leads is None else loaded(leads, calls, rows, end)
    answer = counted(rows, there, tries=tries).execute()
    parts = {name: answer[answer.part == name] for name in ("list", "age", "leads")}
    ages = _ages(parts["age"])
    return Lists(
        lists=_lists(parts["list"], ages, parts["leads"] if leads is not None else None),
        ages=ages,
        dead=dead_leads(rows, limit).execute() if len(parts["list"]) else _no_dead(),
        as_of=str(periods.day(as_of)),
        tries=tries,
        price=price,
        line_minute=line_minute,
        dead_minutes=float(parts["list"].dead_line.sum() / 60),
    )


def _no_dead() -> pd.DataFrame:
    return pd.DataFrame(columns=["lead_id", "list_id", "day", "result", "after"])


def _ages(counts: pd.DataFrame) -> pd.DataFrame:
    names = ["list_id", "age", "dials", "contacts", "sales"]
    frame = counts[names].sort_values(["list_id", "age"], ignore_index=True)
    low, high = wilson(frame.contacts, frame.dials)
    return frame.assign(rate=frame.contacts / frame.dials, rate_low=low, rate_high=high)


def _lists(counts: pd.DataFrame, ages: pd.DataFrame, known: pd.DataFrame | None) -> pd.DataFrame:
    """One row a list, the newest first."""
    fresh = ages.groupby("list_id")[["dials", "contacts", "sales"]].sum()
    frame = counts.drop(columns=["part", "age", "contacts"]).set_index("list_id")
    frame = frame.assign(fresh=fresh.dials, contacts=fresh.contacts)
    if known is not None:
        there = known.set_index("list_id").dialled
        frame = frame.reindex(frame.index.union(there.index), fill_value=0)
        frame["loaded"] = there.reindex(frame.index).astype("float64")
        frame["loaded"] = frame.loaded.where(frame.loaded >= frame.dialled)  # leads not in the book
    else:
        frame["loaded"] = np.nan
    low, high = wilson(frame.contacts, frame.fresh)
    sold = wilson(frame.sales, frame.dials)
    dead = wilson(frame.dead, frame.dialled)
    with np.errstate(invalid="ignore", divide="ignore"):
        frame = frame.assign(
            penetration=frame.dialled / frame.loaded,
            left=frame.loaded.fillna(frame.dialled) - frame.done,
            rate=(frame.contacts / frame.fresh).astype(float),
            rate_low=low,
            rate_high=high,
            sold=(frame.sales / frame.dials).astype(float),
            sold_low=sold[0],
            sold_high=sold[1],
            dead_share=(frame.dead / frame.dialled).astype(float),
            dead_low=dead[0],
            dead_high=dead[1],
        )
    frame["way"] = frame[list(MODES)].astype("float64").idxmax(axis=1).astype("object")
    frame["whole"] = _of_way(frame)
    frame["p_adjusted"] = holm(_against_others(frame))
    decays = {name: _decay(part) for name, part in ages.groupby("list_id")}
    unknown = (np.nan, np.nan, np.nan)
    for place, name in enumerate(("decay", "decay_low", "decay_high")):
        frame[name] = [decays.get(key, unknown)[place] for key in frame.index]
    verdicts = [_verdict(row) for _, row in frame.iterrows()]
    frame["verdict"] = pd.Series(verdicts, index=frame.index, dtype="object")
    assert int(frame.dials.sum()) == int(counts.dials.sum())
    ordered = frame.reset_index().sort_values(["first_day", "list_id"], ascending=[False, True])
    return ordered.reset_index(drop=True)


def _against_others(frame: pd.DataFrame) -> list[float]:
    """P-values of each list against the others that are dialled in the same way."""
    return [
        two_proportions(x, n, contacts - x, fresh - n)
        for x, n, contacts, fresh in zip(
            frame.contacts.tolist(),
            frame.fresh.tolist(),
            frame.groupby("way").contacts.transform("sum").tolist(),
            frame.groupby("way").fresh.transform("sum").tolist(),
            strict=True,
        )
    ]


def _of_way(frame: pd.DataFrame) -> "pd.Series[float]":
    """The contact rate of all lists that are dialled in the same way."""
    sums = frame.groupby("way")[["contacts", "fresh"]].transform("sum")
    return sums.contacts / sums.fresh.where(sums.fresh > 0)


def _verdict(row: "pd.Series[float]") -> str:
    """used_up, weak, good, or few where it is too early to say."""
    if row.dialled == 0:
        return "untouched"
    total = row.loaded if row.loaded == row.loaded else row.dialled
    if row.left <= _USED_UP * total:
        return "used_up"
    if row.fresh < SMALL:
        return "few"
    return "weak" if row.p_adjusted < 0.05 and row.rate < row.whole else "good"


def _decay(part: pd.DataFrame) -> tuple[float, float, float]:
    """The factor on the odds of a contact for each week older, with its interval."""
    known = part[part.dials > 0]
    if len(known) < 3 or not 0 < known.contacts.sum() < known.dials.sum():
        return np.nan, np.nan, np.nan
    from statsmodels.genmod.families import Binomial  # noqa: PLC0415 (slow to import)
    from statsmodels.genmod.generalized_linear_model import GLM  # noqa: PLC0415

    counts = np.column_stack([known.contacts, known.dials - known.contacts]).astype(float)
    design = np.column_stack([np.ones(len(known)), known.age.to_numpy(dtype=float)])
    fitted = GLM(counts, design, family=Binomial()).fit()
    # Weeks differ by more than chance, so the error is widened by what is left over, never less.
    wide = max(fitted.pearson_chi2 / fitted.df_resid, 1.0)
    slope, error = fitted.params[1], fitted.bse[1] * np.sqrt(wide)
    return tuple(float(np.exp(slope + z * error)) for z in (0.0, -_Z, _Z))  # type: ignore[return-value]
