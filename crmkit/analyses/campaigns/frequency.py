"""How many contacts are too many? Buying after few and many contacts, among customers alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods, text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.result import Finding, Result
from crmkit.stats import SMALL, wilson
from crmkit.text import number, percent, say

__all__ = ["ContactFrequency", "contact_frequency"]

_EDGES = (0, 1, 2, 3, 4, 6, 9)
"""The least number of contacts of each band; the last has no upper end."""
_MOST = 9
_YEAR_DAYS, _RECENT_DAYS, _MOST_PURCHASES = 365, 90, 3
_Z = 1.959963984540054


def contact_frequency(
    touches: ir.Table,
    purchases: ir.Table,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    days: int = 28,
    horizon: int = 14,
    kinds: Sequence[str] = ("owned", "call"),
) -> "ContactFrequency":
    """Share of known customers who buy, by the contacts they had in the weeks before.

    Customers contacted often are other people than those left alone, so rates are standardised:
    in each band of contacts as if its customers had bought as often and as lately before as all
    customers did (direct standardisation over purchases of the last year, 0 to 3 or more, and
    whether one was in the last 90 days). What the firm knew beyond that is not adjusted for; only
    contacts dealt out by chance would show cause.

    Parameters:
        touches: the canonical table.
        purchases: orders that count.
        as_of: the last local calendar day that counts, included: the end of the horizon.
        timezone: IANA zone of days.
        days: days of contacts, right before the horizon.
        horizon: days in which a purchase counts.
        kinds: kinds of touches that are contacts made by the firm.

    Returns: `ContactFrequency` with the frame `bands`: least (contacts), name, n, buyers, rate with
        limits, adjusted with limits, step (gain over the band before) with limits.
    Raises: ParameterError for days or a horizon below 1.

    >>> import datetime as dt
    >>> at = dt.datetime(2025, 5, 20)
    >>> seen = ibis.memtable([{"customer_id": "a", "occurred_at": at, "kind": "owned"}])
    >>> sold = ibis.memtable([{"customer_id": c, "ordered_at": dt.datetime(2025, 1, 1)}
    ...     for c in "ab"] + [{"customer_id": "a", "ordered_at": dt.datetime(2025, 6, 10)}])
    >>> found = contact_frequency(seen, sold, as_of="2025-06-14").bands
    >>> found[["least", "n", "buyers"]].head(2).to_numpy().tolist()
    [[0, 1, 0], [1, 1, 1]]
    """
    if days < 1 or horizon < 1:
        raise ParameterError(f"days is {days!r} and horizon {horizon!r}. Give 1 or more of each.")
    end = periods.number_of(as_of, "day") + 1
    cut = end - horizon
    counts = _counted(touches, purchases, timezone, cut, end, days, kinds).execute()
    return ContactFrequency(
        bands=_bands(counts),
        as_of=str(periods.day(as_of)),
        timezone=timezone,
        days=days,
        horizon=horizon,
    )


def _counted(
    touches: ir.Table,
    purchases: ir.Table,
    timezone: str,
    cut: int,
    end: int,
    days: int,
    kinds: Sequence[str],
) -> ir.Table:
    """Customers who bought before the cut, by contacts, earlier purchases and recency."""
    seen = touches.filter(touches.kind.isin(list(kinds))).mutate(
        day=periods.day_number(touches.occurred_at, timezone)
    )
    seen = seen.filter(seen.day >= cut - days, seen.day < cut)
    contacts = seen.group_by("customer_id").aggregate(contacts=seen.count())
    sold = purchases.select(
        "customer_id", day=periods.day_number(purchases.ordered_at, timezone)
    ).filter(lambda t: t.day < end)
    past = sold.day < cut
    people = sold.group_by("customer_id").aggregate(
        known=past.any(),
        bought=(~past).any(),
        lately=(past & (sold.day >= cut - _RECENT_DAYS)).any(),
        purchases=(past & (sold.day >= cut - _YEAR_DAYS)).cast("int64").sum(),
    )
    rows = people.filter(people.known).left_join(contacts, "customer_id")
    return (
        rows.mutate(
            contacts=ibis.least(rows.contacts.fill_null(0), _MOST),
            purchases=ibis.least(rows.purchases, _MOST_PURCHASES),
        )
        .group_by(["contacts", "purchases", "lately"])
        .aggregate(n=lambda t: t.count(), buyers=lambda t: t.bought.cast("int64").sum())
    )


def _bands(counts: pd.DataFrame) -> pd.DataFrame:
    if counts.empty:
        return pd.DataFrame(columns=_NAMES)
    cells = counts.assign(
        least=[max(edge for edge in _EDGES if edge <= c) for c in counts.contacts],
        stratum=counts.purchases * 2 + counts.lately.astype("int64"),
    )
    cells = cells.groupby(["least", "stratum"])[["n", "buyers"]].sum().reset_index()
    weights = cells.groupby("stratum").n.sum() / cells.n.sum()
    rows = [_band(int(str(least)), part, weights) for least, part in cells.groupby("least")]
    frame = pd.DataFrame(rows, columns=["least", "n", "buyers", "adjusted", "error"])
    low, high = wilson(frame.buyers, frame.n)
    step = frame.adjusted.diff()
    half = _Z * np.sqrt(frame.error**2 + frame.error.shift() ** 2)
    frame = frame.assign(
        name=[_named(least) for least in frame.least],
        rate=frame.buyers / frame.n,
        rate_low=low,
        rate_high=high,
        adjusted_low=(frame.adjusted - _Z * frame.error).clip(lower=0),
        adjusted_high=(frame.adjusted + _Z * frame.error).clip(upper=1),
        step=step,
        step_low=step - half,
        step_high=step + half,
    )
    assert frame.n.sum() == counts.n.sum()
    return frame[_NAMES]


def _band(least: int, part: pd.DataFrame, weights: "pd.Series[float]") -> tuple[float, ...]:
    """A band's counts, and its rate with everybody's mix of strata; blank where one is missing."""
    cells = part.set_index("stratum").reindex(weights.index)
    if cells.n.isna().any():
        return least, int(part.n.sum()), int(part.buyers.sum()), float("nan"), float("nan")
    # Half a case is added, so that a small stratum without a buyer is not taken for certain.
    smooth = (cells.buyers + 0.5) / (cells.n + 1)
    variance = (weights**2 * smooth * (1 - smooth) / cells.n).sum()
    adjusted = float((weights * cells.buyers / cells.n).sum())
    return least, int(part.n.sum()), int(part.buyers.sum()), adjusted, float(np.sqrt(variance))


def _named(least: int) -> str:
    place = _EDGES.index(least)
    if place + 1 == len(_EDGES):
        return f"{least}+"
    most = _EDGES[place + 1] - 1
    return str(least) if most == least else f"{least}–{most}"


_NAMES = [
    *("least", "name", "n", "buyers", "rate", "rate_low", "rate_high", "adjusted"),
    *("adjusted_low", "adjusted_high", "step", "step_low", "step_high"),
]


@dataclass(frozen=True, kw_only=True)
class ContactFrequency(Result):
    """Buying by the number of contacts before; see `contact_frequency` for the frame."""

    bands: pd.DataFrame = field(repr=False)
    as_of: str
    timezone: str
    days: int
    horizon: int

    @property
    def empty(self) -> bool:
        """Whether there was nobody to look at."""
        return self.bands.empty

    @property
    def enough(self) -> int | None:
        """The contacts from which on no further one is shown to help; None where all do."""
        helps = self.bands.step_low.to_numpy(dtype=float)[1:] > 0
        return None if helps.all() else int(self.bands.least.iloc[int(np.argmin(helps))])

    @property
    def headline(self) -> str:
        """Where more contacts stop to go with more purchases."""
        if self.empty:
            return say("No customer was known {days} days ago.", days=number(self.horizon))
        first, last = self.bands.iloc[0], self.bands.iloc[-1]
        words = {
            "days": number(self.days),
            "none": percent(first.rate),
            "most": percent(last.rate),
            "name": last["name"],
        }
        if len(self.bands) == 1:
            return say("All customers had as many contacts in {days} days: {name}.", **words)
        if self.enough is None:
            return say(
                "Each further contact in {days} days goes with more purchases, up to {name}.",
                **words,
            )
        return say(
            "Beyond {enough} contacts in {days} days no further one is shown to help, among "
            "customers who bought alike before.",
            enough=number(self.enough),
            **words,
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Contact"),
                    say("A message or call of ours in the {n} days before.", n=number(self.days)),
                ),
                (
                    say("Bought"),
                    say("At least one purchase in the {n} days after.", n=number(self.horizon)),
                ),
                (
                    say("Adjusted"),
                    say(
                        "As if each band had all customers' mix of purchases in the last year and "
                        "of purchases in the last 90 days."
                    ),
                ),
                (
                    say("Caution"),
                    say(
                        "Contacts were not dealt out by chance. Whom the firm thought likely to "
                        "buy, it may have contacted more."
                    ),
                ),
                (say("Data until"), say("{day}, included", day=text.day(self.as_of))),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Buyers by band of contacts."""
        columns = (
            Column("name", say("Contacts")),
            Column("n", say("Customers"), "count"),
            Column("rate", say("Bought"), "rate", low="rate_low", high="rate_high", n="n"),
            Column("adjusted", say("Adjusted"), "rate", None, "adjusted_low", "adjusted_high", "n"),
            Column("step", say("Gain over the band before"), "rate", None, "step_low", "step_high"),
        )
        caption = say("Customers who bought, by the contacts they had before.")
        return {"bands": Table("contact-frequency", caption, self.bands, columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Adjusted share of buyers by contacts."""
        return {"bands": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.bands[self.bands.adjusted.notna()]
        frame = frame.assign(weak=frame.n < SMALL)
        return draw.dots(
            frame,
            label="name",
            value="adjusted",
            low="adjusted_low",
            high="adjusted_high",
            weak="weak",
            name="contact-frequency",
            title=self.headline,
            subtitle=say(
                "Share who bought within {horizon} days, by contacts in the {days} days before; "
                "adjusted, 95% interval.",
                horizon=number(self.horizon),
                days=number(self.days),
            ),
            alt=self.headline,
        )

    def findings(self) -> tuple[Finding, ...]:
        """Where to stop, as something to try."""
        if self.empty or self.enough is None or len(self.bands) < 2:
            return ()
        above = self.bands[self.bands.least > self.enough].n.sum() / self.bands.n.sum()
        return (
            Finding(
                words=self.headline,
                action=say(
                    "Try a cap of {n} contacts on half of the customers, chosen by chance.",
                    n=number(self.enough),
                ),
                weight=float(above) / 4,
            ),
        )
