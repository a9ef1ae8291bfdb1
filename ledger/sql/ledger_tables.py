"""Tables of the ledger: one per topic, and the ledger's own.

Pure: names and types. Migrations create them (`ledger.migrations`), views are in `ledger.sql.views`. The columns are
those of the event (`schemas.events`), flat where SQL needs them and JSON where the event nests; before them come
the record's coordinates, after them the link of the hash chain (`ledger.ingest.chain`).
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from ledger.sql import table_columns

PLACE: Final = ("record_topic", "record_partition", "record_offset")
"""Primary key of each table of records."""
LINK: Final = "chain"

metadata = sa.MetaData()


def _record(name: str, *own: sa.Column[Any], indices: Mapping[str, tuple[str, ...]]) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("record_topic", sa.Text, primary_key=True),
        sa.Column("record_partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("record_offset", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("recorded_at", table_columns.UtcTime, nullable=False),
        *own,
        sa.Column(LINK, sa.Text, nullable=False),
        *(sa.Index(index, *of) for index, of in indices.items()),
    )


decisions: Final = _record(
    "decisions",
    table_columns.text("decision_id"),
    table_columns.text("application_id"),
    table_columns.time("applied_at"),
    table_columns.text("outcome"),
    table_columns.number("probability"),
    table_columns.number("margin"),
    table_columns.number("base_value"),
    table_columns.text("contribution_space"),
    table_columns.json("feature_values"),
    table_columns.json("contributions"),
    table_columns.number("approve_below", nullable=False),
    table_columns.number("decline_from", nullable=False),
    table_columns.json("reasons"),
    table_columns.json("flags"),
    table_columns.text("fault", nullable=True),
    table_columns.text("scorecard_name"),
    table_columns.text("scorecard_version"),
    table_columns.text("scorecard_digest"),
    table_columns.text("scorecard_family"),
    table_columns.text("policy_version"),
    table_columns.text("reference_id"),
    table_columns.text("source_topic"),
    sa.Column("source_partition", sa.Integer, nullable=False),
    table_columns.count("source_offset"),
    sa.Column("source_schema_id", sa.Integer, nullable=False),
    # Null in rows of before it was there: no part of what their link was made of.
    table_columns.text("code_version", nullable=True),
    indices={"decisions_application": ("application_id",), "decisions_recorded": ("recorded_at",)},
)

reviews: Final = _record(
    "reviews",
    table_columns.text("review_id"),
    table_columns.text("application_id"),
    table_columns.text("decision_id"),
    table_columns.text("outcome"),
    table_columns.json("reason_codes"),
    table_columns.text("note"),
    table_columns.text("reviewer"),
    table_columns.text("second_reviewer", nullable=True),
    table_columns.text("scorecard_version"),
    table_columns.text("scorecard_digest"),
    table_columns.time("reviewed_at"),
    indices={"reviews_application": ("application_id",)},
)

outcomes: Final = _record(
    "outcomes",
    table_columns.text("application_id"),
    sa.Column("defaulted", sa.Boolean, nullable=False),
    table_columns.time("observed_at"),
    indices={"outcomes_application": ("application_id",)},
)

drift_reports: Final = _record(
    "drift_reports",
    table_columns.text("window_id"),
    table_columns.text("product"),
    table_columns.text("champion_version"),
    table_columns.text("champion_digest"),
    table_columns.text("reference_id"),
    table_columns.time("window_start"),
    table_columns.time("window_end"),
    table_columns.count("n"),
    table_columns.text("verdict"),
    table_columns.number("largest_psi"),
    table_columns.text("largest_psi_feature"),
    table_columns.json("feature_psi"),
    table_columns.number("approval_rate"),
    table_columns.text("command_id"),
    table_columns.text("withheld"),
    table_columns.json("report"),
    indices={"drift_reports_window": ("window_end",)},
)

performance_reports: Final = _record(
    "performance_reports",
    table_columns.text("report_id"),
    table_columns.text("product"),
    table_columns.text("champion_version"),
    table_columns.text("champion_digest"),
    table_columns.time("as_of"),
    table_columns.count("decided"),
    table_columns.count("with_outcome"),
    table_columns.number("approval_rate"),
    table_columns.number("default_rate"),
    table_columns.number("auc"),
    table_columns.number("brier"),
    sa.Column("fallen", sa.Boolean, nullable=False),
    table_columns.text("command_id"),
    table_columns.text("withheld"),
    table_columns.json("report"),
    indices={},
)

retrain_commands: Final = _record(
    "retrain_commands",
    table_columns.text("command_id"),
    table_columns.text("product"),
    table_columns.text("cause"),
    table_columns.text("why"),
    table_columns.text("champion_version"),
    table_columns.text("champion_digest"),
    table_columns.text("reference_id"),
    table_columns.time("window_start", nullable=True),
    table_columns.time("window_end", nullable=True),
    table_columns.time("issued_at"),
    table_columns.text("scope", nullable=True),
    indices={},
)

retrain_results: Final = _record(
    "retrain_results",
    table_columns.text("command_id"),
    table_columns.text("product"),
    table_columns.text("status"),
    table_columns.text("why"),
    table_columns.text("champion_version"),
    table_columns.text("challenger_version"),
    table_columns.text("challenger_digest"),
    table_columns.text("run_id"),
    table_columns.count("rows"),
    table_columns.json("metrics"),
    table_columns.time("finished_at"),
    indices={},
)

champions: Final = _record(
    "champions",
    table_columns.text("product"),
    table_columns.text("name"),
    table_columns.text("version"),
    table_columns.text("digest"),
    table_columns.text("family"),
    table_columns.text("previous_version"),
    table_columns.text("command_id"),
    table_columns.text("why"),
    table_columns.time("announced_at"),
    indices={},
)

audit_events: Final = _record(
    "audit_events",
    table_columns.text("audit_id"),
    table_columns.text("product"),
    table_columns.text("actor"),
    table_columns.text("action"),
    table_columns.text("subject"),
    table_columns.text("why"),
    table_columns.text("before"),
    table_columns.text("after"),
    table_columns.time("acted_at"),
    indices={"audit_events_subject": ("subject", "acted_at")},
)

dead_letters: Final = _record(
    "dead_letters",
    table_columns.text("source_topic", nullable=True),
    sa.Column("source_partition", sa.Integer),
    sa.Column("source_offset", sa.BigInteger),
    table_columns.text("stage", nullable=True),
    table_columns.text("reason"),
    table_columns.text("field", nullable=True),
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
    sa.Column("application_id", table_columns.StorableText, primary_key=True),
    table_columns.text("decision_id"),
    sa.Column("applied_at", table_columns.UtcTime, nullable=False),
    sa.Column("decided_at", table_columns.UtcTime, nullable=False),
    sa.Column("probability", sa.Double),
    table_columns.text("fault", nullable=True),
    table_columns.text("scorecard_version"),
    sa.Column("record_topic", sa.Text, nullable=False),
    sa.Column("record_partition", sa.Integer, nullable=False),
    sa.Column("record_offset", sa.BigInteger, nullable=False),
    sa.Index("review_queue_age", "decided_at", "application_id"),
)
"""Applications referred by their first decision and not yet decided by a person: derived, in the same transaction."""

LATER_COLUMNS: Final = frozenset({"code_version", "scope"})
"""Columns that tables got after they had rows; null in those rows, and in no other."""

RECORDS: Final[tuple[sa.Table, ...]] = (
    decisions,
    reviews,
    outcomes,
    drift_reports,
    performance_reports,
    retrain_commands,
    retrain_results,
    champions,
    audit_events,
    dead_letters,
)
