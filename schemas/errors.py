"""What can go wrong, in three families by who must act.

```
LoanError
├── RecordError   one record is at fault: set it aside and go on
├── OutageError   a neighbour is away: wait, retry, lose nothing
└── SetupError    a person must mend something: stop with one clear line
```

The leaves live beside the code that raises them.
"""

from typing import ClassVar


class LoanError(Exception):
    """Any fault that this system foresees."""


class RecordError(LoanError):
    """One record cannot be used. `reason` is published on the dead-letter topic: add, never rename."""

    reason: ClassVar[str]


class OutageError(LoanError):
    """Something outside is away; the same act may succeed later."""


class SetupError(LoanError):
    """The process cannot run as it is set up; the message says what, where and what to do."""
