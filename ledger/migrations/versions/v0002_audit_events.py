"""The audit log as a table. Frozen: what it becomes later is the next step's."""

import sqlalchemy as sa
from alembic import op

from ledger.sql.table_columns import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    texts = ("audit_id", "product", "actor", "action", "subject", "why", "before", "after")
    op.create_table(
        "audit_events",
        sa.Column("record_topic", sa.Text, primary_key=True),
        sa.Column("record_partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("record_offset", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("recorded_at", UtcTime, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.Column("acted_at", UtcTime, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
    )
    op.create_index("audit_events_subject", "audit_events", ["subject", "acted_at"])


def downgrade() -> None:
    op.drop_table("audit_events")
