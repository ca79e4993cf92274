"""Winning customers back: whom to recall and how, who is held out, and whether it helped."""

from crmkit.analyses.winback.feedback import Feedback, feedback
from crmkit.analyses.winback.winback import Winback, winback

__all__ = ["Feedback", "Winback", "feedback", "winback"]
