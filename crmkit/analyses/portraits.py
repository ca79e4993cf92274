"""What distinguishes a segment: which channel, region, tag is commoner in it than elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import InputError, ParameterError, nearest
from crmkit.records import records
from crmkit.result import Finding, Result
from crmkit.stats import difference_interval, holm, two_proportions, wilson
from crmkit.text import message, percent, say

__all__ = ["Portraits", "portraits"]

_USUAL = ("channel", "region", "industry", "tags")
_NAMES = {
    "channel": message("Channel"),
    "region": message("Region"),
    "city": message("City"),
    "industry": message("Industry"),
    "tags": message("Tag"),
    "device": message("Device"),
}


def portraits(
    customers: ir.Table,
    members: pd.DataFrame | ir.Table,
    *,
    attributes: Sequence[str] | None = None,
    names: Mapping[object, str] | None = None,
) -> "Portraits":
    """What is commoner, or rarer, in each segment than among all other members.

    Parameters: `customers`, the canonical table or any with customer_id and the attributes (a list
    such as tags counts each of its values); `members`, customer_id and segment (of clusters, RFM,
    states or grades; a customer may be in several); `attributes`, columns (channel, region,
    industry and tags, where there are such); `names`, of segments for readers.
    Returns: Portraits with `rows`: segment, attribute, value, inside (members of the segment that
    have it), n (members with a known value), rate, outside, n_outside, rest, lift, difference with
    difference_low and difference_high (Newcombe), p (Holm over all rows), weak (n below 30).
    Raises: InputError for members without those columns; ParameterError for an unknown attribute.

    >>> people = ibis.memtable({"customer_id": ["a", "b"], "channel": ["x", "y"]})
    >>> found = portraits(people, pd.DataFrame({"customer_id": ["a", "b"], "segment": [1, 2]}))
    >>> found.rows[["segment", "value", "inside", "outside"]].values.tolist()[:1]
    [['1', 'x', 1, 0]]
    """
    chosen = attributes or [name for name in _USUAL if name in customers.columns]
    for name in chosen:
        if name not in customers.columns:
            guess = nearest(name, customers.columns)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ParameterError(f"The customers have no column {name!r}.{hint}")
    given = list(members.columns)
    if not {"customer_id", "segment"} <= set(given):
        raise InputError(f"members needs customer_id and segment; it has: {', '.join(given)}.")
    if isinstance(members, pd.DataFrame):
        readable = members[["customer_id", "segment"]].astype({"segment": "string"})
        members = ibis.memtable(readable, schema={"customer_id": "string", "segment": "string"})
    raw = _counted(customers, members, chosen).execute() if chosen else pd.DataFrame()
    return Portraits(rows=_compared(raw), names={str(k): v for k, v in (names or {}).items()})


def _counted(customers: ir.Table, members: ir.Table, attributes: Sequence[str]) -> ir.Table:
    """Members by segment, attribute and value, with those of all segments together."""
    inside = members.select("customer_id", segment=members.segment.cast("string")).distinct()
    parts = []
    for name in attributes:
        known = customers.filter(~customers[name].isnull())
        if customers[name].type().is_array():
            value = known.select("customer_id", value=known[name].unnest()).distinct()
        else:
            value = known.select("customer_id", value=known[name].cast("string"))
        found = inside.inner_join(value, "customer_id")
        everyone = inside.inner_join(known.select("customer_id").distinct(), "customer_id")
        n = everyone.group_by("segment").aggregate(n=everyone.count())
        by = found.group_by(["segment", "value"]).aggregate(inside=found.count())
        # A customer in several segments counts once among all.
        whole = found.select("customer_id", "value").distinct()
        total = whole.group_by("value").aggregate(total=whole.count())
        all_known = everyone.select("customer_id").distinct().aggregate(everyone=ibis._.count())
        grid = total.cross_join(n)
        rows = grid.left_join(by, ["segment", "value"])
        rows = rows.select("segment", "value", "total", "n", inside=ibis.coalesce(rows.inside, 0))
        rows = rows.cross_join(all_known)
        parts.append(
            rows.select(
                "segment", "value", "inside", "n", "total", "everyone",
                attribute=ibis.literal(name),
            )
        )  # fmt: skip
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _compared(raw: pd.DataFrame) -> pd.DataFrame:
    columns = [
        "segment", "attribute", "value", "inside", "n", "rate", "rate_low", "rate_high", "outside",
        "n_outside", "rest", "lift", "difference", "difference_low", "difference_high", "p", "weak",
    ]  # fmt: skip
    if raw.empty:
        return pd.DataFrame(columns=columns)
    rows = raw.astype(dict.fromkeys(("inside", "n", "total", "everyone"), "int64"))
    rows = rows.assign(outside=rows.total - rows.inside, n_outside=rows.everyone - rows.n)
    low, high = wilson(rows.inside, rows.n)
    rows = rows.assign(
        rate=rows.inside / rows.n.where(rows.n > 0),
        rate_low=low,
        rate_high=high,
        rest=rows.outside / rows.n_outside.where(rows.n_outside > 0),
        weak=rows.n < 30,
    )
    limits = [difference_interval(r.inside, r.n, r.outside, r.n_outside) for r in records(rows)]
    tests = [
        two_proportions(r.inside, r.n, r.outside, r.n_outside) if r.n and r.n_outside else np.nan
        for r in records(rows)
    ]
    rows = rows.assign(
        lift=rows.rate / rows.rest.where(rows.rest > 0),
        difference=rows.rate - rows.rest,
        difference_low=[limit[0] for limit in limits],
        difference_high=[limit[1] for limit in limits],
        p=holm(np.asarray(tests, dtype=float)),
    )
    order = ["segment", "p", "attribute", "value"]
    return rows.sort_values(order, ignore_index=True)[columns]


@dataclass(frozen=True, kw_only=True, eq=False)
class Portraits(Result):
    """What distinguishes segments; see `portraits`."""

    rows: pd.DataFrame = field(repr=False)
    names: Mapping[str, str] = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to compare."""
        return self.rows.empty

    @property
    def sure(self) -> pd.DataFrame:
        """What differs beyond chance, the largest differences first."""
        found = self.rows[(self.rows.p < 0.05) & ~self.rows.weak.astype(bool)]
        far = found.difference.abs().sort_values(ascending=False, kind="stable").index
        return found.loc[far]

    def segment_name(self, segment: str) -> str:
        """A segment for readers."""
        return self.names.get(segment, segment)

    def _said(self, row: "object") -> dict[str, str]:
        return {
            "segment": self.segment_name(str(getattr(row, "segment", ""))),
            "value": f"{_attribute(str(getattr(row, 'attribute', '')))} "
            f"{getattr(row, 'value', '')}",
            "rate": percent(getattr(row, "rate", None)),
            "rest": percent(getattr(row, "rest", None)),
        }

    @property
    def headline(self) -> str:
        """The largest difference."""
        if self.empty:
            return say("No attributes of the customers are known.")
        if self.sure.empty:
            return say("The segments do not differ in what is known of their customers.")
        top = next(iter(records(self.sure.head(1))))
        return say("{segment}: {rate} have {value}, of the others {rest}.", **self._said(top))

    @property
    def definition(self) -> Definition:
        """How segments are compared."""
        return Definition(
            (
                (
                    say("Compared"),
                    say("Members of a segment with all other members whose value is known."),
                ),
                (
                    say("Interval"),
                    say("Newcombe, 95%; p of two-proportion tests after Holm over all rows."),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """What distinguishes each segment, beyond chance."""
        frame = self.sure.assign(
            segment_name=[self.segment_name(s) for s in self.sure.segment],
            what=[_attribute(a) for a in self.sure.attribute],
        )
        columns = (
            Column("segment_name", say("Segment")),
            Column("what", say("Attribute")),
            Column("value", say("Value")),
            Column("rate", say("In the segment"), "rate", low="rate_low", high="rate_high", n="n"),
            Column("rest", say("Of the others"), "rate"),
            Column("lift", say("Times"), "number", 2),
            Column(
                "difference", say("Difference"), "rate", low="difference_low",
                high="difference_high", n="n",
            ),
            Column("p", say("p after Holm"), "number", 3),
        )  # fmt: skip
        caption = say("What distinguishes the segments")
        return {"rows": Table("portraits", caption, frame, columns, limit=30)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The largest differences."""
        return {"rows": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        shown = self.sure.head(12)
        frame = shown.assign(
            label=[
                f"{_attribute(r.attribute)} {r.value} · {self.segment_name(r.segment)}"
                for r in records(shown)
            ]
        )
        return draw.dots(
            frame,
            label="label",
            value="difference",
            low="difference_low",
            high="difference_high",
            name="portraits",
            title=self.headline,
            subtitle=say(
                "Share in the segment less that of the others, with 95% intervals; "
                "the line is no difference"
            ),
            alt="; ".join(f"{row.label} {percent(row.difference)}" for row in records(frame)),
            reference=0.0,
        )

    def findings(self) -> tuple[Finding, ...]:
        """The largest difference."""
        if self.empty or self.sure.empty:
            return ()
        top = next(iter(records(self.sure.head(1))))
        return (
            Finding(
                words=self.headline,
                action=say(
                    "Speak to {segment} where they are.", segment=self._said(top)["segment"]
                ),
                weight=float(abs(top.difference) * top.n / max(self.rows.n.max(), 1)) / 10,
            ),
        )


def _attribute(name: str) -> str:
    return say(_NAMES[name]) if name in _NAMES else name
