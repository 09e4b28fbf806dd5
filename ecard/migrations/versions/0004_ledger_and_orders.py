"""Money: the ledger, merchants, orders and refunds.

Revision ID: 0004
Revises: 0003
"""

from ecard.migrations.script import run

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what payment stands on."""
    run("0004_ledger.sql")
    run("0004_ledger_functions.sql")
    run("0004_orders.sql")
    run("0004_order_commands.sql")
    run("0004_bank_answers.sql")
