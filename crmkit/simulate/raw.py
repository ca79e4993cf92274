"""The firm's own exports: CSV in GB18030 with Chinese headers, local times and honest dirt.

The good rows are exactly the canonical orders and customers. The faults come on top of them: rows
written twice, orders on a 31 February, sales below zero that are no refunds. An import must find
each of them, and what is left must be the same orders.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crmkit.simulate import china
from crmkit.simulate.clock import Span
from crmkit.simulate.firm import Firm

__all__ = ["ORDER_FILES", "Raw", "raw_exports"]

ORDER_FILES = "orders_*.csv"
"""The pattern that the files of orders are named by."""

ORDER_HEADERS = {
    "order_id": "订单编号",
    "customer_id": "客户编号",
    "ordered_at": "下单时间",
    "amount": "实付金额",
    "category": "商品类别",
    "channel": "销售渠道",
    "refunded": "是否退款",
}
CUSTOMER_HEADERS = {
    "customer_id": "客户编号",
    "created_at": "注册时间",
    "channel": "来源渠道",
    "region": "省份",
    "city": "城市",
    "industry": "行业",
    "name": "姓名",
    "phone": "手机",
    "email": "邮箱",
}
_YES, _NO, _NONE = "是", "否", "无"
_TWICE, _FEBRUARY, _NEGATIVE, _CUSTOMERS_TWICE = 12, 3, 2, 5

Rows = list[list[str]]


@dataclass(frozen=True, kw_only=True)
class Raw:
    """The raw exports: the content of each file by name, and the counts an import must find."""

    files: dict[str, bytes]
    expected: dict[str, Any]


def raw_exports(firm: Firm) -> Raw:
    """The firm's exports and the crmkit.toml that maps them.

    Orders are split by local year and sorted by time; customers are one file. Wall-clock times come
    back to the same instants where the timezone has no repeated hour, as in China.
    Parameters: `firm`. Returns: `Raw`.
    """
    orders = _orders(firm)
    files, expected = _with_faults(firm, orders)
    customers = _customers(firm)
    twice = _some(firm, "raw customers twice", _CUSTOMERS_TWICE, len(customers))
    files["customers.csv"] = _csv(CUSTOMER_HEADERS.values(), _repeated(customers, twice))
    files["crmkit.toml"] = _settings(firm).encode()
    return Raw(
        files=files,
        expected={
            "orders": expected,
            "customers": {
                "rows": len(customers) + len(twice),
                "duplicates": len(twice),
                "quarantined": 0,
                "stored": len(customers),
            },
        },
    )


def _with_faults(firm: Firm, orders: Rows) -> tuple[dict[str, bytes], dict[str, Any]]:
    """One file for each year, its faults at its end or right after the row written twice."""
    n = len(orders)
    twice = _some(firm, "raw orders twice", _TWICE, n)
    february = [
        _changed(orders[i], k, ordered_at=f"{orders[i][2][:4]}-02-31 10:00:00")
        for k, i in enumerate(_some(firm, "raw 31 February", _FEBRUARY, n), start=1)
    ]
    sold = [i for i in range(n) if orders[i][6] == _NO]
    chosen = _some(firm, "raw negative", _NEGATIVE, len(sold))
    negative = [
        _changed(orders[sold[i]], k, amount=f"-{orders[sold[i]][3]}")
        for k, i in enumerate(chosen, start=len(february) + 1)
    ]
    rows = [*_repeated(orders, twice), *february, *negative]
    years = sorted({row[2][:4] for row in rows}) or [str(firm.world.start.year)]
    files = {
        f"orders_{year}.csv": _csv(
            ORDER_HEADERS.values(), [row for row in rows if row[2][:4] == year]
        )
        for year in years
    }
    return files, {
        "rows": len(rows),
        "duplicates": len(twice),
        "quarantined": len(february) + len(negative),
        "on_31_february": len(february),
        "below_zero_without_refund": len(negative),
        "stored": n,
    }


def _orders(firm: Firm) -> Rows:
    table = firm.tables["orders"].sort_by([("ordered_at", "ascending"), ("order_id", "ascending")])
    return _rows(
        table["order_id"],
        table["customer_id"],
        _local(firm, table["ordered_at"]),
        table["amount"].cast(pa.decimal128(18, 2)).cast(pa.string()),
        table["category"],
        table["channel"],
        pc.if_else(table["refunded"], _YES, _NO),
    )


def _customers(firm: Firm) -> Rows:
    table = firm.tables["customers"]
    official = [china.OFFICIAL.get(name, name) for name in table["region"].to_pylist()]
    return _rows(
        table["customer_id"],
        _local(firm, table["created_at"]),
        table["channel"],
        pa.array(official, pa.string()),
        table["city"],
        pc.fill_null(table["industry"], _NONE),
        table["name"],
        _phones(firm, table["phone"]),
        table["email"],
    )


def _phones(firm: Firm, phones: pa.ChunkedArray) -> pa.Array:
    """As people type them: in groups, with dashes, with the country in front, or not at all."""
    short = pc.utf8_slice_codeunits(phones, 3)
    first, middle, last = (
        pc.utf8_slice_codeunits(short, start, stop) for start, stop in ((0, 3), (3, 7), (7, 11))
    )
    ways = [
        short,
        pc.binary_join_element_wise(first, middle, last, "-"),
        pc.binary_join_element_wise(first, middle, last, " "),
        pc.binary_join_element_wise("+86", short, " "),
    ]
    way = firm.world.stream("raw phones").integers(len(ways), size=len(phones))
    return pc.fill_null(pc.choose(pa.array(way), *ways), _NONE)


def _local(firm: Firm, instants: pa.ChunkedArray) -> pa.Array:
    span = Span(firm.world)
    seconds = (instants.to_numpy() - np.datetime64(span.start, "us")).astype("timedelta64[s]")
    words = np.datetime_as_string(span.local(seconds.astype(np.int64)), unit="s")
    return pc.replace_substring(pa.array(words, pa.string()), "T", " ")


def _rows(*columns: pa.Array | pa.ChunkedArray) -> Rows:
    texts = [pc.fill_null(column, "").to_pylist() for column in columns]
    return [list(row) for row in zip(*texts, strict=True)]


def _some(firm: Firm, stream: str, wanted: int, among: int) -> list[int]:
    """Some different positions, in order; fewer where there are fewer."""
    rng = firm.world.stream(stream)
    chosen: npt.NDArray[np.int64] = rng.choice(among, min(wanted, among), replace=False)
    return sorted(chosen.tolist())


def _repeated(rows: Rows, twice: Sequence[int]) -> Rows:
    again = set(twice)
    return [row for i, row in enumerate(rows) for _ in range(2 if i in again else 1)]


def _changed(row: list[str], number: int, **changes: str) -> list[str]:
    """A row of its own, with an id that no good row has."""
    cells = dict(zip(ORDER_HEADERS, row, strict=True))
    return list((cells | {"order_id": f"X{number:06d}"} | changes).values())


def _csv(headers: Any, rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headers)
    writer.writerows(rows)
    return text.getvalue().encode("gb18030")


def _settings(firm: Firm) -> str:
    world = firm.world
    regions = {
        china.OFFICIAL[place.region]: place.region
        for place in world.places
        if place.region in china.OFFICIAL
    }
    return f"""\
# The firm's raw exports, as an example of a mapping: `crmkit import` beside this file reads them.
[book]
name = {_quoted(world.name)}
timezone = {_quoted(world.timezone)}
currency = {_quoted(world.currency)}
country = {_quoted(world.country)}
store = "store"

[tables.orders]
from = {_quoted(ORDER_FILES)}
encoding = "gb18030"

[tables.orders.columns]
{_pairs(ORDER_HEADERS)}

[tables.orders.values.refunded]
{_pairs({_YES: "true", _NO: "false"})}

[tables.customers]
from = "customers.csv"
encoding = "gb18030"
missing = [{_quoted(_NONE)}]

[tables.customers.columns]
{_pairs(CUSTOMER_HEADERS)}

[tables.customers.values.region]
{_pairs(regions)}
"""


def _quoted(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)


def _pairs(pairs: dict[str, str]) -> str:
    return "\n".join(
        f"{key if key.isascii() else _quoted(key)} = {_quoted(value)}"
        for key, value in pairs.items()
    )
