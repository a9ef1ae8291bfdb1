"""The errors of the client, by who must act.

```
ClientError
├── GatewayUnreachableError  no answer: the network, the address, or the gateway is at fault
├── MalformedAnswerError     an answer that is none of the gateway's: another server, or another release
└── ProblemError             the gateway refuses, and says why
```

No message contains a value of an application.
"""

from dataclasses import dataclass


class ClientError(Exception):
    """Any fault of a request to the gateway."""


class GatewayUnreachableError(ClientError):
    """No answer, after every attempt."""


class MalformedAnswerError(ClientError):
    """The answer is not what the gateway's OpenAPI document says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidField:
    """One field at fault."""

    pointer: str
    """JSON pointer (RFC 6901) into the body that was sent."""
    code: str
    detail: str


@dataclass(kw_only=True, eq=False)
class ProblemError(ClientError):
    """A problem document (RFC 9457)."""

    status: int
    kind: str
    """Stable word, the last part of the document's `type`; empty if the answer was no problem document."""
    detail: str
    errors: tuple[InvalidField, ...] = ()
    """Fields at fault, of status 422."""
    application_id: str | None = None
    """An application that was accepted, or may have been."""
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return f"{self.status} {self.kind}: {self.detail}" if self.kind else f"{self.status}: {self.detail}"
