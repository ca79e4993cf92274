"""Whose a lead is already: repeats of a person are merged into the lead that is protected."""

import duckdb

__all__ = ["find_spans", "merge_repeats"]


def find_spans(con: duckdb.DuckDBPyConnection, days: int) -> None:
    """Make `lead_spans` (lead_id, agent_id, start, until, over): when a lead is protected.

    From when it came in, and from each time it was given out, for so many days, the last moment
    included; but no longer than until it is released or lost, when it is free at once.
    """
    # At one second a release comes before what begins, and a loss after it.
    con.execute(
        "CREATE OR REPLACE TEMP TABLE lead_spans AS SELECT lead_id, agent_id, moment AS start,"
        f" moment + to_days({days}) AS until, over FROM (SELECT *, min(moment)"
        " FILTER (kind IN ('released', 'lost')) OVER (PARTITION BY lead_id ORDER BY moment, place"
        " ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS over FROM"
        " (SELECT lead_id, NULL AS agent_id, 'created' AS kind, created_at AS moment, 1 AS place"
        " FROM lead_rows UNION ALL SELECT lead_id, agent_id, kind, occurred_at, CASE kind"
        " WHEN 'released' THEN 0 WHEN 'dispatched' THEN 1 ELSE 2 END FROM lead_steps"
        " WHERE kind IN ('dispatched', 'released', 'lost')))"
        " WHERE kind IN ('created', 'dispatched')"
    )


def merge_repeats(con: duckdb.DuckDBPyConnection) -> None:
    """Make `lead_merged` (lead_id, into_lead_id, agent_id) from `lead_queue`.

    `lead_queue` has lead_id, person, created_at and `heads`: whether it may be what others are
    merged into. Of each person the first of those stays, and takes those that come while it is
    protected; of the rest the next stays, and so on. So a lead is merged once, into one that stays.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE lead_merged"
        " (lead_id VARCHAR, into_lead_id VARCHAR, agent_id VARCHAR)"
    )
    con.execute("CREATE OR REPLACE TEMP TABLE lead_left AS SELECT * FROM lead_queue")
    while True:
        con.execute(
            "CREATE OR REPLACE TEMP TABLE lead_first AS SELECT person, created_at, lead_id FROM"
            " (SELECT *, row_number() OVER (PARTITION BY person ORDER BY created_at, lead_id)"
            " AS place FROM lead_left WHERE heads) WHERE place = 1"
        )
        if not con.execute("SELECT 1 FROM lead_first LIMIT 1").fetchone():
            break
        con.execute(
            "CREATE OR REPLACE TEMP TABLE lead_taken AS SELECT later.lead_id,"
            " one.lead_id AS into_lead_id,"
            " arg_max_null(span.agent_id, (span.start, span.agent_id)) AS agent_id"
            " FROM lead_first AS one JOIN lead_left AS later ON later.person = one.person"
            "  AND (later.created_at, later.lead_id) > (one.created_at, one.lead_id)"
            " JOIN lead_spans AS span ON span.lead_id = one.lead_id"
            "  AND later.created_at BETWEEN span.start AND span.until"
            "  AND (span.over IS NULL OR later.created_at < span.over) GROUP BY ALL"
        )
        con.execute("INSERT INTO lead_merged SELECT * FROM lead_taken")
        con.execute(
            "DELETE FROM lead_left WHERE lead_id IN (SELECT lead_id FROM lead_first)"
            " OR lead_id IN (SELECT lead_id FROM lead_taken)"
        )
    con.execute("DROP TABLE lead_first")
