"""Banks: attempts, unknown outcomes, suspense.

Revision ID: 0005
Revises: 0004
"""

from ecard.migrations.script import run

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what calling a bank stands on."""
    run("0005_banks.sql")
