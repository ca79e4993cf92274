"""A workbook for CRM and telesales analysts."""

from crmkit.book import Book, connect

__all__ = ["Book", "connect"]
