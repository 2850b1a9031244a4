"""The one process that makes Keras models of what the others trained without Keras."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from search import StudyConfig
from search.child.messages import ALONE, KEEPS, Done, Failed, Keep, Kept, Started, Task
from search.errors import DiskFull, SearchError
from search.executor import keeping, roles
from search.executor.death import ChildDied
from search.executor.keeping import Keeping
from search.executor.roles import trains_alone
from search.executor.supervisor import Supervisor
from search.executor.training import Listener, train

QUESTION = Keep(Path("/somewhere"), "model")


class FakeSupervisor:
    """Answers each question with the next of some answers; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Keep] = []
        self.readied = self.closed = 0
        self.cannot: SearchError | None = None

    def ready_unless(self, is_over: Callable[[], bool]) -> None:
        self.readied += 1
        if self.cannot is not None:
            raise self.cannot

    def close(self) -> None:
        self.closed += 1

    def ask(self, question: Keep) -> None:
        self.asked.append(question)

    def poll(self, timeout_s: float) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _keeping(monkeypatch: pytest.MonkeyPatch, fake: FakeSupervisor) -> Keeping:
    monkeypatch.setattr(keeping, "Supervisor", lambda config, role: fake)
    return Keeping(StudyConfig())


def test_it_waits_for_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSupervisor(None, None, Kept())
    _keeping(monkeypatch, fake).keep(Path("/somewhere"), "model")
    assert fake.asked == [QUESTION]
    assert fake.answers == []


def test_a_keeper_that_ends_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSupervisor(ChildDied("it ended", "crash"), Kept())
    _keeping(monkeypatch, fake).keep(Path("/somewhere"), "model")
    assert (fake.readied, len(fake.asked)) == (2, 2)


def test_three_that_end_are_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSupervisor(*[ChildDied("it ended", "crash")] * 3, Kept())
    with pytest.raises(SearchError, match="it ended"):
        _keeping(monkeypatch, fake).keep(Path("/somewhere"), "model")
    assert fake.answers == [Kept()]


def test_a_model_that_cannot_be_made_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSupervisor(Failed(end_reason="error", message="The model must predict ..."), Kept())
    with pytest.raises(SearchError, match="must predict"):
        _keeping(monkeypatch, fake).keep(Path("/somewhere"), "model")
    assert fake.answers == [Kept()]


def test_a_keeper_that_cannot_start_is_not_started_for_each_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeSupervisor()
    fake.cannot = SearchError("3 in a row ended.")
    kept = _keeping(monkeypatch, fake)
    for _ in range(2):
        with pytest.raises(SearchError, match=r"cannot be started: 3 in a row ended"):
            kept.keep(Path("/somewhere"), "model")
    assert fake.readied == 1


def test_a_keeper_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_MOST_S", -1.0)
    fake = FakeSupervisor(None, None, None)
    with pytest.raises(SearchError, match="took more than"):
        _keeping(monkeypatch, fake).keep(Path("/somewhere"), "model")
    assert fake.closed == 3


def test_after_an_interrupt_no_answer_is_left_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSupervisor(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        _keeping(monkeypatch, fake).keep(Path("/somewhere"), "model")
    assert fake.closed == 1


@pytest.mark.parametrize(
    ("given", "alone"),
    [
        ({}, True),
        ({"trainer": "compiled"}, True),
        ({"model": "as-written", "trials": 1}, True),
        ({"trainer": "keras"}, False),
        ({"trainer": "fast"}, False),
        ({"trainer": "tensorflow"}, False),
        ({"model": "wine:build"}, False),
    ],
)
def test_only_compiled_trainings_need_no_keras(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], alone: bool
) -> None:
    monkeypatch.setattr(roles, "_GPUS", ())
    config = StudyConfig(**given)
    assert trains_alone(config) == alone
    assert (Supervisor(config, role=ALONE).role == ALONE) == alone
    assert Supervisor(config, role=KEEPS).role == KEEPS


def test_a_child_that_trains_alone_has_no_tensorflow_in_memory(
    monkeypatch: pytest.MonkeyPatch, ratings_file: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(roles, "_GPUS", ())
    config = StudyConfig(data=str(ratings_file), epochs=2)
    with contextlib.closing(Supervisor(config, role=ALONE)) as supervisor:
        supervisor.ready()
        task = Task(values={}, preset="baseline", seed=1, epochs=2, folder=tmp_path)
        done = train(supervisor, task, Listener())
        assert supervisor._pid is not None
        libraries = [each.path for each in psutil.Process(supervisor._pid).memory_maps()]
    assert isinstance(done, Done)
    assert (done.raw, done.trainer, done.models) == (True, "compiled", ("model",))
    assert any("llvmlite" in path for path in libraries)
    assert not any("tensorflow" in path for path in libraries)
    made = contextlib.closing(Supervisor(config, role=KEEPS))
    with made as supervisor:
        supervisor.ready()
        supervisor.ask(Keep(tmp_path, "model"))
        while (answer := supervisor.poll(60)) is None or isinstance(answer, Started):
            pass
        supervisor.ask(Keep(tmp_path, "model"))  # as after one that ended before it could answer
        while (again := supervisor.poll(60)) is None:
            pass
    assert answer == again == Kept()
    assert (tmp_path / "model" / "model.keras").exists()
    assert "Parameters in all" in (tmp_path / "layers.txt").read_text()


def test_where_there_may_be_a_gpu_keras_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(roles, "_GPUS", (str(tmp_path / "gpu"),))
    assert trains_alone(StudyConfig())
    (tmp_path / "gpu").touch()
    assert not trains_alone(StudyConfig())


def test_a_model_that_cannot_be_made_is_told_and_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeSupervisor(None, Failed(end_reason="error", message="It differs."))
    monkeypatch.setattr(keeping, "Supervisor", lambda config, role: fake)
    said: list[str] = []
    assert not Keeping(StudyConfig(), said.append)(Path("/somewhere"), "model")
    assert said == ["A model is not kept: It differs."]


def test_one_that_is_closed_makes_no_more_models_and_starts_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = _keeping(monkeypatch, FakeSupervisor())
    kept.close()
    with pytest.raises(InterruptedError):
        kept(Path("/somewhere"), "model")


def test_a_model_for_which_there_is_no_room_is_made_later(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Failed(end_reason="error", message="OSError: no room", is_disk_full=True)
    keeping = _keeping(monkeypatch, FakeSupervisor(full, Kept()))
    with pytest.raises(DiskFull):
        keeping(Path("/somewhere"), "model")
    assert keeping(Path("/somewhere"), "model")
