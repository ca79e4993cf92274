"""How many attempts it takes to reach a lead, at which hour, and whom to call back."""

from crmkit.analyses.reach.question import reach
from crmkit.analyses.reach.result import Reach

__all__ = ["Reach", "reach"]
