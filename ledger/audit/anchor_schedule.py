"""The day's anchor, written by the ledger itself: at its start, and then at the first look of each day (UTC).

A folder that fails does not stop the recording: it is logged, and tried again some minutes later.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

import structlog

from ledger.audit.anchor import current_links, write_anchor
from ledger.audit.archive_folder import ArchiveAwayError, ArchiveSetupError
from ledger.sql.database import Database

RETRY: Final = timedelta(minutes=5)

log = structlog.get_logger(__name__)


@dataclass
class AnchorSchedule:
    """Writes one anchor a day. Used from the recorder's thread; blocks while it writes."""

    database: Database
    url: str
    """Folder or URL; empty for no anchors."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _kept: date | None = field(default=None, init=False)
    """Day of the last anchor. Any other day is due, an earlier one too: a clock that was ahead may be set back."""
    _failed: datetime | None = field(default=None, init=False)

    def look(self) -> None:
        """Write the day's anchor if it is due.

        Raises:
            DatabaseAwayError, DatabaseSetupError: of `ledger.sql.database`.
        """
        now = self.clock()
        failed_now = self._failed is not None and abs(now - self._failed) < RETRY
        if not self.url or now.date() == self._kept or failed_now:
            return
        links = current_links(self.database, now.date())
        if not links:
            return
        try:
            kept = write_anchor(links, self.url, now.date())
        except (ArchiveAwayError, ArchiveSetupError) as fault:
            log.error("anchor.failed", error=type(fault).__name__, why=str(fault))  # noqa: TRY400 - foreseen, and its text is ours
            self._failed = now
            return
        self._failed, self._kept = None, now.date()
        if kept.fresh:
            log.info("anchor.written", day=now.date().isoformat(), partitions=len(links))
