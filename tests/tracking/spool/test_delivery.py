"""How entries reach a recorder: in order, once, whatever the recorder does meanwhile."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tracking import ModelFolder, NullRecorder, SpoolRecorder, StudyRecord, TrialRecord
from tracking.spool.boxes import known_boxes

Make = Callable[..., TrialRecord]


class Refusal(Exception):
    """An error as MLflow raises it."""

    def __init__(self, error_code: str) -> None:
        super().__init__(f"no: {error_code}")
        self.error_code = error_code


class Server(NullRecorder):
    """A recorder in memory that can be away, and that can die after it has done what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.runs: dict[tuple[str, int], str] = {}
        self.fails: Callable[[str], Exception | None] = lambda method: None
        self.fails_after: Callable[[str], Exception | None] = lambda method: None

    def _call(self, method: str, what: Any) -> None:
        if error := self.fails(method):
            raise error
        self.calls.append((method, what))

    def start_trial(self, record: TrialRecord) -> str:
        if record.run_id:
            self._call("complete", record.run_id)
            return record.run_id
        self._call("start_trial", record.number)
        run_id = f"run{len(self.runs)}"
        self.runs[record.study, record.number] = run_id
        if error := self.fails_after("start_trial"):
            raise error
        return run_id

    def trial_run(self, study: str, number: int) -> str | None:
        return self.runs.get((study, number))

    def epochs(self, run_id: str, records: Any) -> None:
        self._call("epochs", (run_id, [record.epoch for record in records]))

    def finish_trial(self, record: TrialRecord, *, tell: Any = None, **more: Any) -> None:
        self._call("finish_trial", (record.run_id, record.value))
        self.models = [(each.name, each.is_raw, each.path) for each in more["models"]]
        self.files = sorted(path.name for path in more["folder"].glob("*"))

    def drop_model(self, run_id: str) -> None:
        self._call("drop_model", run_id)

    def kill_trial(self, record: TrialRecord, *, folder: Path | None = None) -> None:
        self._call("kill_trial", record.run_id)


class Heard:
    def __init__(self) -> None:
        self.runs: list[tuple[int, str]] = []
        self.made_by_others: dict[int, str] = {}

    @contextmanager
    def making(self, study: str, number: int) -> Iterator[str | None]:
        yield self.made_by_others.get(number)

    def study(self, record: StudyRecord) -> None:
        pass

    def trial(self, study: str, number: int, run_id: str) -> None:
        self.runs.append((number, run_id))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracking.spool.delivery._FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("tracking.spool.delivery._LONGEST_PAUSE_S", 0.02)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def spool(server: Server, heard: Heard, tmp_path: Path) -> Iterator[SpoolRecorder]:
    with SpoolRecorder(server, tmp_path, "movies", heard) as recorder:
        recorder.begin()
        yield recorder


def _settled(spool: SpoolRecorder) -> bool:
    latest = time.monotonic() + 20
    return spool.delivery.flush(lambda: time.monotonic() > latest)


def _one_trial(spool: SpoolRecorder, make_trial: Make, number: int, value: float = 0.5) -> None:
    run = spool.start_trial(make_trial(number))
    done = make_trial(number, value, run_id=run)
    spool.epochs(run, done.epochs[:1])
    spool.finish_trial(done, folder=None, epochs=done.epochs[1:])


def test_a_trial_is_told_in_order_under_the_run_that_was_made(
    spool: SpoolRecorder, server: Server, heard: Heard, make_trial: Make
) -> None:
    _one_trial(spool, make_trial, 3)
    assert _settled(spool)
    assert server.calls == [
        ("start_trial", 3),
        ("epochs", ("run0", [1])),
        ("finish_trial", ("run0", 0.5)),
    ]
    assert heard.runs == [(3, "run0")]


def test_nobody_waits_for_a_server_that_is_away_and_all_comes_in_order_once_it_is_back(
    spool: SpoolRecorder, server: Server, make_trial: Make
) -> None:
    back = threading.Event()
    server.fails = lambda method: None if back.is_set() else ConnectionError("away\nfor long")
    for number in range(3):
        _one_trial(spool, make_trial, number)
    time.sleep(0.1)
    assert (server.calls, spool.delivery.waiting) == ([], 9)
    assert spool.delivery.trouble == "away"
    back.set()
    assert _settled(spool)
    assert [what for method, what in server.calls if method == "start_trial"] == [0, 1, 2]
    assert len(server.calls) == 9
    assert spool.delivery.trouble == ""


def test_a_password_in_an_address_that_an_error_quotes_is_neither_told_nor_kept(
    spool: SpoolRecorder, server: Server, tmp_path: Path, make_trial: Make
) -> None:
    asked = "API request to http://me:sesame@host/api failed"
    answers = iter([ConnectionError(asked), Refusal(f"BAD_REQUEST {asked}")])
    answers_told: list[str] = []

    def fails(method: str) -> Exception | None:
        if spool.delivery.trouble:
            answers_told.append(spool.delivery.trouble)
        error = next(answers, None)
        if isinstance(error, Refusal):
            error.error_code = "BAD_REQUEST"
        return error

    server.fails = fails
    spool.start_trial(make_trial(0))
    assert _settled(spool)
    (why,) = tmp_path.rglob("why.txt")
    assert "http://me:***@host/api failed" in why.read_text()
    assert ["***" in told for told in answers_told] == [True]
    assert "sesame" not in why.read_text() + answers_told[0]


def test_a_run_that_was_made_before_the_answer_was_lost_is_not_made_again(
    spool: SpoolRecorder, server: Server, make_trial: Make
) -> None:
    lost = iter([TimeoutError("no answer")])
    server.fails_after = lambda method: next(lost, None)
    _one_trial(spool, make_trial, 0)
    assert _settled(spool)
    methods = [method for method, _ in server.calls]
    assert methods == ["start_trial", "complete", "epochs", "finish_trial"]  # what it may lack
    assert server.calls[-1] == ("finish_trial", ("run0", 0.5))


def test_a_run_that_another_process_made_meanwhile_is_not_made_again(
    spool: SpoolRecorder, server: Server, heard: Heard, make_trial: Make
) -> None:
    """As where this process stood still, was taken for gone, and its trial written by another."""
    heard.made_by_others = {0: "theirs"}
    _one_trial(spool, make_trial, 0)
    _one_trial(spool, make_trial, 1)
    assert _settled(spool)
    made = [
        (method, told) for method, told in server.calls if method in ("start_trial", "complete")
    ]
    assert [method for method, _ in made] == ["complete", "start_trial"]
    assert ("finish_trial", ("theirs", 0.5)) in server.calls


def test_what_the_server_refuses_for_good_is_put_aside_and_the_rest_goes_on(
    spool: SpoolRecorder, server: Server, make_trial: Make, tmp_path: Path
) -> None:
    server.fails = lambda method: Refusal("BAD_REQUEST") if method == "epochs" else None
    _one_trial(spool, make_trial, 0)
    assert _settled(spool)
    assert [method for method, _ in server.calls] == ["start_trial", "finish_trial"]
    (why,) = (tmp_path / "spool").glob("*/refused/*/why.txt")
    assert why.read_text() == "no: BAD_REQUEST\n"


def test_a_server_in_trouble_is_asked_again(
    spool: SpoolRecorder, server: Server, make_trial: Make
) -> None:
    errors = iter([Refusal("INTERNAL_ERROR"), Refusal("TEMPORARILY_UNAVAILABLE"), OSError(28, "")])
    server.fails = lambda method: next(errors, None)
    _one_trial(spool, make_trial, 0)
    assert _settled(spool)
    assert len(server.calls) == 3


def test_what_is_left_when_a_process_ends_is_delivered_by_the_next_one_first(
    server: Server, heard: Heard, make_trial: Make, tmp_path: Path
) -> None:
    server.fails = lambda method: ConnectionError("away")
    with SpoolRecorder(server, tmp_path, "movies", heard) as first:
        _one_trial(first, make_trial, 0)
        _one_trial(first, make_trial, 1)
    server.fails = lambda method: None
    server.runs["movies", 0] = "made"  # in the last moment before the end
    with SpoolRecorder(server, tmp_path, "movies", heard) as second:
        assert second.take_over(second.left(), lambda told: True) == 6
        _one_trial(second, make_trial, 2)
        assert _settled(second)
    assert server.calls[0] == ("complete", "made")  # what it may lack
    numbers = [what for method, what in server.calls if method == "start_trial"]
    ends = [what for method, what in server.calls if method == "finish_trial"]
    assert numbers == [1, 2]  # the run of trial 0 was there
    assert ends == [("made", 0.5), ("run1", 0.5), ("run2", 0.5)]
    assert heard.runs == [(0, "made"), (1, "run1"), (2, "run2")]
    assert known_boxes(tmp_path / "spool") == []


def test_an_end_that_was_not_told_is_no_end(
    spool: SpoolRecorder, server: Server, make_trial: Make
) -> None:
    run = spool.start_trial(make_trial(0))

    def tell() -> None:
        raise OSError("the other store is full")

    with pytest.raises(OSError, match="the other store"):
        spool.finish_trial(make_trial(0, 0.5, run_id=run), folder=None, tell=tell)
    assert _settled(spool)
    assert [method for method, _ in server.calls] == ["start_trial"]


def test_the_end_lies_on_disk_before_it_is_told(
    spool: SpoolRecorder, make_trial: Make, tmp_path: Path
) -> None:
    seen: list[str] = []

    def tell() -> None:
        seen.extend(path.name for path in (tmp_path / "spool").glob("*/entries/*pending"))

    run = spool.start_trial(make_trial(0))
    spool.finish_trial(make_trial(0, 0.5, run_id=run), folder=None, tell=tell)
    assert seen == ["00000002-finish_trial.pending"]


def test_a_damaged_entry_is_put_aside_and_its_trial_is_still_ended(
    server: Server, heard: Heard, make_trial: Make, tmp_path: Path
) -> None:
    server.fails = lambda method: ConnectionError("away")
    with SpoolRecorder(server, tmp_path, "movies", heard) as first:
        _one_trial(first, make_trial, 0)
    (start,) = (tmp_path / "spool").glob("*/entries/*start_trial/entry.json")
    start.write_text("{")
    server.fails = lambda method: None
    with SpoolRecorder(server, tmp_path, "movies", heard) as second:
        second.take_over(second.left(), lambda told: True)
        assert _settled(second)
    assert server.calls[0] == ("start_trial", 0)  # made of what its end says
    assert server.calls[-1] == ("finish_trial", ("run0", 0.5))


def test_waiting_for_the_record_can_be_given_up(
    spool: SpoolRecorder, server: Server, make_trial: Make
) -> None:
    server.fails = lambda method: ConnectionError("away")
    spool.start_trial(make_trial(0))
    asked = iter([False, False, True])
    assert not spool.delivery.flush(lambda: next(asked))


def test_what_has_to_be_made_first_is_tried_until_it_is_there(
    server: Server, make_trial: Make, tmp_path: Path
) -> None:
    tries = iter([ConnectionError("not yet"), None])
    calls_before: list[int] = []

    def prepare() -> None:
        calls_before.append(len(server.calls))
        if error := next(tries):
            raise error

    with SpoolRecorder(server, tmp_path, "movies", prepare=prepare) as spool:
        assert calls_before == []  # nothing to deliver, nothing to make
        _one_trial(spool, make_trial, 0)
        assert _settled(spool)
    assert calls_before == [0, 0]
    assert len(server.calls) == 3


def test_other_work_is_done_in_its_turn_and_what_it_raises_holds_nothing_up(
    spool: SpoolRecorder, server: Server, make_trial: Make
) -> None:
    seen: list[int] = []

    def work() -> None:
        seen.append(len(server.calls))
        raise ValueError

    _one_trial(spool, make_trial, 0)
    spool.delivery.add_work(work)
    _one_trial(spool, make_trial, 1)
    assert _settled(spool)
    assert seen == [3]
    assert len(server.calls) == 6


class Making:
    """Makes models of weights, once it can."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.can = True

    def __call__(self, folder: Path, name: str) -> bool:
        if not self.can:
            raise InterruptedError
        (folder / "layers.txt").write_text("the layers")
        self.made.append((folder / name / "weights").read_text())
        return self.made[-1] != "damaged"


@pytest.fixture
def making() -> Making:
    return Making()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "trained"
    path.mkdir()
    (path / "weights").write_text("weights")
    return path


def _with_weights(spool: SpoolRecorder, make_trial: Make, number: int, weights: Path) -> None:
    done = make_trial(number, 0.5, run_id=spool.start_trial(make_trial(number)))
    spool.finish_trial(done, folder=None, models=[ModelFolder(path=weights, is_raw=True)])


def test_a_model_is_made_of_its_weights_behind_the_trial(
    server: Server, making: Making, make_trial: Make, weights: Path, tmp_path: Path
) -> None:
    with SpoolRecorder(server, tmp_path, "movies", maker=making) as spool:
        _with_weights(spool, make_trial, 0, weights)
        assert _settled(spool)
    ((name, is_raw, path),) = server.models
    assert (making.made, name, is_raw, path.name) == (["weights"], "model", False, "model")
    assert server.files == ["layers.txt"]


def test_weights_of_which_no_model_can_be_made_end_the_trial_without_one(
    server: Server, making: Making, make_trial: Make, weights: Path, tmp_path: Path
) -> None:
    (weights / "weights").write_text("damaged")
    with SpoolRecorder(server, tmp_path, "movies", maker=making) as spool:
        _with_weights(spool, make_trial, 0, weights)
        assert _settled(spool)
    assert server.calls[-1] == ("finish_trial", ("run0", 0.5))
    assert server.models == []


def test_weights_that_a_process_left_become_a_model_in_the_next(
    server: Server, making: Making, make_trial: Make, weights: Path, tmp_path: Path
) -> None:
    making.can = False
    with SpoolRecorder(server, tmp_path, "movies", maker=making) as first:
        _with_weights(first, make_trial, 0, weights)
        assert not first.delivery.flush(iter([False, True]).__next__)
    making.can = True
    with SpoolRecorder(server, tmp_path, "movies", maker=making) as second:
        second.take_over(second.left(), lambda told: True)
        assert _settled(second)
    assert making.made == ["weights"]
    assert [each[0] for each in server.models] == ["model"]


@pytest.mark.parametrize("can_be_made", [True, False])
def test_a_model_goes_only_once_the_one_that_replaces_it_is_there(
    server: Server,
    making: Making,
    make_trial: Make,
    weights: Path,
    tmp_path: Path,
    can_be_made: bool,
) -> None:
    if not can_be_made:
        (weights / "weights").write_text("damaged")
    with SpoolRecorder(server, tmp_path, "movies", maker=making) as spool:
        _one_trial(spool, make_trial, 0)
        done = make_trial(1, 0.4, run_id=spool.start_trial(make_trial(1)))
        models = [ModelFolder(path=weights, is_raw=True)]
        spool.finish_trial(done, folder=None, models=models, replaces="movies#0")
        assert _settled(spool)
    dropped = [what for method, what in server.calls if method == "drop_model"]
    assert dropped == (["run0"] if can_be_made else [])


def test_an_end_of_which_nobody_knows_whether_it_was_told_is_kept_for_the_next_to_ask(
    server: Server, make_trial: Make, tmp_path: Path
) -> None:
    def told_and_then_stopped() -> None:
        raise KeyboardInterrupt

    with SpoolRecorder(server, tmp_path, "movies") as first:
        run = first.start_trial(make_trial(0))
        with pytest.raises(KeyboardInterrupt):
            first.finish_trial(
                make_trial(0, 0.5, run_id=run), folder=None, tell=told_and_then_stopped
            )
        assert _settled(first)
    assert [method for method, _ in server.calls] == ["start_trial"]
    with SpoolRecorder(server, tmp_path, "movies") as second:
        asked: list[str] = []
        second.take_over(second.left(), lambda told: not asked.append(told.state))
        assert _settled(second)
    assert asked == ["complete"]
    assert server.calls[-1] == ("finish_trial", ("run0", 0.5))


def test_an_entry_whose_folder_is_gone_holds_nothing_up(
    spool: SpoolRecorder, server: Server, make_trial: Make, tmp_path: Path
) -> None:
    server.fails = lambda method: ConnectionError("away")
    spool.start_trial(make_trial(0))
    _one_trial(spool, make_trial, 1)
    for path in (tmp_path / "spool").glob("*/entries/00000001-*"):
        shutil.rmtree(path)
    server.fails = lambda method: None
    assert _settled(spool)
    assert [what for method, what in server.calls if method == "start_trial"] == [1]


def test_who_waits_does_not_wait_for_a_long_pause(
    spool: SpoolRecorder, server: Server, make_trial: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracking.spool.delivery._FIRST_PAUSE_S", 600.0)
    monkeypatch.setattr("tracking.spool.delivery._LONGEST_PAUSE_S", 600.0)
    monkeypatch.setattr("tracking.spool.delivery._FLUSHING_PAUSE_S", 0.01)
    failed = threading.Event()

    def away(method: str) -> Exception | None:
        if failed.is_set():
            return None
        failed.set()
        return ConnectionError("away")

    server.fails = away
    _one_trial(spool, make_trial, 0)
    assert failed.wait(20)
    assert _settled(spool)
