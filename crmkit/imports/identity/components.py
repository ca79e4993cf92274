"""Connected components in the engine: labels are contracted until no edge is left between them."""

import duckdb

__all__ = ["components"]


def components(con: duckdb.DuckDBPyConnection, nodes: str, edges: str, made: str) -> int:
    """Make the table `made` (node, label), where label is the smallest node of its component.

    Each round hooks every label to the smallest one beside it, follows such hooks to their end, and
    keeps only edges between different labels. A label with a neighbour hooks or is hooked to, so
    their number at least halves: there are at most log2(n) rounds. (The idea is that of Shiloach
    and Vishkin, 1982.) The order of rows does not matter.

    Parameters: `nodes`, a table with the whole number `node`; `edges`, one with `a` and `b`.
    Returns: the number of rounds.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE {made} AS SELECT node, node AS label FROM {nodes}")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _between AS"
        f" SELECT a AS u, b AS v FROM {edges} UNION SELECT b, a FROM {edges}"
    )
    rounds = 0
    while _some(con, "_between"):
        rounds += 1
        con.execute(
            "CREATE OR REPLACE TEMP TABLE _hook AS"
            " SELECT u AS label, min(v) AS under FROM _between GROUP BY u HAVING min(v) < u"
        )
        _follow(con)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {made} AS"
            f" SELECT node, coalesce(under, label) AS label FROM {made}"
            " LEFT JOIN _hook USING (label)"
        )
        con.execute(
            "CREATE OR REPLACE TEMP TABLE _between AS SELECT DISTINCT"
            " coalesce(one.under, u) AS u, coalesce(two.under, v) AS v FROM _between"
            " LEFT JOIN _hook AS one ON one.label = u LEFT JOIN _hook AS two ON two.label = v"
            " WHERE coalesce(one.under, u) <> coalesce(two.under, v)"
        )
    con.execute("DROP TABLE _between")
    return rounds


def _follow(con: duckdb.DuckDBPyConnection) -> None:
    """Lead every hook to where its chain ends; each step halves the length of chains."""
    while _some(con, "_hook AS one JOIN _hook AS two ON one.under = two.label"):
        con.execute(
            "CREATE OR REPLACE TEMP TABLE _hook AS"
            " SELECT one.label, coalesce(two.under, one.under) AS under"
            " FROM _hook AS one LEFT JOIN _hook AS two ON one.under = two.label"
        )


def _some(con: duckdb.DuckDBPyConnection, rows: str) -> bool:
    return con.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchone() is not None
