"""Authorization: clients, logins, grants, and what may be redeemed once.

Revision ID: 0002
Revises: 0001
"""

from ecard.migrations.script import run

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what the authorization server stands on."""
    run("0002_authorization.sql")
