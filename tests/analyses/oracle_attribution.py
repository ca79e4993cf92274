"""An independent attribution in plain Python: loops over each customer, fractions, no shortcuts.

It follows the words of the definition, not the query: paths are built one customer at a time, the
Markov chain is solved by Gaussian elimination over fractions, Shapley values by walking through all
orders of joining.
"""

import datetime as dt
import itertools
import random
from collections import Counter, defaultdict
from fractions import Fraction

START = dt.datetime(2024, 1, 1)
LAST = "2024-04-30"
END = dt.datetime(2024, 5, 1)
DAY = dt.timedelta(days=1)
RULES = ("first", "last", "last_non_direct", "linear", "position", "decay")


def stream(seed, people=None):
    """Random touches (customer, at, channel, kind, content) and conversions (customer, at, value).

    With ties, duplicates, unknown channels and customers, edges of the window, values that are
    missing or below zero, and several conversions at one instant.
    """
    rng = random.Random(seed)
    lookback = rng.choice([7, 10, 30])
    channels = ["搜索", "mail", "sms", "direct", None, "  "][: rng.randint(2, 6)]
    touches, conversions = [], []
    for k in range(people or rng.randint(1, 8)):
        customer = None if rng.random() < 0.08 else f"客户{k}"
        instants = [START + DAY * rng.randint(0, 125) for _ in range(4)]
        instants += [START + DAY * rng.random() * 125 for _ in range(4)]
        for _ in range(rng.randint(0, 14)):
            at = rng.choice(instants) - rng.choice([0, 0, 1, lookback]) * DAY
            at += rng.choice([0, 0, 0, 1, -1]) * dt.timedelta(microseconds=1)
            channel = rng.choice(channels)
            kind = "direct" if channel == "direct" else rng.choice(["paid", None])
            row = (customer, at, channel, kind, rng.choice(["a", "b", None]))
            touches += [row] * rng.choice([1, 1, 1, 2])
        for _ in range(rng.randint(0, 4)):
            value = rng.choice([10.0, 19.99, 0.0, 5.5, None, -4.0])
            conversions += [(customer, rng.choice(instants), value)] * rng.choice([1, 1, 2])
    rng.shuffle(touches)
    rng.shuffle(conversions)
    return touches, conversions


def options(seed):
    """Random options of the analysis."""
    rng = random.Random(10_000 + seed)
    lookback = random.Random(seed).choice([7, 10, 30])
    return {
        "lookback": lookback,
        "transform": rng.choice(["exposure", "first", "frequency", "unique"]),
        "half_life": rng.choice([1, 3.5, 7]),
        "order": rng.randint(1, 4),
        "game": rng.choice(["rate", "conversions"]),
        "open_paths": rng.random() < 0.8,
        "start": rng.choice([None, None, "2024-02-10"]),
    }


def name(channel):
    return "(unknown)" if channel is None or not channel.strip() else channel


def paths(touches, conversions, *, lookback, transform, open_paths, start):
    """Every path: (states, channels, times, directs, end, conversions, value).

    Also conversions and value without a touch, and counts of what was left out.
    """
    first_touch = min((row[1] for row in touches if row[1] < END), default=dt.datetime.min)
    begin = first_touch if start is None else dt.datetime.fromisoformat(start)
    known = [row for row in touches if row[1] < END and row[0] is not None]
    facts = Counter(copies=len(known) - len(set(known)))
    found, alone = [], [0, Fraction(0)]
    for customer in {row[0] for row in touches} | {row[0] for row in conversions}:
        bought = baskets(conversions, customer)
        groups = {} if customer is None else grouped(touches, customer, bought, lookback * DAY)
        facts["touches_pending"] += len(groups.pop("pending", ()))
        for key, members in groups.items():
            if key[0] == "converting" and key[1] >= begin:
                values = bought[key[1]]
                found.append((*transformed(members, transform), key[1], len(values), sum(values)))
            late = [touch for touch in members if touch[1] >= begin]
            if key[0] == "open" and late and open_paths:
                found.append((*transformed(late, transform), None, 0, Fraction(0)))
        for at, values in bought.items():
            if at >= begin and ("converting", at) not in groups:
                alone[0] += len(values)
                alone[1] += sum(values)
    return found, alone, facts


def baskets(conversions, customer):
    """The values of a customer's conversions by instant; those below zero are none."""
    found = defaultdict(list)
    for who, at, value in conversions:
        if who == customer and at < END and not (value is not None and value < 0):
            found[at].append(Fraction(str(value or 0)))
    return found


def grouped(touches, customer, bought, window):
    """A customer's distinct touches by the path that they belong to."""
    mine = {row for row in touches if row[0] == customer and row[1] < END}
    mine = sorted(mine, key=lambda row: (row[1], name(row[2]), row[3] == "direct"))
    groups = defaultdict(list)
    for touch in mine:
        after = sorted(at for at in bought if at >= touch[1])
        before = sorted(at for at in bought if at < touch[1])
        if after and after[0] - touch[1] <= window:
            groups["converting", after[0]].append(touch)
        elif not after and END - touch[1] <= window:
            groups["pending"].append(touch)
        else:
            anchor = before[-1] if before else mine[0][1]
            stretch = (touch[1] - anchor) // window
            groups["open", before[-1] if before else None, stretch].append(touch)
    return groups


def transformed(members, transform):
    """States (channel, level), channels, times and directs of a path, after the transform."""
    rows = [(name(t[2]), t[1], t[3] == "direct") for t in members]
    if transform == "exposure":
        rows = [
            r for r, after in itertools.zip_longest(rows, rows[1:]) if not after or after[0] != r[0]
        ]
    elif transform in ("first", "frequency"):
        kept = {}
        for channel, at, direct in rows:
            old = kept.get(channel)
            kept[channel] = (at, direct) if old is None else (old[0], old[1] and direct)
        rows = sorted(((c, at, d) for c, (at, d) in kept.items()), key=lambda r: (r[1], r[0]))
    many = Counter(name(t[2]) for t in members)
    level = {c: min(n, 4) if transform == "frequency" else 1 for c, n in many.items()}
    channels = [r[0] for r in rows]
    states = [(c, level[c]) for c in channels]
    return states, channels, [r[1] for r in rows], [r[2] for r in rows]


def rule_shares(rule, channels, times, directs, end, half_life):
    """The share of each touch of a path."""
    n = len(channels)
    ends = {"first": 0, "last": n - 1}
    ends["last_non_direct"] = ([k for k in range(n) if not directs[k]] or [n - 1])[-1]
    if rule in ends:
        return [float(k == ends[rule]) for k in range(n)]
    if rule == "decay":
        weights = [0.5 ** ((end - at) / DAY / half_life) for at in times]
        return [weight / sum(weights) for weight in weights]
    if rule == "linear" or n <= 2:
        return [1 / n] * n
    return [0.4] + [0.2 / (n - 2)] * (n - 2) + [0.4]


def attribution(touches, conversions, *, half_life, order, game, **how):
    """Credit by model and channel: (conversions, value); what was left out; removal effects."""
    found, alone, facts = paths(touches, conversions, **how)
    names = sorted({name(row[2]) for row in touches if row[0] is not None and row[1] < END})
    total = [sum(p[5] for p in found), sum(p[6] for p in found)]
    raw = {rule: {c: [0.0, 0.0] for c in names} for rule in RULES}
    for _, channels, times, directs, end, n, value in found:
        for rule in RULES if n else ():
            for channel, part in zip(
                channels, rule_shares(rule, channels, times, directs, end, half_life), strict=True
            ):
                raw[rule][channel][0] += part * n
                raw[rule][channel][1] += part * float(value)
    chain = [(p[0], p[5], p[6], int(p[5] == 0)) for p in found]
    effects = {c: removal(chain, order, c) for c in names}
    raw["markov"] = {c: [float(e or 0) for e in effects[c]] for c in names}
    values = set_shapley(found, names, game)
    raw["shapley"] = {c: [max(float(v), 0.0) for v in values[c]] for c in names}
    credit = {}
    for model, by_channel in raw.items():
        for measure in (0, 1):
            whole = sum(parts[measure] for parts in by_channel.values())
            for channel, parts in by_channel.items():
                share = parts[measure] / whole if whole else 0.0
                credit[model, channel, measure] = share * float(total[measure])
            credit[model, "(no touch)", measure] = float(alone[measure])
    return credit, facts, effects, values


def solve(matrix, right):
    """Gaussian elimination over fractions."""
    n = len(matrix)
    rows = [list(row) + list(extra) for row, extra in zip(matrix, right, strict=True)]
    for k in range(n):
        pivot = next(r for r in range(k, n) if rows[r][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for r in range(n):
            if r != k and rows[r][k] != 0:
                rows[r] = [x - rows[r][k] * y for x, y in zip(rows[r], rows[k], strict=True)]
    return [row[n:] for row in rows]


def expected(chain, order, removed=None):
    """Conversions and value that the chain of the paths brings, exactly.

    `chain`: (states, conversions, value, lost) of each path; a state is (channel, level).
    """
    moves, ends, starts = Counter(), defaultdict(lambda: [0, Fraction(0), 0]), Counter()
    for states, n, value, lost in chain:
        history = [tuple(states[max(0, k + 1 - order) : k + 1]) for k in range(len(states))]
        starts[history[0]] += n + lost
        for here, there in itertools.pairwise(history):
            moves[here, there] += n + lost
        for column, number in enumerate((n, value, lost)):
            ends[history[-1]][column] += number
    every = sorted(set(starts) | {s for pair in moves for s in pair} | set(ends))
    place = {state: k for k, state in enumerate(every)}
    out = Counter()
    for (here, _), n in moves.items():
        out[here] += n
    for state, (n, _, lost) in ends.items():
        out[state] += n + lost
    system = [[Fraction(int(r == c)) for c in range(len(every))] for r in range(len(every))]
    right = [[Fraction(0), Fraction(0)] for _ in every]
    gone = {state for state in every if state[-1][0] == removed}
    for (here, there), n in moves.items():
        if here not in gone and there not in gone:
            system[place[here]][place[there]] -= Fraction(n, out[here])
    for state, (n, value, _) in ends.items():
        if state not in gone:
            right[place[state]] = [Fraction(n, out[state]), Fraction(value) / out[state]]
    worth = solve(system, right)
    return [
        sum((n * worth[place[s]][m] for s, n in starts.items() if s not in gone), Fraction(0))
        for m in (0, 1)
    ]


def removal(chain, order, channel):
    """The share of conversions and of value lost without a channel; None where there is none."""
    whole = expected(chain, order)
    without = expected(chain, order, channel)
    return [1 - b / a if a else None for a, b in zip(whole, without, strict=True)]


def set_shapley(found, names, game):
    """The Shapley values of the game of sets, by walking through every order of joining."""
    paths_of, sums = Counter(), defaultdict(lambda: [Fraction(0), Fraction(0)])
    for _, channels, _, _, _, n, value in found:
        key = frozenset(channels)
        paths_of[key] += 1
        sums[key][0] += n
        sums[key][1] += value
    values = {c: [Fraction(0), Fraction(0)] for c in names}
    for members, times in paths_of.items():
        orders = list(itertools.permutations(sorted(members)))
        for order in orders:
            for k, player in enumerate(order):
                before, after = frozenset(order[:k]), frozenset(order[: k + 1])
                for m in (0, 1):
                    if game == "rate":
                        gain = _rate(sums, paths_of, after, m) - _rate(sums, paths_of, before, m)
                        values[player][m] += times * gain / len(orders)
                    elif after == members:
                        values[player][m] += sums[members][m] / len(orders)
    return values


def _rate(sums, paths_of, members, m):
    return Fraction(sums[members][m]) / paths_of[members] if paths_of[members] else Fraction(0)
