"""Clusters of customers by how recently, how often and for how much they bought."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit import periods, text
from crmkit.analyses.clusters.grouping import grouped
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Finding, Result
from crmkit.scoring import UNIT, measured
from crmkit.text import message, number, percent, say

__all__ = ["Clusters", "clusters"]

_MEASURES = ("recency", "frequency", "monetary")
_LEVELS = {
    "recency": (message("bought lately"), message("bought a while ago"), message("long silent")),
    "frequency": (message("seldom"), message("now and then"), message("often")),
    "monetary": (message("spend little"), message("spend a middling sum"), message("spend much")),
}


def clusters(
    purchases: ir.Table,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    k: int | None = None,
    most: int = 8,
    history: int | None = None,
    seed: int = 0,
) -> "Clusters":
    """Groups that customers form by themselves, how many there are, and whether they come again.

    K-means on the logarithms of recency, frequency and monetary value, each standardised. The
    number of groups is that with the highest silhouette, from 2 to `most`; every number that was
    tried is shown. Groups are numbered from the highest mean value.

    Parameters: `purchases`; `as_of`, the last day, included; `k`, where the number is given;
    `history`, only purchases of that many days count; `seed`, of the starts.
    Returns: Clusters with frames `groups` (group, customers, share, value_share, the median of each
    measure, jaccard with jaccard_low and jaccard_high, stable), `trials` (k, inertia, silhouette)
    and `members` (customer_id, segment).
    Raises: ParameterError for a number of groups that cannot be.
    Sources: silhouettes, Rousseeuw (1987); stability, Hennig (2007).

    >>> import datetime as dt, ibis
    >>> rows = ibis.memtable(
    ...     {
    ...         "customer_id": ["a", "b"], "ordered_at": [dt.datetime(2025, 1, 1)] * 2,
    ...         "amount": [5.0, 5.0],
    ...     }
    ... )
    >>> clusters(rows, as_of="2025-01-31").groups.customers.tolist()
    [2]
    """
    if most < 2 or (k is not None and k < 2):
        raise ParameterError(f"k={k} and most={most}: give at least 2 groups.")
    day = periods.day(as_of)
    people = measured(purchases, as_of=day, timezone=timezone, history=history)
    people = people.filter(people.frequency > 0)
    rows = people.select("customer_id", *_MEASURES).execute()
    rows = rows.sort_values("customer_id", ignore_index=True)
    rows["monetary"] = rows.monetary / UNIT
    values = np.log1p(rows[list(_MEASURES)].astype(float).clip(lower=0).to_numpy())
    found = grouped(_standardised(values), k=k, most=most, seed=seed)
    order = pd.Series(rows.monetary.to_numpy()).groupby(found.labels).mean()
    place = {old: new for new, old in enumerate(order.sort_values(ascending=False).index)}
    rows["segment"] = [place[label] for label in found.labels]
    stable = found.stable
    if len(stable):
        stable = stable.assign(group=stable.group.map(place)).dropna(subset="group")
    return Clusters(
        groups=_groups(rows, stable),
        trials=found.trials,
        members=rows[["customer_id", "segment"]],
        cuts={m: _thirds(rows[m]) for m in _MEASURES},
        chosen=k is None,
        as_of=str(day),
        history=history,
    )


def _standardised(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if not len(values):
        return values
    spread = values.std(axis=0)
    found: npt.NDArray[np.float64] = (values - values.mean(axis=0)) / np.where(
        spread > 0, spread, 1.0
    )
    return found


def _thirds(values: "pd.Series[float]") -> tuple[float, ...]:
    return tuple(np.quantile(values, [1 / 3, 2 / 3])) if len(values) else ()


def _groups(rows: pd.DataFrame, stable: pd.DataFrame) -> pd.DataFrame:
    found = rows.groupby("segment").agg(
        customers=("customer_id", "size"),
        value=("monetary", "sum"),
        recency=("recency", "median"),
        frequency=("frequency", "median"),
        monetary=("monetary", "median"),
    )
    whole = float(found.value.sum())
    found = found.assign(
        share=found.customers / max(len(rows), 1),
        value_share=found.value / whole if whole > 0 else np.nan,
    )
    found.index.name = "group"
    columns = ["jaccard", "jaccard_low", "jaccard_high"]
    if len(stable):
        found = found.join(stable.set_index("group")[columns])
    else:
        found[columns] = np.nan
    assert found.customers.sum() == len(rows)
    return found.assign(stable=found.jaccard >= 0.75).reset_index()


@dataclass(frozen=True, kw_only=True, eq=False)
class Clusters(Result):
    """Groups of customers; see `clusters`."""

    groups: pd.DataFrame = field(repr=False)
    trials: pd.DataFrame = field(repr=False)
    members: pd.DataFrame = field(repr=False)
    cuts: Mapping[str, tuple[float, ...]] = field(repr=False)
    chosen: bool
    as_of: str
    history: int | None

    @property
    def empty(self) -> bool:
        """Whether nobody bought."""
        return self.members.empty

    def name(self, group: int) -> str:
        """A group by what is typical of it."""
        row = self.groups[self.groups.group == group].iloc[0]
        words = [
            say(_LEVELS[m][int(np.searchsorted(self.cuts[m], row[m], side="left"))])
            for m in _MEASURES
        ]
        return f"{number(group + 1)}. {say(', ').join(words)}"

    @property
    def names(self) -> Mapping[int, str]:
        """The names of the groups."""
        return {int(group): self.name(int(group)) for group in self.groups.group}

    @property
    def headline(self) -> str:
        """How many groups, and which of them carries most."""
        if self.empty:
            return say("Nobody has bought by {day}.", day=text.day(self.as_of))
        if len(self.groups) < 2:
            return say("All customers are alike: there are no groups to tell apart.")
        top = self.groups.sort_values("value_share", ascending=False).iloc[0]
        words = {
            "k": number(len(self.groups)),
            "name": self.name(int(top.group)),
            "share": percent(top.share),
            "value": percent(top.value_share),
        }
        weak = int((~self.groups.stable).sum())
        if weak:
            return say(
                "{k} groups, of which {weak} may be chance; {name}: {share} of customers, {value} "
                "of value.",
                **words,
                weak=number(weak),
            )
        return say("{k} stable groups; {name}: {share} of customers, {value} of value.", **words)

    @property
    def definition(self) -> Definition:
        """How the groups are found."""
        rows = [
            (
                say("Groups"),
                say(
                    "K-means on the logarithms of recency, frequency and value, each standardised."
                ),
            ),
            (
                say("How many"),
                say("The number with the highest silhouette of those tried.")
                if self.chosen
                else say("As given."),
            ),
            (
                say("Stability"),
                say(
                    "Overlap (Jaccard) with the most similar group of bootstrap samples; stable "
                    "from 0.75 on (Hennig)."
                ),
            ),
            (say("Day"), text.day(self.as_of)),
        ]
        if self.history is not None:
            rows.append(
                (say("History"), say("Purchases of the last {n} days.", n=number(self.history)))
            )
        return Definition(tuple(rows))

    def tables(self) -> Mapping[str, Table]:
        """The groups; the numbers that were tried."""
        frame = self.groups.assign(name=[self.name(int(g)) for g in self.groups.group])
        columns = (
            Column("name", say("Group")),
            Column("customers", say("Customers"), "count"),
            Column("share", say("Of customers"), "rate"),
            Column("value_share", say("Of value"), "rate"),
            Column("recency", say("Days since the last order, median"), "count"),
            Column("frequency", say("Orders, median"), "count"),
            Column("monetary", say("Spend, median"), "money", 0),
            Column(
                "jaccard", say("Stability"), "number", 2, low="jaccard_low", high="jaccard_high"
            ),
        )
        tried = (
            Column("k", say("Groups"), "count"),
            Column("silhouette", say("Silhouette"), "number", 3),
            Column("inertia", say("Spread inside the groups"), "number", 0),
        )
        return {
            "groups": Table("clusters", say("The groups"), frame, columns),
            "trials": Table("clusters-trials", say("How many groups"), self.trials, tried),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Customers and value of each group; silhouettes by number of groups."""
        return {"groups": self._dots, "trials": self._curve}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.groups.assign(
            name=[self.name(int(g)) for g in self.groups.group],
            note=[say("{share} of customers", share=percent(share)) for share in self.groups.share],
        )
        return draw.bars(
            frame,
            label="name",
            value="value_share",
            note="note",
            name="clusters",
            title=self.headline,
            subtitle=say("Share of value of each group"),
            alt="; ".join(f"{row.name} {percent(row.value_share)}" for row in records(frame)),
            kind="rate",
        )

    def _curve(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        tried = self.trials.dropna(subset="silhouette")
        best = "" if tried.empty else number(tried.k.iloc[int(tried.silhouette.argmax())])
        return draw.curves(
            self.trials,
            x="k",
            y="silhouette",
            name="clusters-trials",
            title=say("{k} groups are told apart best.", k=best)
            if best
            else say("All customers are alike: there are no groups to tell apart."),
            subtitle=say("Silhouette (1: apart, 0: touching) by the number of groups"),
            alt="; ".join(f"{row.k}: {number(row.silhouette, 3)}" for row in records(self.trials)),
            kind="number",
            across=say("Groups"),
            write_x=number,
        )

    def findings(self) -> tuple[Finding, ...]:
        """The group that carries most."""
        if self.empty or len(self.groups) < 2:
            return ()
        return (
            Finding(
                words=self.headline,
                action=say("Give each stable group a contact plan of its own."),
                weight=0.05,
            ),
        )
