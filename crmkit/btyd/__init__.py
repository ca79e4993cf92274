"""Buy till you die: models of when customers buy, when they stop, and what they spend.

Pure arithmetic on arrays, no tables: `purchasing` is the BG/NBD model of repeat purchases,
`spending` the Gamma-Gamma model of their amounts, `likelihood` finds the maximum and its doubt.
"""
