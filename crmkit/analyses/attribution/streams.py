"""Touches and conversions made ready: known, distinct, with short codes, in one stream."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from crmkit import schema
from crmkit.activity import time_column
from crmkit.analyses.attribution.options import Options, microseconds
from crmkit.errors import InputError, ParameterError, nearest

UNIT = 10_000
"""Money is counted in units of 1/10,000 of the currency, its exact step in the canonical tables."""
UNKNOWN, OTHER = "(unknown)", "(other)"
CONVERSION = -1
"""The code of a row that is a conversion and no touch."""
_EPOCH = ibis.literal("1970-01-01").cast("timestamp")
_EVER = -(2**62)
_SAME = tuple(
    dict.fromkeys((*schema.table("touches").names, "landing_page", "visitor_id", "session_id"))
)
"""Touches that agree in these are one touch."""


@dataclass(frozen=True, kw_only=True)
class Streams:
    """What an attribution reads, as expressions.

    `stream`: touches and conversions of known customers, a row each: customer_id, us (microseconds
    since 1970), is_conversion (0 or 1), code (CONVERSION for conversions), direct (0 or 1), n
    (conversions at that instant) and value (in UNIT).
    `vocabulary`: code, label, touches. `strangers`: n and value of conversions of nobody known.
    `begin`: one row, begin (microseconds): from when conversions count.
    `facts`: fact, n: the rows that were left out, and why.
    """

    stream: ir.Table
    vocabulary: ir.Table
    strangers: ir.Table
    begin: ir.Table
    facts: ir.Table


def streams(touches: ir.Table, conversions: ir.Table, options: Options) -> Streams:
    """The two tables made ready.

    Raises: InputError for tables without a customer or one known time; ParameterError for columns
    that are not there.
    """
    given = _touches(touches, options)
    bought = _conversions(conversions, options)
    begin = _begin(given, options)
    distinct = _distinct(given)
    vocabulary = _vocabulary(distinct, options.top)
    coded = distinct.join(vocabulary, distinct.name == vocabulary.name).select(
        distinct.customer_id,
        distinct.us,
        is_conversion=ibis.literal(0, "int8"),
        code=vocabulary.code,
        direct=distinct.direct,
        n=ibis.literal(0, "int64"),
        value=ibis.literal(0, "int64"),
    )
    counted = bought.filter(bought.value >= 0).cross_join(begin)
    since = counted.filter(counted.us >= counted.begin)
    known = bought.filter(bought.customer_id.notnull(), bought.value >= 0)
    baskets = known.group_by("customer_id", "us").aggregate(
        n=known.count(), value=known.value.sum()
    )
    return Streams(
        stream=ibis.union(coded, _as_stream(baskets, coded)),
        vocabulary=vocabulary.group_by("code", "label").aggregate(
            touches=vocabulary.touches.sum().cast("int64")
        ),
        strangers=since.filter(since.customer_id.isnull()).aggregate(
            n=lambda t: t.count(), value=lambda t: t.value.sum().fill_null(0).cast("int64")
        ),
        begin=begin,
        facts=_facts(given, distinct, counted, bought),
    )


def _touches(touches: ir.Table, options: Options) -> ir.Table:
    """Every touch until the end: customer_id, us, name, direct, and what tells it from others."""
    at, by = time_column(touches), options.by
    if by not in touches.columns:
        guess = nearest(by, touches.columns)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(
            f"by={by!r} is no column of the touches.{hint} They have: {', '.join(touches.columns)}."
        )
    words = touches[by].cast("string").strip()
    rest = {c: touches[c] for c in _SAME if c in touches.columns and c not in ("customer_id", at)}
    rows = touches.select(
        customer_id=touches.customer_id.cast("string"),
        us=_since_epoch(touches[at]),
        name=ibis.ifelse(words == "", None, words).fill_null(UNKNOWN),
        direct=_direct(touches, options).fill_null(False).cast("int8"),
        **{f"rest_{place}": column for place, column in enumerate(rest.values())},
    )
    return rows.filter(rows.us < microseconds(options.end))


def _direct(touches: ir.Table, options: Options) -> ir.BooleanValue:
    if options.direct is not None:
        return touches[options.by].cast("string").strip().isin(options.direct)
    return touches.kind == "direct" if "kind" in touches.columns else ibis.literal(False)


def _conversions(conversions: ir.Table, options: Options) -> ir.Table:
    """Every conversion until the end: customer_id, us, value; unvalued tells that it had none."""
    at = time_column(conversions)
    value = options.value or ("amount" if "amount" in conversions.columns else None)
    if value is not None and value not in conversions.columns:
        guess = nearest(value, conversions.columns)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(
            f"value={value!r} is no column of the conversions.{hint} "
            f"They have: {', '.join(conversions.columns)}."
        )
    worth = ibis.null("int64") if value is None else _units(conversions[value])
    rows = conversions.select(
        customer_id=conversions.customer_id.cast("string"),
        us=_since_epoch(conversions[at]),
        value=worth.fill_null(0),
        unvalued=worth.isnull().cast("int8"),
    )
    return rows.filter(rows.us < microseconds(options.end))


def _units(value: ir.Column) -> ir.IntegerValue:
    """Money as whole units; what is not a number is unknown."""
    if not isinstance(value, ir.NumericColumn):
        raise InputError(f"The value of a conversion is {value.type()}, not a number.")
    if value.type().is_floating():
        value = ibis.ifelse(value.isnan(), None, value)
    return (value * UNIT).round().cast("int64")


def _since_epoch(at: ir.Column) -> ir.IntegerValue:
    return at.cast("timestamp").delta(_EPOCH, unit="microsecond").cast("int64")


def _begin(given: ir.Table, options: Options) -> ir.Table:
    """From when conversions count: the start, or the first touch; all, where there is none."""
    found = given.aggregate(begin=given.us.min())
    if options.begin is not None:
        return found.select(begin=ibis.literal(microseconds(options.begin), "int64"))
    return found.select(begin=found.begin.fill_null(_EVER).cast("int64"))


def _distinct(given: ir.Table) -> ir.Table:
    """The touches of known customers, each once."""
    known = given.filter(given.customer_id.notnull())
    return known.group_by(known.columns).aggregate(copies=known.count())


def _vocabulary(distinct: ir.Table, top: int) -> ir.Table:
    """Every name with its code; beyond the most frequent ones they share the last."""
    counts = distinct.group_by("name").aggregate(touches=distinct.count())
    by_size = ibis.window(order_by=[counts.touches.desc(), counts.name])
    ranked = counts.mutate(place=ibis.row_number().over(by_size), all=counts.count().over())
    kept = (ranked.place < top - 1) | (ranked["all"] <= top)
    labelled = ranked.select("name", "touches", label=ibis.ifelse(kept, ranked.name, OTHER))
    in_order = ibis.window(order_by=labelled.label)
    return labelled.mutate(code=ibis.dense_rank().over(in_order).cast("int16"))


def _as_stream(baskets: ir.Table, like: ir.Table) -> ir.Table:
    return baskets.select(
        "customer_id",
        "us",
        is_conversion=ibis.literal(1, "int8"),
        code=ibis.literal(CONVERSION, "int16"),
        direct=ibis.literal(0, "int8"),
        n=baskets.n.cast("int64"),
        value=baskets.value.cast("int64"),
    ).cast(like.schema())


def _facts(given: ir.Table, distinct: ir.Table, counted: ir.Table, bought: ir.Table) -> ir.Table:
    """How many rows were left out or changed, by name."""
    touches = given.aggregate(
        touches=given.count(), touches_of_nobody=given.customer_id.isnull().sum()
    )
    copies = distinct.aggregate(copies=(distinct.copies - 1).sum())
    values = bought.aggregate(negative=(bought.value < 0).sum())
    early = counted.us < counted.begin
    sums = counted.aggregate(
        early=early.sum(),
        unvalued=(~early & (counted.unvalued == 1)).sum(),
        strangers=(~early & counted.customer_id.isnull()).sum(),
    )
    parts = []
    for table in (touches, copies, values, sums):
        for name in table.columns:
            number = table[name].fill_null(0).cast("int64")
            parts.append(table.select(fact=ibis.literal(name), n=number))
    return ibis.union(*parts)
