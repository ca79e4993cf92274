"""Steps in an order: which units went how far through them, and when (the core of a funnel)."""

from crmkit.steps.matching import Matching
from crmkit.steps.reach import LEVEL, reach, times
from crmkit.steps.step import Exclusion, Step, steps_of

__all__ = ["LEVEL", "Exclusion", "Matching", "Step", "reach", "steps_of", "times"]
