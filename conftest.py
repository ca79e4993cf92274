"""What pytest must not import where an optional package is missing."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("numba") else ["crmkit/simulate/dialer/structure.py"]
