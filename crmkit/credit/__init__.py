"""How credit is shared out: absorbing chains, cooperative games, and how far orders disagree.

Pure mathematics over arrays that were counted before; nothing here knows tables or readers.
"""
