"""Disbursement of benefits.

Revision ID: 0009
Revises: 0008
"""

from ecard.migrations.script import run

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what benefits are paid out by."""
    for name in ("disbursement", "disbursement_review", "disbursement_paying"):
        run(f"0009_{name}.sql")
