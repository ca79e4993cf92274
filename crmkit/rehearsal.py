"""A roster tried out on the simulated floor: what the formulas promise, and what then happens."""

from crmkit.analyses.staffing import Staffing
from crmkit.analyses.staffing.check import RosterCheck
from crmkit.blocks import Notice
from crmkit.text import say

__all__ = ["rehearse"]


def rehearse(
    plan: Staffing, *, runs: int = 100, seed: int = 20250303, engine: str = "auto"
) -> RosterCheck | Notice:
    """The chosen roster simulated call by call: service level in the mean and on bad days.

    The formulas take every interval for itself and in balance; a real morning begins with an empty
    queue and carries it on. So the plan is simulated so many weeks with its own arrivals, handle
    time and patience.

    Parameters: `plan`, from `staffing`; `runs`, weeks to simulate; `seed`; `engine`, as in
    `crmkit.simulate.dialer.dial`.
    Returns: a `RosterCheck`; a notice where there is no roster to try.
    """
    if not plan.planned_in:
        return Notice(say("No calls come in, so there is no roster to rehearse."))
    from crmkit.simulate import rehearsal  # noqa: PLC0415 (only a rehearsal needs the simulator)

    return plan.checked(
        rehearsal.rehearse(
            plan.roster,
            handle=plan.measured.handle,
            patience=plan.measured.patience,
            within=plan.asked.promise.within,
            runs=runs,
            seed=seed,
            engine=engine,
        )
    )
