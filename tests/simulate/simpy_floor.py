"""One outbound floor by SimPy, written apart from the package: power dialling with retries.

Agents work from opening to closing on every day; lines follow `ratio` times agents ready or
talking; an answered call waits `grace` seconds for an agent; leads come back after their result.
Random numbers are drawn by numpy in blocks, as a fair contender would. It logs what the package
logs: a row for each call and for each state of each agent.
"""

from collections import deque
from heapq import heappop, heappush

import numpy as np
import simpy


class Draws:
    """Numbers of one distribution, drawn by the block."""

    def __init__(self, draw, size=65_536):
        self.draw, self.size = draw, size
        self.block = iter(())

    def next(self):
        for value in self.block:
            return value
        self.block = iter(self.draw(self.size).tolist())
        return next(self.block)


class SimpyFloor:
    def __init__(
        self,
        *,
        seed,
        agents,
        trunks,
        ratio,
        grace,
        days,
        day,
        hours,
        leads,
        answer,
        failures,
        retries,
        most,
        setup,
        ring,
        ring_timeout,
        talk,
        wrap,
        pitch,
        sale,
    ):
        self.env = simpy.Environment()
        rng = np.random.default_rng(seed)
        self.ratio, self.grace, self.days, self.day, self.hours = ratio, grace, days, day, hours
        self.retries, self.most = retries, most
        self.setup, self.ring_timeout, self.pitch, self.sale = setup, ring_timeout, pitch, sale
        self.agents = agents
        self.answer = answer.tolist()
        self.names = [name for name, _, _ in failures]
        self.shares = [share for _, _, share in failures]
        edges = np.cumsum([weight for _, weight, _ in failures])
        self.chance = Draws(rng.random)
        self.which = Draws(lambda n: np.searchsorted(edges / edges[-1], rng.random(n)))
        self.ring = Draws(lambda n: ring.draw(rng, n))
        self.talk = Draws(lambda n: talk.draw(rng, n))
        self.wrap = Draws(lambda n: wrap.draw(rng, n))
        self.outcome = Draws(rng.random)
        self.trunks = simpy.Resource(self.env, trunks)
        self.fresh = deque(range(leads))
        self.due, self.tries = [], [0] * leads
        self.ready, self.waiting = deque(), deque()
        self.lines = self.talking = 0
        self.open = False
        self.calls, self.states = [], []
        self.poke = self.env.event()
        self.env.process(self.calendar())
        self.env.process(self.dialler())

    def run(self):
        self.env.run()
        return self

    def calendar(self):
        for day in range(self.days):
            yield self.env.timeout(day * self.day - self.env.now)
            self.open = True
            for agent in range(self.agents):
                self.free(agent)
            yield self.env.timeout(self.hours)
            self.open = False
            for agent in self.ready:
                self.states.append((agent, "offline", self.env.now, None))
            self.ready.clear()
        self.done = True
        self.wake()

    def wake(self):
        if not self.poke.triggered:
            self.poke.succeed()

    def dialler(self):
        self.done = False
        while not self.done:
            yield self.poke
            self.poke = self.env.event()
            goal = min(int(self.ratio * (len(self.ready) + self.talking)), self.trunks.capacity)
            while self.open and self.lines < goal:
                lead = self.next_lead()
                if lead is None:
                    break
                self.lines += 1
                self.env.process(self.call(lead))

    def next_lead(self):
        if self.due and self.due[0][0] <= self.env.now:
            return heappop(self.due)[1]
        if self.fresh:
            return self.fresh.popleft()
        return None

    def call(self, lead):
        env = self.env
        with self.trunks.request() as trunk:
            yield trunk
            started = env.now
            self.tries[lead] += 1
            number = self.tries[lead]
            ring = self.ring.next()
            result = "human" if self.chance.next() < self.answer[lead] else None
            if result is None:
                k = self.which.next()
                result = self.names[k]
                ring = min(ring * self.shares[k], self.ring_timeout)
            elif ring > self.ring_timeout:
                result, ring = "no_answer", self.ring_timeout
            yield env.timeout(self.setup + ring)
            answered = queued = agent = agent_at = wrap = None
            if result == "human":
                answered = queued = env.now
                agent = yield from self.find_agent()
                if agent is None:
                    result = "dropped"
                else:
                    agent_at = env.now
                    result, wrap = yield from self.converse(agent)
        self.lines -= 1
        self.calls.append(
            (lead, number, started, answered, queued, agent_at, env.now, agent, result)
        )
        limit, after = self.retries.get(result, (0, 0.0))
        if number < min(limit, self.most):
            heappush(self.due, (env.now + after, lead))
        if agent is not None:
            env.process(self.wrap_up(agent, wrap))
        self.wake()

    def find_agent(self):
        if self.ready:
            return self.ready.popleft()
        found = self.env.event()
        self.waiting.append(found)
        yield found | self.env.timeout(self.grace)
        if found.triggered:
            return found.value
        self.waiting.remove(found)
        return None

    def converse(self, agent):
        self.talking += 1
        self.states.append((agent, "talk", self.env.now, None))
        self.wake()
        talk = self.talk.next()
        yield self.env.timeout(talk)
        self.talking -= 1
        u = self.outcome.next()
        if talk < self.pitch:
            return "hung_up", self.wrap.next()
        return ("sale" if u < self.sale else "not_interested"), self.wrap.next()

    def wrap_up(self, agent, seconds):
        self.states.append((agent, "wrap", self.env.now, None))
        yield self.env.timeout(seconds)
        if self.open:
            self.free(agent)
        else:
            self.states.append((agent, "offline", self.env.now, None))

    def free(self, agent):
        if self.waiting:
            self.waiting.popleft().succeed(agent)
            return
        self.ready.append(agent)
        self.states.append((agent, "ready", self.env.now, None))
        self.wake()
