"""Errors of a table."""

from schemas.errors import SetupError


class TableError(SetupError):
    """A table cannot be read by the contract; names the table and the column, never a value of an applicant's."""
