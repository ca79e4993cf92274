"""What today's customers will still buy, what that is worth, and how far to trust it."""

from crmkit.analyses.lifetime.question import lifetime
from crmkit.analyses.lifetime.result import Lifetime

__all__ = ["Lifetime", "lifetime"]
