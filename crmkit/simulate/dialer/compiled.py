"""The same engine compiled by numba, where the extra `fast` is installed."""

import importlib.util
import sys
import types
from functools import cache
from typing import Any

from crmkit.errors import ParameterError
from crmkit.simulate.dialer import kernel
from crmkit.simulate.dialer.build import Arrays

__all__ = ["available", "desk", "engine"]

_NAME = "crmkit.simulate.dialer.compiled_kernel"


def available() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


@cache
def engine() -> Any:
    """The function `run` of the kernel, compiled; numba keeps it on disk for the next time.

    Every function of the kernel gets a twin over one namespace, so that twins call twins, and the
    heaps of lists are replaced by heaps of arrays. Nothing is rounded differently: no fast math.
    """
    if not available():
        raise ParameterError(
            'The compiled engine needs numba. Install it with: pip install "crmkit[fast]", '
            "or use engine='python'."
        )
    import numba  # noqa: PLC0415 (an optional package)

    module = types.ModuleType(_NAME)
    space = vars(module)
    space.update({name: value for name, value in vars(kernel).items() if name[:2] != "__"})
    sys.modules[_NAME] = module
    for name, function in vars(kernel).items():
        if isinstance(function, types.FunctionType) and function.__module__ == kernel.__name__:
            twin = types.FunctionType(function.__code__, space, name)
            twin.__module__ = _NAME
            twin.__qualname__ = f"compiled_{name}"
            space[name] = numba.njit(cache=True, error_model="numpy")(twin)
    for name in ("push", "pop", "size"):
        space[name] = space[f"{name}_array"]
    run = space["run"]
    return lambda held: run(held.structure)


def desk(made: Arrays) -> Any:
    """The desk as numba reads it."""
    from crmkit.simulate.dialer import structure  # noqa: PLC0415 (needs an optional package)

    return structure.Held(made)
