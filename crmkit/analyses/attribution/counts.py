"""The one query of an attribution: everything counted, by group of customers where it must be.

Customers fall into random groups, told by a digest of their id that is the same on every engine.
The bootstrap draws groups instead of customers: a customer lies in one group whole, so that groups
are independent and alike, and the answer has a size that does not grow with the data.
"""

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from crmkit.analyses.attribution.options import Options
from crmkit.analyses.attribution.steps import LAYERS, PATH, followed, open_steps, steps, touched
from crmkit.analyses.attribution.streams import Streams

RULES = ("first", "last", "last_non_direct", "linear", "position", "decay")
"""The models that share out each path by a rule."""
SCALE = 1_000_000_000
"""Shares of a conversion are summed in whole billionths, so that their order does not matter."""
PATHS = 30
"""Paths that the table of the most frequent ones keeps."""
NONE = -2
"""The code where there is nothing: before the first touch, after the last of an open path."""
_MEASURES = 12
_ENDS = 0.4
"""Of the conversion to the first and to the last touch, by position."""


def counted(streams: Streams, options: Options, *, groups: int) -> ir.Table:
    """Everything that the models need, in one answer.

    Parameters: `groups`, 256, 64, or 1 where no intervals are wanted.
    Returns: part (what a row counts), grp, a to e (codes), label, and x1 to x12 (whole numbers).
    """
    placed = touched(followed(streams), options, groups)
    walked = steps(placed, options)
    touches = placed.filter(placed.is_conversion == 0)
    states = touches.group_by("state").aggregate(n=touches.count())
    return ibis.union(
        *variant(placed, walked, streams.strangers, options),
        vocabulary_rows(streams.vocabulary),
        _row("fact", streams.facts, {"label": "fact"}, ["n"]),
        _row("state", states, {"label": "state"}, ["n"]),
        _flow(walked),
        _most_frequent(walked),
    )


def variant(
    placed: ir.Table, walked: ir.Table, strangers: ir.Table, options: Options
) -> tuple[ir.Table, ...]:
    """What every model needs of one way to make paths.

    Parameters: `placed`, rows in their windows; `walked`, the converting paths among them;
    `strangers`, conversions of nobody known.
    """
    seen = walked.filter(walked.is_conversion == 0)
    paths = [seen, open_steps(placed, options)] if options.open_paths else [seen]
    return (
        _credits(seen),
        *(_moves(part, options.order) for part in paths),
        *(_sets(part) for part in paths),
        _alone(walked.filter((walked.is_conversion == 1) & (walked.length == 0))),
        _row("stranger", strangers, {}, ["n", "value"]),
    )


def vocabulary_rows(vocabulary: ir.Table) -> ir.Table:
    """The code (a), label and touches (x1) of everything that may earn credit."""
    return _row("vocabulary", vocabulary, {"a": "code", "label": "label"}, ["touches"])


def _credits(seen: ir.Table) -> ir.Table:
    """The credit of each code by each rule, of conversions (in SCALE) and of value."""
    rows = seen
    is_first, is_last = rows.place == 0, rows.place == rows.length - 1
    middle = (1 - 2 * _ENDS) / ibis.greatest(rows.length - 2, 1)
    shares = {
        "first": is_first.cast("float64"),
        "last": is_last.cast("float64"),
        "last_non_direct": rows.credited.cast("float64"),
        "linear": 1.0 / rows.length,
        "position": ibis.cases(
            (rows.length <= 2, 1.0 / rows.length), (is_first | is_last, _ENDS), else_=middle
        ),
        "decay": rows.fade,
    }
    sums = {
        f"n_{name}": (shares[name] * (rows.conversions * SCALE)).round().cast("int64").sum()
        for name in RULES
    } | {
        f"v_{name}": (shares[name] * rows.path_value).round().cast("int64").sum() for name in RULES
    }
    found = rows.group_by("grp", "code").aggregate(**sums)
    return _row("credit", found, {"a": "code"}, list(sums))


def _moves(seen: ir.Table, order: int) -> ir.Table:
    """How often each state was reached from the states before it, and how paths ended there.

    a to d are the states before, the latest first (NONE before the first touch), e the state; paths
    with several conversions count as often.
    """
    before = {
        name: seen[f"before_{k}"].fill_null(NONE) if k <= order else ibis.literal(NONE, "int64")
        for k, name in enumerate("abcd", start=1)
    }
    rows = seen.select("grp", "conversions", "path_value", "is_last", e="state_code", **before)
    ends = rows.is_last & (rows.conversions > 0)
    found = rows.group_by("grp", *"abcde").aggregate(
        passes=ibis.greatest(rows.conversions, 1).sum(),
        converted=ibis.ifelse(ends, rows.conversions, 0).sum(),
        value=ibis.ifelse(ends, rows.path_value, 0).sum(),
        lost=(rows.is_last & (rows.conversions == 0)).cast("int64").sum(),
    )
    return _row("move", found, {k: k for k in "abcde"}, ["passes", "converted", "value", "lost"])


def _sets(seen: ir.Table) -> ir.Table:
    """Paths by the set of their codes; a is the sum of two to the power of each."""
    each = seen.group_by("grp", *PATH, "code").aggregate(
        conversions=seen.conversions.max(), value=seen.path_value.max()
    )
    bit = ibis.literal(2.0).pow(each.code.cast("float64")).round().cast("int64")
    paths = each.group_by("grp", *PATH).aggregate(
        mask=bit.sum(), conversions=each.conversions.max(), value=each.value.max()
    )
    found = paths.group_by("grp", "mask").aggregate(
        paths=paths.count(),
        converting=(paths.conversions > 0).cast("int64").sum(),
        conversions=paths.conversions.sum(),
        value=paths.value.sum(),
    )
    return _row("set", found, {"a": "mask"}, ["paths", "converting", "conversions", "value"])


def _alone(alone: ir.Table) -> ir.Table:
    """Conversions before which there was no touch."""
    found = alone.group_by("grp").aggregate(n=alone.conversions.sum(), value=alone.path_value.sum())
    return _row("alone", found, {}, ["n", "value"])


def _flow(walked: ir.Table) -> ir.Table:
    """In how many converting paths, at the step a, the code b was followed by c."""
    rows = walked.filter(walked.is_conversion == 0, walked.place < LAYERS)
    found = rows.group_by("place", "code", "after_1").aggregate(n=rows.count())
    return _row("flow", found, {"a": "place", "b": "code", "c": "after_1"}, ["n"])


def _most_frequent(walked: ir.Table) -> ir.Table:
    """The paths with the most conversions, by their first five codes and whether more follow."""
    firsts = walked.filter(walked.is_conversion == 0, walked.place == 0)
    codes = {"a": firsts.code} | {
        name: firsts[f"after_{k}"].fill_null(NONE) for k, name in enumerate("bcde", start=1)
    }
    length = ibis.least(firsts.length, LAYERS + 1)
    rows = firsts.select("conversions", "path_value", length=length, **codes)
    sums = rows.group_by(*"abcde", "length").aggregate(
        paths=rows.count(), conversions=rows.conversions.sum(), value=rows.path_value.sum()
    )
    order = [sums.conversions.desc(), sums.paths.desc(), *(sums[k] for k in "abcde"), sums.length]
    found = sums.order_by(order).limit(PATHS)
    measures = ["length", "paths", "conversions", "value"]
    return _row("path", found, {k: k for k in "abcde"}, measures)


def _row(part: str, table: ir.Table, keys: Mapping[str, str], measures: Sequence[str]) -> ir.Table:
    """A table as rows of the one answer."""
    grp = table["grp"] if "grp" in table.columns else ibis.literal("")
    label = table[keys["label"]] if "label" in keys else ibis.literal("")
    codes = {k: table[keys[k]] if k in keys else ibis.literal(NONE) for k in "abcde"}
    numbers = {
        f"x{place}": table[measures[place - 1]] if place <= len(measures) else ibis.literal(0)
        for place in range(1, _MEASURES + 1)
    }
    return table.select(
        part=ibis.literal(part),
        grp=grp.cast("string"),
        label=label.cast("string"),
        **{name: column.cast("int64") for name, column in (codes | numbers).items()},
    )
