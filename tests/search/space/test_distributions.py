"""Keras Tuner's space through Optuna: same values, same activity, real numbers."""

from __future__ import annotations

from dataclasses import replace

import keras_tuner
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import ModelConfig, TrainConfig
from search.errors import SearchError
from search.samplers.grid import grid_points
from search.space.configurations import check_configurations
from search.space.distributions import SpaceAdapter, distribution_of, optuna_name
from search.space.hypermodel import hyperparameters, parameters
from search.space.parameters import (
    Condition,
    Parameter,
    from_plain,
    plain,
    without_empty_conditions,
)
from search.space.ratings import baseline_values, read


def _declared(overrides: dict | None = None) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    read(hp, overrides)
    return hp


def _point(values: dict, overrides: dict | None = None) -> tuple[ModelConfig, TrainConfig]:
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    return read(hp, overrides)


def _study(seed: int) -> optuna.Study:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))


def test_the_empty_point_is_the_published_baseline_but_for_when_it_stops() -> None:
    model, training = read(keras_tuner.HyperParameters())
    assert model == ModelConfig()
    assert replace(training, patience=30, min_delta=1e-3, overfit_patience=0) == TrainConfig()
    assert (training.patience, training.min_delta, training.overfit_patience) == (15, 1e-4, 5)
    assert _point(baseline_values()) == (ModelConfig(), TrainConfig())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_sampled_point_reads_back_as_itself(seed: int) -> None:
    adapter = SpaceAdapter(parameters(_declared()))
    values = adapter.sample(_study(seed).ask())
    model, train = _point(values)
    layers = values.get("layers", 0)
    assert (model.family, layers > 0) == (values["family"], model.family != "gmf")
    assert list(model.units) == [values[f"units_{n}"] for n in range(1, layers + 1)]
    assert f"dropout_{layers + 1}" not in values
    assert train.learning_rate == values["learning_rate"]
    assert model.factors == values.get("factors")
    assert ("factors" in values) == (model.family != "mlp")
    assert model.movie_embedding_size == values.get("movie_embedding_size")
    assert (values.get("sizes") == "separate") == ("movie_embedding_size" in values)
    assert (model.output_activation == "scaled_sigmoid") == ("output_bias" not in values)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_was_encoded_and_queued_is_sampled_again(seed: int) -> None:
    adapter = SpaceAdapter(parameters(_declared()))
    values = adapter.sample(_study(seed).ask())
    again = _study(seed + 1)
    again.enqueue_trial(adapter.encode(values))
    assert adapter.sample(again.ask()) == values


def test_optunas_parameters_are_translated_back() -> None:
    layered = Condition(name="family", values=("mlp",))
    space = (
        Parameter(name="family", kind="Choice", default="mlp", values=("gmf", "mlp")),
        Parameter(
            name="units", kind="Int", default=16, low=8, high=64, step=2, log=True,
            conditions=(layered,),
        ),
        Parameter(name="batch", kind="Fixed", default="full"),
    )  # fmt: skip
    adapter = SpaceAdapter(space)
    values = {"family": "mlp", "units": 32, "batch": "full"}
    assert adapter.decode(adapter.encode(values)) == values
    other = {"family": "gmf", "units (exponent)": 2}  # what is inactive does not count
    assert adapter.decode(other) == {"family": "gmf", "batch": "full"}
    assert adapter.decode({"family": "mlp"}) == values | {"units": 16}


def test_a_log_range_with_a_step_is_recorded_by_its_value() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 4, 64, step=2, sampling="log")
    hp.Float("rate", 0.001, 0.1, step=10, sampling="log")
    adapter = SpaceAdapter(parameters(hp))
    seen = {"units": set(), "rate": set()}
    study = _study(0)
    for _ in range(80):
        for name, value in adapter.sample(study.ask()).items():
            seen[name].add(round(value, 9))
    assert seen == {"units": {4, 8, 16, 32, 64}, "rate": {0.001, 0.01, 0.1}}


def test_a_stepped_float_is_the_number_a_user_would_write() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 0.0, 0.7, step=0.05)
    adapter = SpaceAdapter(parameters(hp))
    study = _study(0)
    seen = {adapter.sample(study.ask())["rate"] for _ in range(200)}
    written = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7]
    assert sorted(seen) == written


def test_every_kind_of_parameter_is_sampled_within_its_range() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Boolean("flag")
    hp.Fixed("fixed", 7)
    hp.Choice("choice", ["a", "b"])
    hp.Int("int", 1, 9, step=4)
    hp.Float("float", -1.0, 1.0)
    values = [SpaceAdapter(parameters(hp)).sample(_study(s).ask()) for s in range(40)]
    assert {v["flag"] for v in values} == {True, False}
    assert {v["fixed"] for v in values} == {7}
    assert {v["choice"] for v in values} == {"a", "b"}
    assert {v["int"] for v in values} == {1, 5, 9}
    assert all(-1 <= v["float"] <= 1 for v in values)


def test_reverse_log_is_a_logarithm_counted_from_the_other_end() -> None:
    """Keras Tuner: max + min - min (max / min)^(1 - p), here 1.1 - 0.1 x 10^(1 - p)."""
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0.1, 1.0, sampling="reverse_log")
    hp.Int("n", 1, 8, step=2, sampling="reverse_log", default=8)
    x, n = parameters(hp)
    adapter = SpaceAdapter([x, n])
    assert n.every_value() == [8, 7, 5, 1]
    assert adapter.encode({"x": 0.7, "n": 5}) == {
        "x (mirrored)": pytest.approx(0.4),
        "n (mirrored)": 2,
    }
    assert distribution_of(x) == optuna.distributions.FloatDistribution(0.1, 1.0, log=True)
    share = 0.25
    drawn = 0.1 * 10 ** (1 - share)
    study = _study(0)
    study.enqueue_trial({"x (mirrored)": drawn, "n (mirrored)": 3})
    values = adapter.sample(study.ask())
    assert values == {"x": pytest.approx(hp.space[0].prob_to_value(share)), "n": 1}
    assert values["x"] == pytest.approx(0.5376587)
    rebuilt = hyperparameters([plain(x), plain(n)])
    assert [each.sampling for each in rebuilt.space] == ["reverse_log", "reverse_log"]
    assert parameters(rebuilt) == (x, n)


def test_parameters_of_one_name_are_told_apart_by_their_conditions() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["small", "large", "same"])
    for kind, choices in (("small", [2, 3]), ("large", [8, 16]), ("same", [2, 3])):
        with hp.conditional_scope("kind", [kind]):
            hp.Choice("units", choices)
    space = parameters(hp)
    assert [optuna_name(p) for p in space] == [
        "kind", "units", "units [kind is large]", "units",
    ]  # fmt: skip
    adapter = SpaceAdapter(space)
    assert adapter.encode({"kind": "large", "units": 16}) == {
        "kind": "large",
        "units [kind is large]": 16,
    }
    assert adapter.encode({"kind": "same", "units": 3}) == {"kind": "same", "units": 3}
    study = _study(1)
    seen = {tuple(adapter.sample(study.ask()).values()) for _ in range(40)}
    assert seen == {
        ("small", 2), ("small", 3), ("large", 8), ("large", 16), ("same", 2), ("same", 3),
    }  # fmt: skip
    assert tuple(map(from_plain, map(plain, space))) == space
    grid = grid_points(space)
    assert len(grid) == 6
    wanted = check_configurations([{"kind": "large", "units": 8}], space)
    assert adapter.encode_given(wanted[0]) == {"kind": "large", "units [kind is large]": 8}
    with pytest.raises(SearchError, match="one of 8, 16"):
        check_configurations([{"kind": "large", "units": 2}], space)


@pytest.mark.parametrize(
    ("overrides", "fragment"),
    [
        ({"embeding_size": 3}, "embeding_size"),
        ({"embedding_size": {"least": 3}}, "`least`"),
        ({"embedding_size": {"min": 9, "max": 3}}, "9 and 3"),
        ({"embedding_size": "many"}, "'many'"),
        ({"embedding_size": []}, "at least one"),
        ({"activation": {"min": 1}}, "`space.activation`"),
        ({"activation": "loud"}, "loud"),
        ({"dropout_1": 1.5}, "1.5"),
        ({"dropout_1": {"min": 0, "max": float("nan")}}, "nan"),
        ({"dropout_1": [0.1, 1.0]}, "`dropout_1` must be a rate .* got 1.0"),
        ({"dropout_9": 0.1}, "dropout_9"),
        ({"learning_rate": {"min": 1e-4, "max": float("inf")}}, "inf"),
        ({"learning_rate": {"min": 0, "max": 1}}, "above 0, but got 0"),
        ({"learning_rate": {"min": "low"}}, "'low'"),
        ({"embedding_size": 2.5}, "2.5"),
        ({"embedding_size": [8, True]}, "got true"),
        ({"embedding_size": {"min": 2, "max": 9.5}}, "9.5"),
        ({"embedding_size": {"min": 2, "max": 9, "step": 0.5}}, "0.5"),
        ({"embedding_size": {"step": 0}}, "above 0 as step"),
        ({"embedding_size": {"log": True, "step": 1}}, "multiplies"),
        ({"embedding_size": {"log": "yes"}}, "'yes'"),
        ({"units_2": 0}, "`units_2` must be a whole number from 1 to 65536, but got 0"),
        ({"units_2": [8, 2.5]}, "`units_2` .* got 2.5"),
        ({"embedding_size": 10**20}, "from 1 to 65536"),
        ({"layers": 0}, "from 1 to 64"),
        ({"layers": {"min": 1, "max": 99}}, "99"),
        ({"activation": ["relu", 3]}, "got 3"),
        ({"activation": [["relu"]]}, "relu"),
        ({"batch_size": "half"}, '"full" or a whole number .*half'),
        ({"batch_size": [64, 12.5]}, "12.5"),
        ({"output_bias": "mean"}, '"train_mean".*mean'),
        ({"l2_kernel": True}, "got true"),
        ({"l2_kernel": {"min": 0, "max": 1, "log": True}}, "above 0 where log"),
        ({"l2_embedding": -1e-3}, "-0.001"),
    ],
)
def test_an_override_that_does_not_fit_is_refused(overrides: dict, fragment: str) -> None:
    with pytest.raises(ValueError, match=fragment) as caught:
        _declared(overrides)
    assert "\n" not in str(caught.value)


def test_a_step_of_the_study_file_is_a_step_of_even_distances() -> None:
    overrides = {
        "family": "mlp",
        "embedding_size": {"min": 8, "max": 30, "step": 8},
        "units_1": {"min": 4, "max": 40, "step": 2, "log": True},
        "learning_rate": {"min": 0.01, "max": 0.035, "step": 0.01},
    }
    adapter = SpaceAdapter(parameters(_declared(overrides)))
    points = [adapter.sample(_study(s).ask()) for s in range(60)]
    assert {p["embedding_size"] for p in points} == {8, 16, 24}
    assert {p["units_1"] for p in points} == {4, 8, 16, 32}
    assert {p["learning_rate"] for p in points} == {0.01, 0.02, 0.03}


def test_a_default_is_one_that_the_range_reaches() -> None:
    overrides = {
        "embedding_size": {"min": 8, "max": 64, "step": 8},  # usually 15
        "dropout_1": {"min": 0.1, "max": 0.45, "step": 0.1},  # usually 0.6
        "units_1": {"min": 4, "max": 100, "step": 2, "log": True},  # usually 128
        "learning_rate": {"min": 0.02, "max": 0.05},  # usually 0.01
    }
    defaults = SpaceAdapter(parameters(_declared(overrides))).defaults()
    assert {name: defaults[name] for name in overrides} == {
        "embedding_size": 16,
        "dropout_1": 0.4,
        "units_1": 64,
        "learning_rate": 0.02,
    }


_OF_OTHERS = ("factors", "factor_dropout", "l2_bias", "l2_rating", "movie_embedding_size")


@pytest.mark.parametrize(
    ("ids", "smallest"),
    [(0, "256"), (16_384, "256"), (16_385, "1024"), (154_163, "4096"), (2_000_000, "16384")],
)
def test_small_batches_are_not_offered_where_ids_are_many(ids: int, smallest: str) -> None:
    hp = keras_tuner.HyperParameters()
    read(hp, ids=ids)
    offered = next(p for p in parameters(hp) if p.name == "batch_size").values
    assert (offered[0], offered[-1]) == ("full", smallest)
    hp = keras_tuner.HyperParameters()
    hp.values = {"batch_size": "256"}  # of a study that was begun when all were offered
    assert read(hp, ids=ids)[1].batch_size == 256


@pytest.mark.parametrize(
    ("optimizer", "penalty", "other"),
    [("adam", "l2_embedding", "l2_rating"), ("lazy_adam", "l2_rating", "l2_embedding")],
)
def test_a_penalty_goes_with_the_optimizer(optimizer: str, penalty: str, other: str) -> None:
    declared = {p.name: p for p in parameters(_declared())}
    values = {"optimizer": optimizer, "family": "gmf", penalty: 2e-4}
    assert declared[penalty].is_active(values)
    assert not declared[other].is_active(values)
    model, training = _point(values)
    assert (getattr(model, penalty), getattr(model, other)) == (2e-4, 0.0)
    assert training.optimizer == optimizer


def test_only_conditions_that_can_fail_are_told() -> None:
    whole = {p.name: when for p, when in without_empty_conditions(parameters(_declared()))}
    assert whole["units_2"] == "family is mlp or neumf and layers is 2 to 4"
    assert whole["output_bias"] == "output_activation is relu or linear"
    layered = parameters(_declared({"family": ["mlp", "neumf"]}))
    told = {p.name: when for p, when in without_empty_conditions(layered)}
    assert told["units_1"] == told["activation"] == ""
    assert told["units_2"] == told["dropout_2"] == "layers is 2 to 4"
    assert told["units_4"] == "layers is 4"
    one_each = {"family": "mlp", "layers": 3, "sizes": "shared", "output_activation": "relu"}
    fixed = parameters(_declared({**one_each, "optimizer": "adam"}))
    fixed = tuple(p for p in fixed if p.name not in _OF_OTHERS)
    assert {when for _, when in without_empty_conditions(fixed)} == {""}
    shared = parameters(_declared({"family": "mlp", "sizes": "shared"}))
    never = {p.name: w for p, w in without_empty_conditions(shared)}["movie_embedding_size"]
    assert never == "sizes is separate (not in this space)"
    listed = parameters(_declared({"family": "mlp", "layers": [1, 3]}))
    assert {p.name: w for p, w in without_empty_conditions(listed)}["units_3"] == "layers is 3"


def test_a_child_of_a_child_exists_only_with_both() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("family", ["a", "b"])
    with hp.conditional_scope("family", ["a"]):
        hp.Boolean("deep")
        with hp.conditional_scope("deep", [True]):
            hp.Int("depth", 1, 3)
    adapter = SpaceAdapter(parameters(hp))
    for seed in range(40):
        values = adapter.sample(_study(seed).ask())
        assert ("deep" in values) == (values["family"] == "a")
        assert ("depth" in values) == bool(values.get("deep"))


def test_overrides_narrow_widen_and_fix() -> None:
    overrides = {
        "layers": {"min": 1, "max": 6},
        "embedding_size": {"min": 100, "max": 200},
        "activation": ["tanh", "gelu"],
        "optimizer": "sgd",
        "batch_size": [64, 128],
        "l2_kernel": 0,
    }
    adapter = SpaceAdapter(parameters(_declared(overrides)))
    points = [adapter.sample(_study(s).ask()) for s in range(60)]
    configs = [_point(p, overrides) for p in points]
    assert {m.activation for m, _ in configs} == {"tanh", "gelu"}
    assert {t.optimizer for _, t in configs} == {"sgd"}
    assert {t.batch_size for _, t in configs} == {64, 128}
    assert {m.l2_kernel for m, _ in configs} == {0.0}
    assert all(100 <= m.embedding_size <= 200 for m, _ in configs)
    assert max(len(m.units) for m, _ in configs) == 6
