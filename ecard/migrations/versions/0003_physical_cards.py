"""Physical cards: bridges at counters, card sessions, what a chip is known by.

Revision ID: 0003
Revises: 0002
"""

from ecard.migrations.script import run

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what the reading of physical cards stands on."""
    run("0003_physical_cards.sql")
