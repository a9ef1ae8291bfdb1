"""Tables of the ledger: one per topic, and what the ledger keeps of its own.

Pure: names and types. Migrations make them (`ledger.migrations`), views are in `ledger.views`. The columns are those of
the event (`schemas.events`), flat where SQL asks for them and JSON where the event nests; before them stands the
record's place on its topic, after them the link of the hash chain (`ledger.chain`).
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from ledger import columns

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
        sa.Column("recorded_at", columns.UtcTime, nullable=False),
        *own,
        sa.Column(LINK, sa.Text, nullable=False),
        *(sa.Index(index, *of) for index, of in indices.items()),
    )


decisions: Final = _record(
    "decisions",
    columns.text("decision_id"),
    columns.text("application_id"),
    columns.time("applied_at"),
    columns.text("outcome"),
    columns.number("probability"),
    columns.number("margin"),
    columns.number("base_value"),
    columns.text("contribution_space"),
    columns.json("feature_values"),
    columns.json("contributions"),
    columns.number("approve_below", nullable=False),
    columns.number("decline_from", nullable=False),
    columns.json("reasons"),
    columns.json("flags"),
    columns.text("fault", nullable=True),
    columns.text("scorecard_name"),
    columns.text("scorecard_version"),
    columns.text("scorecard_digest"),
    columns.text("scorecard_family"),
    columns.text("policy_version"),
    columns.text("reference_id"),
    columns.text("source_topic"),
    sa.Column("source_partition", sa.Integer, nullable=False),
    columns.count("source_offset"),
    sa.Column("source_schema_id", sa.Integer, nullable=False),
    indices={"decisions_application": ("application_id",), "decisions_recorded": ("recorded_at",)},
)

reviews: Final = _record(
    "reviews",
    columns.text("review_id"),
    columns.text("application_id"),
    columns.text("decision_id"),
    columns.text("outcome"),
    columns.json("reason_codes"),
    columns.text("note"),
    columns.text("reviewer"),
    columns.text("second_reviewer", nullable=True),
    columns.text("scorecard_version"),
    columns.text("scorecard_digest"),
    columns.time("reviewed_at"),
    indices={"reviews_application": ("application_id",)},
)

outcomes: Final = _record(
    "outcomes",
    columns.text("application_id"),
    sa.Column("defaulted", sa.Boolean, nullable=False),
    columns.time("observed_at"),
    indices={"outcomes_application": ("application_id",)},
)

drift_reports: Final = _record(
    "drift_reports",
    columns.text("window_id"),
    columns.text("product"),
    columns.text("champion_version"),
    columns.text("champion_digest"),
    columns.text("reference_id"),
    columns.time("window_start"),
    columns.time("window_end"),
    columns.count("n"),
    columns.text("verdict"),
    columns.number("largest_psi"),
    columns.text("largest_psi_feature"),
    columns.json("feature_psi"),
    columns.number("approval_rate"),
    columns.text("command_id"),
    columns.text("withheld"),
    columns.json("report"),
    indices={"drift_reports_window": ("window_end",)},
)

performance_reports: Final = _record(
    "performance_reports",
    columns.text("report_id"),
    columns.text("product"),
    columns.text("champion_version"),
    columns.text("champion_digest"),
    columns.time("as_of"),
    columns.count("decided"),
    columns.count("with_outcome"),
    columns.number("approval_rate"),
    columns.number("default_rate"),
    columns.number("auc"),
    columns.number("brier"),
    sa.Column("fallen", sa.Boolean, nullable=False),
    columns.text("command_id"),
    columns.text("withheld"),
    columns.json("report"),
    indices={},
)

retrain_commands: Final = _record(
    "retrain_commands",
    columns.text("command_id"),
    columns.text("product"),
    columns.text("cause"),
    columns.text("why"),
    columns.text("champion_version"),
    columns.text("champion_digest"),
    columns.text("reference_id"),
    columns.time("window_start", nullable=True),
    columns.time("window_end", nullable=True),
    columns.time("issued_at"),
    indices={},
)

retrain_results: Final = _record(
    "retrain_results",
    columns.text("command_id"),
    columns.text("product"),
    columns.text("status"),
    columns.text("why"),
    columns.text("champion_version"),
    columns.text("challenger_version"),
    columns.text("challenger_digest"),
    columns.text("run_id"),
    columns.count("rows"),
    columns.json("metrics"),
    columns.time("finished_at"),
    indices={},
)

champions: Final = _record(
    "champions",
    columns.text("product"),
    columns.text("name"),
    columns.text("version"),
    columns.text("digest"),
    columns.text("family"),
    columns.text("previous_version"),
    columns.text("command_id"),
    columns.text("why"),
    columns.time("announced_at"),
    indices={},
)

dead_letters: Final = _record(
    "dead_letters",
    columns.text("source_topic", nullable=True),
    sa.Column("source_partition", sa.Integer),
    sa.Column("source_offset", sa.BigInteger),
    columns.text("stage", nullable=True),
    columns.text("reason"),
    columns.text("field", nullable=True),
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
    sa.Column("application_id", columns.StorableText, primary_key=True),
    columns.text("decision_id"),
    sa.Column("applied_at", columns.UtcTime, nullable=False),
    sa.Column("decided_at", columns.UtcTime, nullable=False),
    sa.Column("probability", sa.Double),
    columns.text("fault", nullable=True),
    columns.text("scorecard_version"),
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
