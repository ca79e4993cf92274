"""A big log of calls that benchmarks share.

`paths() -> (calls, dispositions)` gives `benchmarks/data/calls_10m.parquet` and makes it where it
is missing (about a minute): 10 million calls of 90 days in Shanghai, 9 to 20 o'clock, 4 million
leads in 60 lists and 6 campaigns, 600 agents, one call in 20 inbound and one in 10 automatic voice;
sorted by lead and time as an import stores them. The rows are a fixed function of their number, so
every machine makes the same ones.
"""

import sys
from pathlib import Path

import duckdb

DATA = Path(__file__).resolve().parent / "data"
CALLS, DAYS = 10_000_000, 90
FIRST_DAY, LAST_DAY, ZONE = "2025-01-01", "2025-03-31", "Asia/Shanghai"

_MAKE = """
copy (
    with draws as (
        select
            i,
            hash(i * 5 + 1) / 18446744073709551615.0 as u,
            hash(i * 5 + 2) / 18446744073709551615.0 as v,
            hash(i * 5 + 3) / 18446744073709551615.0 as w,
            hash(i * 5 + 4) / 18446744073709551615.0 as x,
            hash(i * 5 + 5) / 18446744073709551615.0 as y
        from range({calls}) as numbers(i)
    ),
    kinds as (
        select
            i, v, w, x, y,
            case when u < 0.05 then 'inbound' else 'outbound' end as direction,
            case when u < 0.05 then null when u < 0.15 then 'voice'
                 when u < 0.25 then 'manual' else 'predictive' end as mode,
            timestamp '{first_day} 01:00:00'
                + to_days(cast(i * {days} // {calls} as integer))
                + to_milliseconds(cast(floor(v * 39600000) as bigint)) as started_at,
            case when w < 0.22 then 'human' when w < 0.60 then 'no_answer'
                 when w < 0.70 then 'powered_off' when w < 0.78 then 'empty_number'
                 when w < 0.86 then 'rejected' when w < 0.91 then 'busy'
                 when w < 0.955 then 'machine' when w < 0.96 then 'dropped'
                 else 'suspended' end as result
        from draws
    ),
    lives as (
        select
            *,
            direction = 'inbound' or result in ('human', 'dropped') as heard,
            mode is distinct from 'voice'
                and (result = 'human' or (direction = 'inbound' and x < 0.9)) as taken,
            to_milliseconds(cast(4000 + floor(x * 16000) as bigint)) as ring,
            to_milliseconds(cast(floor(x * 1800) as bigint)) as wait,
            to_milliseconds(cast(3000 + floor(-ln(1 - 0.999 * y) * 70000) as bigint)) as talk,
            to_milliseconds(cast(5000 + floor(y * 15000) as bigint)) as wrap
        from kinds
    ),
    times as (
        select
            *,
            case when direction = 'inbound' then started_at
                 when heard then started_at + ring end as answered_at
        from lives
    )
    select
        'K' || lpad(cast(i as varchar), 9, '0') as call_id,
        case when direction = 'outbound'
             then 'L' || lpad(cast(hash(i * 7) % {leads} as varchar), 7, '0') end as lead_id,
        case when direction = 'outbound'
             then 'list-' || cast(hash(i * 7) % {leads} % 60 as varchar) end as list_id,
        case when direction = 'inbound' then 'inbound'
             else 'campaign-' || cast(hash(i * 7) % {leads} % 6 as varchar) end as campaign_id,
        direction, mode,
        'T' || lpad(cast(hash(i * 11) % 400 as varchar), 4, '0') as trunk_id,
        started_at,
        answered_at,
        case when mode is distinct from 'voice' then answered_at end as queued_at,
        case when taken then answered_at + wait end as agent_at,
        case when taken then answered_at + wait + talk
             when heard then answered_at + to_seconds(2) + wait
             else started_at + ring end as ended_at,
        case when taken then answered_at + wait + talk + wrap end as wrap_end_at,
        result,
        case when result = 'machine' then 'machine' when heard then 'human' end as amd_result,
        case when taken then 'A' || lpad(cast(hash(i * 13) % 600 as varchar), 4, '0') end
            as agent_id,
        case when not taken then null when y < 0.03 then 'SALE' when y < 0.6 then 'NI'
             when y < 0.7 then 'WRONG' when y < 0.8 then 'CALLBK' else 'HUP' end as disposition,
        case when taken then null when result = 'dropped' then 'DROP' else 'NA' end as raw_status
    from times
    order by lead_id, started_at, call_id
) to '{target}' (format parquet, compression zstd, row_group_size 500000)
"""
_CODES = """
copy (
    select * from (values
        ('SALE', true, true, true), ('NI', true, true, false), ('WRONG', true, false, false),
        ('CALLBK', true, true, false), ('HUP', true, false, false), ('DROP', true, false, false),
        ('NA', false, false, false)
    ) as codes(code, human_answered, right_party, sale)
) to '{target}' (format parquet)
"""


def paths(calls: int = CALLS) -> tuple[Path, Path]:
    """The files of calls and of dispositions, made where they are missing."""
    name = "calls_10m" if calls == CALLS else f"calls_{calls}"
    return (
        _made(DATA / f"{name}.parquet", _MAKE, calls),
        _made(DATA / "calls_dispositions.parquet", _CODES, calls),
    )


def _made(target: Path, query: str, calls: int) -> Path:
    if not target.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        with duckdb.connect() as con:
            con.execute("set memory_limit = '6GB'")
            con.execute(
                query.format(
                    calls=calls,
                    leads=max(calls * 2 // 5, 1),
                    days=DAYS,
                    first_day=FIRST_DAY,
                    target=part,
                )
            )
        part.rename(target)
    return target


if __name__ == "__main__":
    print(*paths(*map(int, sys.argv[1:])))
