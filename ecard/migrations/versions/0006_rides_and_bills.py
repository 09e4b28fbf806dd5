"""Rides, billers and order codes.

Revision ID: 0006
Revises: 0005
"""

from ecard.migrations.script import run

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what rides and bills stand on."""
    run("0006_rides_and_bills.sql")
