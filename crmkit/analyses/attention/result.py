"""The maps of a page as a reader sees them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmkit import text
from crmkit.blocks import Column, Definition, Figure, Notice, Table
from crmkit.records import records
from crmkit.result import Finding, Result
from crmkit.text import number, percent, say

__all__ = ["Attention"]

_SCREEN_ROWS = 12


@dataclass(frozen=True, kw_only=True)
class Attention(Result):
    """Five maps of a page; see `attention`. `height` is that of the lowest click, in pixels."""

    reach: pd.DataFrame = field(repr=False)
    links: pd.DataFrame = field(repr=False)
    clicks: pd.DataFrame = field(repr=False)
    visits: int
    page: str
    height: float
    screen: float
    start: str
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether nobody was on the page."""
        return self.visits == 0

    @property
    def scrolled(self) -> bool:
        """Whether the capture has scroll depths."""
        return bool(self.reach.n.iloc[0] > 0)

    @property
    def headline(self) -> str:
        """How far half of the views get, and what is clicked most."""
        words = {"page": self.page, "start": text.day(self.start), "end": text.day(self.as_of)}
        if self.empty:
            return say("The capture has no visit of {page} from {start} to {end}.", **words)
        parts = []
        if self.scrolled:
            half = self.reach[self.reach.rate >= 0.5]
            depth = percent(len(half) / len(self.reach), 0)
            parts.append(
                say(
                    "Half of the views of {page} see no more than {depth} of it.",
                    page=self.page,
                    depth=depth,
                )
            )
        else:
            parts.append(say("The capture has no scroll depth for {page}.", page=self.page))
        if len(self.links):
            top = self.links.iloc[0]
            parts.append(
                say("{element} is clicked most, in {rate} of {n} visits.", element=top.element,
                    rate=percent(top.rate), n=number(self.visits))
            )  # fmt: skip
        else:
            parts.append(say("The capture has no clicks on elements."))
        return " ".join(parts)

    @property
    def definition(self) -> Definition:
        """Every decision taken, and what cannot be known."""
        return Definition(
            (
                (say("Page"), self.page),
                (
                    say("Days"),
                    say(
                        "From {start} to {end}.",
                        start=text.day(self.start),
                        end=text.day(self.as_of),
                    ),
                ),
                (
                    say("Reach"),
                    say(
                        "The deepest scroll of a view, in tenths of the page; {n} views have one.",
                        n=number(self.reach.n.iloc[0]),
                    ),
                ),
                (
                    say("View time"),
                    say(
                        "The capture has one time and one depth a view: the time is spread evenly "
                        "over the window's places from the top to that depth."
                    ),
                ),
                (
                    say("Attention"),
                    say(
                        "View time weighed by the place in the window: full in the middle, half "
                        "at the edges."
                    ),
                ),
                (
                    say("Page height"),
                    say(
                        "Not captured: taken from the lowest click, {height} pixels; the window "
                        "has {screen}.",
                        height=number(self.height) or "–",
                        screen=number(self.screen),
                    ),
                ),
                (say("Interval"), say("Wilson, 95%.")),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Clicks by element; tenths of the page."""
        links = (
            Column("element", say("Element")),
            Column("clicks", say("Clicks"), "count"),
            Column("visits", say("Visits that click it"), "count"),
            Column("rate", say("Of all visits"), "rate", low="low", high="high", n="n"),
        )
        bands = self.reach.assign(place=_places(len(self.reach)))
        reach = (
            Column("place", say("Part of the page")),
            Column("rate", say("Views that reach it"), "rate", low="low", high="high", n="n"),
            Column("seconds", say("Seconds in sight a view"), "number", 1),
            Column("time", say("Share of view time"), "rate"),
            Column("attention", say("Share of attention"), "rate"),
        )
        return {
            "links": Table("page-links", say("Clicks by element"), self.links, links, limit=15),
            "reach": Table("page-reach", say("From the top of the page down"), bands, reach),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Reach, view time and attention side by side; clicks by place; clicks by element."""
        return {"screens": self._screens, "clicks": self._clicks, "links": self._links}

    def plot(self, kind: str | None = None) -> Figure | Notice:
        """One map; a notice that says so where the capture lacks it."""
        missing = {
            None: not self.scrolled,
            "screens": not self.scrolled,
            "clicks": self.clicks.empty,
            "links": self.links.empty,
        }
        if not self.empty and missing.get(kind, False):
            if kind in (None, "screens"):
                return Notice(say("The capture has no scroll depth for {page}.", page=self.page))
            return Notice(say("The capture has no clicks of this kind for {page}.", page=self.page))
        return super().plot(kind)

    def _screens(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.reach.assign(place=_places(len(self.reach)))
        return draw.page_map(
            frame,
            label="place",
            values=[
                ("rate", say("Reach")),
                ("time", say("View time")),
                ("attention", say("Attention")),
            ],
            name="page-screens",
            title=self.headline,
            subtitle=say(
                "{page} from the top down: share of views that reach each tenth, share of the view "
                "time and of the attention it gets",
                page=self.page,
            ),
            alt="; ".join(f"{r.place} {percent(r.rate)}" for r in records(frame)),
        )

    def _clicks(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        wide = self.clicks.pivot_table(
            index="band", columns="across", values="n", aggfunc="sum", fill_value=0
        )
        rows = range(int(self.clicks.band.max()) + 1)
        wide = wide.reindex(index=rows, columns=range(10), fill_value=0)
        step = max(1, int(np.ceil(len(wide) / _SCREEN_ROWS)))
        wide = wide.groupby(np.arange(len(wide)) // step).sum()
        frame = wide.rename(columns=lambda c: f"x{c}").reset_index(drop=True)
        frame["place"] = [f"{i * step * 200}" for i in range(len(frame))]
        busiest = int(wide.max(axis=1).to_numpy().argmax())
        return draw.page_map(
            frame,
            label="place",
            values=[(f"x{c}", "") for c in range(10)],
            name="page-clicks",
            title=say(
                "Most clicks fall at {y} pixels from the top.", y=number(busiest * step * 200)
            ),
            subtitle=say(
                "Clicks on {page} by place: pixels from the top, tenths of the width",
                page=self.page,
            ),
            alt=say("{n} clicks", n=number(int(self.clicks.n.sum()))),
            kind="count",
            together=True,
            written=False,
        )

    def _links(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.links.head(12).assign(weak=self.links.n < 30)
        return draw.dots(
            frame,
            label="element",
            value="rate",
            low="low",
            high="high",
            weak="weak",
            name="page-links",
            title=say("{element} is clicked most.", element=frame.element.iloc[0]),
            subtitle=say("Share of visits to {page} that click each element", page=self.page),
            alt="; ".join(f"{r.element} {percent(r.rate)}" for r in records(frame)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How little of the page is seen."""
        if self.empty or not self.scrolled:
            return ()
        half = float(self.reach.rate.iloc[len(self.reach) // 2])
        return (
            Finding(
                words=self.headline,
                action=say("Put what must be seen into the part that most views reach."),
                weight=(1 - half) / 4,
            ),
        )


def _places(bands: int) -> list[str]:
    """Names of equal parts of a page."""
    return [f"{percent(i / bands, 0)}–{percent((i + 1) / bands, 0)}" for i in range(bands)]
