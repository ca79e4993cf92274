"""The dialler: a discrete-event simulation of an outbound and inbound call floor.

`dial(floor, leads)` runs a `Floor` over a `LeadBatch` and gives a `FloorLog`, whose summary()
answers what five more agents or another dial level would change, and whose tables() are canonical.
"""

from crmkit.simulate.dialer.crew import Crew
from crmkit.simulate.dialer.leads import LeadBatch
from crmkit.simulate.dialer.log import FloorLog
from crmkit.simulate.dialer.run import dial
from crmkit.simulate.dialer.summary import FloorSummary

__all__ = ["Crew", "FloorLog", "FloorSummary", "LeadBatch", "dial"]
