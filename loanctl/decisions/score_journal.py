"""What is done of a file: decisions are kept line by line, so that a run that was broken off goes on where it was.

`OUT.partial` holds a first line that names the input and then a decision a line; the whole output is made of it at the
end, at once, and `OUT.done` says that it is whole. Whoever holds the lock of `OUT.partial` writes all three: a second
run would send every application a second time.
"""

import fcntl
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

import pandas as pd

from schemas.errors import SetupError

PARTIAL: Final = ".partial"
DONE: Final = ".done"
SUFFIXES: Final = (".csv", ".jsonl", ".parquet")


class OutputError(SetupError):
    """The output cannot be written, or is of another input; names it."""


class ScoreJournal:
    """The output of one input, this process's alone until `close` or its end."""

    def __init__(self, out: Path, about: Mapping[str, str]) -> None:
        """Locks and reads what is there.

        Args:
            out: by its suffix CSV, JSON lines or Parquet.
            about: names the input and the way; another one may not be mixed in.

        Raises:
            OutputError: the suffix is none of ours, what is there is of another input, or another run writes it.
        """
        if out.suffix not in SUFFIXES:
            problem = f"{out}: name it {', '.join(SUFFIXES)}"
            raise OutputError(problem)
        self._out, self._about = out, dict(about)
        self._partial = out.with_name(out.name + PARTIAL)
        self.marker = out.with_name(out.name + DONE)
        self._lines = self._open()
        self.rows: dict[str, Mapping[str, Any]] = self._read()
        """By application id."""

    @property
    def marker_facts(self) -> Mapping[str, Any] | None:
        """What the marker says, where it is of the same input; None otherwise."""
        try:
            facts: Mapping[str, Any] = json.loads(self.marker.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return facts if self._out.exists() and facts.get("about") == self._about else None

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Keep some more; each is in the file before the next is asked for."""
        for row in rows:
            self.rows[row["application_id"]] = row
            self._lines.write(json.dumps(row) + "\n")

    def finish(self, ids: Iterable[str], facts: Mapping[str, Any]) -> None:
        """Write the output in this order, then the marker; forget the lines."""
        frame = pd.DataFrame([self.rows[name] for name in ids])
        draft = self._out.with_name(self._out.name + ".draft")
        if self._out.suffix == ".parquet":
            frame.to_parquet(draft, index=False)
        elif self._out.suffix == ".jsonl":
            frame.to_json(draft, orient="records", lines=True)
        else:
            frame.to_csv(draft, index=False)
        # Until the new marker is written none may vouch for what is there: a former one is of another input.
        self.marker.unlink(missing_ok=True)
        draft.replace(self._out)
        self.marker.write_text(json.dumps({"about": self._about, **facts}, indent=2) + "\n", encoding="utf-8")
        self.discard()

    def discard(self) -> None:
        """Forget the lines, and let another run have the output."""
        self._partial.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let another run have the output; a run that ends does so by itself."""
        self._lines.close()

    def _open(self) -> TextIO:
        self._out.parent.mkdir(parents=True, exist_ok=True)
        # A line at a time: what a killed run had buffered would be asked for again, and so decided twice.
        lines = self._partial.open("a+", encoding="utf-8", buffering=1)
        try:
            fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            lines.close()
            problem = f"another `loanctl score` writes {self._out}: wait for its end, or give another --out"
            raise OutputError(problem) from cause
        return lines

    def _read(self) -> dict[str, Mapping[str, Any]]:
        self._lines.seek(0)
        text = self._lines.read()
        # A run that was killed leaves half a line: its decision is asked for again.
        whole, end, _ = text.rpartition("\n")
        first, *lines = whole.split("\n")
        if not lines:
            # Nothing is decided yet, of whatever input.
            self._lines.truncate(0)
            self._lines.write(json.dumps(self._about) + "\n")
            return {}
        if _parse_line(first) != self._about:
            self.close()
            problem = f"{self._partial} is of another input, or was made another way: remove it to begin anew"
            raise OutputError(problem)
        self._lines.truncate(len((whole + end).encode()))
        rows = [row for row in map(_parse_line, lines) if row is not None]
        return {row["application_id"]: row for row in rows}


def _parse_line(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def row_of(decision: Mapping[str, Any]) -> dict[str, Any]:
    """A decision as a row of the output: flat, without an applicant's value."""
    return {
        "application_id": decision["application_id"],
        "applied_at": decision["applied_at"].isoformat(),
        "outcome": decision["outcome"],
        "probability": decision["probability"],
        "margin": decision["margin"],
        "reasons": " ".join(each["code"] for each in decision["reasons"]),
        "fault": decision["fault"],
        "decision_id": decision["decision_id"],
        "scorecard_version": decision["scorecard_version"],
        "scorecard_digest": decision["scorecard_digest"],
        "policy_version": decision["policy_version"],
    }
