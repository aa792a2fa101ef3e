"""Measures reading against the loop written by hand and prints a table of ratios: `python -m tests.bench [RUNS]`.

Contenders take turns, each a fresh process with compiled bytecode; every count and checksum is verified, and a ratio is
the median of the ratios of neighbouring runs. Only ratios mean anything: machines differ, and differ with the hour.
"""

from __future__ import annotations

import compileall
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.bench.service import FIRST_ID, ONCE, PER_PAGE

Report = dict[str, float]

LARGE = {"json": 10_000, "csv": 29_000}
"""Pages that make more than 500 MiB."""
ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(who: str, url: str, stream: str, pages: int, side_by_side: int = 1) -> Report:
    """One contender's verified report."""
    arguments = {"url": url, "stream": stream, "pages": pages, "side_by_side": side_by_side, "started": time.time()}
    command = [sys.executable, "-m", "tests.bench.contenders", who, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{who} {stream} failed:\n{done.stderr[-2000:]}")
    report: Report = json.loads(done.stdout)
    count = pages * PER_PAGE
    again = {"shaping": 10, "json": ONCE, "csv": ONCE}.get(stream, pages)  # pages that differ
    once = min(count, again * PER_PAGE)
    if (report["records"], report["checksum"]) != (count, count * FIRST_ID + (count // once) * once * (once - 1) // 2):
        raise SystemExit(f"{who} {stream}: wrong records: {report}")
    return report


def paired(
    runs: int, figure: str, one: Callable[[], Report], other: Callable[[], Report]
) -> tuple[float, float, float]:
    """Medians of both figures, and of their ratio pair by pair; the order changes from pair to pair."""
    ours, theirs = [], []
    for turn in range(runs):
        if turn % 2:
            theirs.append(other()[figure])
            ours.append(one()[figure])
        else:
            ours.append(one()[figure])
            theirs.append(other()[figure])
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return statistics.median(ours), statistics.median(theirs), ratio


IMPORTS = (
    ("import connector_core", "import connector_core", "import pydantic.main", 1.2),
    ("connector --help", "from connector_core.cli import main; main(['--help'])", "import click", 3),
)
"""What is started often and should cost little: its name, its program, what it is held against, the limit."""


def started(program: str) -> float:
    """Seconds of CPU that a fresh process takes for the program, Python's own start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_imports(runs: int) -> None:
    """Prints what importing costs, Python's own start taken off; raises SystemExit where it is above its limit."""
    for name, ours, theirs, limit in IMPORTS:
        rounds = [(started("pass"), started(ours), started(theirs)) for _ in range(2 * runs + 1)]
        own = statistics.median(mine - bare for bare, mine, _ in rounds)
        other = statistics.median(known - bare for bare, _, known in rounds)
        row = f"`{name}` / `{theirs}`: CPU (limit {limit}) | {own * 1e3:.1f} ms | {other * 1e3:.1f} ms"
        print(f"| {row} | {own / other:.2f} |", flush=True)
        if own > limit * other:
            raise SystemExit(f"{name} costs more than {limit} × {theirs}")


def measure_many(runs: int) -> None:
    """Prints what one more connection of a thousand costs; raises SystemExit where that is above its limit."""
    command = [sys.executable, "-m", "tests.bench.many"]
    found = [json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout) for _ in range(runs)]
    for figure, what, unit, limit in (
        ("ms", "one more connection of a thousand, opened and called once: CPU", "ms", 2),
        ("kib", "one idle connection of a thousand", "KiB", 30),
    ):
        ours = statistics.median(one[figure] for one in found)
        print(f"| {what} (limit {limit} {unit}) | {ours:.2f} {unit} | | |", flush=True)
        if ours > limit:
            raise SystemExit(f"a connection costs more than {limit} {unit}")


FAULTS = "503=0s@1%,429=0s@1%"
"""Two requests in a hundred are refused, with `Retry-After: 0`."""
MOST = 1.1
"""Times what a reading without faults takes."""


def measure_faults(url: str, runs: int) -> None:
    """Prints what faults cost a reading, by the clock; raises SystemExit where that is above its limit."""
    command = [sys.executable, "-m", "tests.bench.proxy", url]
    proxies = [
        subprocess.Popen([*command, faults], cwd=ROOT, stdout=subprocess.PIPE, text=True) for faults in (FAULTS, "")
    ]
    try:
        faulty, clean = (proxy.stdout.readline().strip() for proxy in proxies if proxy.stdout is not None)
        ours, theirs, ratio = paired(
            runs,
            "after_first",
            partial(run, "ours", faulty, "cursor", 1000),
            partial(run, "ours", clean, "cursor", 1000),
        )
    finally:
        for proxy in proxies:
            proxy.terminate()
            proxy.wait()
    row = f"1,000 pages, 2 % of the requests refused / none (limit {MOST}) | {ours:.2f} s | {theirs:.2f} s"
    print(f"| {row} | {ratio:.2f} |", flush=True)
    if ratio > MOST:
        raise SystemExit(f"faults cost more than {MOST} × a reading without any")


def measure(url: str, runs: int) -> None:
    """Prints every row."""
    print("| what | ours | by hand | ratio |\n|---|---|---|---|")
    measure_imports(runs)
    measure_many(runs)
    for stream in ("items", "cursor", "link"):
        ours, theirs, ratio = paired(
            runs, "cpu", partial(run, "ours", url, stream, 1000), partial(run, "hand", url, stream, 1000)
        )
        per = 1e6 / (999 * PER_PAGE)
        row = f"{stream}: CPU per record, 100k records | {ours * per:.2f} µs | {theirs * per:.2f} µs | {ratio:.2f}"
        print(f"| {row} |", flush=True)
    ours, theirs, ratio = paired(
        runs, "cpu", partial(run, "declared", url, "items", 1000), partial(run, "hand", url, "items", 1000)
    )
    row = f"items, all resilience declared: CPU per record | {ours * per:.2f} µs | {theirs * per:.2f} µs | {ratio:.2f}"
    print(f"| {row} |", flush=True)
    ours, theirs, ratio = paired(
        runs, "cpu", partial(run, "ours", url, "shaping", 1000), partial(run, "hand", url, "shaping", 1000)
    )
    per = 1e6 / (1000 * PER_PAGE)
    row = f"8 fields set, renamed, dropped: CPU per record | {ours * per:.2f} µs | {theirs * per:.2f} µs | {ratio:.2f}"
    print(f"| {row} |", flush=True)
    ours, theirs, ratio = paired(
        runs, "first", partial(run, "ours", url, "items", 1), partial(run, "hand", url, "items", 1)
    )
    print(f"| first record after process start | {ours:.3f} s | {theirs:.3f} s | {ratio:.2f} |", flush=True)
    small, large = run("ours", url, "items", 100)["rss"], run("ours", url, "items", 5000)["rss"]
    theirs = run("hand", url, "items", 100)["rss"]
    print(f"| peak memory, 10k records | {small:.1f} MiB | {theirs:.1f} MiB | {small - theirs:+.1f} MiB |")
    print(f"| peak memory, 500k records | {large:.1f} MiB | | {large - small:+.1f} MiB |", flush=True)
    for form, pages in LARGE.items():
        memory = run("ours", url, form, pages)["rss"]
        print(
            f"| peak memory, one answer of 500 MiB, {form} | {memory:.1f} MiB | | {memory - small:+.1f} MiB |",
            flush=True,
        )
    measure_faults(url, runs)
    slow = f"{url}/slow"
    for figure, what in (("after_first", "from the first record to the last"), ("wall", "the whole process")):
        ours, theirs, ratio = paired(
            max(1, runs // 2),
            figure,
            partial(run, "ours", slow, "items", 100, 10),
            partial(run, "hand", slow, "items", 100),
        )
        row = f"100 pages at 20 ms, ten at once / one by one, {what} | {ours:.2f} s | {theirs:.2f} s | {ratio:.2f}"
        print(f"| {row} |", flush=True)


def main() -> Any:
    """Starts the service, measures, ends the service."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for folder in ("connector_core", "tests"):
        compileall.compile_dir(ROOT / folder, quiet=2)
    command = [sys.executable, "-m", "tests.bench.service"]
    service = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert service.stdout is not None
        measure(f"http://127.0.0.1:{int(service.stdout.readline())}", runs)
    finally:
        service.terminate()
        service.wait()


if __name__ == "__main__":
    main()
