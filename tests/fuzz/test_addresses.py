"""Addresses of any kind: no password of theirs is shown, whoever refuses or quotes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mutations import texts

from search.errors import SearchError
from search.storage.database import open_storage
from tracking import Store, TrackingError, without_password
from tracking.addresses import refused_password

FUZZ = settings.get_profile("fuzz")
SECRET = "hunter2"
ODD = st.text(st.sampled_from("ab1@.%4-_~!$&'()*+,;=:/?#[] \t"), max_size=6)
USERS = st.text(st.sampled_from("ab1@.%4-_~!+"), max_size=6)
SCHEMES = st.sampled_from(["postgresql", "postgresql+psycopg", "mysql+pymysql", "http", "https"])
HOSTS = st.sampled_from(["host", "host:80", "[::1]:80", "127.0.0.1", "a.b.example"])
TAILS = st.sampled_from(
    ["", "/", "/db", "/db?x=1", "/db?password=hunter2", " said it", ": no, me@x"]
)
PASSWORDS = st.builds(lambda before, after: f"{before}{SECRET}{after}", ODD, ODD)
ADDRESSES = st.builds(
    lambda scheme, user, password, host, tail: f"{scheme}://{user}:{password}@{host}{tail}",
    SCHEMES, USERS, PASSWORDS, HOSTS, TAILS,
)  # fmt: skip


@FUZZ
@given(address=ADDRESSES)
def test_an_address_is_shown_without_its_password_or_refused_without_it(address: str) -> None:
    why = refused_password(address)
    assert SECRET not in why
    if not why:
        assert SECRET not in without_password(address)
        assert SECRET not in without_password(f"It could not open {address}.")


@FUZZ
@given(address=ADDRESSES | texts())
def test_a_store_has_its_address_or_says_why_not_without_a_password(address: str) -> None:
    try:
        shown = repr(Store(Path("home"), address))
    except TrackingError as refused:
        shown = str(refused)
    assert SECRET not in shown
    assert len(shown.splitlines()) == 1


@FUZZ
@given(user=USERS, password=PASSWORDS, host=HOSTS)
@example(user="", password="@:hunter2?", host="host")
def test_a_storage_is_refused_without_a_password(
    user: str, password: str, host: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """None of these drivers is there, so that nothing is connected to."""
    store = Store(tmp_path_factory.getbasetemp() / "home")
    for scheme in ("mysql+aiomysql", "oracle+oracledb", "no-such-kind"):
        with pytest.raises(SearchError) as refused:
            open_storage(store, f"{scheme}://{user}:{password}@{host}/db")
        assert SECRET not in str(refused.value)
