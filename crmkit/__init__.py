"""A workbook for CRM and telesales analysts."""
