"""A big file of orders that several benchmarks share.

`path() -> Path` gives `benchmarks/data/orders_20m.parquet` and makes it where it is missing
(about a minute): 20 million orders of 1 million customers over two years, columns order_id and
customer_id (string), ordered_at (timestamp, UTC), amount (decimal(18, 4)), category, channel and
refunded (always false), sorted by customer and time as an import stores them.
The rows are a fixed function of their number, so every machine makes the same ones.
"""

from pathlib import Path

import duckdb

DATA = Path(__file__).resolve().parent / "data"
ORDERS, CUSTOMERS, DAYS = 20_000_000, 1_000_000, 730
FIRST_DAY = "2022-01-01"
LAST_DAY = "2023-12-31"

_MAKE = """
copy (
    with draws as (
        select
            i,
            hash(i * 3 + 1) / 18446744073709551615.0 as u,
            hash(i * 3 + 2) / 18446744073709551615.0 as v,
            hash(i * 3 + 3) / 18446744073709551615.0 as w
        from range({orders}) as numbers(i)
    ),
    -- a customer's share of the orders falls from loyal to seldom; the first {customers} rows
    -- give each customer one order
    people as (
        select
            i, v, w,
            case when i < {customers} then i
                 else cast(floor({customers} * u * u) as bigint) end as c
        from draws
    )
    select
        'O' || lpad(cast(i as varchar), 8, '0') as order_id,
        'C' || lpad(cast(c as varchar), 7, '0') as customer_id,
        timestamp '{first_day}' + to_microseconds(
            cast(floor({days} * 86400.0 * 1000000
                       * (v * (0.25 + 0.75 * ((c * 7919) % 1000) / 1000.0))) as bigint)
        ) as ordered_at,
        cast(round(exp(3.2 + 1.1 * (w + ((c * 104729) % 1000) / 1000.0)), 2)
             as decimal(18, 4)) as amount,
        cast(null as varchar) as category,
        cast(null as varchar) as channel,
        false as refunded
    from people
    order by customer_id, ordered_at, order_id
) to '{target}' (format parquet, compression zstd, row_group_size 500000)
"""


def path(orders: int = ORDERS, customers: int = CUSTOMERS) -> Path:
    """The file of orders, made where it is missing."""
    name = "orders_20m" if orders == ORDERS else f"orders_{orders}_of_{customers}"
    target = DATA / f"{name}.parquet"
    if not target.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        with duckdb.connect() as con:
            con.execute("set memory_limit = '6GB'")
            con.execute(
                _MAKE.format(
                    orders=orders, customers=customers, days=DAYS, first_day=FIRST_DAY, target=part
                )
            )
        part.rename(target)
    return target


if __name__ == "__main__":
    print(path())
