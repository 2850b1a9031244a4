"""A user's own model in the child: what it declares, what its `fit` returned, what is kept."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from quickly import cases

from search.child.allotment import Allotment
from search.child.hypermodel import HyperModelRunner, open_hypermodel
from search.child.messages import Done, Task
from search.child.reporter import Stopped
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space.distributions import optuna_name
from search.space.hypermodel import discover, load_hypermodel, parameters
from search.space.parameters import Parameter
from tracking import Scalar

pytestmark = pytest.mark.filterwarnings(  # Keras' own
    "ignore:__array__ implementation:DeprecationWarning",
    "ignore:.shuffle=True. was passed:UserWarning",
    "ignore:.*run_functions_eagerly:UserWarning",
)
SUPPORT = Path(__file__).parents[2] / "support"
Choose = Callable[[Parameter], Scalar]


@pytest.fixture(autouse=True)
def shapes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(SUPPORT))
    import shapes

    tf.config.run_functions_eagerly(True)  # to trace a function takes longer than to train here
    yield shapes
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session()


class Study:
    """What a child's reporter is to it: it answers questions, and keeps what it is told."""

    seconds, beyond, end_reason = 0.0, "", "pruned"

    def __init__(self, choose: Choose, last: int = 99) -> None:
        self.asked: list[Parameter] = []
        self.epochs: list[tuple[int, int, dict[str, float]]] = []
        self.was_built = 0
        self._choose, self._last, self._number = choose, last, 1

    def ask(self, parameter: Parameter) -> Scalar:
        self.asked.append(parameter)
        return self._choose(parameter)

    def built(self) -> None:
        self.was_built = len(self.asked)

    def begin(self, kind: str, number: int) -> None:
        assert kind == "training"
        self._number = number

    def within(self, epoch: int, share: float, seconds: float) -> bool:
        return True

    def __call__(self, epoch: int, seconds: float, metrics: Any) -> bool:
        self.epochs.append((self._number, epoch, dict(metrics)))
        return len(self.epochs) < self._last


def runner(name: str, **settings: Any) -> HyperModelRunner:
    given = {"objective": "val_loss:min", "trainer": "keras", **settings}
    return open_hypermodel(StudyConfig(model=f"shapes:{name}", **given))


def run(
    name: str,
    folder: Path,
    choose: Choose = lambda parameter: parameter.default,
    last: int = 99,
    **settings: Any,
) -> tuple[Done, Study]:
    """Run one trial, at its defaults unless told otherwise."""
    study = Study(choose, last)
    task = Task(
        values={},
        seed=1,
        epochs=settings.pop("epochs", 2),
        folder=folder,
        keep_model=settings.pop("keep", False),
    )
    done = runner(name, **settings).run(task, study)  # type: ignore[arg-type]
    return done, study


def kept(folder: Path, name: str = "model", *, compiled: bool = True) -> keras.Model:
    return keras.saving.load_model(folder / name / "model.keras", compile=compiled)


def greatest(parameter: Parameter) -> Scalar:
    return parameter.every_value()[-1]


# What is declared


@pytest.mark.parametrize(
    ("name", "before", "met"),
    [
        pytest.param(
            "a_function", ["units", "activation", "dropout", "lr"], [], marks=pytest.mark.slow
        ),
        ("a_loop", ["layers", "units_0"], ["units_1", "units_2"]),
        ("Scoped", ["kind", "units", "rate"], []),
        pytest.param("Declared", ["units"], [], marks=pytest.mark.slow),
        ("InFit", ["units"], ["batch_size", "shuffle"]),
        pytest.param(
            "Namesakes", ["kind", "units", "units [kind is large]"], [], marks=pytest.mark.slow
        ),
        pytest.param("not_tunable", [], [], marks=pytest.mark.slow),
    ],
)
def test_what_can_be_found_before_is_and_the_rest_is_asked_for_when_it_appears(
    name: str, before: list[str], met: list[str], tmp_path: Path
) -> None:
    space = runner(name).ready(Allotment(workers=1, threads=1)).space
    assert [optuna_name(p).removesuffix(" (exponent)") for p in space] == before
    _, study = run(name, tmp_path, greatest, epochs=1)
    known = {(p.name, p.conditions) for p in space}
    assert [p.name for p in study.asked if (p.name, p.conditions) not in known] == met
    assert study.was_built == len(study.asked) - (2 if name == "InFit" else 0)


def test_a_scope_that_stays_closed_is_tried_once(shapes: Any) -> None:
    builds = []

    def build(hp: keras_tuner.HyperParameters) -> Any:
        builds.append(dict(hp.values))
        hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["never"]):
            hp.Int("x", 1, 2)
        return shapes._dense()

    shapes.stubborn = build
    hp = discover(load_hypermodel("shapes:stubborn"))
    assert [p.name for p in parameters(hp)] == ["kind", "x"]
    assert [values.get("kind") for values in builds] == [None, "never"]


def test_a_parameter_with_a_known_value_is_not_asked_for(tmp_path: Path) -> None:
    study = Study(greatest)
    task = Task(values={"layers": 2, "units_0": 5}, seed=1, epochs=1, folder=tmp_path)
    done = runner("a_loop").run(task, study)  # type: ignore[arg-type]
    assert [p.name for p in study.asked] == ["units_1"]
    assert done.metrics["parameters"] == (4 * 5 + 5) + (5 * 8 + 8) + (8 + 1)


# What `fit` returned


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("tensor", 0.75, marks=pytest.mark.slow),
        ("dictionary", 123.0),
        ("several", (1.0 + 3.0 + 2.0) / 3),
    ],
)
def test_a_returned_value_is_the_trials_and_a_difference_from_the_model_is_told(
    name: str, expected: float, tmp_path: Path, shapes: Any
) -> None:
    done, study = run(name, tmp_path, keep=True)
    assert done.value == done.metrics["best_val_loss"] == pytest.approx(expected)
    score = kept(tmp_path).evaluate(
        shapes.X[shapes.VALID], shapes.Y[shapes.VALID], verbose=0, return_dict=True
    )
    assert done.metrics["model_val_loss"] == pytest.approx(score["loss"])
    assert f"`fit` returned {expected:.6g}, but the kept model's own score is" in done.message
    assert [(number, epoch) for number, epoch, _ in study.epochs] == [(1, 1), (1, 2)]
    if name == "dictionary":
        assert done.metrics["val_more"] == 2.0


def test_what_is_no_finite_number_is_told(tmp_path: Path) -> None:
    done, _ = run("not_a_number", tmp_path)
    assert (done.end_reason, done.message) == ("nan", "`fit` returned no finite number")
    done, _ = run("with_gaps", tmp_path)
    assert (done.value, done.metrics["val_zero"]) == (1.5, 0.0)
    assert "left out, as no finite number: val_odd" in done.message


@pytest.mark.parametrize("name", cases(["Returns"], ["numpy"]))
def test_a_number_that_numpy_made_is_a_number(name: str, tmp_path: Path) -> None:
    done, study = run(name, tmp_path)
    values = [metrics["val_loss"] for _, _, metrics in study.epochs]
    assert done.value == pytest.approx(min(values) if name == "Returns" else np.mean(values))
    assert ("returned" in done.message) == (name == "numpy")


@pytest.mark.parametrize(
    "name",
    ["Overfits", *(pytest.param(n, marks=pytest.mark.slow) for n in ("history", "nothing"))],
)
def test_of_a_history_or_nothing_the_best_epoch_is_restored_and_scored_again(
    name: str, tmp_path: Path, shapes: Any
) -> None:
    done, study = run(name, tmp_path, keep=True, epochs=4)
    values = [metrics["val_loss"] for _, _, metrics in study.epochs]
    best = int(np.argmin(values))
    if name == "Overfits":
        assert best < 3  # else the test would show nothing
    score = kept(tmp_path).evaluate(shapes.X[shapes.VALID], shapes.Y[shapes.VALID], verbose=0)
    assert done.value == pytest.approx(score, rel=1e-6) == pytest.approx(min(values), rel=1e-5)
    assert done.metrics["best_epoch"] == best + 1
    assert done.metrics["epochs_run"] == 4
    assert done.message == ""


def test_the_user_goes_on_with_the_last_epochs_weights(tmp_path: Path, shapes: Any) -> None:
    """As after Keras' own `fit`: what is computed then is of the weights that the user has."""
    seen = {}

    class Looks(shapes.Overfits):
        def fit(self, hp: Any, model: Any, **options: Any) -> float:
            super().fit(hp, model, **options)
            seen["value"] = model.evaluate(
                shapes.X[shapes.VALID], shapes.Y[shapes.VALID], verbose=0
            )
            return seen["value"]

    shapes.Looks = Looks
    done, study = run("Looks", tmp_path, keep=True, epochs=4)
    assert done.value == seen["value"] == pytest.approx(study.epochs[-1][2]["val_loss"])
    score = kept(tmp_path).evaluate(shapes.X[shapes.VALID], shapes.Y[shapes.VALID], verbose=0)
    assert score == pytest.approx(done.value)  # one number: the last weights belong to it


@pytest.mark.parametrize("objective", ["accuracy:max", "loss:min"])
def test_a_metric_of_the_training_is_no_models_score(
    objective: str, tmp_path: Path, shapes: Any
) -> None:
    """Keras logs an average over the batches of an epoch; `fit` evaluates the last weights."""

    class Evaluates(keras_tuner.HyperModel):
        def build(self, hp: Any) -> keras.Model:
            hp.Fixed("units", 1)
            layers = [keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
            model = keras.Sequential(layers)
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(keras.optimizers.SGD(5.0), loss, metrics=["accuracy"])
            return model

        def fit(self, hp: Any, model: Any, **options: Any) -> Any:
            model.fit(shapes.X, shapes.LABELS, batch_size=12, **options)
            return model.evaluate(shapes.X, shapes.LABELS, verbose=0, return_dict=True)

    shapes.Evaluates = Evaluates
    name = objective.partition(":")[0]
    done, study = run("Evaluates", tmp_path, keep=True, epochs=3, objective=objective)
    logged = [metrics[name] for *_, metrics in study.epochs]
    best = int(np.argmax(logged) if name == "accuracy" else np.argmin(logged))
    assert best < 2  # else the test would show nothing
    score = kept(tmp_path).evaluate(shapes.X, shapes.LABELS, verbose=0, return_dict=True)
    assert done.value == pytest.approx(score[name])
    assert done.value not in logged
    assert f"model_{name}" not in done.metrics
    assert done.metrics["best_epoch"] == 3
    assert done.message == (
        "the kept model has the weights that `fit` left, and was not scored, since "
        f"`{name}` is of the training itself"
    )


def test_weights_that_a_callback_has_restored_have_their_own_score(
    tmp_path: Path, shapes: Any
) -> None:
    class Restores(shapes.Overfits):
        def fit(self, hp: Any, model: Any, callbacks: Any = (), **options: Any) -> float:
            stops = keras.callbacks.EarlyStopping(patience=9, restore_best_weights=True)
            history = super().fit(hp, model, [stops, *callbacks], **options).history
            return history["val_loss"][-1]  # it thinks that the model has the last epoch's weights

    shapes.Restores = Restores
    done, _ = run("Restores", tmp_path, keep=True, epochs=4)
    score = kept(tmp_path).evaluate(shapes.X[shapes.VALID], shapes.Y[shapes.VALID], verbose=0)
    assert done.metrics["model_val_loss"] == pytest.approx(score)
    assert f"the kept model's own score is {score:.6g}" in done.message


def test_of_several_trainings_each_has_its_curve_its_score_and_its_model(
    tmp_path: Path, shapes: Any
) -> None:
    done, study = run("Folds", tmp_path, keep=True)
    assert [(number, epoch) for number, epoch, _ in study.epochs] == [
        (1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2),
    ]  # fmt: skip
    scores = []
    for fold, name in enumerate(("model", "model_2", "model_3")):
        rows = np.arange(48) % 3 == fold
        x, y = shapes.X[rows], shapes.Y[rows] + 5.0 * fold
        scores.append(kept(tmp_path, name).evaluate(x, y, verbose=0))
        figure = done.metrics[f"training_{fold + 1}/best_val_loss"]
        assert figure == pytest.approx(scores[-1], rel=1e-5)
    assert done.value == pytest.approx(np.mean(scores), rel=1e-5)
    assert (done.models, done.parts) == (("model", "model_2", "model_3"), "training")


def _looping(shapes: Any, calls: str, name: str = "val_loss", *, best: bool = True) -> None:
    """A HyperModel whose loop reports four epochs, of which the second is the best."""

    class Loops(keras_tuner.HyperModel):
        def build(self, hp: Any) -> keras.Model:
            hp.Fixed("units", 1)
            return shapes._dense()

        def fit(self, hp: Any, model: Any, callbacks: Any = (), **options: Any) -> float:
            values = []
            for callback in callbacks if calls == "with set_model" else ():
                callback.set_model(model)
            for epoch, bias in enumerate([3.0, 1.0, 2.0, 4.0]):
                model.set_weights([np.zeros((4, 1)), np.array([bias])])
                values.append(float(np.mean((model(shapes.X) - bias) ** 2)) + bias)
                for callback in callbacks if calls else ():
                    callback.on_epoch_end(epoch, {name: values[-1]})
            return min(values) if best else values[-1]

    shapes.Loops = Loops


SINCE = "since its training is a loop of its own"
LEFT = f"the kept model has the weights that `fit` left, and was not scored, {SINCE}"
AGAIN = f"the kept model was not scored again, {SINCE}"


@pytest.mark.parametrize(
    ("calls", "name", "best", "bias", "note"),
    [
        ("", "val_loss", True, 4.0, LEFT),
        ("without set_model", "val_loss", True, 1.0, AGAIN),
        ("with set_model", "my_metric", True, 1.0, AGAIN),
        ("with set_model", "my_metric", False, 4.0, LEFT),
        ("with set_model", "val_loss", False, 4.0, LEFT),
    ],
)
def test_of_a_loop_of_the_users_own_the_weights_of_the_value_are_kept_and_no_score_is_claimed(
    calls: str, name: str, best: bool, bias: float, note: str, tmp_path: Path, shapes: Any
) -> None:
    _looping(shapes, calls, name, best=best)
    done, study = run("Loops", tmp_path, keep=True, objective=f"{name}:min")
    assert (done.value, len(study.epochs)) == (1.0 if best else 4.0, 4 if calls else 1)
    assert kept(tmp_path, compiled=False).get_weights()[1] == [bias]
    assert done.message == note
    assert f"model_{name}" not in done.metrics
    if calls:
        assert done.metrics["best_epoch"] == (2 if bias == 1.0 else 4)


def test_a_loop_that_says_no_model_may_be_pruned(tmp_path: Path, shapes: Any) -> None:
    _looping(shapes, "without set_model")
    done, _ = run("Loops", tmp_path, last=2)
    assert done.end_reason == "pruned"


@pytest.mark.parametrize("returned", ["np.mean(errors)", "{'error': np.mean(errors), 'a': 1.0}"])
def test_a_value_that_no_epoch_reported_is_told(returned: str, tmp_path: Path, shapes: Any) -> None:
    class Computes(shapes.Without):
        def fit(self, hp: Any, model: Any, x: Any, y: Any, **options: Any) -> Any:
            model.fit(x, y, epochs=2, verbose=0)
            return eval(returned, {"np": np, "errors": np.abs(model.predict(x, verbose=0) - y)})

    shapes.Computes = Computes
    done, study = run("Computes", tmp_path, keep=True, objective="error:min")
    x, y = shapes.data()[0]
    assert done.value == pytest.approx(np.mean(np.abs(kept(tmp_path).predict(x, verbose=0) - y)))
    assert done.metrics["best_epoch"] == len(study.epochs) == 2
    assert done.message == (
        "the kept model has the weights that `fit` left, and was not scored, since no epoch "
        "reported `error`"
    )


def test_where_a_score_cannot_be_computed_again_the_trial_says_why(tmp_path: Path) -> None:
    done, study = run(
        "a_classifier", tmp_path, objective="accuracy:max", data_module="shapes:labels"
    )
    assert done.value == max(metrics["accuracy"] for _, _, metrics in study.epochs)
    assert done.message == (
        "the kept model was not scored again, since `accuracy` is of the training itself"
    )


@pytest.mark.parametrize("data", cases(["a_data_set"], ["labels", "in_two", "other_data"]))
def test_validation_data_of_any_kind_are_scored_again(data: str, tmp_path: Path) -> None:
    names = {"labels": "a_classifier", "in_two": "two_inputs"}
    done, study = run(names.get(data, "a_function"), tmp_path, data_module=f"shapes:{data}")
    values = [metrics["val_loss"] for _, _, metrics in study.epochs]
    assert done.value == pytest.approx(min(values), rel=1e-5)
    assert done.message == ""


def test_a_pruned_trial_trains_no_further_fold(tmp_path: Path) -> None:
    done, study = run("Folds", tmp_path, last=1)
    assert (done.end_reason, len(study.epochs)) == ("pruned", 1)
    assert math.isnan(done.value)


# Models of any kind, and the data of their `fit`


@pytest.mark.parametrize("name", ["a_subclass", "a_sequence_without_input", "in_a_strategy"])
def test_models_without_outputs_and_in_a_strategy_are_trained_by_keras(
    name: str, tmp_path: Path
) -> None:
    done, _ = run(name, tmp_path, trainer="auto")
    assert (done.end_reason, done.trainer) == ("epochs", "keras")
    assert done.metrics["parameters"] == 4 * 2 + 2 + 2 + 1
    assert "trained by Keras' own `fit`, since" in done.message


def test_a_model_that_keras_cannot_save_is_told_and_its_trial_is_complete(tmp_path: Path) -> None:
    done, _ = run("a_subclass", tmp_path, keep=True)
    assert done.model_kind is None
    assert "its model is not kept, since Keras cannot save it" in done.message


def test_the_users_callbacks_are_copied_for_each_trial(tmp_path: Path, shapes: Any) -> None:
    seen: list[list[int]] = []

    class Counts(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.epochs: list[int] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.epochs.append(epoch)

        def on_train_end(self, logs: Any = None) -> None:
            seen.append(self.epochs)

    shapes.counted = lambda: {
        "x": shapes.X, "y": shapes.Y, "validation_split": 0.25, "callbacks": [Counts()],
    }  # fmt: skip
    made = runner("a_function", data_module="shapes:counted")
    for _ in range(2):
        task = Task(values={}, seed=1, epochs=2, folder=tmp_path)
        made.run(task, Study(lambda parameter: parameter.default))  # type: ignore[arg-type]
    assert seen == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("name", "settings", "fragment"),
    [
        ("NeedsMore", {}, "made without arguments, but 'shapes:NeedsMore' is not .*'classes'"),
        ("a_function", {"data_module": "shapes:nothing_there"}, "has no attribute"),
        ("a_function", {"data_module": "shapes:X"}, "without arguments, but .* is a ndarray"),
        ("Folds", {"data_module": "shapes:labels"}, "its `fit` cannot be called: got an unexp"),
    ],
)
def test_a_door_that_does_not_open_is_told_before_any_trial(
    name: str, settings: dict[str, str], fragment: str
) -> None:
    with pytest.raises(SearchError, match=fragment) as caught:
        runner(name, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fit", "told"),
    [
        (lambda self, model, *args, **kwargs: None, "takes (model, *args, **kwargs)"),
        (lambda self, model, hp, x, y, **kwargs: None, "takes (model, hp, x, y, **kwargs)"),
        (lambda self, hp, x, y, model, **kwargs: None, "takes (hp, x, y, model, **kwargs)"),
        (lambda self, space, net, *args, **kwargs: None, ""),
        (lambda self, *args, **kwargs: None, ""),
    ],
)
def test_a_fit_that_takes_its_model_elsewhere_is_told_before_any_trial(
    fit: Callable[..., Any], told: str, shapes: Any
) -> None:
    _fits(shapes, fit)
    if not told:
        assert runner("Own")
        return
    with pytest.raises(SearchError) as caught:
        runner("Own")
    assert f"`hp` and `model` first, in this order, but {told}. Begin it with" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_without_data_is_told_before_any_trial(
    monkeypatch: pytest.MonkeyPatch, shapes: Any
) -> None:
    monkeypatch.delattr(sys.modules["shapes"], "data")
    for name in ("a_function", "Without", "InFit"):
        with pytest.raises(SearchError, match="`--data-module module:function`"):
            runner(name)


@pytest.mark.parametrize(
    ("returned", "fragment"),
    [("'high'", "returned str"), ("[]", "returned an empty list"), ("{'x': 1.0}", "Reported: x")],
)
def test_what_is_no_value_is_refused(
    returned: str, fragment: str, tmp_path: Path, shapes: Any
) -> None:
    class Other(shapes.Returns):
        def fit(self, hp: Any, model: Any, **options: Any) -> Any:
            return eval(returned)

    shapes.Other = Other
    with pytest.raises(SearchError, match=fragment):
        run("Other", tmp_path)


def test_a_study_that_ends_a_trial_stops_the_users_code(tmp_path: Path, shapes: Any) -> None:
    class Deaf(shapes.InFit):
        def fit(self, hp: Any, model: Any, *args: Any, **options: Any) -> Any:
            try:
                return super().fit(hp, model, *args, **options)
            except Exception:
                return 1.0

    shapes.Deaf = Deaf

    def choose(parameter: Parameter) -> Scalar:
        if parameter.name == "shuffle":
            raise Stopped
        return parameter.default

    with pytest.raises(Stopped):
        run("Deaf", tmp_path, choose)


def test_a_metric_of_several_numbers_costs_no_trial(tmp_path: Path, shapes: Any) -> None:
    def build(hp: Any) -> keras.Model:
        layers = [keras.Input((4,)), keras.layers.Dense(2, activation="softmax")]
        model = keras.Sequential(layers)
        model.compile("adam", "categorical_crossentropy", metrics=[keras.metrics.F1Score()])
        return model

    shapes.by_class = build
    shapes.classes = lambda: {
        "x": shapes.X, "y": np.eye(2)[shapes.LABELS], "validation_split": 0.25,
    }  # fmt: skip
    done, study = run("by_class", tmp_path, data_module="shapes:classes")
    assert done.value == pytest.approx(min(m["val_loss"] for *_, m in study.epochs), rel=1e-5)
    assert all(set(metrics) == {"loss", "val_loss"} for *_, metrics in study.epochs)


def test_a_score_that_cannot_be_computed_again_costs_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate = keras.Model.evaluate

    def fail(model: Any, *args: Any, **options: Any) -> Any:
        if "_use_cached_eval_dataset" in options:  # of Keras' own `fit`
            return evaluate(model, *args, **options)
        raise ValueError("told to fail")

    monkeypatch.setattr(keras.Sequential, "evaluate", fail, raising=False)
    done, study = run("a_function", tmp_path)
    assert done.value == min(metrics["val_loss"] for *_, metrics in study.epochs)
    assert "not scored again, since Keras' `evaluate` raised ValueError: told to fail" in (
        done.message
    )


def test_data_frames_are_cut_as_keras_cuts_them(tmp_path: Path, shapes: Any) -> None:
    frame = pd.DataFrame(shapes.X)
    shapes.frames = lambda: {
        "x": frame, "y": pd.Series(shapes.Y[:, 0]), "validation_split": 0.25,
    }  # fmt: skip
    done, _ = run("a_function", tmp_path, data_module="shapes:frames")
    assert done.message == ""


@pytest.mark.parametrize(
    ("built", "fragment"),
    [
        ("'text'", "must return a model, but returned a str"),
        ("None", "must return a model, but returned nothing"),
        ("keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])", "must be compiled"),
    ],
)
def test_what_build_must_return_is_refused_for_all(
    built: str, fragment: str, tmp_path: Path, shapes: Any
) -> None:
    shapes.door = lambda hp: eval(built)
    with pytest.raises(SearchError, match=fragment):
        run("door", tmp_path)


# What a `fit` gives Keras itself


def _fits(shapes: Any, fit: Callable[..., Any]) -> Any:
    """Put a HyperModel of 8 units beside the shapes, with a `fit` of its own, and count builds."""

    class Own(keras_tuner.HyperModel):
        builds = 0

        def build(self, hp: Any) -> keras.Model:
            Own.builds += 1
            return shapes._dense(keras.layers.Dense(hp.Int("units", 8, 9)))

    Own.fit = fit
    shapes.Own = Own
    return Own


def _fit_of_five(self: Any, hp: Any, model: Any, **kwargs: Any) -> Any:
    from shapes import X, Y

    hp.Int("size", 12, 13)
    return model.fit(X, Y, batch_size=12, validation_split=0.25, epochs=5, verbose=0, **kwargs)


def _fit_by_a_helper(self: Any, hp: Any, model: Any, **kwargs: Any) -> Any:
    return _fit_of_five(self, hp, model, **kwargs)


def _fit_by_position(self: Any, hp: Any, model: Any, **kwargs: Any) -> Any:
    from shapes import X, Y

    return model.fit(X, Y, 12, 5, 0, validation_split=0.25, **kwargs)


def _fit_with_callbacks(self: Any, hp: Any, model: Any, **kwargs: Any) -> Any:
    from shapes import X, Y

    stops = keras.callbacks.EarlyStopping("val_loss", patience=50)
    options = {"batch_size": 12, "validation_split": 0.25, "epochs": 5}
    hp.Int("size", 12, 13)
    return model.fit(X, Y, callbacks=[stops], **options, **kwargs)


@pytest.mark.parametrize(
    "fit", cases([_fit_with_callbacks], [_fit_of_five, _fit_by_a_helper, _fit_by_position])
)
def test_what_a_fit_gives_keras_itself_counts(
    fit: Callable[..., Any], tmp_path: Path, shapes: Any
) -> None:
    def once(self: Any, hp: Any, model: Any, **kwargs: Any) -> Any:
        """The same, as it would be written for Trialbook."""
        kwargs = {"callbacks": kwargs["callbacks"]}
        return _fit_of_five(self, hp, model, **kwargs)

    _fits(shapes, once)
    expected, _ = run("Own", tmp_path, epochs=2)
    _fits(shapes, fit)
    done, study = run("Own", tmp_path, epochs=2)
    assert [epoch for _, epoch, _ in study.epochs] == [1, 2, 3, 4, 5]
    assert done.metrics["best_epoch"] == expected.metrics["best_epoch"]
    assert done.value == expected.value
    names = [parameter.name for parameter in study.asked]
    assert names == (["units"] if fit is _fit_by_position else ["units", "size"])


def test_a_fit_begins_anew_once_in_a_process_and_trains_the_same(
    tmp_path: Path, shapes: Any
) -> None:
    own = _fits(shapes, _fit_of_five)
    trains = runner("Own")
    values, builds = [], []
    for number in range(2):
        study = Study(lambda parameter: parameter.default)
        own.builds = 0
        task = Task(values={}, seed=1, epochs=2, folder=tmp_path / str(number), keep_model=False)
        task.folder.mkdir()
        values.append(trains.run(task, study).value)  # type: ignore[arg-type]
        builds.append(own.builds)
        assert len(study.epochs) == 5
        assert study.was_built == 1  # told once, when `units` had been asked for
    assert builds == [3, 1]  # without `epochs`, then without `verbose`
    assert values[0] == values[1]


def test_what_is_left_out_counts_where_a_fit_says_nothing_itself(
    tmp_path: Path, shapes: Any
) -> None:
    def fit(self: Any, hp: Any, model: Any, **kwargs: Any) -> Any:
        model.fit(shapes.X, shapes.Y, epochs=3, **kwargs)
        model.fit(shapes.X, shapes.Y)  # Keras' own 1: nothing is passed on
        return model.fit(shapes.X, shapes.Y, validation_split=0.25, **kwargs)

    _fits(shapes, fit)
    _, study = run("Own", tmp_path, epochs=2)
    assert [epoch for _, epoch, _ in study.epochs] == [1, 2, 3, 4, 5, 6]


def test_a_fit_that_cannot_begin_anew_is_told_for_all(tmp_path: Path, shapes: Any) -> None:
    def late(self: Any, hp: Any, model: Any, **kwargs: Any) -> Any:
        model.fit(shapes.X, shapes.Y, epochs=1)
        return _fit_of_five(self, hp, model, **kwargs)

    _fits(shapes, late)
    with pytest.raises(SearchError) as caught:
        run("Own", tmp_path)
    assert str(caught.value) == (
        "`fit` of `shapes:Own` must give Keras one `epochs`, but gives one of its own beside the "
        "one that it passes on. Name it, so that it is not passed on: "
        "`def fit(self, hp, model, …, epochs)`."
    )

    def sized(self: Any, hp: Any, model: Any, x: Any, y: Any, **kwargs: Any) -> Any:
        return model.fit(x, y, batch_size=6, **kwargs)

    _fits(shapes, sized)
    with pytest.raises(SearchError, match="Leave `batch_size` out of what the data function"):
        run("Own", tmp_path)


def test_a_mistake_of_the_users_own_is_told_as_it_is(tmp_path: Path, shapes: Any) -> None:
    def wrong(self: Any, hp: Any, model: Any, **kwargs: Any) -> Any:
        return hp.Int("units", 8, 9, name="units")

    _fits(shapes, wrong)
    with pytest.raises(TypeError, match="multiple values for argument 'name'"):
        run("Own", tmp_path)


class Waiting(Study):
    """A study that takes its time to answer, by a clock of its own."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__(lambda parameter: parameter.default)
        self._clock = clock

    def ask(self, parameter: Parameter) -> Scalar:
        self._clock[0] += 10.0
        self.seconds += 10.0
        return super().ask(parameter)


def test_seconds_are_those_of_building_and_of_training_alone(
    tmp_path: Path, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(self: Any, hp: Any, model: Any, **kwargs: Any) -> Any:
        hp.Int("asked_in_fit", 1, 2)
        clock[0] += 3.0
        return {"val_loss": 2.0}

    _fits(shapes, fit)
    clock = [0.0]
    monkeypatch.setattr("search.child.hypermodel.time.perf_counter", lambda: clock[0])
    study = Waiting(clock)
    task = Task(values={}, seed=1, epochs=2, folder=tmp_path, keep_model=False)
    done = runner("Own").run(task, study)  # type: ignore[arg-type]
    names = ("seconds_build", "seconds_train", "seconds_report", "epochs_run")
    assert [done.metrics[name] for name in names] == [0.0, 3.0, 20.0, 0.0]
    assert "best_epoch" not in done.metrics
    assert study.epochs == [(1, 1, {"val_loss": 2.0})]  # what it returned is drawn
