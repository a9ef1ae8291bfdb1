"""What a retrain command asks to be made anew.

Null in the rows that are there, which asked for all of it: their links of the hash chain were made without it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("retrain_commands", sa.Column("scope", sa.Text))


def downgrade() -> None:
    op.drop_column("retrain_commands", "scope")
