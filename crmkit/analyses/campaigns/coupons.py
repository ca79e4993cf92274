"""How many coupons are used, how soon, and what they cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods, text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Finding, Result
from crmkit.stats import SMALL, mean_interval, wilson
from crmkit.text import money, number, percent, say, span

__all__ = ["Coupons", "coupon_use"]

_DAY_SECONDS = 86_400


def coupon_use(
    events: ir.Table,
    *,
    as_of: periods.Day,
    start: periods.Day | None = None,
    timezone: str = "UTC",
    sent: str = "coupon_sent",
    used: str = "coupon_used",
) -> "Coupons":
    """Coupons by campaign: sent, used, how soon, and the worth of those used.

    A customer counts once for each campaign: sent with the first coupon, used with the first use
    after it. Use of a coupon is not its effect: many who use one would have bought without it; the
    holdout tells how many.

    Parameters:
        events: the canonical table; a coupon's campaign is its `campaign`, its worth its `value`.
        as_of: the last local calendar day that counts, included; `start`, the first day of sending,
            None for all.
        timezone: IANA zone of days.
        sent, used: the names of the events.

    Returns: `Coupons` with the frame `coupons`: campaign, sent, used (customers), rate with limits,
        days (mean, from sending to use) with limits, worth (money of all coupons used), stray (used
        by customers whom none was sent).

    >>> import datetime as dt
    >>> day = dt.datetime(2025, 5, 1)
    >>> told = [("a", "sent", 0), ("b", "sent", 0), ("a", "used", 2)]
    >>> rows = [{"customer_id": who, "event": f"coupon_{what}", "campaign": "A", "value": 5.0,
    ...     "occurred_at": day + dt.timedelta(days=n)} for who, what, n in told]
    >>> found = coupon_use(ibis.memtable(rows), as_of="2025-05-31").coupons
    >>> found[["sent", "used", "rate", "days"]].to_numpy().tolist()
    [[2.0, 1.0, 0.5, 2.0]]
    """
    end = periods.day_end(as_of, timezone)
    begin = None if start is None else periods.day_start(start, timezone)
    rows = events.filter(events.event.isin([sent, used]), events.occurred_at < end)
    people = _people(rows.drop_null("customer_id"), sent, used)
    if begin is not None:
        people = people.filter(people.sent_at.isnull() | (people.sent_at >= begin))
    counts = people.group_by("campaign").aggregate(
        sent=people.sent_at.count(),
        used=people.in_time.cast("int64").sum(),
        seconds=people.seconds.sum(),
        squares=(people.seconds * people.seconds).sum(),
        worth=people.worth.sum(),
        stray=(people.sent_at.isnull() & ~people.used_at.isnull()).cast("int64").sum(),
    )
    return Coupons(
        coupons=_rates(counts.execute()),
        as_of=str(periods.day(as_of)),
    )


def _people(rows: ir.Table, sent: str, used: str) -> ir.Table:
    """Each customer of each campaign: when sent, when used after that, and for how much."""
    by = {"campaign": rows.campaign.fill_null(""), "customer_id": rows.customer_id}
    was_used = rows.event == used
    each = rows.group_by(**by).aggregate(
        sent_at=rows.occurred_at.min(where=rows.event == sent),
        used_at=rows.occurred_at.max(where=was_used),
        first=rows.occurred_at.min(where=was_used),
        value=rows["value"].fill_null(0.0).max(where=was_used),
    )
    at = ibis.ifelse(each["first"] >= each.sent_at, each["first"], each.used_at)
    in_time = (at >= each.sent_at).fill_null(False)
    # Whole seconds and cents, so that sums are the same in any order.
    lasted = at.delta(each.sent_at, unit="second").cast("int64")
    return each.mutate(
        in_time=in_time,
        seconds=ibis.ifelse(in_time, lasted, 0),
        worth=ibis.ifelse(in_time, (each["value"].fill_null(0.0) * 100).round(0), 0).cast("int64"),
    )


def _rates(counts: pd.DataFrame) -> pd.DataFrame:
    low, high = wilson(counts.used, counts.sent)
    seconds = counts.seconds.astype("float64") / _DAY_SECONDS
    squares = counts.squares.astype("float64") / _DAY_SECONDS**2
    days_low, days_high = mean_interval(seconds, squares, counts.used)
    frame = pd.DataFrame(
        {
            "campaign": counts.campaign,
            "sent": counts.sent,
            "used": counts.used,
            "rate": (counts.used / counts.sent.where(counts.sent > 0)).astype(float),
            "rate_low": low,
            "rate_high": high,
            "days": seconds / counts.used.where(counts.used > 0),
            "days_low": days_low,
            "days_high": days_high,
            "worth": counts.worth / 100,
            "stray": counts.stray,
        }
    )
    return frame.sort_values(["sent", "campaign"], ascending=[False, True], ignore_index=True)


@dataclass(frozen=True, kw_only=True)
class Coupons(Result):
    """Coupons sent and used; see `coupon_use` for the frame."""

    coupons: pd.DataFrame = field(repr=False)
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether no coupon was sent or used."""
        return self.coupons.empty

    @property
    def headline(self) -> str:
        """How many are used, and their worth."""
        if self.empty:
            return say("No coupon was sent by {day}.", day=text.day(self.as_of))
        sent, used = int(self.coupons.sent.sum()), int(self.coupons.used.sum())
        low, high = wilson(used, sent)
        return say(
            "{rate} ({span}) of {sent} customers used the coupon they were sent, worth {worth}.",
            rate=percent(used / sent if sent else None),
            span=span(float(low), float(high)),
            sent=number(sent),
            worth=money(float(self.coupons.worth.sum()), short=True),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Used"),
                    say(
                        "The first use after sending; a customer counts once for each campaign. "
                        "{n} customers used one that was not sent to them.",
                        n=number(int(self.coupons.stray.sum()) if len(self.coupons) else 0),
                    ),
                ),
                (
                    say("Use and effect"),
                    say(
                        "Many who use a coupon would have bought without it. What it brought is "
                        "told by the holdout, not by its use."
                    ),
                ),
                (say("Data until"), say("{day}, included", day=text.day(self.as_of))),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Coupons by campaign."""
        columns = (
            Column("campaign", say("Campaign")),
            Column("sent", say("Customers sent one"), "count"),
            Column("used", say("Used"), "count"),
            Column("rate", say("Share used"), "rate", low="rate_low", high="rate_high", n="sent"),
            Column("days", say("Days until used"), "number", 1, "days_low", "days_high", "used"),
            Column("worth", say("Worth of those used"), "money", 0),
        )
        return {"coupons": Table("coupons", say("Coupons by campaign."), self.coupons, columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share used, by campaign."""
        return {"coupons": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.coupons[self.coupons.sent > 0]
        return draw.dots(
            frame.assign(weak=frame.sent < SMALL),
            label="campaign",
            value="rate",
            low="rate_low",
            high="rate_high",
            weak="weak",
            name="coupons",
            title=self.headline,
            subtitle=say("Share of customers who used the coupon they were sent, 95% interval."),
            alt=self.headline,
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many are used."""
        if self.empty:
            return ()
        return (Finding(words=self.headline, weight=0.05),)
