"""Connections to a PostgreSQL server notice within about a minute that the other side is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from postgres import Server
from sqlalchemy import Engine, text

from search.storage.claims.lock import server_lock
from search.storage.database import open_storage
from search.storage.internals import engine_of
from search.storage.server.connections import THE_SERVERS, engine_options
from tracking import Store


def engine_at(address: str, tmp_path: Path) -> Engine:
    """The engine of a storage that is opened as a study opens it."""
    engine = engine_of(open_storage(Store(tmp_path), address))
    assert engine is not None
    return engine


def shown(engine: Engine, *names: str) -> dict[str, str]:
    """Settings of a session, as the server shows them."""
    with engine.connect() as connection:
        return {name: str(connection.execute(text(f"SHOW {name}")).scalar()) for name in names}


def test_both_sides_look_whether_the_other_is_there(postgres: Server, tmp_path: Path) -> None:
    with postgres.on_tcp(postgres.database()) as address:
        engine = engine_at(address, tmp_path)
        assert shown(engine, *THE_SERVERS) == {
            "tcp_keepalives_idle": "30",
            "tcp_keepalives_interval": "10",
            "tcp_keepalives_count": "3",
            "tcp_user_timeout": "60000",
            "idle_in_transaction_session_timeout": "15min",
        }
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            ours = socket.socket(fileno=os.dup(driver.fileno()))
        with ours:
            assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            kept = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            assert [ours.getsockopt(socket.IPPROTO_TCP, name) for name in kept] == [30, 10, 3]
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
        engine.dispose()


def test_each_connection_is_set_up_and_what_its_address_says_stands(
    postgres: Server, tmp_path: Path
) -> None:
    address, name = postgres.database(), "idle_in_transaction_session_timeout"
    engine = engine_at(address, tmp_path)
    with engine.connect(), engine.connect():
        assert shown(engine, name) == {name: "15min"}
    assert shown(engine, "application_name")["application_name"] == (
        f"trialbook: process {os.getpid()} on {socket.gethostname()}"
    )
    own = f"{address}&options=-c%20{name}%3D5s&application_name=mine&keepalives_idle=7"
    assert shown(engine_at(own, tmp_path), name, "application_name") == {
        name: "5s",
        "application_name": "mine",
    }
    assert engine_options(own)["connect_args"].keys() == {
        "keepalives", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
    }  # fmt: skip


def test_a_process_that_stands_still_under_a_lock_loses_it_at_last(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "search.storage.server.connections._SET",
        "SELECT set_config('idle_in_transaction_session_timeout', '500', false)",
    )
    address = postgres.database()
    still, other = engine_at(address, tmp_path / "still"), engine_at(address, tmp_path / "other")
    with server_lock(still, "optuna"), server_lock(other, "optuna"):
        pass  # both at once: the server has ended the transaction of the first
    with still.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


@pytest.mark.parametrize(
    "address", ["sqlite:///x.db", "mysql+pymysql://a@b/c", "postgresql+asyncpg://a@b/c"]
)
def test_other_drivers_are_told_nothing(address: str) -> None:
    assert engine_options(address) == {}


def test_a_server_that_knows_no_such_settings_is_used_as_it_is(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.storage.server.connections._SET", "SELECT unknown()")
    engine = engine_at(postgres.database(), tmp_path)
    assert shown(engine, "transaction_read_only") == {"transaction_read_only": "off"}
