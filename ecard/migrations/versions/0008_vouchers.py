"""Training vouchers: programmes, classes, credentials.

Revision ID: 0008
Revises: 0007
"""

from ecard.migrations.script import run

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what training vouchers stand on."""
    run("0008_vouchers.sql")
    run("0008_voucher_commands.sql")
    run("0008_voucher_batches.sql")
    run("0008_classes.sql")
    run("0008_class_commands.sql")
    run("0008_completions.sql")
    run("0008_credentials.sql")
    run("0008_allowances.sql")
