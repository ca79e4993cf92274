"""Where people look, click and stay on a page."""

from crmkit.analyses.attention.attention import attention
from crmkit.analyses.attention.result import Attention

__all__ = ["Attention", "attention"]
