"""Who comes back: cohorts, their return by period, their revenue, and the 40-20-10 rule."""

from crmkit.analyses.retention.question import retention
from crmkit.analyses.retention.result import Retention
from crmkit.analyses.retention.rule import FortyTwentyTen, forty_twenty_ten

__all__ = ["FortyTwentyTen", "Retention", "forty_twenty_ten", "retention"]
