"""Who visits the site, from where, and which visits lead to a goal."""

from crmkit.analyses.traffic.crossing import crossing
from crmkit.analyses.traffic.crossing_result import Crossing
from crmkit.analyses.traffic.question import traffic
from crmkit.analyses.traffic.result import Traffic

__all__ = ["Crossing", "Traffic", "crossing", "traffic"]
