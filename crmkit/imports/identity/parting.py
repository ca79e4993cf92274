"""Ids that are not one person's, whatever links them: the weakest link between them is cut."""

from collections import deque
from collections.abc import Iterator, Sequence

import duckdb

__all__ = ["part"]

_WEAKEST = ("cookie", "device", "phone", "wechat", "email")
"""Sources from the one that says least about who somebody is; others say more."""
Node = int
Cut = tuple[str, str, str, str]


def part(
    con: duckdb.DuckDBPyConnection, apart: Sequence[tuple[str, str, str, str]], strong: str
) -> list[Cut]:
    """Cut links of `_edges` until no pair of `apart` is in one component of `_labels`.

    Only the few components that hold such a pair come into Python. On the shortest way between the
    two, the link that says least is cut, until there is no way.

    Parameters: `apart`, tuples of source and id of the one and of the other; `strong`, the source
    whose links are cut last.
    Returns: the links cut, as source and id of both ends.
    """
    cuts: list[Cut] = []
    for source_a, id_a, source_b, id_b in sorted(apart):
        ends = con.execute(
            "SELECT one.node, two.node, x.label FROM _ids AS one, _ids AS two,"
            " _labels AS x, _labels AS y WHERE (one.source, one.id) = (?, ?)"
            " AND (two.source, two.id) = (?, ?) AND x.node = one.node AND y.node = two.node"
            " AND x.label = y.label",
            [source_a, id_a, source_b, id_b],
        ).fetchone()
        if ends and ends[0] != ends[1]:
            start, goal, label = ends
            cuts += _separated(con, start, goal, label, strong)
    return cuts


def _separated(
    con: duckdb.DuckDBPyConnection, start: Node, goal: Node, label: Node, strong: str
) -> Iterator[Cut]:
    ids = con.execute(
        "SELECT node, source, id FROM _ids JOIN _labels USING (node) WHERE label = ?", [label]
    ).fetchall()
    names = {node: (source, id_) for node, source, id_ in ids}
    rows = con.execute(
        "SELECT a, b FROM _edges JOIN _labels ON a = node WHERE label = ?", [label]
    ).fetchall()
    beside: dict[Node, set[Node]] = {node: set() for node in names}
    for a, b in rows:
        beside[a].add(b)
        beside[b].add(a)
    while way := _way(beside, start, goal):
        a, b = min(way, key=lambda edge: (_strength(names, edge, strong), edge))
        beside[a].discard(b)
        beside[b].discard(a)
        con.execute("DELETE FROM _edges WHERE a = ? AND b = ?", [min(a, b), max(a, b)])
        yield (*names[min(a, b)], *names[max(a, b)])


def _strength(
    names: dict[Node, tuple[str, str]], edge: tuple[Node, Node], strong: str
) -> tuple[int, int]:
    """How much a link says: as much as the weaker of its ends, then as the other."""
    ranks = sorted(
        len(_WEAKEST) + (source == strong) if source not in _WEAKEST else _WEAKEST.index(source)
        for source in (names[node][0] for node in edge)
    )
    return ranks[0], ranks[1]


def _way(beside: dict[Node, set[Node]], start: Node, goal: Node) -> list[tuple[Node, Node]]:
    """The edges of a shortest way, the smallest nodes first; empty where there is none."""
    came: dict[Node, Node] = {start: start}
    waiting = deque([start])
    while waiting and goal not in came:
        here = waiting.popleft()
        for there in sorted(beside[here]):
            if there not in came:
                came[there] = here
                waiting.append(there)
    way = []
    here = goal
    while here in came and here != start:
        way.append((came[here], here))
        here = came[here]
    return way
