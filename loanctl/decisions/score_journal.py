"""What is done of a file: decisions are kept line by line, so that a run that was broken off goes on where it was.

`OUT.partial` holds a first line that names the input and then a decision a line; the whole output is made of it at the
end, at once, and `OUT.done` says that it is whole.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from schemas.errors import SetupError

PARTIAL: Final = ".partial"
DONE: Final = ".done"
SUFFIXES: Final = (".csv", ".jsonl", ".parquet")


class OutputError(SetupError):
    """The output cannot be written, or is of another input; names it."""


class ScoreJournal:
    """The output of one input."""

    def __init__(self, out: Path, about: Mapping[str, str]) -> None:
        """Reads what is there.

        Args:
            out: by its suffix CSV, JSON lines or Parquet.
            about: names the input and the way; another one may not be mixed in.

        Raises:
            OutputError: the suffix is none of ours, or what is there is of another input.
        """
        if out.suffix not in SUFFIXES:
            problem = f"{out}: name it {', '.join(SUFFIXES)}"
            raise OutputError(problem)
        self._out, self._about = out, dict(about)
        self._partial = out.with_name(out.name + PARTIAL)
        self.marker = out.with_name(out.name + DONE)
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
        """Keep some more; they are on disk when this returns."""
        self._out.parent.mkdir(parents=True, exist_ok=True)
        fresh = not self._partial.exists()
        with self._partial.open("a", encoding="utf-8") as lines:
            if fresh:
                lines.write(json.dumps(self._about) + "\n")
            for row in rows:
                self.rows[row["application_id"]] = row
                lines.write(json.dumps(row) + "\n")

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
        draft.replace(self._out)
        self.marker.write_text(json.dumps({"about": self._about, **facts}, indent=2) + "\n", encoding="utf-8")
        self._partial.unlink(missing_ok=True)

    def _read(self) -> dict[str, Mapping[str, Any]]:
        if not self._partial.exists():
            return {}
        first, *lines = self._partial.read_text(encoding="utf-8").split("\n")
        if _parse_line(first) != self._about:
            problem = f"{self._partial} is of another input, or was made another way: remove it to begin anew"
            raise OutputError(problem)
        # A run that was killed leaves half a line: its decision is asked for again.
        rows = [row for row in map(_parse_line, lines) if row is not None]
        self._mend(rows)
        return {row["application_id"]: row for row in rows}

    def _mend(self, rows: Sequence[Mapping[str, Any]]) -> None:
        text = "".join(json.dumps(each) + "\n" for each in (self._about, *rows))
        self._partial.write_text(text, encoding="utf-8")


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
