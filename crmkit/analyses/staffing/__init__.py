"""How many agents, shifts and lines next week needs, and how fast to dial."""

from crmkit.analyses.staffing.check import RosterCheck
from crmkit.analyses.staffing.question import staffing
from crmkit.analyses.staffing.result import Staffing
from crmkit.analyses.staffing.shifts import ShiftPattern, read_patterns

__all__ = ["RosterCheck", "ShiftPattern", "Staffing", "read_patterns", "staffing"]
