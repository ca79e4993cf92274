"""What channels bring, cost and are worth, and how far recommending carries."""

from crmkit.analyses.channels.question import channels
from crmkit.analyses.channels.referral import referral
from crmkit.analyses.channels.referral_result import Referral
from crmkit.analyses.channels.result import Channels

__all__ = ["Channels", "Referral", "channels", "referral"]
