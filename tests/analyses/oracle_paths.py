"""Paths counted plainly: visits of one unit, node after node."""

from collections import Counter, defaultdict
from collections.abc import Sequence

__all__ = ["edges_by_step", "nodes_by_step", "visits"]

Row = tuple[str, float, str, str]  # unit, minute, id, node


def visits(rows: Sequence[Row], *, gap: float, collapse: bool) -> list[tuple[str, list]]:
    """Each visit with its unit and its (minute, node) in order."""
    streams = defaultdict(list)
    for unit, minute, id_, node in rows:
        streams[unit].append((minute, id_, node))
    found = []
    for unit, stream in streams.items():
        visit: list[tuple[float, str]] = []
        last = None
        for minute, _, node in sorted(stream):
            if last is not None and minute - last > gap:
                found.append((unit, visit))
                visit = []
            last = minute
            if not (collapse and visit and visit[-1][1] == node):
                visit.append((minute, node))
        found.append((unit, visit))
    return found


def anchored(visit: list, start: str | None, end: str | None, steps: int) -> list | None:
    """The path of a visit between its anchors; None where it has none."""
    nodes = [node for _, node in visit]
    first = 0
    if start is not None:
        if start not in nodes:
            return None
        first = nodes.index(start)
    last = len(nodes)
    if end is not None:
        if end not in nodes[first:]:
            return None
        last = nodes.index(end, first) + 1
        if start is None:
            first = max(0, last - steps)
    return visit[first:last]


def nodes_by_step(found: list, steps: int) -> Counter:
    """Paths with each node at each step; path_end after the last."""
    counts: Counter = Counter()
    for path in found:
        for step in range(1, steps + 1):
            counts[step, path[step - 1][1] if step <= len(path) else "path_end"] += 1
    return counts


def edges_by_step(found: list, steps: int) -> Counter:
    """Paths that go over each edge from each step but the last."""
    counts: Counter = Counter()
    for path in found:
        for step, (_, node) in enumerate(path[: steps - 1], 1):
            after = path[step][1] if step < len(path) else "path_end"
            counts[step, node, after] += 1
    return counts
