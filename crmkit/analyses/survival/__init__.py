"""How long customers stay, how soon they return, and how many will be left."""

from crmkit.analyses.survival.projection import Projection, projection
from crmkit.analyses.survival.question import survival, time_to_return
from crmkit.analyses.survival.result import Survival

__all__ = ["Projection", "Survival", "projection", "survival", "time_to_return"]
