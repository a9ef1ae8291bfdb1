"""Times of the desk's pages with many cases waiting: `python -m tests.bench.desk_pages`.

A SQLite ledger in a temporary folder, filled by the ledger's own code: decisions that are settled, and cases that wait.
A page's time is from the request to its last byte, over HTTP on loopback; a browser's from the address to its `load`
event, in Debian's Chromium, where it is installed.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import httpx2

from schemas.events.drift import DriftReport
from tests.unit.gateway.browser import chromium, served_desk
from tests.unit.gateway.drift_reports import HOURS, checks, windows
from tests.unit.gateway.ledgers import CaseLedger

WAITING: Final = 10_000
SETTLED: Final = 90_000
AT_ONCE: Final = 5_000
ROUNDS: Final = 15
HEAD: Final = "| page | answer, median | the longest | in the browser, median | the longest |"
Row = tuple[str, Sequence[float], Sequence[float]]
PAGES: Final = {
    "Review": "/desk/review",
    "Review, filtered by probability": "/desk/review?least=10&most=90",
    "Review, by the beginning of an id": "/desk/review?id=w-9",
    "Review, the second page": "/desk/review?after={last}",
    "a case": "/desk/review/w-0",
    "Audit of one": "/desk/audit?id=w-0",
    "Scorecards": "/desk/scorecards",
    "Drift, 48 windows": "/desk/drift",
    "Drift, 200 windows": "/desk/drift?last=200",
    "Live": "/desk/live",
    "Apply": "/desk/apply",
}


def main() -> None:
    """Fill, measure, print a table."""
    parser = argparse.ArgumentParser(prog="tests.bench.desk_pages", description=__doc__)
    parser.add_argument("--waiting", type=int, default=WAITING)
    parser.add_argument("--settled", type=int, default=SETTLED)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        ledger = CaseLedger(Path(folder))
        _fill(ledger, asked.waiting, asked.settled)
        ledger.report([_later(nth) for nth in range(400)], checks())
        with served_desk(ledger=ledger.lookup) as (url, _):
            _print(f"{asked.waiting:,} cases waiting, {asked.settled:,} settled", list(_page_rows(url)))


def _fill(ledger: CaseLedger, waiting: int, settled: int) -> None:
    for kind, count, refer, first in (("s", settled, False, 0), ("w", waiting, True, settled)):
        for start in range(0, count, AT_ONCE):
            names = [f"{kind}-{number}" for number in range(start, min(start + AT_ONCE, count))]
            ledger.decide(*names, refer=refer, first_offset=first + start)
            sys.stderr.write(f"\r{kind} {start + len(names):,}   ")
    sys.stderr.write("\n")


def _later(nth: int) -> DriftReport:
    report = windows()[nth % len(windows())]
    end = report.window_end + nth * HOURS
    return replace(report, window_id=f"{report.window_id}-{nth}", window_start=end - HOURS, window_end=end)


def _page_rows(url: str) -> Iterator[Row]:
    with httpx2.Client(base_url=url, timeout=60) as client:
        queue = client.get("/desk/review").text
        last = queue.partition('name="after" value="')[2].partition('"')[0]
        for name, path in PAGES.items():
            address = path.format(last=httpx2.QueryParams({"": last})[""] if last else "")
            times = [_request_s(client, address) for _ in range(ROUNDS)]
            yield name, times, list(_browser_s(f"{url}{address}"))


def _request_s(client: httpx2.Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return time.perf_counter() - began


def _browser_s(url: str) -> Iterator[float]:
    if shutil.which("chromium") is None:
        return
    with chromium() as browser:
        page = browser.new_context().new_page()
        for _ in range(ROUNDS):
            page.goto(url, wait_until="load")
            yield page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1e3


def _print(title: str, rows: Sequence[Row]) -> None:
    out = [title, "", HEAD, "| --- | --- | --- | --- | --- |"]
    for name, *both in rows:
        figures = [f"{1e3 * figure(times):.0f} ms" if times else "" for times in both for figure in (median, max)]
        out.append(f"| {name} | {' | '.join(figures)} |")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
