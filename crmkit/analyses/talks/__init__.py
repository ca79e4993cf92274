"""How long conversations last, and which of them somebody should listen to."""

from crmkit.analyses.talks.question import talks
from crmkit.analyses.talks.result import Talks

__all__ = ["Talks", "talks"]
