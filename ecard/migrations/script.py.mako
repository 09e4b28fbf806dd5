"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision}
"""

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say what changes and why."""
