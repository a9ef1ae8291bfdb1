"""The release that decided, in each decision.

Null in the rows that are there: their links of the hash chain were made without it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decisions", sa.Column("code_version", sa.Text))


def downgrade() -> None:
    op.drop_column("decisions", "code_version")
