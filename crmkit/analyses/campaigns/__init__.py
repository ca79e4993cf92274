"""Did the campaign work? With a holdout, without one, and how many contacts are too many."""

from crmkit.analyses.campaigns.coupons import Coupons, coupon_use
from crmkit.analyses.campaigns.effect import campaign_effect
from crmkit.analyses.campaigns.effect_result import CampaignEffect
from crmkit.analyses.campaigns.frequency import ContactFrequency, contact_frequency
from crmkit.analyses.campaigns.trial import campaigns
from crmkit.analyses.campaigns.trial_result import Campaigns

__all__ = [
    "CampaignEffect",
    "Campaigns",
    "ContactFrequency",
    "Coupons",
    "campaign_effect",
    "campaigns",
    "contact_frequency",
    "coupon_use",
]
