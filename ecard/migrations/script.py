"""Running Alembic from the program, and SQL files from a revision."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent


def config(database_url: str) -> "Config":
    """Return Alembic's configuration for the database at `database_url` (`postgresql://…`)."""
    from alembic.config import Config  # noqa: PLC0415 - half a second to load, and few commands migrate

    alembic = Config()
    alembic.set_main_option("script_location", str(_HERE))
    alembic.attributes["url"] = database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return alembic


def upgrade(database_url: str) -> None:
    """Bring the schema to the newest revision; two processes at once wait for each other."""
    from alembic import command  # noqa: PLC0415 - as above

    command.upgrade(config(database_url), "head")


def run(name: str) -> None:
    """Execute the SQL file `name` beside the revisions, as it stands: many statements, dollar quotes and all."""
    from alembic import op  # noqa: PLC0415 - as above
    from sqlalchemy.util import await_only  # noqa: PLC0415 - as above

    driver: Any = op.get_bind().connection.driver_connection
    await_only(driver.execute((_HERE / "versions" / name).read_text("utf-8")))
