"""Sets up the connections to a PostgreSQL server, so that each side notices that the other is gone.

A machine that loses its power or its network says no goodbye. The server would keep its locks until
TCP gives the connection up, which by default takes about two hours.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

from sqlalchemy.engine import make_url

_DRIVERS = ("psycopg", "psycopg2")
_NAME = "trialbook: "
_OURS = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""How this side looks whether the server is there: libpq's parameters, in s and (the last) ms."""
THE_SERVERS = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "idle_in_transaction_session_timeout": "900000",
}
"""How the server looks whether this side is there. A process that was stopped answers TCP all the
same: the server ends its transaction, and so its locks, after the last, in ms. That is far longer
than anything takes that is done under a lock."""
_SET = """
SELECT set_config(name, value, false)
FROM (VALUES {rows}) AS wanted (name, value) JOIN pg_settings USING (name)
WHERE source NOT IN ('client', 'user', 'database', 'database user')
""".replace("{rows}", ", ".join(f"('{name}', '{value}')" for name, value in THE_SERVERS.items()))


def engine_options(url: str) -> dict[str, Any]:
    """What SQLAlchemy's `create_engine` is given for a server; nothing for other drivers.

    What the address itself sets stands, and so does what the server sets for its user or database.

    Args:
        url: The database's address.
    """
    address = make_url(url)
    if address.get_backend_name() != "postgresql" or address.get_driver_name() not in _DRIVERS:
        return {}
    wanted = {"application_name": f"{_NAME}process {os.getpid()} on {socket.gethostname()}"}
    arguments = {key: value for key, value in (wanted | _OURS).items() if key not in address.query}
    return {"connect_args": arguments, "pool_events": [(_set_up, "connect")]}


def process_of(program: str) -> str:
    """The process that a connection's `application_name` names; empty where it is another program.

    Args:
        program: The name.

    Example:
        >>> process_of("trialbook: process 7 on far"), process_of("psql")
        ('process 7 on far', '')
    """
    return program.removeprefix(_NAME) if program.startswith(_NAME) else ""


def _set_up(driver: Any, record: Any) -> None:
    """Set a new connection's session up; a server that knows no such settings is used as it is."""
    with contextlib.suppress(Exception):  # if the connection broke, its first use says so
        try:
            driver.cursor().execute(_SET)
            driver.commit()
        except BaseException:
            driver.rollback()
            raise
