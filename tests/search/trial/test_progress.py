"""In which order and in which threads a run of a study tells what happens."""

from __future__ import annotations

import threading
from pathlib import Path

from search import StudyConfig, run_study
from tracking import EpochRecord, StudyRecord, TrialRecord


class Noting:
    """Notes each call: what was called, for which trial, in which thread."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int | None, threading.Thread]] = []

    def _note(self, name: str, number: int | None = None) -> None:
        self.calls.append((name, number, threading.current_thread()))

    def message(self, text: str) -> None:
        self._note("message")

    def study(self, record: StudyRecord, *, finished: int, target: int) -> None:
        assert (finished, target) == (0, 4)
        self._note("study")

    def trial(self, record: TrialRecord, *, epochs: int) -> None:
        assert (record.state, epochs) == ("running", 2)
        assert record.run_id
        self._note("trial", record.number)

    def epoch(self, trial: TrialRecord, record: EpochRecord, best: float) -> None:
        assert best <= record.metrics["val_rmse"]
        self._note("epoch", trial.number)

    def within(self, trial: TrialRecord, epoch: int, share: float) -> None:
        raise AssertionError("no epoch here takes a second")

    def left(self, seconds: float) -> None:
        assert seconds >= 0

    def ended(self, record: TrialRecord, *, finished: int, target: int) -> None:
        assert record.state == "complete"
        assert 1 <= finished <= target == 4
        self._note("ended", record.number)


def test_the_calls_for_a_trial_come_in_order_and_in_the_thread_of_its_worker(
    ratings_file: Path, home: Path
) -> None:
    config = StudyConfig(
        name="told", trials=4, epochs=2, data=str(ratings_file), sampler="random",
        pruner="none", keep_models="none", workers=2, threads=1,
    )  # fmt: skip
    progress = Noting()
    run_study(config, home=home, progress=progress)
    names = [name for name, *_ in progress.calls]
    assert names.count("study") == 1
    assert set(names[: names.index("study")]) <= {"message"}
    this = threading.current_thread()
    assert {thread for name, _, thread in progress.calls if name == "study"} == {this}
    workers = set()
    for number in range(4):
        of_trial = [(name, thread) for name, n, thread in progress.calls if n == number]
        assert [name for name, _ in of_trial] == ["trial", "epoch", "epoch", "ended"]
        threads = {thread for _, thread in of_trial}
        assert len(threads) == 1
        workers |= threads
    assert len(workers) == 2
    assert this in workers
    assert not [w for w in workers - {this} if w.is_alive()]

    again = Noting()
    run_study(config, home=home, progress=again)
    assert again.calls == []  # it finds its study finished
