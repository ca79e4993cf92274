"""What the question of referrals gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from crmkit import text
from crmkit.analyses.channels.span import Span
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, say, span

__all__ = ["Referral"]


@dataclass(frozen=True, kw_only=True)
class Referral(Result):
    """Recommended customers and the K-factor; see `referral` for the frame.

    `known` says whether any customer has the channel, `like` is a name that is similar where none
    has; `unknown` counts invitations that name no customer.
    """

    periods: pd.DataFrame = field(repr=False)
    channel: str
    like: str | None
    known: bool
    unknown: int
    span: Span

    @property
    def now(self) -> "pd.Series[float]":
        """The row of this period."""
        return self.periods.iloc[-1]

    @property
    def before(self) -> "pd.Series[float] | None":
        """The row of the period before, where the tables tell of it."""
        return self.periods.iloc[-2] if len(self.periods) > 1 else None

    @property
    def empty(self) -> bool:
        """Whether nobody was won and nobody invited in the period."""
        return bool(self.now.new == 0 and self.now.invitations == 0)

    @property
    def headline(self) -> str:
        """The share of new customers recommended, and K."""
        now = self.now
        filled = {
            "days": number(self.span.days),
            "day": text.day(self.span.as_of),
            "channel": self.channel,
            "n": number(now.referred),
            "invitations": number(now.invitations),
        }
        if self.empty:
            return say("No new customer and no invitation in the {days} days to {day}.", **filled)
        if not self.known:
            return say("No customer has the channel {channel}.", **filled)
        if now.new == 0:
            return say("{invitations} invitations in {days} days, and no new customer.", **filled)
        return say(
            "{share} ({span}) of new customers were recommended: {n} in {days} days, or K = {k} "
            "({limits}) for each customer.",
            share=percent(now.share),
            span=span(now.share_low, now.share_high),
            k=number(now.k, 3),
            limits=span(now.k_low, now.k_high, digits=3, rate=False),
            **filled,
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        told = self.span
        items = [
            (
                say("Period"),
                say(
                    "{start} to {end}, {days} days in the time zone {zone}; compared with the "
                    "{days} days before.",
                    start=text.day(told.start),
                    end=text.day(told.as_of),
                    days=number(told.days),
                    zone=told.timezone,
                ),
            ),
            (
                say("Recommended"),
                say("New customers of the channel {channel}.", channel=self.channel),
            ),
            (
                say("K-factor"),
                say(
                    "Invitations per customer times new recommended customers per invitation. "
                    "Customers are all known by the end of the period. Below 1 recommending alone "
                    "does not make the firm grow."
                ),
            ),
            (
                say("Conversion of invitations"),
                say(
                    "Recommended customers over invitations of the same period: who accepted which "
                    "is not known, and a recommendation by word of mouth leaves none, so it may "
                    "exceed 100%."
                ),
            ),
            (
                say("Interval"),
                say(
                    "95%: Wilson for the share, exact Poisson for K, the delta method on the "
                    "logarithm for its two factors."
                ),
            ),
        ]
        if self.unknown:
            items.append(
                (
                    say("Without a customer"),
                    say("{n} invitations name no customer.", n=number(self.unknown)),
                )
            )
        return Definition(tuple(items))

    def tables(self) -> Mapping[str, Table]:
        """A row for each period, the last one first."""
        frame = self.periods.iloc[::-1]
        return {
            "periods": Table(
                "referral",
                say("Recommendations by period of {days} days", days=number(self.span.days)),
                frame,
                (
                    Column("end", say("Period to"), "day"),
                    Column("new", say("New customers"), "count"),
                    Column("referred", say("Recommended"), "count"),
                    Column(
                        "share",
                        say("Share recommended"),
                        "rate",
                        low="share_low",
                        high="share_high",
                        n="new",
                    ),
                    Column(
                        "i",
                        say("Invitations per customer"),
                        "number",
                        3,
                        low="i_low",
                        high="i_high",
                        n="customers",
                    ),
                    Column(
                        "c",
                        say("Customers per invitation"),
                        "rate",
                        low="c_low",
                        high="c_high",
                        n="invitations",
                    ),
                    Column(
                        "k",
                        say("K-factor"),
                        "number",
                        3,
                        low="k_low",
                        high="k_high",
                        n="customers",
                    ),
                    Column("customers", say("Customers"), "count", folded=True),
                    Column("invitations", say("Invitations"), "count", folded=True),
                    Column("senders", say("Customers who invited"), "count", folded=True),
                ),
            )
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share recommended over time."""
        return {"share": self._share}

    def _share(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.periods.assign(
            label=[text.day(end) for end in self.periods.end], weak=self.periods.new < 30
        )
        return draw.dots(
            frame[frame.share.notna()],
            label="label",
            value="share",
            low="share_low",
            high="share_high",
            weak="weak",
            accent=[text.day(self.span.as_of)],
            name="referral",
            title=self.headline,
            subtitle=say(
                "Share of new customers who were recommended, by period of {days} days ending on "
                "the day, 95% interval.",
                days=number(self.span.days),
            ),
            alt=self.headline,
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share recommended and K."""
        if self.empty:
            return ()
        shown = (
            ("referral_share", say("New customers recommended"), "share", "rate"),
            ("k_factor", say("K-factor"), "k", "number"),
        )
        return tuple(
            KeyFigure(
                name=name,
                label=label,
                value=float(self.now[column]),
                previous=None if self.before is None else float(self.before[column]),
                kind=kind,
                history=tuple(float(value) for value in self.periods[column].dropna()),
                low=float(self.now[f"{column}_low"]),
                high=float(self.now[f"{column}_high"]),
            )
            for name, label, column, kind in shown
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many were recommended, and which of the two factors holds it back."""
        if self.empty:
            return ()
        if not self.known:
            hint = (
                say("Did you mean {like}?", like=self.like)
                if self.like
                else say("Record who was recommended in the customer's channel.")
            )
            return (Finding(words=self.headline, action=hint, weight=0.1),)
        now = self.now
        senders = now.senders / now.customers if now.customers else float("nan")
        return (
            Finding(
                words=say(
                    "{share} of new customers were recommended; {senders} of customers invited "
                    "somebody in {days} days.",
                    share=percent(now.share),
                    senders=percent(senders),
                    days=number(self.span.days),
                ),
                action=say(
                    "Ask customers to recommend right after a second purchase, and count the "
                    "invitations."
                ),
                weight=float(now.share) if pd.notna(now.share) else 0.0,
            ),
        )
