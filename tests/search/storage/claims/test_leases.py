"""Leases of workers, on SQLite and on PostgreSQL: who lives, who is gone, who takes over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from postgres import Server
from sqlalchemy import text

from search.storage.claims import lease as lease_module
from search.storage.claims import leases as leases_module
from search.storage.claims import table as table_module
from search.storage.claims.lease import Lease, standing_lease
from search.storage.claims.leases import CLOSING, LEASE_S, WINNER, Leases, leases_of
from search.storage.claims.owner import me
from search.storage.database import open_storage
from search.storage.internals import engine_of
from search.storage.trial_attributes import Key, write_owner
from search.storage.trials import orphans
from tracking import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> optuna.storages.BaseStorage:
    address = None
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        address = server.database()
    return open_storage(Store(tmp_path / "home"), address)


@pytest.fixture
def leases(storage: optuna.storages.BaseStorage) -> Leases:
    return leases_of(storage)


def make_older(storage: optuna.storages.BaseStorage, owner_id: str, seconds: float) -> None:
    """Let a lease be as if it had not been renewed for a while."""
    with engine_of(storage).begin() as connection:
        connection.execute(
            text(
                "UPDATE trialbook_leases SET renewed = renewed - :s, time_of_day = time_of_day - :s"
                " WHERE owner = :o"
            ),
            {"s": seconds, "o": owner_id},
        )


def test_an_owner_lives_as_long_as_it_renews_its_lease(
    storage: optuna.storages.BaseStorage, leases: Leases
) -> None:
    owner = {"id": "a", **me()}
    assert not leases.lives(owner)  # there is not even a table
    leases.take(owner, "movies")
    assert leases.lives(owner)
    make_older(storage, "a", LEASE_S - 5)
    assert leases.lives(owner)
    make_older(storage, "a", 10)
    assert not leases.lives(owner)
    assert leases.renew("a")
    assert leases.lives(owner)
    leases.release("a")
    assert not leases.lives(owner)
    assert not leases.renew("a")


def test_an_owner_whose_process_is_gone_does_not_live_though_its_lease_is_fresh(
    leases: Leases,
) -> None:
    owner = {"id": "a", **me(), "started": me()["started"] - 5}
    leases.take(owner, "movies")
    assert not leases.lives(owner)
    assert [row.is_alive for row in leases.rows("movies")] == [False]


def test_an_owner_in_another_container_lives_by_its_lease_alone(
    storage: optuna.storages.BaseStorage, leases: Leases
) -> None:
    far = {"id": "far", **me(), "namespace": 1, "host": "a-container", "pid": 1}
    leases.take(far, "movies")
    assert leases.lives(far)
    make_older(storage, "far", LEASE_S + 1)
    assert not leases.lives(far)


def test_each_study_has_its_own_workers(leases: Leases) -> None:
    leases.take({"id": "a", **me()}, "movies")
    leases.take({"id": "b", **me()}, "books")
    assert [row.id for row in leases.living("movies")] == ["a"]
    assert leases.living("movies", but="a") == []
    assert sorted(row.id for row in leases.rows()) == ["a", "b"]


def test_a_lease_that_ran_out_is_ended_once_and_its_owner_hears_of_it(
    storage: optuna.storages.BaseStorage, leases: Leases
) -> None:
    with Lease(leases, "movies") as lease:
        former = lease.owner()
        make_older(storage, former["id"], LEASE_S + 1)
        assert [owner["id"] for owner in leases.end_dead()] == [former["id"]]
        assert leases.end_dead() == []
        assert lease.holds(former)  # it does not know yet
        lease.keep()
        now = lease.owner()
        assert not lease.holds(former)
        assert lease.holds(now)
        assert leases.lives(now)
    assert leases.rows() == []


def test_one_that_renews_its_lease_at_the_last_moment_keeps_it(
    storage: optuna.storages.BaseStorage, leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases.take({"id": "a", **me()}, "movies")
    make_older(storage, "a", LEASE_S + 1)
    old = list(leases.rows())
    leases.renew("a")
    monkeypatch.setattr(Leases, "_all", lambda self: iter(old))  # read just before
    assert leases.end_dead() == []
    monkeypatch.undo()
    assert [row.id for row in leases.rows()] == ["a"]


def test_a_lease_is_renewed_by_itself(leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "RENEWED_S", 0.05)
    with Lease(leases, "movies"):
        first = leases.rows()[0].renewed
        latest = time.monotonic() + 10
        while leases.rows()[0].renewed == first:
            assert time.monotonic() < latest
            time.sleep(0.02)


def test_the_last_to_leave_closes_the_study(leases: Leases) -> None:
    with Lease(leases, "movies") as first, Lease(leases, "movies") as second:
        with Lease(leases, "books"), Lease(leases, "movies", WINNER):
            assert not first.leave()
            assert second.leave()
        assert {row.task for row in leases.rows("movies")} == {CLOSING}
        assert [row.id for row in first.others()] == [second.owner()["id"]]


def test_who_was_cut_off_does_not_judge_others_at_once(leases: Leases) -> None:
    dead = {"id": "dead", **me(), "started": 1.0}
    leases.take(dead, "movies")
    with Lease(leases, "movies") as lease:
        leases.patience.last_away = time.monotonic()
        assert lease.end_dead() == []
        leases.patience.last_away -= 21
        assert [owner["id"] for owner in lease.end_dead()] == ["dead"]
        leases.patience.last_away = 0.0


def test_a_standing_lease_is_one_a_study(storage: optuna.storages.BaseStorage) -> None:
    study = optuna.create_study(study_name="movies", storage=storage)
    assert standing_lease(study) is standing_lease(study)
    assert leases_of(storage).lives(standing_lease(study).owner())
    standing_lease(study).close()


def test_only_a_trial_whose_owner_is_gone_is_an_orphan(
    storage: optuna.storages.BaseStorage, leases: Leases
) -> None:
    study = optuna.create_study(study_name="movies", storage=storage)
    with Lease(leases, "movies") as lease:
        mine, theirs, cut, unknown = (study.ask() for _ in range(4))
        write_owner(mine, lease.owner())
        write_owner(theirs, {"id": "b", **me(), "namespace": 1})
        write_owner(cut, {"id": "c", **me()})  # it never had a lease, or others ended it
        leases.take({"id": "b", **me(), "namespace": 1}, "movies")
        assert [t.number for t in orphans(study)] == [cut.number]
        # Whoever holds the lock knows that an owner is stored with each trial that is asked for.
        numbers = [t.number for t in orphans(study, is_locked=True)]
        assert numbers == [cut.number, unknown.number]


def test_a_trial_of_an_earlier_version_is_judged_by_its_process(
    storage: optuna.storages.BaseStorage,
) -> None:
    import socket

    import psutil

    study = optuna.create_study(study_name="movies", storage=storage)
    here, gone, far = (study.ask() for _ in range(3))
    own = {"host": socket.gethostname(), "pid": psutil.Process().pid}
    here.set_user_attr(Key.OWNER, own | {"started": psutil.Process().create_time()})
    gone.set_user_attr(Key.OWNER, own | {"started": 1.0})
    far.set_user_attr(Key.OWNER, own | {"host": "a machine that died", "started": 1.0})
    assert [t.number for t in orphans(study)] == [gone.number, far.number]
    assert here.number == 0


def test_on_one_machine_the_time_of_day_may_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(Store(tmp_path), None)
    leases = leases_of(storage)
    leases.take({"id": "a", **me(), "namespace": 1}, "movies")
    now = time.time()
    for step in (-3600, 3600):
        monkeypatch.setattr(time, "time", lambda step=step: now + step)
        assert [row.is_alive for row in leases.rows()] == [True]


def test_after_a_restart_of_the_machine_its_owners_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = leases_of(open_storage(Store(tmp_path), None))
    leases.take({"id": "a", **me()}, "movies")
    leases.take({"id": "b", **me(), "host": "elsewhere"}, "movies")
    monkeypatch.setattr(leases_module, "boot", lambda: "a later start")
    assert {row.id: row.is_alive for row in leases.rows()} == {"a": False, "b": True}


def test_clocks_of_machines_on_a_server_need_not_agree(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = leases_of(open_storage(Store(tmp_path), postgres.database()))
    monkeypatch.setattr(time, "time", lambda: 5.0)
    monkeypatch.setattr(time, "monotonic", lambda: 7.0)
    leases.take({"id": "a", **me(), "boot": "another"}, "movies")
    monkeypatch.undo()
    (row,) = leases.rows()
    assert row.is_alive
    assert 0 <= row.age_s < 30


def test_two_that_make_the_table_at_once_both_have_it(
    storage: optuna.storages.BaseStorage, leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    has_table: Callable[..., bool] = table_module.has_table

    def just_before(engine: Any) -> bool:
        asked.append(engine)
        return False if len(asked) == 1 else has_table(engine)

    leases.take({"id": "a", **me()}, "movies")
    monkeypatch.setattr(table_module, "has_table", just_before)
    leases.take({"id": "b", **me()}, "movies")
    assert len(leases.rows()) == 2


def test_a_storage_that_is_no_database_has_no_leases() -> None:
    study = optuna.create_study()
    leases = leases_of(study)
    with Lease(leases, "movies") as lease:
        trial = study.ask()
        write_owner(trial, lease.owner())
        assert lease.holds(lease.owner())
        assert lease.leave()
        assert orphans(study) == []
    assert leases.rows() == leases.end_dead() == []
    trial.set_user_attr(Key.OWNER, {"id": "x", **me(), "started": 1.0})
    assert len(orphans(study)) == 1
    assert study.trials[0].state == TrialState.RUNNING
    assert json.dumps(dict(me()))
