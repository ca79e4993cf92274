"""Agents: a fair scorecard, how new ones learn, and whose win is whose.

League tables mislead: identical agents look very unequal by chance alone. Scores are adjusted for
what an agent was given, held back by what chance can do, and compared within a dial mode only.
"""

from crmkit.analyses.agents.commission import commission
from crmkit.analyses.agents.commission_result import Commission
from crmkit.analyses.agents.result import Agents
from crmkit.analyses.agents.scorecard import agents

__all__ = ["Agents", "Commission", "agents", "commission"]
