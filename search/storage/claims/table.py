"""The table of leases, beside Optuna's own tables."""

from __future__ import annotations

from sqlalchemy import Column, Engine, Float, MetaData, String, Table, Text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

TABLE = Table(
    "trialbook_leases",
    MetaData(),
    Column("owner", String(32), primary_key=True),
    Column("study", String(512), nullable=False),
    Column("task", String(32), nullable=False),
    Column("about", Text, nullable=False),
    Column("renewed", Float(53), nullable=False),  # by the clock that judges it
    Column("time_of_day", Float(53), nullable=False),
)


def has_table(engine: Engine) -> bool:
    """Whether a database has the table."""
    with engine.connect() as connection:
        return bool(engine.dialect.has_table(connection, TABLE.name))


def make_table(engine: Engine) -> None:
    """Make the table unless it is there; another process may make it at the same moment."""
    if has_table(engine):
        return
    try:
        with engine.begin() as connection:
            connection.execute(CreateTable(TABLE, if_not_exists=True))
    except SQLAlchemyError:
        if not has_table(engine):
            raise
