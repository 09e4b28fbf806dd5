"""Running Alembic from the program, and SQL files from a revision."""

from pathlib import Path
from typing import Any

from alembic import command, op
from alembic.config import Config
from sqlalchemy.util import await_only

_HERE = Path(__file__).parent


def config(database_url: str) -> Config:
    """Return Alembic's configuration for the database at `database_url` (`postgresql://…`)."""
    alembic = Config()
    alembic.set_main_option("script_location", str(_HERE))
    alembic.attributes["url"] = database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return alembic


def upgrade(database_url: str) -> None:
    """Bring the schema to the newest revision; two processes at once wait for each other."""
    command.upgrade(config(database_url), "head")


def run(name: str) -> None:
    """Execute the SQL file `name` beside the revisions, as it stands: many statements, dollar quotes and all."""
    driver: Any = op.get_bind().connection.driver_connection
    await_only(driver.execute((_HERE / "versions" / name).read_text("utf-8")))
