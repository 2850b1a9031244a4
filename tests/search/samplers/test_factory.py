"""Samplers by name: what they propose, and what they refuse."""

from __future__ import annotations

import re

import optuna
import pytest
from optuna.trial import TrialState

from search import SearchError, StudyConfig
from search.config.options import SAMPLERS
from search.pruners.factory import make_pruner
from search.samplers.factory import make_sampler
from search.samplers.grid import grid_points
from search.space.distributions import SpaceAdapter
from search.space.parameters import Condition, Parameter
from search.storage.queue import requeue
from search.storage.trial_attributes import Key
from search.study.stopping import Ends
from tracking import TrialRecord

NUMBERS = (
    Parameter(name="rate", kind="Float", default=0.1, low=0.0, high=0.5),
    Parameter(name="width", kind="Int", default=8, low=4, high=64, log=True),
)
TREE = (
    Parameter(name="family", kind="Choice", default="a", values=("a", "b")),
    Parameter(
        name="depth", kind="Int", default=1, low=1, high=3,
        conditions=(Condition(name="family", values=("b",)),),
    ),
    Parameter(name="rate", kind="Float", default=0.0, low=0.0, high=0.5, step=0.25),
    Parameter(name="fixed", kind="Fixed", default=7),
)  # fmt: skip
DEPENDENT = (
    Parameter(name="size", kind="Int", default=1, low=1, high=3),
    Parameter(
        name="depth", kind="Int", default=1, low=1, high=3,
        conditions=(Condition(name="size", values=(2,)),),
    ),
)  # fmt: skip


def _run(name: str, space: tuple[Parameter, ...], trials: int, seed: int = 3) -> list[dict]:
    sampler = make_sampler(name, seed, space=space, trials=trials)
    study = optuna.create_study(sampler=sampler)
    adapter, found = SpaceAdapter(space), []
    study.enqueue_trial(adapter.encode(adapter.defaults()), user_attrs={Key.SLOT: 0})
    for number in range(trials):
        trial = study.ask()
        found.append(adapter.sample(trial))
        study.tell(trial, float(number % 5))
    return found[1:]


def test_a_grid_has_each_point_once_and_no_point_for_what_is_inactive() -> None:
    points = grid_points(TREE)
    assert len(points) == (1 + 3) * 3
    assert {"family": "a", "rate": 0.25, "fixed": 7} in points
    assert {"family": "b", "depth": 2, "rate": 0.5, "fixed": 7} in points


def test_a_grid_study_tries_every_point_in_an_order_of_its_seed() -> None:
    first, again, other = (_run("grid", TREE, 13, seed) for seed in (3, 3, 4))
    assert first == again != other
    for tried in (first, other):
        assert sorted(map(str, tried)) == sorted(map(str, grid_points(TREE)))


@pytest.mark.parametrize("name", ["grid", "qmc"])
def test_what_was_queued_takes_no_point_of_a_grid_or_a_sequence(name: str) -> None:
    """The baseline, two queued ones (one in part), and an interrupted one in between."""
    adapter = SpaceAdapter(TREE)
    plain = _run(name, TREE, 13)
    study = optuna.create_study(sampler=make_sampler(name, 3, space=TREE, trials=13))
    study.enqueue_trial(adapter.encode(adapter.defaults()), user_attrs={Key.SLOT: 0})
    study.enqueue_trial(adapter.encode({"family": "a", "rate": 0.25, "fixed": 7}))
    study.enqueue_trial(adapter.encode_given({"family": "b"}))
    tried = []
    for number in range(6):
        trial = study.ask()
        tried.append(adapter.sample(trial))
        if number == 3:
            requeue(study, trial._cached_frozen_trial, TrialRecord(study="s", number=3, params={}))
        else:
            study.tell(trial, float(number))
    assert tried[1] == {"family": "a", "rate": 0.25, "fixed": 7}
    assert tried[2]["family"] == "b"
    assert "depth" in tried[2]
    assert tried[3:] == [plain[0], plain[0], plain[1]]


def test_a_grid_without_points_left_ends_a_study_short_of_its_target() -> None:
    config = StudyConfig(sampler="grid", trials=4, pruner="none")
    study = optuna.create_study()
    small = (Parameter(name="size", kind="Choice", default=1, values=(1, 2)),)
    ends = Ends(config, study, small)
    study.enqueue_trial({"size": 1}, user_attrs={Key.SLOT: 0})
    for number in range(3):
        assert not ends.reached
        trial = study.ask()
        trial.set_user_attr(Key.OUTCOME, {"end_reason": "limit" if number == 2 else "epochs"})
        study.tell(trial, 1.0)
    assert ends.reasons() == ["All 2 points of the grid were tried."]


@pytest.mark.parametrize("name", ["grid", "qmc"])
def test_hyperband_takes_no_point_from_a_grid_or_a_sequence(name: str) -> None:
    """Optuna shows a sampler one bracket, once its own pruner was asked: slots are lost there."""
    adapter, plain = SpaceAdapter(TREE), _run(name, TREE, 13)
    pruner = make_pruner("hyperband", epochs=9, options={"min_resource": 1})
    study = optuna.create_study(sampler=make_sampler(name, 3, space=TREE, trials=13), pruner=pruner)
    study.enqueue_trial(adapter.encode(adapter.defaults()), user_attrs={Key.SLOT: 0})
    tried = []
    for number in range(13):
        trial = study.ask()
        tried.append(adapter.sample(trial))
        trial.report(float(number), 1)
        trial.should_prune()
        study.tell(trial, float(number))
    assert tried[1:] == plain


@pytest.mark.parametrize("name", ["cmaes", "nsga2"])
def test_a_baseline_that_lacks_a_parameter_hides_it_from_no_sampler(name: str) -> None:
    sampler = make_sampler(name, 3, space=NUMBERS)
    study = optuna.create_study(sampler=sampler)
    for number in range(4):
        trial = study.ask()
        trial.suggest_float("rate", 0.0, 0.5)
        if number:
            trial.suggest_int("width", 4, 64, log=True)
        study.tell(trial, float(number))
    trial = study.ask()
    assert set(trial.relative_params or trial.relative_search_space) == {"rate", "width"}


def test_tpe_serves_several_goals_beside_a_trial_that_a_limit_ended() -> None:
    sampler = make_sampler("tpe", 1, space=NUMBERS)
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
    adapter = SpaceAdapter(NUMBERS)
    for number in range(10):
        trial = study.ask()
        adapter.sample(trial)
        if number % 3 == 2:
            trial.storage.set_trial_intermediate_value(trial._trial_id, 1, 0.5)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, [float(number), 1.0])
    assert len(study.trials) == 10


def test_a_grid_is_refused_what_it_cannot_list() -> None:
    with pytest.raises(SearchError, match=r"`rate` is any number from 0 to 0.5"):
        make_sampler("grid", 1, space=NUMBERS)
    with pytest.raises(SearchError, match=r"12 points.*makes 13 trials, but `trials` is 14"):
        make_sampler("grid", 1, space=TREE, trials=14)
    wide = tuple(Parameter(name=f"p{n}", kind="Int", default=1, low=1, high=100) for n in range(3))
    with pytest.raises(SearchError, match=r"at most 100,000 points"):
        make_sampler("grid", 1, space=wide)


@pytest.mark.parametrize("name", ["random", "local", "tpe", "cmaes", "qmc", "nsga2"])
def test_a_sampler_stays_in_the_space_and_repeats_itself(name: str) -> None:
    first, again = (_run(name, NUMBERS, 14) for _ in range(2))
    assert first == again
    assert all(0 <= p["rate"] <= 0.5 and 4 <= p["width"] <= 64 for p in first)
    assert len({p["rate"] for p in first}) >= (8 if name == "local" else 12)  # it keeps some


@pytest.mark.parametrize("options", [{}, {"qmc_type": "halton"}])
def test_a_sequence_spreads_every_parameter_evenly_whoever_asks_first(options: dict) -> None:
    sampler = make_sampler("qmc", 3, space=TREE, options=options)
    study = optuna.create_study(sampler=sampler)
    asked = [study.ask() for _ in range(17)]  # at once, as many workers would
    adapter = SpaceAdapter(TREE)
    points = {t.number: adapter.sample(t) for t in [*asked[:0:-1]]}
    families = [point["family"] for point in points.values()]
    assert 7 <= families.count("a") <= 9
    rates = [point["rate"] for point in points.values()]
    assert all(4 <= rates.count(rate) <= 7 for rate in (0.0, 0.25, 0.5))
    other = optuna.create_study(sampler=make_sampler("qmc", 3, space=TREE, options=options))
    for number in range(17):
        trial = other.ask()
        if number:
            assert adapter.sample(trial) == points[number]
        other.tell(trial, 1.0)


def test_cmaes_is_refused_choices_and_what_depends_on_them() -> None:
    with pytest.raises(SearchError, match=r"`family` is a choice"):
        make_sampler("cmaes", 1, space=TREE)
    with pytest.raises(SearchError, match=r"`depth` depends on others"):
        make_sampler("cmaes", 1, space=DEPENDENT)


def test_gp_without_torch_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.samplers.factory.importlib.util.find_spec", lambda name: None)
    with pytest.raises(SearchError, match=re.escape('"trialbook[gp]"')):
        make_sampler("gp", 1, space=NUMBERS)


def test_options_reach_the_sampler() -> None:
    study = optuna.create_study()
    made = make_sampler("tpe", 1, options={"n_startup_trials": 2, "multivariate": False})
    trial = study.ask()
    inner = made._proposing(study, study.get_trials()[trial.number]).sampler
    assert inner._n_startup_trials == 2
    assert not inner._multivariate


@pytest.mark.parametrize("name", ["local", "tpe"])
def test_options_that_optuna_refuses_together_are_one_line(name: str) -> None:
    options = {"multivariate": False, "group": True}
    with pytest.raises(SearchError, match=r"must go together, but got multivariate=False, group="):
        make_sampler(name, 1, space=NUMBERS, options=options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sampler": "nope"}, r"`sampler` must be one of local, tpe"),
        (
            {"sampler_options": {"x": 1}},
            r"what sampler `local` takes, but got `x`. Known: local_share",
        ),
        ({"sampler": "grid", "sampler_options": {"x": 1}}, r"It takes none"),
        (
            {"sampler_options": {"n_startup_trials": -1}},
            r"a whole number of at least 0, but got -1",
        ),
        ({"sampler_options": {"group": 1}}, r"sampler_options.group` must be true or false"),
        ({"sampler": "qmc", "sampler_options": {"qmc_type": "x"}}, r"be one of sobol, halton"),
        ({"sampler": "nsga2", "sampler_options": {"mutation_prob": 2}}, r"a number from 0 to 1"),
        (
            {"pruner": "asha", "pruner_options": {"reduction_factor": 1}},
            r"of at least 2, but got 1",
        ),
        ({"pruner": "none", "pruner_options": {"patience": 1}}, r"pruner `none` takes"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(given: dict, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        StudyConfig.from_dict(given)


def test_options_survive_the_study_file(tmp_path) -> None:
    config = StudyConfig(
        sampler="qmc",
        sampler_options={"qmc_type": "halton"},
        pruner="patient",
        pruner_options={"patience": 3, "min_delta": 0.01},
    )
    path = tmp_path / "s.toml"
    path.write_text(config.to_toml())
    assert StudyConfig.from_toml(path) == config
    assert set(SAMPLERS) == {"local", "tpe", "random", "gp", "cmaes", "qmc", "grid", "nsga2"}


def test_a_proposal_reads_the_trials_once_whatever_it_asks_for() -> None:
    study = optuna.create_study(sampler=make_sampler("tpe", 1, options={"n_startup_trials": 2}))
    names = [f"x{number}" for number in range(6)]
    for number in range(8):
        trial = study.ask()
        values = [trial.suggest_float(name, 0, 1) for name in names[: 1 + number % 6]]
        study.tell(trial, sum(values))
    storage, read = study._storage, []
    get = storage.get_all_trials
    storage.get_all_trials = lambda *args, **options: (read.append(args), get(*args, **options))[1]
    trial = study.ask()
    for name in names:
        trial.suggest_float(name, 0, 1)
    assert 1 <= len(read) <= 3  # for queued trials, for the slot, for the proposal


@pytest.mark.parametrize("name", ["tpe", "local"])
def test_what_is_under_way_elsewhere_is_known_to_the_sampler(name: str) -> None:
    """With the same seed and the same ended trials it proposes something else beside them."""
    space = NUMBERS[:1]
    adapter = SpaceAdapter(space)
    options = {"local_share": 1.0, "local_sweep": 1.0} if name == "local" else {}

    def proposed(under_way: float | None) -> float:
        sampler = make_sampler(name, 3, space=space, trials=40, options=options)
        study = optuna.create_study(sampler=sampler)
        for number in range(12):
            rate = number / 25
            study.enqueue_trial(adapter.encode_given({"rate": rate}))
            adapter.sample(trial := study.ask())
            study.tell(trial, (rate - 0.2) ** 2)
        for shift in range(6 if under_way is not None else 0):  # asked for by other processes
            assert under_way is not None
            study.enqueue_trial(adapter.encode_given({"rate": under_way + shift * 1e-6}))
            other = optuna.load_study(study_name=study.study_name, storage=study._storage)
            adapter.sample(other.ask())
        return float(adapter.sample(study.ask())["rate"])

    alone = proposed(None)
    assert proposed(None) == alone
    assert proposed(alone) != alone
