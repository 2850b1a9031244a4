"""Values that a model asks for: chosen when they appear, stored, and known to the whole study."""

from __future__ import annotations

from collections.abc import Mapping

import optuna
import pytest
from optuna.trial import FrozenTrial

from search.errors import SearchError
from search.samplers.factory import make_sampler
from search.seeds import derive_seed
from search.space.parameters import Condition, Parameter, from_plain
from search.storage.new_attributes import attributes_of_queued
from search.storage.queue import requeue
from search.storage.study_attributes import met_of
from search.trial.asked import AskedValues, GrowingSpace, Hearers, met_in_words
from tracking import Scalar, TrialRecord

LAYERS = Parameter(name="layers", kind="Int", default=1, low=1, high=3)
UNITS = [Parameter(name=f"units_{n}", kind="Int", default=8, low=8, high=64) for n in range(3)]


class Heard:
    """Keeps what is heard of one trial's values."""

    def __init__(self, twin: FrozenTrial | None = None) -> None:
        self.new: list[str] = []
        self.stored: list[dict[str, Scalar]] = []
        self.lines: list[str] = []
        self._twin = twin

    def hearers(self) -> Hearers:
        return Hearers(
            new=lambda parameter: self.new.append(parameter.name),
            store=lambda values: self.stored.append(dict(values)),
            twin=self._find,
            say=self.lines.append,
        )

    def _find(self, values: Mapping[str, Scalar]) -> FrozenTrial | None:
        return self._twin if values == {"layers": 1} else None


def _study(sampler: str, seed: int = 1) -> optuna.Study:
    made = make_sampler(sampler, seed, space=(LAYERS, UNITS[0]), trials=3)
    return optuna.create_study(sampler=made)


def _loop(study: optuna.Study, space: GrowingSpace, heard: Heard, *, value: float) -> AskedValues:
    """One trial of the loop of every Keras Tuner text, as its model asks."""
    trial = study.ask()
    asked = AskedValues(trial, space, heard.hearers(), at_defaults=trial.number == 0)
    layers = asked.ask(LAYERS).value
    assert isinstance(layers, int)
    for number in range(layers):
        asked.ask(UNITS[number])
    assert asked.built()
    study.tell(trial, value)
    return asked


@pytest.mark.parametrize("sampler", ["random", "tpe", "local", "nsga2", "grid", "qmc", "cmaes"])
def test_what_appears_is_searched_stored_and_told_once(sampler: str) -> None:
    study = _study(sampler)
    if sampler == "grid":
        study.sampler = make_sampler(
            "grid", 1, space=(LAYERS, Parameter(**_fields(UNITS[0], step=28))), trials=3
        )
    space, heard, seen = GrowingSpace(study, (LAYERS, UNITS[0])), Heard(), set()
    for number in range(12):
        asked = _loop(study, space, heard, value=float(number))
        layers = asked.values["layers"]
        assert list(asked.values) == ["layers", *(f"units_{n}" for n in range(layers))]
        assert study.trials[-1].params == asked.values
        assert heard.stored[-1] == asked.values
        seen |= {("units_1", asked.values.get("units_1"))}
    assert study.trials[0].params == {"layers": 1, "units_0": 8}
    assert sorted(heard.new) == ["units_1", "units_2"]
    assert [each["name"] for each in met_of(study)] == heard.new
    assert [from_plain(each) for each in met_of(study)] == [
        UNITS[int(name[-1])] for name in heard.new
    ]
    assert len(seen - {("units_1", None)}) > 1


def _fields(parameter: Parameter, **changes: object) -> dict[str, object]:
    names = ("name", "kind", "default", "low", "high")
    return {name: getattr(parameter, name) for name in names} | changes


@pytest.mark.parametrize("sampler", ["grid", "qmc"])
def test_what_a_sampler_has_not_planned_is_drawn_from_the_slots_own_stream(sampler: str) -> None:
    """The same slot draws the same values, whatever other trials did before."""
    drawn = []
    for before in (0, 2):
        study = optuna.create_study(sampler=make_sampler(sampler, 7, space=(LAYERS,), trials=3))
        for _ in range(before):
            study.add_trial(optuna.create_trial(value=1.0))
        trial = study.ask()
        trial.set_user_attr("trialbook:slot", 2)
        asked = AskedValues(
            trial, GrowingSpace(study, (LAYERS,)), Heard().hearers(), at_defaults=False
        )
        drawn.append([asked.ask(units).value for units in UNITS])
    assert drawn[0] == drawn[1]
    alone = optuna.samplers.RandomSampler(seed=derive_seed(7, 2))
    study = optuna.create_study(sampler=alone)
    trial = study.ask()
    assert [trial.suggest_int(units.name, 8, 64) for units in UNITS] == drawn[0]


def test_another_process_knows_what_was_met_and_the_first_declaration_counts() -> None:
    study = _study("random")
    first, second = (GrowingSpace(study, (LAYERS,)) for _ in range(2))
    known, is_new = first.known(UNITS[1], (3, 1))
    assert (known, is_new) == (UNITS[1], True)
    assert second.known(UNITS[1], (4, 1)) == (UNITS[1], False)
    deep = Condition(name="layers", values=(3,))
    other = Parameter(name="units_1", kind="Choice", default=1, values=(1, 2), conditions=(deep,))
    known, is_new = second.known(other, (5, 2))
    assert is_new
    assert known.variant == "layers is 3"
    assert [each["name"] for each in met_of(study)] == ["units_1", "units_1"]


def test_a_twin_ends_the_trial_once_all_values_are_known() -> None:
    study = _study("random")
    twin = optuna.create_trial(value=0.5)
    heard = Heard(twin)
    asked = AskedValues(
        study.ask(), GrowingSpace(study, (LAYERS,)), heard.hearers(), at_defaults=True
    )
    assert asked.ask(LAYERS).goes_on  # more may come before the model is built
    assert not asked.built()
    assert asked.twin is twin
    assert not asked.ask(LAYERS).goes_on  # a `fit` that passes over it is told again


def test_an_interrupted_trial_tries_the_same_values_again() -> None:
    study = _study("random")
    space = GrowingSpace(study, (LAYERS, UNITS[0]))
    study.add_trial(optuna.create_trial(value=1.0))
    first = AskedValues(study.ask(), space, Heard().hearers(), at_defaults=False)
    values = [first.ask(parameter).value for parameter in (LAYERS, *UNITS)]
    study.enqueue_trial(study.trials[-1].params)
    again = AskedValues(study.ask(), space, Heard().hearers(), at_defaults=False)
    assert [again.ask(parameter).value for parameter in (LAYERS, *UNITS)] == values


def test_a_users_values_are_taken_when_the_model_asks_and_what_does_not_fit_is_told() -> None:
    study = _study("random")
    kind = Parameter(name="kind", kind="Choice", default="8", values=("8", "16"))
    wanted = {"units_0": 40, "units_1": 9000, "kind": 16, "unitss": 3}
    study.enqueue_trial({"layers": 2}, user_attrs=attributes_of_queued(wanted=wanted))
    heard, trial = Heard(), study.ask()
    asked = AskedValues(trial, GrowingSpace(study, (LAYERS,)), heard.hearers(), at_defaults=False)
    got = {p.name: asked.ask(p).value for p in (LAYERS, UNITS[0], UNITS[1], kind)}
    asked.built()
    asked.end()
    assert (got["layers"], got["units_0"], got["kind"]) == (2, 40, "16")
    assert 8 <= got["units_1"] <= 64
    assert study.trials[-1].params == got
    assert heard.lines == [
        "`units_1` must be from 8 to 64, but the configuration of trial 0 has 9000: another value "
        "is drawn.",
        "The model of trial 0 never asked for unitss, which its configuration has.",
    ]


def test_an_interrupted_trial_keeps_the_users_values() -> None:
    study = _study("random")
    study.add_trial(optuna.create_trial(value=1.0))
    attributes = attributes_of_queued(wanted={"units_1": 41})
    study.enqueue_trial({"layers": 3}, user_attrs=attributes)
    study.ask()
    left = study.get_trials(deepcopy=False)[1]
    requeue(study, left, TrialRecord(study="s", number=1, params={}, state="killed"))
    trial = study.ask()
    space = GrowingSpace(study, (LAYERS,))
    asked = AskedValues(trial, space, Heard().hearers(), at_defaults=False)
    assert (trial.number, asked.ask(UNITS[1]).value) == (2, 41)


@pytest.mark.parametrize(("sampler", "drawn"), [("tpe", False), ("grid", True), ("cmaes", True)])
def test_what_was_met_is_told_in_a_line(sampler: str, drawn: bool) -> None:
    line = met_in_words(UNITS[1], 3, sampler)
    assert line.startswith("Trial 3 met a new parameter, `units_1` (from 8 to 64): it is searched")
    assert ("drawn at random" in line) == drawn


def test_what_was_met_and_edited_since_is_refused_by_the_next_call() -> None:
    """Within a call the first declaration counts, as in Keras Tuner: a range may depend on others.

    Between two calls it is an edit of the model.
    """
    study = _study("random")
    wider = Parameter(name="units_1", kind="Int", default=8, low=8, high=128)
    first = GrowingSpace(study, (LAYERS,))
    first.known(UNITS[1], (0, 1))
    assert first.known(wider, (1, 1)) == (UNITS[1], False)
    edited = GrowingSpace(study, (LAYERS,))
    with pytest.raises(SearchError, match=r"`units_1`.* from 8 to 64, now from 8 to 128"):
        edited.known(wider, (2, 1))
    same = GrowingSpace(study, (LAYERS,))
    assert same.known(UNITS[1], (2, 1)) == (UNITS[1], False)
    assert same.known(wider, (3, 1)) == (UNITS[1], False)
