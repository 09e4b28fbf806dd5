"""Every item's flow: applications, look-ups, medical settlement, certification, credentials, hours, entries.

Revision ID: 0010
Revises: 0009
"""

from ecard.migrations.script import run

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what the flows write."""
    for name in (
        *("cases", "case_commands", "managing", "records", "medical", "medical_commands", "medical_reversing"),
        *("certification", "changes", "claims", "hours", "entries", "employment"),
    ):
        run(f"0010_{name}.sql")
