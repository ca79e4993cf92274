"""Textbook formulas, written apart from the package, that the dialler is held against."""

import math

import numpy as np
from scipy.integrate import solve_ivp


def erlang_b(load, servers):
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked


def erlang_c(load, servers):
    """Chance to wait in M/M/c."""
    blocked = erlang_b(load, servers)
    return blocked / (1 - load / servers * (1 - blocked))


def erlang_a(arrivals, handle, patience, servers, threshold=None, most=4000):
    """Chance to wait, to abandon, and to be served within the threshold, in M/M/c+M.

    From the stationary law of the birth and death process, and the wait of someone who finds k in
    the queue: a race of that many departures against the caller's own patience.
    """
    mu, theta = 1 / handle, 1 / patience
    logs = [0.0]
    for n in range(1, servers + most):
        death = min(n, servers) * mu + max(n - servers, 0) * theta
        logs.append(logs[-1] + math.log(arrivals / death))
    p = np.exp(np.array(logs) - max(logs))
    p /= p.sum()
    waits = p[servers:].sum()
    queue = (np.arange(most) * p[servers:]).sum()
    abandons = theta * queue / arrivals
    if threshold is None:
        return waits, abandons, None
    return waits, abandons, 1 - waits + _served_within(p[servers:], servers * mu, theta, threshold)


def _served_within(p, rate, theta, threshold):
    """P(wait, be served within the threshold), by the transient law of the place in the queue."""
    most = int(np.searchsorted(np.cumsum(p[::-1])[::-1] < 1e-13, True)) + 2
    p = p[:most]
    departs = rate + np.arange(most) * theta  # those ahead leave for an agent or give up

    def flow(_, state):
        here = state[:most]  # k ahead, still waiting
        out = departs * here
        change = -out - theta * here
        change[:-1] += out[1:]
        return np.append(change, out[0])

    # with k = 0 ahead, the next departure of a busy agent serves the caller
    departs[0] = rate
    end = solve_ivp(flow, (0, threshold), np.append(p, 0.0), rtol=1e-9, atol=1e-12).y[:, -1]
    return end[-1]


def dropped_with_grace(arrivals, handle, servers, grace):
    """P(drop) in M/M/n+D: calls wait at most a constant grace time."""
    mu = 1 / handle
    e = 1 / erlang_b(arrivals / mu, servers - 1)
    z = arrivals - servers * mu
    waits = grace if abs(z) < 1e-12 else math.expm1(z * grace) / z
    j = waits + math.exp(z * grace) / (servers * mu)
    return (1 + z * j) / (e + arrivals * j)


def progressive_occupancy(talk, wrap, dial, answer):
    """A renewal cycle: dials until a person answers, talk, wrap."""
    return (talk + wrap) / (talk + wrap + dial / answer)


def queue_through_a_day(rates, handle, patience, servers, *, most=80, step=60.0):
    """Expected waiting and busy by minute in M(t)/M/c+M from an empty start (Kolmogorov's forward
    equations); `rates` are calls a second by hour.
    """
    mu, theta = 1 / handle, 1 / patience
    n = np.arange(most)
    death = np.minimum(n, servers) * mu + np.maximum(n - servers, 0) * theta

    def forward(t, p):
        rate = rates[min(int(t // 3600), len(rates) - 1)]
        up = rate * p
        up[-1] = 0.0
        down = death * p
        change = -up - down
        change[1:] += up[:-1]
        change[:-1] += down[1:]
        return change

    p = np.zeros(most)
    p[0] = 1.0
    times, waiting, busy, lost = [0.0], [0.0], [0.0], [0.0]
    for hour in range(len(rates)):
        grid = np.arange(hour * 3600, (hour + 1) * 3600 + step / 2, step)
        found = solve_ivp(
            forward, (grid[0], grid[-1]), p, t_eval=grid, rtol=1e-7, atol=1e-10, method="LSODA"
        )
        p = found.y[:, -1]
        queue = np.maximum(n - servers, 0) @ found.y
        times.extend(grid[1:])
        waiting.extend(queue[1:])
        busy.extend((np.minimum(n, servers) @ found.y)[1:])
        lost.append(theta * np.trapezoid(queue, grid))
    return np.array(times), np.array(waiting), np.array(busy), np.array(lost[1:])
