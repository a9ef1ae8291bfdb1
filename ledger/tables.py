"""Tables of the ledger: one per topic, and what the ledger keeps of its own.

Pure: names and types. Migrations make them (`ledger.migrations`), views are in `ledger.views`. The columns are those of
the event (`schemas.events`), flat where SQL asks for them and JSON where the event nests; before them stands the
record's place on its topic, after them the link of the hash chain (`ledger.chain`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, UserDefinedType

PLACE: Final = ("record_topic", "record_partition", "record_offset")
"""Primary key of each table of records."""
LINK: Final = "chain"

metadata = sa.MetaData()


class UtcTime(TypeDecorator[datetime]):
    """`datetime` in UTC, to the millisecond: `timestamptz` in PostgreSQL, sortable text in SQLite."""

    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """The column's type."""
        return dialect.type_descriptor(
            postgresql.TIMESTAMP(timezone=True) if dialect.name == "postgresql" else sa.String()
        )

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """What the driver takes."""
        return time_text(value) if value is not None and dialect.name != "postgresql" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """What the caller gets."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return value.astimezone(UTC)  # type: ignore[no-any-return]  # psycopg's datetime
        return datetime.fromisoformat(value).replace(tzinfo=UTC)


class JsonText(TypeDecorator[str]):
    """JSON as its text: `json` in PostgreSQL, which keeps it as written; text in SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """The column's type."""
        return dialect.type_descriptor(_PlainJson() if dialect.name == "postgresql" else sa.Text())


class _PlainJson(UserDefinedType[str]):
    """Without the parser that SQLAlchemy's own JSON brings along."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSON"


def time_text(time: datetime) -> str:
    """`2026-03-01 12:00:00.000`, UTC: sorts as text as the times do."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")


def _record(name: str, *columns: sa.Column[Any], indices: Mapping[str, tuple[str, ...]]) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("record_topic", sa.Text, primary_key=True),
        sa.Column("record_partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("record_offset", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("recorded_at", UtcTime, nullable=False),
        *columns,
        sa.Column(LINK, sa.Text, nullable=False),
        *(sa.Index(index, *of) for index, of in indices.items()),
    )


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.Double, nullable=nullable)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UtcTime, nullable=nullable)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, JsonText, nullable=False)


decisions: Final = _record(
    "decisions",
    _text("decision_id"),
    _text("application_id"),
    _time("applied_at"),
    _text("outcome"),
    _number("probability"),
    _number("margin"),
    _number("base_value"),
    _text("contribution_space"),
    _json("feature_values"),
    _json("contributions"),
    _number("approve_below", nullable=False),
    _number("decline_from", nullable=False),
    _json("reasons"),
    _json("flags"),
    _text("fault", nullable=True),
    _text("scorecard_name"),
    _text("scorecard_version"),
    _text("scorecard_digest"),
    _text("scorecard_family"),
    _text("policy_version"),
    _text("reference_id"),
    _text("source_topic"),
    sa.Column("source_partition", sa.Integer, nullable=False),
    _count("source_offset"),
    sa.Column("source_schema_id", sa.Integer, nullable=False),
    indices={"decisions_application": ("application_id",), "decisions_recorded": ("recorded_at",)},
)

reviews: Final = _record(
    "reviews",
    _text("review_id"),
    _text("application_id"),
    _text("decision_id"),
    _text("outcome"),
    _json("reason_codes"),
    _text("note"),
    _text("reviewer"),
    _text("second_reviewer", nullable=True),
    _text("scorecard_version"),
    _text("scorecard_digest"),
    _time("reviewed_at"),
    indices={"reviews_application": ("application_id",)},
)

outcomes: Final = _record(
    "outcomes",
    _text("application_id"),
    sa.Column("defaulted", sa.Boolean, nullable=False),
    _time("observed_at"),
    indices={"outcomes_application": ("application_id",)},
)

drift_reports: Final = _record(
    "drift_reports",
    _text("window_id"),
    _text("product"),
    _text("champion_version"),
    _text("champion_digest"),
    _text("reference_id"),
    _time("window_start"),
    _time("window_end"),
    _count("n"),
    _text("verdict"),
    _number("largest_psi"),
    _text("largest_psi_feature"),
    _json("feature_psi"),
    _number("approval_rate"),
    _text("command_id"),
    _text("withheld"),
    _json("report"),
    indices={"drift_reports_window": ("window_end",)},
)

performance_reports: Final = _record(
    "performance_reports",
    _text("report_id"),
    _text("product"),
    _text("champion_version"),
    _text("champion_digest"),
    _time("as_of"),
    _count("decided"),
    _count("with_outcome"),
    _number("approval_rate"),
    _number("default_rate"),
    _number("auc"),
    _number("brier"),
    sa.Column("fallen", sa.Boolean, nullable=False),
    _text("command_id"),
    _text("withheld"),
    _json("report"),
    indices={},
)

retrain_commands: Final = _record(
    "retrain_commands",
    _text("command_id"),
    _text("product"),
    _text("cause"),
    _text("why"),
    _text("champion_version"),
    _text("champion_digest"),
    _text("reference_id"),
    _time("window_start", nullable=True),
    _time("window_end", nullable=True),
    _time("issued_at"),
    indices={},
)

retrain_results: Final = _record(
    "retrain_results",
    _text("command_id"),
    _text("product"),
    _text("status"),
    _text("why"),
    _text("champion_version"),
    _text("challenger_version"),
    _text("challenger_digest"),
    _text("run_id"),
    _count("rows"),
    _json("metrics"),
    _time("finished_at"),
    indices={},
)

champions: Final = _record(
    "champions",
    _text("product"),
    _text("name"),
    _text("version"),
    _text("digest"),
    _text("family"),
    _text("previous_version"),
    _text("command_id"),
    _text("why"),
    _time("announced_at"),
    indices={},
)

dead_letters: Final = _record(
    "dead_letters",
    _text("source_topic", nullable=True),
    sa.Column("source_partition", sa.Integer),
    sa.Column("source_offset", sa.BigInteger),
    _text("stage", nullable=True),
    _text("reason"),
    _text("field", nullable=True),
    sa.Column("value_bytes", sa.BigInteger, nullable=False),
    indices={"dead_letters_source": ("source_topic", "source_partition", "source_offset")},
)

positions: Final = sa.Table(
    "ledger_positions",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("passed_over", sa.BigInteger, nullable=False),
    sa.Column("missed", sa.BigInteger, nullable=False),
    sa.Column("chain", sa.Text, nullable=False),
)
"""How far each partition is recorded; changes in the transaction of the rows."""

passed_over: Final = sa.Table(
    "ledger_passed_over",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("record_offset", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("reason", sa.Text, nullable=False),
)
"""Records that are no event of their topic, or that the database refuses."""

review_queue: Final = sa.Table(
    "review_queue",
    metadata,
    sa.Column("application_id", sa.Text, primary_key=True),
    sa.Column("decision_id", sa.Text, nullable=False),
    sa.Column("applied_at", UtcTime, nullable=False),
    sa.Column("decided_at", UtcTime, nullable=False),
    sa.Column("probability", sa.Double),
    sa.Column("fault", sa.Text),
    sa.Column("scorecard_version", sa.Text, nullable=False),
    sa.Column("record_topic", sa.Text, nullable=False),
    sa.Column("record_partition", sa.Integer, nullable=False),
    sa.Column("record_offset", sa.BigInteger, nullable=False),
    sa.Index("review_queue_age", "decided_at", "application_id"),
)
"""Applications referred by their first decision and not yet decided by a person: derived, in the same transaction."""

RECORDS: Final[tuple[sa.Table, ...]] = (
    decisions,
    reviews,
    outcomes,
    drift_reports,
    performance_reports,
    retrain_commands,
    retrain_results,
    champions,
    dead_letters,
)
