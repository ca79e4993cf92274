"""Events of many users over 90 days, as a Parquet file sorted by user and time."""

from pathlib import Path

import duckdb

DATA = Path(__file__).parent / "data"
NAMES = ["view", "search", "cart", "checkout", "pay", "help", "share", "scroll"]
WEIGHTS = [0.30, 0.16, 0.14, 0.08, 0.06, 0.06, 0.05, 0.15]


def big_events(events: int, users: int) -> Path:
    """The path of the file, made where it is missing.

    Half of the users' numbers are drawn squared, so that some users do much more than others.
    """
    path = DATA / f"events_{events}_{users}.parquet"
    if path.exists():
        return path
    DATA.mkdir(exist_ok=True)
    sums = [sum(WEIGHTS[: k + 1]) for k in range(len(NAMES))]
    names = " ".join(f"WHEN r < {s} THEN '{n}'" for n, s in zip(NAMES, sums, strict=True))
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET preserve_insertion_order = false")
    connection.execute(
        f"""
        COPY (
            WITH drawn AS (
                SELECT i,
                       hash(i * 4) / 18446744073709551616.0 AS u,
                       hash(i * 4 + 1) / 18446744073709551616.0 AS r,
                       hash(i * 4 + 2) / 18446744073709551616.0 AS t,
                       hash(i * 4 + 3) / 18446744073709551616.0 AS c
                FROM range({events}) AS range(i)
            )
            SELECT printf('E%010d', i) AS event_id,
                   printf('C%08d', CAST(floor(CASE WHEN c < .5 THEN u ELSE u * u END * {users})
                                        AS BIGINT)) AS customer_id,
                   TIMESTAMP '2025-01-01' + to_seconds(CAST(floor(t * 7776000) AS BIGINT))
                       AS occurred_at,
                   CASE {names} ELSE 'scroll' END AS event,
                   ['a', 'b', 'c', 'd', 'e'][1 + CAST(floor(c * 4.999) AS INT)] AS channel
            FROM drawn
            ORDER BY customer_id, occurred_at, event_id
        ) TO '{path}' (FORMAT parquet)
        """
    )
    return path
