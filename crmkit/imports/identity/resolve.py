"""From links between ids to persons with stable ids: what linked, what did not, what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from crmkit.errors import InputError, ParameterError
from crmkit.imports.identity.components import components
from crmkit.imports.identity.parting import part

__all__ = ["LIMITS", "STRONG", "Resolved", "resolve"]

STRONG = "crm"
"""The source whose ids stand for persons; they become customer_id."""
LIMITS: Mapping[str, int] = {"phone": 2, "email": 2, "wechat": 2, "cookie": 2, "device": 3}
"""With how many CRM ids an id may be seen and still link them; a switchboard is seen with more."""
_USUAL_LIMIT = 2
_COLUMNS = ("source_a", "id_a", "source_b", "id_b")


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """One id per person, and everything that did not become so.

    `identities`: source, source_id, customer_id. `shared`: source, source_id, partners: ids seen
    with too many CRM ids to link, which belong to nobody. `merged`: customer_id, source_id: further
    CRM ids of one person. `parted`: the links cut to keep ids apart. `retired`: previous
    customer_id, now part of another; `split`: previous customer_id whose ids are now several
    persons'. `links` are counts by fate; they add up to those given.
    """

    identities: pa.Table
    shared: pa.Table
    merged: pa.Table
    parted: pa.Table
    retired: pa.Table
    split: pa.Table
    links: Mapping[str, int]
    rounds: int


def resolve(
    con: duckdb.DuckDBPyConnection,
    links: str,
    *,
    limits: Mapping[str, int] = LIMITS,
    apart: Sequence[tuple[str, str, str, str]] = (),
    previous: str | None = None,
) -> Resolved:
    """Give every id the person it belongs to, from ids that were seen together.

    Ids joined by links are one person's. An id seen with more CRM ids than its source's limit (a
    switchboard, a shared computer) links nobody and is listed. A person is called by the previous
    id, if the person had one, else by the smallest CRM id, else by a hash of the smallest id. The
    person that has the CRM id X stays X; other previous ids stay with most of their ids.

    Parameters: `con`, the engine; `links`, a table or query with source_a, id_a, source_b, id_b;
    `limits` by source (2 where none is named); `apart`, pairs of ids that are not one person's,
    whatever links them: the weakest link on the way between them is cut; `previous`, a table or
    query of the identities of the last run.
    Returns: Resolved. Order of input does not matter.
    Raises: InputError where columns are missing; ParameterError for a limit below 1.

    >>> con = duckdb.connect()
    >>> seen = "('crm', 'C1', 'phone', '+1'), ('phone', '+1', 'cookie', 'V9')"
    >>> query = f"SELECT * FROM (VALUES {seen}) AS t(source_a, id_a, source_b, id_b)"
    >>> resolve(con, query).identities.to_pydict()["customer_id"]
    ['C1', 'C1', 'C1']
    """
    for source, limit in limits.items():
        if limit < 1:
            raise ParameterError(f"The limit of {source!r} is {limit}. Give at least 1.")
    fates = _edges(con, links)
    shared = _without_shared(con, limits)
    fates["shared"] = shared
    rounds = components(con, "_ids", "_edges", "_labels")
    cuts = part(con, apart, STRONG)
    if cuts:
        rounds += components(con, "_ids", "_edges", "_labels")
    fates["apart"] = len(cuts)
    fates["kept"] = _number(con, "_edges")
    assert (
        sum(fates[fate] for fate in ("kept", "shared", "apart", "repeated", "unusable"))
        == (fates["given"])
    )
    _named(con, previous)
    return Resolved(
        identities=_table(
            con,
            "SELECT source, id AS source_id, customer_id FROM _ids JOIN _labels USING (node)"
            " JOIN _persons USING (label) WHERE node NOT IN (SELECT node FROM _shared)"
            " ORDER BY node",
        ),
        shared=_table(
            con,
            "SELECT source, id AS source_id, partners FROM _shared JOIN _ids USING (node)"
            " ORDER BY node",
        ),
        merged=_table(
            con,
            "SELECT customer_id, id AS source_id FROM _ids JOIN _labels USING (node)"
            f" JOIN _persons USING (label) WHERE source = '{STRONG}' AND label IN (SELECT label"
            f" FROM _ids JOIN _labels USING (node) WHERE source = '{STRONG}' GROUP BY label"
            " HAVING count(*) > 1) AND id <> customer_id ORDER BY ALL",
        ),
        parted=pa.table({c: [cut[n] for cut in cuts] for n, c in enumerate(_COLUMNS)}),
        retired=_table(con, "SELECT previous, customer_id FROM _retired ORDER BY ALL"),
        split=_table(con, "SELECT previous, persons FROM _split ORDER BY ALL"),
        links=fates,
        rounds=rounds,
    )


def _table(con: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    return con.execute(query).to_arrow_table()


def _number(con: duckdb.DuckDBPyConnection, rows: str) -> int:
    found = con.execute(f"SELECT count(*) FROM {rows}").fetchone()
    return int(found[0]) if found else 0


def _edges(con: duckdb.DuckDBPyConnection, links: str) -> dict[str, int]:
    """Make `_ids` (node, source, id) and `_edges` (a, b), and count what was not usable."""
    query = links if " " in links else f"SELECT * FROM {links}"
    there = [column[0] for column in con.execute(f"DESCRIBE {query}").fetchall()]
    if missing := [column for column in _COLUMNS if column not in there]:
        raise InputError(
            f"The links lack {', '.join(missing)}; they have {', '.join(there)}. "
            f"They need {', '.join(_COLUMNS)}."
        )
    trimmed = ", ".join(f"nullif(trim({c}::VARCHAR), '') AS {c}" for c in _COLUMNS)
    con.execute(f"CREATE OR REPLACE TEMP TABLE _given AS SELECT {trimmed} FROM ({query})")
    usable = " AND ".join(f"{c} IS NOT NULL" for c in _COLUMNS)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _ids AS SELECT"
        " row_number() OVER (ORDER BY source, id) AS node,"
        f" * FROM (SELECT source_a AS source, id_a AS id FROM _given WHERE {usable} UNION"
        f" SELECT source_b, id_b FROM _given WHERE {usable})"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _edges AS SELECT DISTINCT least(one.node, two.node) AS a,"
        " greatest(one.node, two.node) AS b FROM _given"
        " JOIN _ids AS one ON one.source = source_a AND one.id = id_a"
        " JOIN _ids AS two ON two.source = source_b AND two.id = id_b WHERE one.node <> two.node"
    )
    given = _number(con, "_given")
    same = f"_given WHERE {usable} AND NOT (source_a = source_b AND id_a = id_b)"
    linking = _number(con, same)
    con.execute("DROP TABLE _given")
    return {
        "given": given,
        "unusable": given - linking,
        "repeated": linking - _number(con, "_edges"),
    }


def _without_shared(con: duckdb.DuckDBPyConnection, limits: Mapping[str, int]) -> int:
    """Make `_shared` (node, partners), take its edges away, and count them."""
    cases = " ".join(f"WHEN {_quoted(source)} THEN {limit}" for source, limit in limits.items())
    limit = f"CASE source {cases} ELSE {_USUAL_LIMIT} END" if cases else str(_USUAL_LIMIT)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _shared AS SELECT node, partners FROM ("
        " SELECT weak.node, weak.source, count(*) AS partners FROM"
        " (SELECT a AS u, b AS v FROM _edges UNION ALL SELECT b, a FROM _edges)"
        f" JOIN _ids AS weak ON weak.node = u AND weak.source <> '{STRONG}'"
        f" JOIN _ids AS strong ON strong.node = v AND strong.source = '{STRONG}'"
        f" GROUP BY ALL) WHERE partners > {limit}"
    )
    before = _number(con, "_edges")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _edges AS SELECT * FROM _edges WHERE"
        " a NOT IN (SELECT node FROM _shared) AND b NOT IN (SELECT node FROM _shared)"
    )
    return before - _number(con, "_edges")


def _named(con: duckdb.DuckDBPyConnection, previous: str | None) -> None:
    """Make `_persons` (label, customer_id), `_retired` and `_split`; each name is one person's."""
    _inherited(con, previous)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _persons AS SELECT label, coalesce(kept, crm, 'P' ||"
        " substr(md5(first), 1, 16)) AS customer_id, first, kept IS NULL AND crm IS NULL AS minted"
        f" FROM (SELECT label, min(id) FILTER (source = '{STRONG}') AS crm,"
        " arg_min(source || ':' || id, node) AS first FROM _ids JOIN _labels USING (node)"
        " WHERE node NOT IN (SELECT node FROM _shared) GROUP BY label)"
        " LEFT JOIN (SELECT label, min(previous) AS kept FROM _heirs GROUP BY label) USING (label)"
    )
    _minted_anew(con)
    names = con.execute("SELECT count(*) - count(DISTINCT customer_id) FROM _persons").fetchone()
    assert names == (0,), "two persons have one name"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _retired AS SELECT previous, customer_id FROM _heirs"
        " JOIN _persons USING (label) WHERE previous <> customer_id"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _split AS SELECT previous, count(*) AS persons FROM _before"
        " WHERE ids > 0 GROUP BY previous HAVING count(*) > 1"
    )


def _inherited(con: duckdb.DuckDBPyConnection, previous: str | None) -> None:
    """Make `_before` (label, previous, ids, own) and `_heirs`, the one label for each previous id.

    The person with the CRM id X inherits X even where no earlier row of X is that CRM id.
    """
    known = (previous if " " in previous else f"SELECT * FROM {previous}") if previous else (
        "SELECT NULL::VARCHAR AS source, NULL::VARCHAR AS source_id,"
        " NULL::VARCHAR AS customer_id WHERE false"
    )  # fmt: skip
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _known AS SELECT DISTINCT source, source_id,"
        f" customer_id AS previous FROM ({known}) WHERE customer_id IS NOT NULL"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _before AS SELECT label, previous, sum(ids)::BIGINT AS ids,"
        " bool_or(own) AS own FROM (SELECT node, previous, 1 AS ids, false AS own FROM _known"
        " JOIN _ids ON _ids.source = _known.source AND _ids.id = _known.source_id UNION ALL"
        " SELECT node, previous, 0, true FROM (SELECT DISTINCT previous FROM _known)"
        f" JOIN _ids ON _ids.source = '{STRONG}' AND _ids.id = previous)"
        " JOIN _labels USING (node) WHERE node NOT IN (SELECT node FROM _shared) GROUP BY ALL"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _heirs AS SELECT previous, label FROM (SELECT *, row_number()"
        " OVER (PARTITION BY previous ORDER BY own DESC, ids DESC, label) AS place FROM _before)"
        " WHERE place = 1"
    )


def _minted_anew(con: duckdb.DuckDBPyConnection) -> None:
    """Give another hash to who would get one that a person has or had.

    That happens where a person was split and the part with the smallest id is not the one that
    keeps the name.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _anew AS SELECT label, arg_min(name, turn) AS name FROM"
        " (SELECT label, turn, 'P' || substr(md5(first || '/' || turn), 1, 16) AS name"
        " FROM _persons, range(1, 100) AS turns(turn) WHERE minted AND customer_id IN"
        " (SELECT previous FROM _known))"
        " WHERE name NOT IN (SELECT previous FROM _known) GROUP BY label"
    )
    con.execute(
        "UPDATE _persons SET customer_id = name FROM _anew WHERE _anew.label = _persons.label"
    )


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
