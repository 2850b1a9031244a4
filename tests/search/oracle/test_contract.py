"""What a tuner may expect of its oracle, asked of Keras Tuner's own oracles and of ours alike."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any, ClassVar

import grpc
import keras
import keras_tuner
import numpy as np
import pytest
import tuned
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer
from keras_tuner.src.distribute.oracle_client import OracleClient
from oracle_kinds import KINDS, MORE_KINDS, Oracles, Trains

# Keras Tuner 1.4 itself asks threads for their names in the way of old, and saves weights so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:currentThread:DeprecationWarning",
    "ignore:getName:DeprecationWarning",
    "ignore:__array__ implementation:DeprecationWarning",
    "ignore:.*lbfgs failed to converge",
    "ignore:.*close to the specified lower bound",
    "ignore:.*close to the specified upper bound",
)


_OURS = [kind for kind in [*KINDS, *MORE_KINDS] if kind.startswith("ours")]


def _space(*declare: Any) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    for each in declare:
        each(hp)
    return hp


def _six(hp: keras_tuner.HyperParameters) -> float:
    return hp.Choice("letter", ["a", "b", "c"]) + str(hp.Boolean("flag"))


def _number(trial: Any) -> float:
    return trial.hyperparameters.Float("x", 0.0, 1.0)


# How many trials, and which.


def test_a_search_has_as_many_trials_as_asked_for(oracles: Oracles, tmp_path: Path) -> None:
    tuner = Trains(oracles(max_trials=4, hyperparameters=_space(_x)), _number, tmp_path)
    assert tuner.remaining_trials == 4
    tuner.search(verbose=0)
    trials = tuner.oracle.trials
    assert list(trials) == tuner.oracle.start_order == tuner.oracle.end_order == list("0123")
    assert {trial.status for trial in trials.values()} == {"COMPLETED"}
    assert [t.score for t in trials.values()] == [values["x"] for values in tuner.trained()]
    assert tuner.remaining_trials == 0
    assert tuner.oracle.create_trial("tuner0").status == "STOPPED"


def _x(hp: keras_tuner.HyperParameters) -> float:
    return hp.Float("x", 0.0, 1.0)


@pytest.mark.parametrize("oracles", [*KINDS, *MORE_KINDS], indirect=True)
def test_a_tiny_space_ends_the_search_and_no_point_comes_twice(
    oracles: Oracles, tmp_path: Path
) -> None:
    tuner = Trains(oracles(max_trials=20, hyperparameters=_space(_six)), lambda t: 1.0, tmp_path)
    tuner.search(verbose=0)
    points = {str(sorted(values.items())) for values in tuner.trained()}
    assert len(points) == len(tuner.trained())
    if oracles.tries_all:
        assert len(points) == 6
    assert tuner.oracle.create_trial("tuner0").status == "STOPPED"


def test_without_a_target_the_search_ends_with_the_space(oracles: Oracles, tmp_path: Path) -> None:
    tuner = Trains(oracles(max_trials=None, hyperparameters=_space(_six)), lambda t: 1.0, tmp_path)
    assert tuner.remaining_trials is None
    tuner.search(verbose=0)
    assert len(tuner.trained()) == 6 or not oracles.tries_all
    assert tuner.oracle.start_order[0] == "0000"


@pytest.mark.parametrize("oracles", [*KINDS, *MORE_KINDS], indirect=True)
def test_a_space_without_parameters_is_one_point(oracles: Oracles, tmp_path: Path) -> None:
    tuner = Trains(oracles(max_trials=5), lambda t: 1.0, tmp_path)
    tuner.search(verbose=0)
    assert tuner.trained() == [{}]


def test_two_workers_get_two_points(oracles: Oracles, tmp_path: Path) -> None:
    oracle = oracles(max_trials=10, hyperparameters=_space(_six))
    Trains(oracle, _number, tmp_path)
    one, other = oracle.create_trial("one"), oracle.create_trial("other")
    assert one.hyperparameters.values != other.hyperparameters.values
    assert oracle.create_trial("one") is one
    assert set(oracle.ongoing_trials) == {"one", "other"}


def test_a_seed_is_a_number_or_drawn(oracles: Oracles, tmp_path: Path) -> None:
    oracle = oracles(max_trials=1, seed=None, hyperparameters=_space(_x))
    assert 1 <= oracle.seed <= 10_000
    Trains(oracle, _number, tmp_path).search(verbose=0)
    assert len(oracle.trials) == 1


# Parameters that are found on the way.


@pytest.mark.parametrize("oracles", [*KINDS, *MORE_KINDS], indirect=True)
def test_a_parameter_that_a_training_declares_is_searched(oracles: Oracles, tmp_path: Path) -> None:
    def run(trial: Any) -> float:
        return float(trial.hyperparameters.Int("n", 1, 4, default=2))

    tuner = Trains(oracles(max_trials=9), run, tmp_path)
    tuner.search(verbose=0)
    found = [values["n"] for values in tuner.trained()]
    assert found[0] == 2  # the one that finds it has its default
    assert [hp.name for hp in tuner.oracle.get_space().space] == ["n"]
    if oracles.tries_all:
        assert sorted(found) == [1, 2, 3, 4]


class _Late(keras_tuner.HyperModel):
    """A parameter in `build`, one behind an `if`, one in `fit`."""

    def build(self, hp: Any) -> Any:
        if hp.Int("layers", 1, 2) > 1:
            hp.Boolean("wide")
        return "a model"

    def fit(self, hp: Any, model: Any, **options: Any) -> float:
        return float(hp.Choice("batch", [8, 16]))


def test_parameters_of_build_and_fit_are_searched(oracles: Oracles, tmp_path: Path) -> None:
    model = _Late()

    def run(trial: Any) -> float:
        hp = trial.hyperparameters
        return model.fit(hp, model.build(hp))

    tuner = Trains(oracles(max_trials=12), run, tmp_path, hypermodel=model)
    tuner.search(verbose=0)
    points = [tuple(sorted(values.items())) for values in tuner.trained()]
    if oracles.tries_all:
        assert {dict(point).get("layers") for point in points} == {1, 2}
        assert {dict(point).get("batch") for point in points} == {8, 16}
        assert {dict(point).get("wide") for point in points} >= {False, True}
        assert len(points) == len(set(points))


def _conditional(hp: keras_tuner.HyperParameters) -> None:
    kind = hp.Choice("kind", ["line", "layer"])
    with hp.conditional_scope("kind", ["layer"]):
        units = hp.Int("units", 1, 3)
        assert (units is None) == (kind == "line")


@pytest.mark.parametrize("oracles", [*KINDS, *MORE_KINDS], indirect=True)
def test_a_conditional_parameter_is_there_with_its_parent_alone(
    oracles: Oracles, tmp_path: Path
) -> None:
    def run(trial: Any) -> float:
        _conditional(trial.hyperparameters)
        return 1.0

    tuner = Trains(oracles(max_trials=9, hyperparameters=_space(_conditional)), run, tmp_path)
    tuner.search(verbose=0)
    for values in tuner.trained():
        assert ("units" in values) == (values["kind"] == "layer")
    if oracles.tries_all:
        assert len(tuner.trained()) == 1 + 3


def _apart(hp: keras_tuner.HyperParameters) -> None:
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Choice("units", [1, 2])
    with hp.conditional_scope("kind", ["b"]):
        hp.Choice("units", [2, 3, 4])


@pytest.mark.parametrize("oracles", _OURS, indirect=True)
def test_one_name_under_two_conditions_has_the_choices_of_each(
    oracles: Oracles, tmp_path: Path
) -> None:
    """Keras Tuner's own oracles drop the value of such a name, and its trials fail."""

    def run(trial: Any) -> float:
        _apart(trial.hyperparameters)
        return 1.0

    tuner = Trains(oracles(max_trials=9), run, tmp_path)
    tuner.search(verbose=0)
    points = sorted((values["kind"], values["units"]) for values in tuner.trained())
    assert points == [("a", 1), ("a", 2), ("b", 2), ("b", 3), ("b", 4)]
    assert {trial.status for trial in tuner.oracle.trials.values()} == {"COMPLETED"}


def test_every_sampling_is_served(oracles: Oracles, tmp_path: Path) -> None:
    def run(trial: Any) -> float:
        return trial.hyperparameters.get("late") + trial.hyperparameters.get("layers")

    space = _space(
        lambda hp: hp.Float("late", 1.0, 8.0, sampling="reverse_log"),
        lambda hp: hp.Int("layers", 1, 8, sampling="reverse_log"),
        lambda hp: hp.Int("powers", 1, 8, step=2, sampling="log"),
        lambda hp: hp.Float("rate", 1e-3, 1e-1, sampling="log"),
        lambda hp: hp.Float("share", 0.0, 1.0, step=0.25),
    )
    tuner = Trains(oracles(max_trials=5, hyperparameters=space), run, tmp_path)
    tuner.search(verbose=0)
    for values in tuner.trained():
        assert 1.0 <= values["late"] <= 8.0
        assert 1 <= values["layers"] <= 8
        assert values["powers"] in (1, 2, 4, 8)
        assert values["share"] in (0.0, 0.25, 0.5, 0.75, 1.0)
    assert len({_text(values) for values in tuner.trained()}) == 5


def test_new_parameters_have_their_defaults_where_the_space_is_given(
    oracles: Oracles, tmp_path: Path
) -> None:
    def run(trial: Any) -> float:
        hp = trial.hyperparameters
        assert hp.Int("n", 1, 100, default=50) == 50
        return hp.Choice("rate", [0.1, 0.2, 0.3])

    space = _space(lambda hp: hp.Choice("rate", [0.2, 0.3]))
    oracle = oracles(max_trials=9, hyperparameters=space, tune_new_entries=False)
    tuner = Trains(oracle, run, tmp_path)
    tuner.search(verbose=0)
    assert {values["rate"] for values in tuner.trained()} <= {0.2, 0.3}
    assert [hp.name for hp in oracle.get_space().space] == ["rate"]


def test_new_parameters_are_refused_where_the_space_is_closed(
    oracles: Oracles, tmp_path: Path
) -> None:
    oracle = oracles(max_trials=2, hyperparameters=_space(_six), allow_new_entries=False)
    with pytest.raises(RuntimeError, match="`allow_new_entries` is `False`"):
        Trains(oracle, _number, tmp_path).search(verbose=0)


def test_a_fixed_value_replaces_a_parameter_of_the_model(oracles: Oracles, tmp_path: Path) -> None:
    space = _space(lambda hp: hp.Fixed("x", 0.25), _six)
    tuner = Trains(oracles(max_trials=3, hyperparameters=space), _number, tmp_path)
    tuner.search(verbose=0)
    assert {trial.score for trial in tuner.oracle.trials.values()} == {0.25}


# Failures.


def test_a_failed_trial_is_tried_again_as_often_as_asked_for(
    oracles: Oracles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Any] = []

    def run(trial: Any) -> float:
        seen.append(dict(trial.hyperparameters.values))
        if len(seen) % 3:
            raise ValueError("told to fail")
        return 1.0

    oracle = oracles(max_trials=2, hyperparameters=_space(_x), max_retries_per_trial=2)
    Trains(oracle, run, tmp_path).search(verbose=0)
    assert [trial.status for trial in oracle.trials.values()] == ["COMPLETED"] * 2
    assert seen[0] == seen[1] == seen[2] != seen[3] == seen[4] == seen[5]
    assert "Trial 0 failed 1 times. 2 retries left." in capsys.readouterr().out


def test_a_trial_whose_retries_fail_is_failed(oracles: Oracles, tmp_path: Path) -> None:
    def run(trial: Any) -> float:
        if trial.trial_id == "0":
            raise ValueError("told to fail")
        return 1.0

    oracle = oracles(max_trials=2, hyperparameters=_space(_x), max_retries_per_trial=1)
    Trains(oracle, run, tmp_path).search(verbose=0)
    assert [trial.status for trial in oracle.trials.values()] == ["FAILED", "COMPLETED"]
    assert "ValueError: told to fail" in oracle.trials["0"].message
    assert [trial.trial_id for trial in oracle.get_best_trials(1)] == ["1"]


def test_a_trial_that_says_it_failed_is_not_tried_again(oracles: Oracles, tmp_path: Path) -> None:
    runs = []

    def run(trial: Any) -> float:
        runs.append(trial.trial_id)
        raise keras_tuner.errors.FailedTrialError("too slow")

    oracle = oracles(max_trials=2, hyperparameters=_space(_x), max_retries_per_trial=5)
    Trains(oracle, run, tmp_path).search(verbose=0)
    assert runs == ["0", "1"]
    assert {trial.status for trial in oracle.trials.values()} == {"FAILED"}


@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")
def test_a_value_that_is_no_number_fails_its_trial(oracles: Oracles, tmp_path: Path) -> None:
    oracle = oracles(max_trials=1, hyperparameters=_space(_x))
    Trains(oracle, lambda trial: float("nan"), tmp_path).search(verbose=0)
    assert oracle.trials["0"].status == "FAILED"


def test_many_failures_in_a_row_end_the_search(oracles: Oracles, tmp_path: Path) -> None:
    def run(trial: Any) -> float:
        if trial.trial_id == "1":
            return 1.0
        raise ValueError("told to fail")

    oracle = oracles(max_trials=9, hyperparameters=_space(_x), max_consecutive_failed_trials=2)
    with pytest.raises(RuntimeError, match=r"exceeded the limit of 2(.|\n)*told to fail"):
        Trains(oracle, run, tmp_path).search(verbose=0)
    assert list(oracle.trials) == list("0123")


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        (keras_tuner.errors.FatalValueError("stop"), ValueError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else "",
)
def test_a_fatal_error_is_raised_again(
    oracles: Oracles, tmp_path: Path, raised: BaseException, caught: type[BaseException]
) -> None:
    def run(trial: Any) -> float:
        raise raised

    oracle = oracles(max_trials=2, hyperparameters=_space(_x))
    with pytest.raises(caught) as told:
        Trains(oracle, run, tmp_path).search(verbose=0)
    assert told.value is raised


def test_a_training_that_returns_nothing_is_a_fatal_error(oracles: Oracles, tmp_path: Path) -> None:
    oracle = oracles(max_trials=2, hyperparameters=_space(_x))
    with pytest.raises(TypeError, match="Did you forget to return the metrics"):
        Trains(oracle, lambda trial: None, tmp_path).search(verbose=0)


# What a training returns, and the best.


@pytest.mark.parametrize("oracles", ["theirs-random", "ours-random"], indirect=True)
@pytest.mark.parametrize(
    ("returned", "score"),
    [
        (0.5, 0.5),
        (np.float32(0.5), 0.5),
        ({"loss": 0.25, "other": 9.0}, 0.25),
        ([0.5, 1.5], 1.0),
        ([{"loss": 1.0, "other": 1.0}, {"loss": 3.0, "other": 1.0}], 2.0),
    ],
    ids=["number", "numpy", "dict", "numbers", "dicts"],
)
def test_what_a_training_returns_is_its_score(
    oracles: Oracles, tmp_path: Path, returned: Any, score: float
) -> None:
    oracle = oracles(max_trials=1, hyperparameters=_space(_x))
    Trains(oracle, lambda trial: returned, tmp_path).search(verbose=0)
    assert oracle.trials["0"].score == score


def test_the_best_is_what_the_objective_says(oracles: Oracles, tmp_path: Path) -> None:
    objective = keras_tuner.Objective("score", "max")
    oracle = oracles(objective, max_trials=4, hyperparameters=_space(_x))
    tuner = Trains(oracle, _number, tmp_path)
    tuner.search(verbose=0)
    scores = [trial.score for trial in oracle.get_best_trials(4)]
    assert scores == sorted(scores, reverse=True)
    assert tuner.get_best_hyperparameters()[0].values["x"] == scores[0]


def test_a_report_without_the_objective_is_refused(oracles: Oracles, tmp_path: Path) -> None:
    oracle = oracles(max_trials=1, hyperparameters=_space(_x))
    Trains(oracle, _number, tmp_path)
    trial = oracle.create_trial("tuner0")
    with pytest.raises(ValueError, match="Objective value missing"):
        oracle.update_trial(trial.trial_id, {"other": 1.0})


def test_a_trial_may_be_ended_by_its_name(oracles: Oracles, tmp_path: Path) -> None:
    oracle = oracles(max_trials=1, hyperparameters=_space(_x))
    Trains(oracle, _number, tmp_path)
    trial = oracle.create_trial("tuner0")
    oracle.update_trial(trial.trial_id, {"loss": 0.5})
    oracle.end_trial(trial.trial_id, "COMPLETED")
    assert (oracle.trials["0"].status, oracle.trials["0"].score) == ("COMPLETED", 0.5)
    assert oracle.ongoing_trials == {}


# Again in the same project folder.


def test_a_search_goes_on_in_its_project_folder(oracles: Oracles, tmp_path: Path) -> None:
    if not oracles.goes_on:
        pytest.skip("Keras Tuner's grid search cannot go on")
    Trains(oracles(max_trials=2), _number, tmp_path).search(verbose=0)
    again = Trains(oracles(max_trials=4), _number, tmp_path)
    assert again.remaining_trials == 2
    assert list(again.oracle.trials) == ["0", "1"] or set(again.oracle.trials) == {"0", "1"}
    again.search(verbose=0)
    assert sorted(again.oracle.trials) == list("0123")
    assert again.oracle.start_order == list("0123")
    found = [values["x"] for values in again.trained()]
    assert found[0] == 0.0  # the default, once: the parameter is known now
    assert len(set(found)) == 4


def test_a_trial_that_was_cut_short_is_trained_again_under_its_name(
    oracles: Oracles, tmp_path: Path
) -> None:
    if not oracles.goes_on:
        pytest.skip("Keras Tuner's grid search cannot go on")
    begun: list[tuple[str, float]] = []

    def run(trial: Any) -> float:
        begun.append((trial.trial_id, trial.hyperparameters.get("x")))
        if len(begun) == 2:
            raise KeyboardInterrupt
        return 1.0

    options = {"max_trials": 3, "hyperparameters": _space(_x)}
    with pytest.raises(KeyboardInterrupt):
        Trains(oracles(**options), run, tmp_path).search(verbose=0)
    again = Trains(oracles(**options), run, tmp_path)
    again.search(verbose=0)
    assert [name for name, _ in begun] == ["0", "1", "1", "2"]
    assert begun[1] == begun[2]
    assert len({value for _, value in begun}) == 3


def test_a_new_search_of_the_same_tuner_goes_on(oracles: Oracles, tmp_path: Path) -> None:
    tuner = Trains(oracles(max_trials=2, hyperparameters=_space(_x)), _number, tmp_path)
    tuner.search(verbose=0)
    tuner.oracle.max_trials = 3
    tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 3


# A chief and its clients.


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def served(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Serves an oracle as a chief does, and gives its clients' end."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(port))

    def serve(oracle: keras_tuner.Oracle) -> None:
        protos.get_service_grpc().add_OracleServicer_to_server(OracleServicer(oracle), server)
        server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()

    yield serve
    server.stop(None).wait()


def test_clients_are_given_trials_by_their_chief(
    oracles: Oracles, tmp_path: Path, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    chief = oracles(max_trials=5)
    chief._set_project_dir(tmp_path, "chief")
    served(chief)
    clients = []
    for name in ("client0", "client1"):
        monkeypatch.setenv("KERASTUNER_TUNER_ID", name)
        client = Trains(oracles(max_trials=5), _letters, tmp_path / name)
        assert isinstance(client.oracle, OracleClient)
        clients.append(client)
    _side_by_side(clients)
    assert [trial.status for trial in chief.trials.values()] == ["COMPLETED"] * 5
    assert len({str(t.hyperparameters.values) for t in chief.trials.values()}) == 5
    for trial in chief.trials.values():
        assert trial.score == pytest.approx(trial.hyperparameters.values["x"])
    assert [t.score for t in clients[0].oracle.get_best_trials(1)] == pytest.approx(
        [min(trial.score for trial in chief.trials.values())]
    )
    assert not chief.ongoing_trials
    assert not chief.tuner_ids


def _letters(trial: Any) -> float:
    hp = trial.hyperparameters
    hp.Choice("kind", ["a", "b"])  # Keras Tuner sends parents after such children
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("units", 1, 9)
    return hp.Float("x", 0.0, 1.0)


def _side_by_side(clients: list[Trains]) -> None:
    """Train with all clients in turn, each with a trial under way, until all are stopped."""
    going = list(clients)
    while going:
        begun = [(client, client.oracle.create_trial(client.tuner_id)) for client in going]
        going = [client for client, trial in begun if trial.status != "STOPPED"]
        for client, trial in begun:
            if trial.status == "RUNNING":
                client._try_run_and_update_trial(trial)
                client.on_trial_end(trial)


# Keras Tuner's own tuner: several trainings a trial, callbacks, what it prints.


class _Counts(keras.callbacks.Callback):
    """Counts its epochs; each training must have a copy of its own."""

    counted: ClassVar[list[int]] = []

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs += 1

    def on_train_end(self, logs: Any = None) -> None:
        self.counted.append(self.epochs)


_SLOW = pytest.param("theirs-random", marks=pytest.mark.slow)


@pytest.mark.parametrize("oracles", [_SLOW, "ours-random"], indirect=True)
def test_each_training_of_a_trial_has_its_own_callbacks(oracles: Oracles, tmp_path: Path) -> None:
    _Counts.counted.clear()
    tuner = keras_tuner.Tuner(
        oracles("val_loss", max_trials=1),
        hypermodel=tuned.build,
        directory=tmp_path,
        executions_per_trial=2,
    )
    given = _Counts()
    tuner.search(tuned.X, tuned.Y, epochs=2, validation_split=0.25, verbose=0, callbacks=[given])
    assert _Counts.counted == [2, 2]
    assert given.epochs == 0
    assert len(tuner.oracle.trials) == 1


@pytest.mark.parametrize("oracles", [_SLOW, "ours-random"], indirect=True)
def test_a_callback_that_cannot_be_copied_is_a_fatal_error(
    oracles: Oracles, tmp_path: Path
) -> None:
    class Uncopied(keras.callbacks.Callback):
        def __deepcopy__(self, memo: Any) -> Any:
            raise NotImplementedError

    tuner = keras_tuner.Tuner(
        oracles("val_loss", max_trials=2), hypermodel=tuned.build, directory=tmp_path
    )
    with pytest.raises(keras_tuner.errors.FatalValueError, match="deep-copyable"):
        tuner.search(tuned.X, tuned.Y, callbacks=[Uncopied()], verbose=0)


def test_a_tuner_prints_the_same(
    tmp_path: Path, in_memory: None, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for kind in ("theirs-grid", "ours-grid"):
        oracle = Oracles(kind, tmp_path)(max_trials=3, hyperparameters=_space(_six))
        tuner = Trains(oracle, _is_a, tmp_path / kind)
        tuner.search_space_summary()
        tuner.search()
        tuner.results_summary()
        out = re.sub(r"\d\dh \d\dm \d\ds", "TIME", capsys.readouterr().out)
        printed.append(out.replace(str(tmp_path / kind), "FOLDER"))
    theirs, ours = printed
    assert ours == theirs
    for part in (
        "Default search space size: 2",
        "Search: Running Trial #3",
        "b                 |a                 |letter",
        "Trial 3 Complete [TIME]",
        "Best loss So Far: 0.0",
        "Results in FOLDER",
        "Trial 2 summary",
    ):
        assert part in ours


def _is_a(trial: Any) -> float:
    if trial.hyperparameters.get("letter") == "a":
        return 0.0
    raise ValueError("told to fail")


# The grid.


def _mixed(hp: keras_tuner.HyperParameters) -> None:
    hp.Choice("kind", ["a", "b"], default="b")
    with hp.conditional_scope("kind", ["a"]):
        hp.Int("units", 8, 32, step=2, sampling="log", default=16)
    with hp.conditional_scope("kind", ["b"]):
        hp.Float("rate", 0.0, 1.0)
    hp.Boolean("flag")


def _late(trial: Any) -> float:
    if trial.hyperparameters.get("kind") == "a":
        trial.hyperparameters.Int("late", 0, 3, step=2)
    return 1.0


def test_the_grid_is_keras_tuners_in_its_order(tmp_path: Path, in_memory: None) -> None:
    """11 x 2 points of one kind, ten real numbers and the default; 3 x 2 x 2 of the other."""
    tried = []
    for kind in ("theirs-grid", "ours-grid"):
        oracle = Oracles(kind, tmp_path)(hyperparameters=_space(_mixed), max_trials=None)
        tuner = Trains(oracle, _late, tmp_path / kind)
        tuner.search(verbose=0)
        tried.append(tuner.trained())
    theirs, ours = ([{_text(values) for values in each}, each] for each in tried)
    assert len(ours[0]) == len(ours[1]) == 22 + 12
    assert ours[0] == theirs[0]
    assert [_text(v) for v in ours[1][:6]] == [_text(v) for v in theirs[1][:6]]


def _text(values: dict[str, Any]) -> str:
    """Values as a text; Keras Tuner's grid makes real numbers of whole ones."""
    return str(
        sorted((n, v if isinstance(v, str) else round(float(v), 9)) for n, v in values.items())
    )
