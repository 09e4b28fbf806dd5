"""Reconciliation, webhooks, settlement to merchants.

Revision ID: 0007
Revises: 0006
"""

from ecard.migrations.script import run

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what merchants are told by and paid by, and what the bank's day file is compared with."""
    run("0007_webhooks.sql")
    run("0007_reconciliation.sql")
    run("0007_settlement.sql")
