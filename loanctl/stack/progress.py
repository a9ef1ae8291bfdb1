"""What a person sees while the stack is fetched and started."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

from loanctl.console import Console

Advance = Callable[[int], None]


class ProgressReporter(Protocol):
    """Hears of work as it goes."""

    def fetch_progress(self, files: int, total_bytes: int) -> AbstractContextManager[Advance]:
        """Around a fetch; what it yields takes the bytes that came, from any thread."""
        ...

    def step(self, what: str) -> AbstractContextManager[None]:
        """Around one step, `what` being its name: "Kafka 4.3.1", say."""
        ...


class Silence:
    """Shows nothing; for tests."""

    @contextmanager
    def fetch_progress(self, files: int, total_bytes: int) -> Iterator[Advance]:  # noqa: ARG002 - the protocol's names
        yield lambda _bytes: None

    @contextmanager
    def step(self, what: str) -> Iterator[None]:  # noqa: ARG002 - the protocol's names
        yield


class ConsoleProgress:
    """Tells a terminal by bars, and a file by lines."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    @contextmanager
    def fetch_progress(self, files: int, total_bytes: int) -> Iterator[Advance]:
        """One bar over all files."""
        what = f"Fetching {files} files from Maven Central (once)"
        columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        if not self._console.is_terminal:
            self._console.print(f"{what}, {total_bytes / 1e6:.0f} MB")
        with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as bar:
            task = bar.add_task(what, total=total_bytes)
            yield lambda count: bar.advance(task, count)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """A spinner, then a line that says how long it took."""
        with self._console.status(what):
            yield
        self._console.print(Text.assemble("  ", ("✓", "green"), f" {what}"))


SILENCE: Final = Silence()
