"""Paths: the touches within the lookback before each conversion, and those that none followed.

The touches from 0 to lookback days before a conversion, both included, are its path. Other touches
are cut into stretches as long as the lookback, counted from the conversion before or from the
customer's first touch; each is a path that did not convert. So every path, converting or open, has
the same time, and the past does not change from one report to the next. A touch as young as the
lookback is not decided yet: a conversion may still follow.
"""

import ibis
import ibis.expr.types as ir

from crmkit.analyses.attribution.options import MICROSECONDS, Options, microseconds
from crmkit.analyses.attribution.streams import CONVERSION, Streams

LEVELS = 4
"""The transform "frequency" tells 1, 2, 3, and 4 or more touches apart."""
LAYERS = 5
"""Steps of a path that the flow and the table of paths show."""
STATES = ("converting", "open", "pending", "early")
"""What a touch's window came to; early ones end before conversions count."""
_LAST, _UNDECIDED = -1, -2
"""The window that ends with the conversion, and the one that may still do so."""
PATH = ("customer_id", "end_us", "window")
_ORDER = ("us", "is_conversion", "code", "direct")


def followed(streams: Streams) -> ir.Table:
    """The stream with what is around each row.

    Returns: its columns and begin; conversion_us, the next conversion; anchor_us, the conversion
    before or the first touch; next_code and next_us of the row after.
    """
    stream = streams.stream
    order = [stream[name] for name in _ORDER]
    customer = ibis.window(group_by=stream.customer_id)
    in_order = ibis.window(group_by=stream.customer_id, order_by=order)
    so_far = ibis.cumulative_window(group_by=stream.customer_id, order_by=order)
    from_here = ibis.window(
        group_by=stream.customer_id, order_by=order, preceding=0, following=None
    )
    at = ibis.ifelse(stream.is_conversion == 1, stream.us, None)
    rows = stream.mutate(
        conversion_us=at.min().over(from_here),
        before_us=at.max().over(so_far),
        first_us=stream.us.min().over(customer),
        next_code=stream.code.lead().over(in_order),
        next_us=stream.us.lead().over(in_order),
    )
    anchored = rows.mutate(anchor_us=rows.before_us.fill_null(rows.first_us))
    return anchored.drop("before_us", "first_us").cross_join(streams.begin)


def _window(rows: ir.Table, us: ir.IntegerValue, options: Options) -> ir.IntegerValue:
    """Which path an instant lies in: that of the conversion, one undecided, else its stretch."""
    length = options.window
    before_conversion = (rows.conversion_us - us <= length).fill_null(False)
    young = rows.conversion_us.isnull() & (microseconds(options.end) - us <= length)
    stretch = (us - rows.anchor_us) // length
    found = ibis.cases((before_conversion, _LAST), (young, _UNDECIDED), else_=stretch)
    return found.cast("int64")


def touched(rows: ir.Table, options: Options, groups: int) -> ir.Table:
    """Every row of the stream in its window.

    Parameters: `groups`, how many random groups customers fall into: 256, 64 or 1.
    Returns: grp, customer_id, us, is_conversion, code, direct, n, value; window, end_us (the
    conversion, or the end of the data); state, one of STATES; goes_on, whether the next row is a
    touch of the same code in the same path.
    """
    placed = rows.mutate(
        window=_window(rows, rows.us, options),
        next_window=_window(rows, rows.next_us, options),
        end_us=rows.conversion_us.fill_null(microseconds(options.end)),
    )
    converting = placed.window == _LAST
    counts_at = ibis.ifelse(converting, placed.end_us, placed.us)
    same = (
        (placed.is_conversion == 0)
        & (placed.next_code == placed.code)
        & (placed.next_window == placed.window)
    )
    return placed.select(
        *PATH,
        *_ORDER,
        "n",
        "value",
        grp=_group(placed.customer_id, groups),
        goes_on=same.fill_null(False),
        state=ibis.cases(
            (placed.window == _UNDECIDED, "pending"),
            (counts_at < placed.begin, "early"),
            (converting, "converting"),
            else_="open",
        ),
    )


def _group(customer: ir.StringValue, groups: int) -> ir.StringValue:
    """The group of a customer, by a digest of the id that is the same on every engine."""
    if groups == 1:
        return ibis.literal("")
    digest = customer.hexdigest("md5")
    if groups == 256:
        return digest.substr(0, 2)
    second = digest.substr(1, 1)
    quarter = ibis.cases((second < "4", "0"), (second < "8", "1"), (second < "c", "2"), else_="3")
    return digest.substr(0, 1) + quarter


def _paths(rows: ir.Table, options: Options) -> ir.Table:
    """The rows that make paths, after the transform, with the state of the Markov chain.

    A row that stands for several has the time of the last of a run ("exposure") or of the first of
    its channel ("first", "frequency").
    """
    kept = ["grp", *PATH, *_ORDER, "n", "value"]
    if options.transform in ("unique", "exposure"):
        if options.transform == "exposure":
            rows = rows.filter(~rows.goes_on)
        return rows.select(*kept, state_code=_state_code(rows, ibis.literal(0)))
    each = rows.group_by("grp", *PATH, "is_conversion", "code").aggregate(
        us=rows.us.min(),
        direct=rows.direct.min(),
        n=rows.n.max(),
        value=rows.value.max(),
        touches=rows.count(),
    )
    level = ibis.least(each.touches, LEVELS) - 1
    if options.transform == "first":
        level = ibis.literal(0)
    return each.select(*kept, state_code=_state_code(each, level))


def _state_code(rows: ir.Table, level: ir.IntegerValue) -> ir.IntegerValue:
    code = ibis.ifelse(rows.is_conversion == 1, CONVERSION, rows.code * LEVELS + level)
    return code.cast("int32")


def open_steps(placed: ir.Table, options: Options) -> ir.Table:
    """Every touch of paths that did not convert; as `steps`, as far as it is needed."""
    rows = _paths(placed.filter(placed.state == "open"), options)
    in_order = ibis.window(
        group_by=[rows[name] for name in PATH], order_by=[rows[name] for name in _ORDER]
    )
    return rows.select(
        "grp",
        *PATH,
        "code",
        "state_code",
        is_last=rows.code.lead().over(in_order).isnull(),
        conversions=ibis.literal(0, "int64"),
        path_value=ibis.literal(0, "int64"),
        **_before(rows, in_order, options.order),
    )


def _before(rows: ir.Table, in_order: object, order: int) -> dict[str, ir.Value]:
    """The states of the touches before."""
    return {f"before_{k}": rows.state_code.lag(k).over(in_order) for k in range(1, order + 1)}


def steps(placed: ir.Table, options: Options) -> ir.Table:
    """Every touch of paths that converted, and the conversions.

    Returns: grp, PATH, is_conversion, code, state_code (with the level of "frequency"), place (0 is
    the first), length (touches of the path), is_last, conversions and path_value (of the path),
    fade (its weight in time decay, sum 1), credited (1 on the last touch that is not direct, or the
    last of all), before_1... (the state_code of earlier touches), after_1... (the code of later
    ones; CONVERSION after the last).
    """
    rows = _paths(placed.filter(placed.state == "converting"), options)
    age = (rows.end_us - rows.us).cast("float64") / (options.half_life * MICROSECONDS)
    rows = rows.mutate(
        heavy=ibis.ifelse(rows.is_conversion == 1, 0.0, (-age * _LN2).exp()),
        is_touch=(1 - rows.is_conversion).cast("int64"),
        earned=((1 - rows.is_conversion) * (1 - rows.direct)).cast("int64"),
    )
    keys, order = [rows[name] for name in PATH], [rows[name] for name in _ORDER]
    whole = ibis.window(group_by=keys)
    in_order = ibis.window(group_by=keys, order_by=order)
    later = ibis.window(group_by=keys, order_by=order, preceding=0, following=None)
    seen = rows.mutate(
        place=ibis.row_number().over(in_order),
        length=rows.is_touch.sum().over(whole),
        conversions=rows.n.max().over(whole),
        path_value=rows.value.max().over(whole),
        weights=rows.heavy.sum().over(whole),
        earned_all=rows.earned.sum().over(whole),
        earned_later=rows.earned.sum().over(later),
        **_before(rows, in_order, options.order),
        **{f"after_{k}": rows.code.lead(k).over(in_order) for k in range(1, LAYERS + 1)},
    )
    is_last = seen.place == seen.length - 1
    last_earned = (seen.earned == 1) & (seen.earned_later == 1)
    return seen.mutate(
        is_last=is_last,
        fade=seen.heavy / seen.weights,
        credited=ibis.ifelse(seen.earned_all > 0, last_earned, is_last).cast("int64"),
    )


_LN2 = 0.6931471805599453
