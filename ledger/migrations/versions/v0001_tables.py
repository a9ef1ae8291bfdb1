"""The first tables.

Frozen: what these tables become later is the next step's. A table is written as its columns, `name:type`, with a `?`
where a column may be null; tables of records have their place before and their link after.
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from ledger.sql.table_columns import JsonText, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TYPES: Final[Mapping[str, Any]] = {
    "text": sa.Text,
    "int": sa.Integer,
    "bigint": sa.BigInteger,
    "real": sa.Double,
    "bool": sa.Boolean,
    "time": UtcTime,
    "json": JsonText,
}
PLACE: Final = "record_topic:text record_partition:int record_offset:bigint"
RECORDS: Final[Mapping[str, str]] = {
    "decisions": """
        decision_id:text application_id:text applied_at:time outcome:text probability:real? margin:real?
        base_value:real? contribution_space:text feature_values:json contributions:json approve_below:real
        decline_from:real reasons:json flags:json fault:text? scorecard_name:text scorecard_version:text
        scorecard_digest:text scorecard_family:text policy_version:text reference_id:text source_topic:text
        source_partition:int source_offset:bigint source_schema_id:int
    """,
    "reviews": """
        review_id:text application_id:text decision_id:text outcome:text reason_codes:json note:text reviewer:text
        second_reviewer:text? scorecard_version:text scorecard_digest:text reviewed_at:time
    """,
    "outcomes": """
        application_id:text defaulted:bool observed_at:time
    """,
    "drift_reports": """
        window_id:text product:text champion_version:text champion_digest:text reference_id:text window_start:time
        window_end:time n:bigint verdict:text largest_psi:real? largest_psi_feature:text feature_psi:json
        approval_rate:real? command_id:text withheld:text report:json
    """,
    "performance_reports": """
        report_id:text product:text champion_version:text champion_digest:text as_of:time decided:bigint
        with_outcome:bigint approval_rate:real? default_rate:real? auc:real? brier:real? fallen:bool command_id:text
        withheld:text report:json
    """,
    "retrain_commands": """
        command_id:text product:text cause:text why:text champion_version:text champion_digest:text
        reference_id:text window_start:time? window_end:time? issued_at:time
    """,
    "retrain_results": """
        command_id:text product:text status:text why:text champion_version:text challenger_version:text
        challenger_digest:text run_id:text rows:bigint metrics:json finished_at:time
    """,
    "champions": """
        product:text name:text version:text digest:text family:text previous_version:text command_id:text why:text
        announced_at:time
    """,
    "dead_letters": """
        source_topic:text? source_partition:int? source_offset:bigint? stage:text? reason:text field:text?
        value_bytes:bigint
    """,
}
OWN: Final[Mapping[str, tuple[str, str]]] = {
    "ledger_positions": (
        "topic:text partition:int",
        "next_offset:bigint records:bigint passed_over:bigint missed:bigint chain:text",
    ),
    "ledger_passed_over": ("topic:text partition:int record_offset:bigint", "reason:text"),
    "review_queue": (
        "application_id:text",
        """
        decision_id:text applied_at:time decided_at:time probability:real? fault:text? scorecard_version:text
        record_topic:text record_partition:int record_offset:bigint
    """,
    ),
}
"""Key, and the other columns."""
INDICES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "decisions_application": ("decisions", ("application_id",)),
    "decisions_recorded": ("decisions", ("recorded_at",)),
    "reviews_application": ("reviews", ("application_id",)),
    "outcomes_application": ("outcomes", ("application_id",)),
    "drift_reports_window": ("drift_reports", ("window_end",)),
    "dead_letters_source": ("dead_letters", ("source_topic", "source_partition", "source_offset")),
    "review_queue_age": ("review_queue", ("decided_at", "application_id")),
}


def upgrade() -> None:
    for name, columns in RECORDS.items():
        op.create_table(name, *_columns(PLACE, key=True), *_columns(f"recorded_at:time {columns} chain:text"))
    for name, (key, columns) in OWN.items():
        op.create_table(name, *_columns(key, key=True), *_columns(columns))
    for index, (table, of) in INDICES.items():
        op.create_index(index, table, list(of))


def downgrade() -> None:
    for name in (*RECORDS, *OWN):
        op.drop_table(name)


def _columns(written: str, *, key: bool = False) -> list[sa.Column[Any]]:
    return [_column(*each.split(":"), key=key) for each in written.split()]


def _column(name: str, kind: str, *, key: bool) -> sa.Column[Any]:
    # No column numbers itself: a place is the record's own.
    return sa.Column(name, TYPES[kind.rstrip("?")](), nullable=kind.endswith("?"), primary_key=key, autoincrement=False)
