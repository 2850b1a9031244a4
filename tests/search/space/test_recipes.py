"""The published configurations that a new study begins with."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from search import StudyConfig, run_study
from search.child.messages import Ready
from search.pruners.factory import make_pruner
from search.samplers.factory import make_sampler
from search.space.configurations import check_configurations
from search.space.distributions import SpaceAdapter
from search.space.hypermodel import declare, parameters
from search.space.ratings import baseline_values
from search.space.recipes import fitted, recipes_for
from search.space.scores import ScoreRange
from search.storage.queue import requeue
from search.storage.trial_attributes import Key
from search.study.choice import Chosen
from search.study.opening import open_study
from search.study.widening import Space
from tracking import DatasetRecord, TrialRecord

PORTFOLIO = ["gmf", "gmf", "gmf", "neumf", "gmf", "gmf"]
ALL = [*PORTFOLIO, "mlp", "neumf", "gmf"]
MANY = ["mlp", "neumf", "gmf", "gmf", "gmf", "neumf", "gmf", "gmf"]


def _families(config: StudyConfig) -> list:
    return [each["family"] for each in recipes_for(config, parameters(declare(config)))]


@pytest.mark.parametrize(
    ("given", "families"),
    [
        ({"trials": 100}, ALL),
        ({"trials": 8}, ["gmf", "gmf"]),
        ({"trials": 3}, []),
        ({"trials": 100, "recipes": False}, []),
        ({"trials": 100, "sampler": "random"}, []),
        ({"trials": 100, "sampler": "nsga2"}, ALL),
        ({"trials": 100, "warm_start": "earlier"}, []),
        ({"trials": 100, "model": "baseline"}, []),
        ({"trials": 100, "space": {"family": ["mlp", "gmf"]}}, [*["gmf"] * 5, "mlp", "gmf"]),
        ({"trials": 100, "space": {"family": "gmf", "factor_dropout": 0.0}}, ["gmf"]),
        ({"trials": 100, "space": {"factor_dropout": 0.5}}, ["mlp"]),
        ({"trials": 100, "space": {"batch_size": "full"}}, []),
    ],
)
def test_which_recipes_a_study_begins_with(given: dict, families: list) -> None:
    assert _families(StudyConfig(**given)) == families


@pytest.mark.parametrize(
    ("users", "movies", "changed"),
    [
        (671, 9066, {"l2_embedding": 3e-5, "l2_bias": 3e-5}),  # the sample: 0.02 / 671
        (10_000, 5_000, {"l2_embedding": 2e-6, "l2_bias": 2e-6}),
        (10, 20, {"l2_embedding": 1e-3, "l2_bias": 1e-3}),  # the space's greatest
        (
            10_000,
            7_000,
            {"optimizer": "lazy_adam", "l2_rating": 0.02, "l2_bias": 1e-9, "batch_size": "1024"},
        ),
    ],
)
def test_a_recipe_is_fitted_to_the_ratings(users: int, movies: int, changed: dict) -> None:
    dataset = DatasetRecord(
        name="r", content_hash="0", profile={"user_rows": users, "movie_rows": movies}
    )
    config = StudyConfig(trials=100)
    space = parameters(declare(config))
    recipes = recipes_for(config, space, dataset=dataset)
    assert [each["family"] for each in recipes] == (MANY if "optimizer" in changed else ALL)
    # Where ids are many, the published ones come first.
    mlp, neumf, gmf = recipes[:3] if "optimizer" in changed else recipes[-3:]
    published = recipes_for(config, space)[-3:]
    assert {name: gmf[name] for name in changed} == changed
    if "optimizer" in changed:
        for recipe in (mlp, neumf):
            assert recipe["optimizer"] == "lazy_adam"
            assert recipe["l2_rating"] == 1e-4  # the least: none, as published
    else:
        assert [mlp, neumf] == published[:2]
    space = parameters(declare(config, ids=users + movies))
    check_configurations([mlp, neumf, gmf], space)
    active = {p.name for p in space if p.is_active(gmf)}
    assert set(gmf) == active - {"patience", "min_delta", "overfit_patience"}


@pytest.mark.parametrize(
    ("users", "movies", "penalty"),
    [
        (672, 9067, {"l2_embedding": 2.9e-4, "l2_bias": 6.1e-5}),  # as it is written
        (6_720, 5_000, {"l2_embedding": 2.9e-5, "l2_bias": 6.1e-6}),
        # 2.9e-4 times 672
        (10_000, 7_000, {"l2_rating": 0.19, "l2_bias": 1e-9, "schedule": "constant"}),
    ],
)
def test_a_penalty_stays_the_same_for_a_rating(users: int, movies: int, penalty: dict) -> None:
    dataset = DatasetRecord(
        name="r", content_hash="0", profile={"user_rows": users, "movie_rows": movies}
    )
    config = StudyConfig(trials=100)
    recipes = recipes_for(config, parameters(declare(config)), dataset=dataset)
    (second,) = [values for values in recipes if values.get("factors") == 29]
    assert {name: second.get(name) for name in penalty} == penalty


@pytest.mark.parametrize(
    ("scores", "scaled", "linear"),
    [
        ((0.5, 5), {"l2_embedding": 2.9e-4, "l2_bias": 6.1e-5}, ("linear", 4.2e-4)),
        ((1, 10), {"l2_embedding": 1.2e-3, "l2_bias": 2.4e-4}, ("linear", 4.2e-4)),  # times 4
        ((0, 1), {"l2_embedding": 1.4e-5, "l2_bias": 3e-6}, ("linear", 4.2e-4)),  # by 20.25
        # Times 493.8; a wide range is not crossed in steps of a fixed size.
        ((0, 100), {"l2_embedding": 0.14, "l2_bias": 0.03}, ("scaled_sigmoid", 0.21)),
    ],
)
def test_penalties_before_a_scaled_sigmoid_grow_as_the_squared_error_does(
    scores: tuple[float, float], scaled: dict, linear: tuple[str, float]
) -> None:
    profile = {"user_rows": 672, "movie_rows": 9067}
    profile |= {"score_low": float(scores[0]), "score_high": float(scores[1])}
    dataset = DatasetRecord(name="r", content_hash="0", profile=profile)
    config = StudyConfig(trials=100)
    space = parameters(declare(config, ScoreRange(low=scores[0], high=scores[1])))
    recipes = recipes_for(config, space, dataset=dataset)
    assert len(recipes) == len(ALL)  # all lie in the space
    (before,) = [values for values in recipes if values.get("factors") == 29]
    assert {name: before[name] for name in scaled} == scaled
    assert (recipes[1]["output_activation"], recipes[1]["l2_embedding"]) == linear


@pytest.mark.parametrize(
    ("scores", "users", "movies"),
    [((0, 1), 6_040, 3_700), ((0, 0.5), 672, 700), ((0, 0.5), 10_000, 7_000), ((-1, 1), 6_040, 9)],
)
def test_a_penalty_below_the_spaces_least_is_none(
    scores: tuple[float, float], users: int, movies: int
) -> None:
    many = users + movies > 16_384
    recipes = _fitted_to(scores, users, movies, {})
    assert len(recipes) == (len(MANY) if many else len(ALL))
    assert recipes[-1 if many else 0].get("l2_bias", 1e-9) >= 1e-9


@pytest.mark.parametrize(
    ("space", "families"),
    [
        ({"output_activation": "linear"}, ["gmf", "mlp", "neumf", "gmf"]),
        ({"l2_embedding": {"max": 1e-3}}, ALL),
        ({"l2_embedding": {"max": 1e-3}, "l2_bias": {"max": 1e-3}}, ALL),
    ],
)
def test_a_narrower_space_keeps_its_recipes_where_scores_are_wide(
    space: dict, families: list
) -> None:
    recipes = _fitted_to((0, 100), 672, 9_067, space)
    assert [each["family"] for each in recipes] == families
    for values in recipes:
        assert values["l2_embedding"] <= 1e-3
        if "output_activation" in space:
            assert values["output_activation"] == "linear"


def _fitted_to(scores: tuple[float, float], users: int, movies: int, space: dict) -> list:
    profile = {"user_rows": users, "movie_rows": movies}
    profile |= {"score_low": float(scores[0]), "score_high": float(scores[1])}
    dataset = DatasetRecord(name="r", content_hash="0", profile=profile)
    config, known = StudyConfig(trials=100, space=space), ScoreRange(low=scores[0], high=scores[1])
    declared = parameters(declare(config, known, users + movies))
    return list(recipes_for(config, declared, dataset=dataset))


def test_so_does_the_penalty_that_a_rating_pays() -> None:
    profile = {"user_rows": 10_000, "movie_rows": 7_000, "score_low": 0.0, "score_high": 100.0}
    dataset = DatasetRecord(name="r", content_hash="0", profile=profile)
    config = StudyConfig(trials=100)
    space = parameters(declare(config, ScoreRange(low=0, high=100), 17_000))
    recipes = recipes_for(config, space, dataset=dataset)
    (second,) = [values for values in recipes if values.get("factors") == 29]
    assert second["l2_rating"] == 96.0  # 2.9e-4 times 672 times 493.8


def _open(storage: optuna.storages.BaseStorage, enqueue: tuple = ()) -> optuna.Study:
    config = StudyConfig(name="s", trials=8)
    space = parameters(declare(config))
    ready = Ready(
        space=space, first=baseline_values(), dataset=None, workers=1, threads=1, warnings=(),
        devices=(),
    )  # fmt: skip
    chosen = Chosen(
        space=Space(parameters=tuple(space)),
        sampler=make_sampler("random", 1, space=space),
        pruner=make_pruner("none", epochs=1, options={}, growth=(), parts=1),
        enqueue=enqueue,
        recipes=recipes_for(config, space),
        history=None,
    )
    return open_study(config, storage, ready, chosen)


def test_they_come_after_the_baseline_and_what_a_user_queued_and_once() -> None:
    storage = optuna.storages.InMemoryStorage()
    study = _open(storage, ({"family": "gmf", "factors": 5},))
    _open(storage)  # stopped before the first trial, and started again
    adapter = SpaceAdapter(parameters(declare(StudyConfig())))
    tried = []
    for _ in range(4):
        trial = study.ask()
        values = adapter.sample(trial)
        tried.append((values["family"], values.get("factors"), trial.user_attrs.get(Key.RECIPE)))
    assert tried == [
        ("mlp", None, None),
        ("gmf", 5, None),
        ("gmf", 27, "gmf"),
        ("gmf", 48, "gmf"),
    ]
    interrupted = study.get_trials()[2]
    requeue(study, interrupted, TrialRecord(study="s", number=2, params={}, state="killed"))
    waiting = [t for t in _open(storage).get_trials() if t.state.name == "WAITING"]
    assert [t.user_attrs[Key.RECIPE] for t in waiting] == ["gmf"]


def test_a_recipe_is_trained_as_it_is_fitted_and_tagged(ratings_file: Path, tmp_path: Path) -> None:
    config = StudyConfig(name="s", trials=4, epochs=1, data=str(ratings_file), keep_models="none")
    record = run_study(config, home=tmp_path).record
    recipe = record.trials[1]
    wanted = fitted(recipes_for(config, parameters(declare(config)))[0], record.dataset)
    assert {name: recipe.params[name] for name in wanted} == dict(wanted)
    assert recipe.tags["trialbook.recipe"] == "gmf"
    assert [t.tags.get("trialbook.recipe") for t in record.trials] == [None, "gmf", None, None]
