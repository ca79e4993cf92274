"""Queues of calls: Erlang's formulas, callers who give up, and outbound calls with a grace time.

Pure mathematics. Times are in seconds, load is arrivals times handle time (in erlangs), and agents
or lines are whole numbers. Every formula holds from no load to overload and up to ten thousand
agents.
"""

from crmkit.queues.blocking import erlang_b, fewest_lines
from crmkit.queues.impatient import Impatient
from crmkit.queues.outbound import Pace, dropped, largest_load
from crmkit.queues.patient import Patient, erlang_c
from crmkit.queues.search import fewest

__all__ = [
    "Impatient",
    "Pace",
    "Patient",
    "dropped",
    "erlang_b",
    "erlang_c",
    "fewest",
    "fewest_lines",
    "largest_load",
]
