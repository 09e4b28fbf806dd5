"""The foundation: keys, holders and cards, visits, audit.

Revision ID: 0001
Revises:
"""

from ecard.migrations.script import run

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything that the main job stands on."""
    run("0001_foundation.sql")
    run("0001_record_visit.sql")
