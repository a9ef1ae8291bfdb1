"""The errors of this project, in three families by who must act.

```
LoanError
├── RecordError   one record is at fault: set it aside and continue
├── OutageError   a dependency is unavailable: wait, retry, lose nothing
├── SetupError    a person must fix something: stop with one clear line
└── StoppedError  the process was asked to stop: leave the rest undone
```

The concrete errors are defined beside the code that raises them.
"""

from typing import ClassVar


class LoanError(Exception):
    """Any fault that this system foresees."""


class RecordError(LoanError):
    """One record cannot be used. `reason` is published on the dead-letter topic: add, never rename."""

    reason: ClassVar[str]


class OutageError(LoanError):
    """A dependency is away; the same act may succeed later. `dependency` names it in logs, metrics and `/health`."""

    dependency: ClassVar[str] = "broker"


class SetupError(LoanError):
    """The process cannot run with its set-up; the message says what is wrong, where, and what to do."""


class StoppedError(LoanError):
    """The process was asked to stop; unfinished work is left, and the next process resumes it."""
