"""Big files of touches and orders for the benchmark of attribution.

`paths(touches) -> (Path, Path)` gives the Parquet files of so many touches and a tenth as many
orders, of a twentieth as many customers, over a year, and makes them where they are missing.
Touches have customer_id, occurred_at, channel, campaign, medium, content, keyword and kind;
orders have order_id, customer_id, ordered_at and amount; both are sorted by customer and time as
an import stores them. One touch in a hundred has no channel, one in two hundred stands twice.
The rows are a fixed function of their number, so every machine makes the same ones.
"""

from pathlib import Path

import duckdb

DATA = Path(__file__).resolve().parent / "data"
TOUCHES, DAYS = 20_000_000, 365
FIRST_DAY, LAST_DAY = "2023-01-01", "2023-12-31"

_DRAWS = """
    select
        i,
        hash(i * 4 + {salt}) / 18446744073709551615.0 as u,
        hash(i * 4 + {salt} + 1) / 18446744073709551615.0 as v,
        hash(i * 4 + {salt} + 2) / 18446744073709551615.0 as w
    from range({rows}) as numbers(i)
"""
_WHO = """'C' || lpad(cast(cast(floor({customers} * u) as bigint) as varchar), 7, '0')"""
_WHEN = """timestamp '{first}' + to_seconds(cast(floor({days} * 86400.0 * v) as bigint))"""

_MAKE_TOUCHES = """
copy (
    with draws as ({draws}),
    drawn as (
        select *, case when w < 0.01 then null else cast(floor(9 * w * w * 1.02) as int) end as c
        from draws
    ),
    named as (
        select
            {who} as customer_id,
            {when} as occurred_at,
            ['短信', '微信小程序', '抖音直播', '天猫旗舰店', '百度搜索', '直接访问', '百度品牌词',
             '老客户推荐', '展会', '邮件'][c + 1] as channel,
            'campaign ' || (i % 7) as campaign,
            ['sms', 'app', 'live', 'cpc', 'cpc', null, 'cpc', 'referral', 'event', 'mail'][c + 1]
                as medium,
            '素材' || (i % 3) as content,
            case when c = 4 then '茶叶 ' || (i % 50) end as keyword,
            case when c = 5 then 'direct' when c in (0, 1, 7, 9) then 'owned' else 'paid' end
                as kind,
            i
        from drawn
    )
    select * exclude (i) from (
        select * from named union all select * from named where i % 200 = 0
    )
    order by customer_id, occurred_at, channel, campaign
) to '{target}' (format parquet, compression zstd, row_group_size 500000)
"""

_MAKE_ORDERS = """
copy (
    with draws as ({draws})
    select
        'O' || lpad(cast(i as varchar), 8, '0') as order_id,
        {who} as customer_id,
        {when} as ordered_at,
        cast(round(exp(3.2 + 2.2 * w), 2) as decimal(18, 4)) as amount
    from draws
    order by customer_id, ordered_at, order_id
) to '{target}' (format parquet, compression zstd, row_group_size 500000)
"""


def paths(touches: int = TOUCHES) -> tuple[Path, Path]:
    """The files of touches and of orders, made where they are missing."""
    files = DATA / f"touches_{touches}.parquet", DATA / f"conversions_{touches // 10}.parquet"
    rows = (touches * 200 // 201, touches // 10)
    for target, make, n, salt in zip(
        files, (_MAKE_TOUCHES, _MAKE_ORDERS), rows, (1, 1_000_000_007), strict=True
    ):
        if not target.exists():
            _write(target, make, rows=n, customers=touches // 20, salt=salt)
    return files


def _write(target: Path, make: str, *, rows: int, customers: int, salt: int) -> None:
    DATA.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    query = make.format(
        draws=_DRAWS.format(rows=rows, salt=salt),
        who=_WHO.format(customers=customers),
        when=_WHEN.format(first=FIRST_DAY, days=DAYS),
        target=part,
    )
    with duckdb.connect() as con:
        con.execute("set memory_limit = '6GB'")
        con.execute(query)
    part.rename(target)


if __name__ == "__main__":
    print(*paths())
