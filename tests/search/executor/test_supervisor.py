"""Children that die, hang or load other data, and how their supervisor bears it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from search import SearchError, StudyConfig, run_study
from search.child.messages import Done, Score, Task
from search.executor import supervisor as module
from search.executor.death import CannotStart, ChildDied
from search.executor.interrupts import Stop
from search.executor.supervisor import Supervisor
from search.executor.training import Listener, NotScored, score, train
from search.storage.studies import Studies
from search.trial.progress import Silent
from tracking import Store, TrialRecord

TASK = Task(values={"x": 0.5}, seed=0, epochs=1, folder=Path())
Scripted = Callable[[str], Supervisor]


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """Makes a supervisor whose children do what the words of a script say."""
    with contextlib.ExitStack() as made:

        def make(words: str) -> Supervisor:
            (tmp_path / "script").write_text(words)
            monkeypatch.setenv("LOADING_SCRIPT", str(tmp_path / "script"))
            return made.enter_context(contextlib.closing(Supervisor(_loading())))

        yield make


def _loading(**given: Any) -> StudyConfig:
    return StudyConfig(
        name="loading", model="loading:Loading", objective="val_loss:min", trials=1, **given
    )


def _task(folder: Path) -> Task:
    return Task(values={"x": 0.5}, seed=0, epochs=1, folder=folder)


def test_a_child_that_dies_while_it_loads_is_tried_again(scripted: Scripted) -> None:
    assert [p.name for p in scripted("kill exit fine").ready().space] == ["x"]


def test_children_that_die_while_they_load_are_waited_out_and_then_end_the_study_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.executor.death._PAUSES_S", (0.0, 0.0, 0.1))
    (tmp_path / "script").write_text("kill kill kill exit fine")
    monkeypatch.setenv("LOADING_SCRIPT", str(tmp_path / "script"))
    said: list[str] = []
    supervisor = Supervisor(_loading(), say=said.append)
    line = (
        r"^The training process must load the data and the model, but 4 in a row ended before they "
        r"had: the training process ended with exit code 3. Its last line: told to exit$"
    )
    with contextlib.closing(supervisor):
        with pytest.raises(CannotStart, match=line) as raised:
            supervisor.ready()
        assert raised.value.exit_code == 71  # and neither a full disk's nor a database's
        assert len(said) == 1  # the first two are followed at once
        assert said[0].endswith("Another one starts in 0 s.")
        assert supervisor.ready().space  # the fifth


def test_children_that_crash_while_they_load_are_not_waited_out(scripted: Scripted) -> None:
    supervisor = scripted("exit exit exit fine")
    with pytest.raises(CannotStart, match="3 in a row ended"):
        supervisor.ready()


def test_a_child_that_died_between_two_trials_costs_no_trial(
    scripted: Scripted, tmp_path: Path
) -> None:
    supervisor = scripted("fine fine")
    assert isinstance(train(supervisor, _task(tmp_path), Listener()), Done)
    first = psutil.Process(supervisor._pid)
    first.kill()
    # Its fork server is asked how it ended later; its threads may outlast its first one.
    while first.status() != psutil.STATUS_ZOMBIE or len(os.listdir(f"/proc/{first.pid}/task")) > 1:
        time.sleep(0.01)
    assert isinstance(train(supervisor, _task(tmp_path), Listener()), Done)
    assert supervisor._pid != first.pid


def test_a_fork_server_that_died_between_two_trials_costs_no_trial(
    scripted: Scripted, tmp_path: Path
) -> None:
    supervisor = scripted("fine fine")
    assert isinstance(train(supervisor, _task(tmp_path), Listener()), Done)
    server = psutil.Process(supervisor._pid).parent()
    server.kill()
    server.wait(60)
    assert isinstance(train(supervisor, _task(tmp_path), Listener()), Done)


def test_a_stop_is_heard_while_a_child_loads(scripted: Scripted, tmp_path: Path) -> None:
    supervisor, stop, asked = scripted("hang"), Stop(), iter([False, False, True])
    assert supervisor.ready_unless(lambda: next(asked)) is None
    asked = iter([False, True])
    assert train(supervisor, _task(tmp_path), Listener(), lambda: next(asked)) is None
    stop.asked = True
    with pytest.raises(KeyboardInterrupt):
        supervisor.ready(stop)


def test_a_timeout_is_heard_while_the_first_child_loads(scripted: Scripted, tmp_path: Path) -> None:
    scripted("hang")
    with pytest.raises(
        SearchError, match=r"`timeout` must leave time to load .* longer than 0.1 s"
    ):
        run_study(_loading(timeout_s=0.1), home=tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_a_connection_of_the_users_own_that_fails_is_told_as_such(scripted: Scripted) -> None:
    with pytest.raises(SearchError, match="no net"):
        scripted("offline").ready()


def test_what_a_dead_child_began_ends_with_it(scripted: Scripted, tmp_path: Path) -> None:
    """The child's child holds the pipe's end open, so that the pipe does not tell of the death."""
    supervisor = scripted("fine orphan")
    with pytest.raises(ChildDied, match="crashed with SIGABRT"):
        train(supervisor, _task(tmp_path), Listener())
    with contextlib.suppress(psutil.NoSuchProcess):
        orphan = psutil.Process(int((tmp_path / "script.pid").read_text()))
        assert orphan.wait(60) is None
    assert train(supervisor, _task(tmp_path), Listener()) is not None  # in another child


def test_a_death_is_told_though_what_the_child_began_lives_on(
    scripted: Scripted, tmp_path: Path
) -> None:
    supervisor = scripted("fine daemon")
    with pytest.raises(ChildDied, match="crashed with SIGABRT"):
        train(supervisor, _task(tmp_path), Listener())
    os.kill(int((tmp_path / "script.pid").read_text()), signal.SIGKILL)


def test_a_scoring_that_fails_leaves_the_child_alive(scripted: Scripted) -> None:
    supervisor = scripted("fine")
    supervisor.ready()
    child = supervisor._pid
    with pytest.raises(NotScored, match=r"must be scored on the test part, but that failed: "):
        score(supervisor, Score(model=None, part="test"), Stop())
    assert supervisor._pid == child


@pytest.fixture
def own_ratings(ratings_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(ratings_file, tmp_path / "ratings.csv"))


def _change(ratings: Path) -> None:
    ratings.write_text(ratings.read_text().rsplit("\n", 2)[0] + "\n")  # the last row is gone


def test_a_new_child_with_other_ratings_is_refused_with_both_hashes(own_ratings: Path) -> None:
    config = StudyConfig(name="same", data=str(own_ratings))
    with contextlib.closing(Supervisor(config)) as supervisor:
        before = supervisor.ready().dataset
        assert before is not None
        supervisor.close()
        supervisor.ready()  # reads them again, as after a crash or 25 trials
        supervisor.close()
        _change(own_ratings)
        with pytest.raises(SearchError) as refused:
            supervisor.ready()
    hashes = re.findall(r"[0-9a-f]{12}…", str(refused.value))
    assert hashes[0] == f"{before.content_hash[:12]}…"
    assert len(set(hashes)) == 2
    assert "(1,500 rows then, 1,499 now)" in str(refused.value)
    with (
        contextlib.closing(Supervisor(config, data=asdict(before))) as further,  # another worker's
        pytest.raises(SearchError, match=hashes[0]),
    ):
        further.ready()


class ChangesRatings(Silent):
    """Takes a row from the ratings once trial 0 has ended."""

    def __init__(self, ratings: Path) -> None:
        self._ratings = ratings

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        _change(self._ratings)


@pytest.mark.slow
def test_ratings_that_change_in_a_study_end_it_and_cost_no_trial(
    own_ratings: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = own_ratings.read_text()
    config = StudyConfig(
        name="s", data=str(own_ratings), trials=2, epochs=1, workers=1, sampler="random",
        pruner="none", keep_models="none",
    )  # fmt: skip
    with monkeypatch.context() as soon:
        soon.setattr(module, "_TRIALS_A_CHILD", 1)
        with pytest.raises(SearchError, match=r"The ratings must stay as they are .* hash was"):
            run_study(config, home=home, progress=ChangesRatings(own_ratings))
    own_ratings.write_text(kept)
    result = run_study(config, home=home)
    assert [t.state for t in result.record.trials] == ["complete", "killed", "complete"]
    assert result.record.trials[1].params == result.record.trials[2].params
    assert "The ratings must stay" in Studies(Store(home)).record("s").trials[1].message
