"""A month of a 100-seat outbound floor: the dialler, plain and compiled, against SimPy.

Run `python benchmarks/bench_dialer.py [days] [runs]`. All three simulate the same floor: 100
agents, 250 trunks, power dialling at 2.2 lines, retries by result, ten hours on each of 30 days,
about 2.5 million dials, and log every call and every state of every agent. The SimPy one is
tests/simulate/simpy_floor.py, which also draws its random numbers by the block. Timed is the
simulation up to its log, in this process, contenders in turn; the compiled engine is warm, what
compiling and importing take is stated apart. The table goes to benchmarks/results/dialer.md.
"""

import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "dialer.md"
sys.path.insert(0, str(ROOT / "tests" / "simulate"))

import floor_cases  # noqa: E402 (it lies beside the tests)

_WARM = """
import time
begin = time.perf_counter()
import numba
imported = time.perf_counter()
from crmkit.simulate.dialer.leads import LeadBatch
from crmkit.simulate.dialer.run import dial
from crmkit.simulate.floor import Floor
floor = Floor(agents=2, trunks=4)
leads = LeadBatch.draw(floor, 10)
ready = time.perf_counter()
dial(floor, leads, engine="numba")
print(imported - begin, time.perf_counter() - ready)
"""


def first_call():
    """Seconds to import numba, and of the first call in a new process with a warm cache."""
    done = subprocess.run([sys.executable, "-c", _WARM], capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def timed(run):
    """Seconds of processor time, which other work on the machine disturbs least."""
    begin = time.process_time()
    made = run()
    return time.process_time() - begin, made


def main(days=30, runs=3):
    floor = floor_cases.case(agents=100, days=days, seed=1)
    leads = floor_cases.leads_of(floor, 30_000 * days)
    contenders = {
        "SimPy": lambda: len(floor_cases.by_simpy(floor, leads, 1).calls),
        "crmkit, plain Python": lambda: len(floor_cases.by_crmkit(floor, leads, "python").calls),
        "crmkit, numba": lambda: len(floor_cases.by_crmkit(floor, leads, "numba").calls),
    }
    tiny = floor_cases.case(agents=2, days=1, seed=1)
    cold = timed(lambda: floor_cases.by_crmkit(tiny, leads, "numba"))[0]
    imported, first = first_call()
    seconds = {name: [] for name in contenders}
    dials = {}
    for _ in range(runs):
        for name, run in contenders.items():
            took, dials[name] = timed(run)
            seconds[name].append(took)
            print(name, f"{took:.2f}", dials[name], flush=True)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    lines = [
        f"# The dialler: a 100-seat outbound floor over {days} days",
        "",
        f"Median of {runs} run(s) taken in turn in one process, processor time of one thread, on "
        f"{platform.machine()} with Python {platform.python_version()}. Made by "
        "`benchmarks/bench_dialer.py`. The logs of the two engines are equal bit by bit "
        "(tests/simulate/test_dialer_engines.py).",
        "",
        "| | dials | processor seconds | lowest to highest | dials a second | times SimPy |",
        "|---|---|---|---|---|---|",
    ]
    for name, median in medians.items():
        taken = seconds[name]
        lines.append(
            f"| {name} | {dials[name]:,} | {median:.2f} | {min(taken):.2f} to {max(taken):.2f} | "
            f"{dials[name] / median:,.0f} | {medians['SimPy'] / median:.1f} |"
        )
    lines += [
        "",
        f"Not counted: importing numba {imported:.2f} s; the first call of a new process "
        f"{first:.1f} s with the compiled code on disk; the first call here {cold:.1f} s "
        "(it compiles where nothing is on disk yet).",
        "",
    ]
    RESULTS.write_text("\n".join(lines), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
