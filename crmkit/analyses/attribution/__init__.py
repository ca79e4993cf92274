"""Attribution: how models share out the conversions over the touches before them."""

from crmkit.analyses.attribution.budget import Budget
from crmkit.analyses.attribution.question import attribution
from crmkit.analyses.attribution.result import Attribution
from crmkit.analyses.attribution.sensitivity import Sensitivity, attribution_sensitivity

__all__ = ["Attribution", "Budget", "Sensitivity", "attribution", "attribution_sensitivity"]
