"""A user's own model that was edited between two calls: refused, or gone on with what fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from search.child.messages import Ready
from search.config.study import StudyConfig
from search.errors import SearchError
from search.space.distributions import SpaceAdapter
from search.space.parameters import Condition, Parameter, plain
from search.storage.studies import Studies
from search.storage.study_attributes import (
    declared_space_of,
    met_of,
    space_version_of,
    widened_at,
    write_met,
    write_space,
)
from search.storage.trial_attributes import TrialPlan, write_outcome, write_plan
from search.study.choice import choose
from search.study.opening import open_study
from search.study.request import Request
from search.trial.twins import awaited_twin
from tracking import COMPLETE, Store, TrialRecord

KIND = Parameter(name="kind", kind="Choice", default="a", values=("a", "b"))
RATE = Parameter(name="rate", kind="Float", default=0.5, low=0.1, high=1.0)
WIDER = (replace(KIND, values=("a", "b", "c")), replace(RATE, high=2.0))


def _ready(*space: Parameter) -> Ready:
    first = SpaceAdapter(space).defaults()
    return Ready(
        space=space, first=first, dataset=None, workers=1, threads=1, warnings=(), devices=(),
        grows=True,
    )  # fmt: skip


def _config(**settings: object) -> StudyConfig:
    return StudyConfig(name="own", model="m:M", objective="val_loss:min", **settings)  # type: ignore[arg-type]


@pytest.fixture
def studies(tmp_path: Path) -> Studies:
    store = Store(tmp_path / "mlruns")
    store.prepare()
    return Studies(store)


def _open(
    studies: Studies, *space: Parameter, widen: bool = False, **settings: object
) -> optuna.Study:
    config, ready = _config(**settings), _ready(*space)
    chosen = choose(config, studies, ready, Request(widen=widen))
    return open_study(config, studies.storage, ready, chosen)


def _train(study: optuna.Study, *space: Parameter, value: float) -> None:
    trial = study.ask()
    values = SpaceAdapter(space).sample(trial)
    write_plan(trial, TrialPlan(values=values))
    record = TrialRecord(
        study="own", number=trial.number, params=values, state=COMPLETE, value=value
    )
    write_outcome(trial, record)
    study.tell(trial, value)


def test_an_edited_model_is_refused_with_its_differences(studies: Studies) -> None:
    _open(studies, KIND, RATE)
    new = Parameter(name="new", kind="Boolean", default=False)
    with pytest.raises(SearchError) as caught:
        _open(studies, WIDER[0], new)
    told = str(caught.value)
    assert "`kind` was one of a, b, now one of a, b, c; `rate` is gone; `new` is new" in told
    assert "`--widen`" in told
    assert "\n" not in told
    _open(studies, KIND, RATE)  # put back, it goes on


def test_a_worker_with_another_space_is_refused_with_the_differences(studies: Studies) -> None:
    study = _open(studies, KIND, RATE)
    config, ready = _config(), _ready(*WIDER)
    with pytest.raises(SearchError) as caught:
        choose(config, studies, ready, Request(joins=True))
    told = str(caught.value)
    assert "must have the same space" in told
    assert "`kind` was one of a, b, now one of a, b, c; `rate` was from 0.1 to 1, now" in told
    assert "--widen" not in told  # which `trialbook worker` does not have
    same = _ready(KIND, RATE)
    chosen = choose(config, studies, same, Request(joins=True))
    joined = open_study(config, studies.storage, same, chosen, joins=True)
    assert joined._study_id == study._study_id


@pytest.mark.parametrize("sampler", ["local", "tpe", "random"])
def test_widened_it_goes_on_and_learns_from_what_still_fits(sampler: str, studies: Studies) -> None:
    study = _open(studies, KIND, RATE, sampler=sampler)
    for number in range(4):
        _train(study, KIND, RATE, value=float(number))
    old = [dict(t.params) for t in study.trials]
    study = _open(studies, *WIDER, widen=True, sampler=sampler)
    assert (widened_at(study), space_version_of(study)) == (4, 2)
    kind, rate = declared_space_of(study)
    assert (kind["values"], kind["variant"], rate["high"]) == (["a", "b", "c"], "space 2", 2.0)
    assert "variant" not in rate  # another range of the same kind may have the same name
    space = choose(_config(sampler=sampler), studies, _ready(*WIDER), Request()).space
    assert (space.since, space.changes) == (4, ())
    for number in range(8):
        _train(study, *space.parameters, value=float(number))
    new = study.trials[4:]
    assert all(set(t.params) == {"kind [space 2]", "rate"} for t in new)
    assert [dict(t.params) for t in study.trials[:4]] == old
    seen = study.sampler._seen.history  # type: ignore[attr-defined]
    assert [t.params for t in seen] == [
        {"kind [space 2]": each["kind"], "rate": each["rate"]} for each in old
    ]
    assert seen[0].distributions == {
        "kind [space 2]": CategoricalDistribution(("a", "b", "c")),
        "rate": FloatDistribution(0.1, 2.0),
    }


def test_what_an_edited_model_met_before_is_met_anew(studies: Studies) -> None:
    study = _open(studies, KIND, RATE)
    met = Parameter(name="late", kind="Choice", default=1, values=(1, 2))
    write_met(study, "late", plain(met), (0, 2))
    _train(study, KIND, RATE, value=1.0)
    assert [each["name"] for each in met_of(study)] == ["late"]
    study = _open(studies, *WIDER, widen=True)
    assert met_of(study) == []
    write_met(study, "late", plain(met), (1, 2))
    space = choose(_config(), studies, _ready(*WIDER), Request()).space
    _train(study, *space.parameters, value=1.0)
    study = _open(studies, *WIDER, widen=True)  # where that alone was edited
    assert met_of(study) == []
    assert space_version_of(study) == 3


def test_a_value_of_before_the_edit_is_not_reused(studies: Studies) -> None:
    study = _open(studies, KIND, RATE)
    _train(study, KIND, RATE, value=1.0)
    values = {"kind": "a", "rate": 0.5}
    assert awaited_twin(study, 9, values, lambda: False) is not None
    study = _open(studies, *WIDER, widen=True)
    assert awaited_twin(study, 9, values, lambda: False) is None


@pytest.mark.parametrize("sampler", ["qmc", "grid"])
def test_a_sampler_that_has_planned_all_proposals_cannot_go_on(
    sampler: str, studies: Studies
) -> None:
    rate = replace(RATE, step=0.1)
    _open(studies, KIND, rate, sampler=sampler, trials=3)
    with pytest.raises(SearchError, match="planned them all in the old space"):
        _open(studies, WIDER[0], rate, widen=True, sampler=sampler, trials=3)


def test_a_study_of_before_finds_more_parameters_in_advance_and_goes_on(
    studies: Studies,
) -> None:
    """Fewer were found then, and what is found now was left out: that is no edit."""
    study = _open(studies, KIND)
    write_space(study, [plain(KIND)], version=1)  # as it was stored then, without a word on growth
    _open(studies, KIND, RATE)
    with pytest.raises(SearchError, match="`kind` was one of a, b"):
        _open(studies, *WIDER)


def _imported(studies: Studies, sampler: str) -> None:
    """A study as an import leaves it: no parameter was found before its trials."""
    study = _open(studies, sampler=sampler)
    write_space(study, [], version=1)
    met = (KIND, RATE, Parameter(name="late", kind="Int", default=1, low=1, high=4))
    for place, parameter in enumerate(met):
        write_met(study, parameter.name, plain(parameter), (0, place))
    _train(study, *met, value=1.0)


@pytest.mark.parametrize("sampler", ["local", "tpe", "random"])
def test_an_edited_model_of_an_imported_study_is_refused_with_its_differences(
    sampler: str, studies: Studies
) -> None:
    _imported(studies, sampler)
    _open(studies, KIND, RATE, sampler=sampler)  # `late` may be met again while a trial runs
    elsewhere = replace(KIND, conditions=(Condition(name="rate", values=(0.5,)),))
    for space, told in {
        WIDER: "`kind` was one of a, b, now one of a, b, c; `rate` was from 0.1 to 1, now from",
        (KIND, replace(RATE, step=0.1)): "`rate` was from 0.1 to 1, now from 0.1 to 1 in st",
        (RATE, elsewhere): "`kind` (where rate is 0.5) is new",
    }.items():
        with pytest.raises(SearchError) as caught:
            _open(studies, *space, sampler=sampler)
        assert told in str(caught.value)
        assert "`--widen`" in str(caught.value)
    study = _open(studies, *WIDER, widen=True, sampler=sampler)
    space = choose(_config(sampler=sampler), studies, _ready(*WIDER), Request()).space
    _train(study, *space.parameters, value=2.0)
    assert set(study.trials[-1].params) == {"kind [space 2]", "rate"}
    with pytest.raises(SearchError, match="`rate` is gone"):  # from then on it is as any other
        _open(studies, WIDER[0], sampler=sampler)


def test_an_imported_study_keeps_the_names_of_its_parameters(studies: Studies) -> None:
    """Which of two namesakes was declared first may differ; what is stored counts."""
    other = replace(
        KIND, values=("x", "y"), default="x", conditions=(Condition(name="rate", values=(0.5,)),)
    )
    study = _open(studies)
    write_space(study, [], version=1)
    stored = (RATE, other, replace(KIND, variant="always"))
    for place, parameter in enumerate(stored):
        write_met(study, f"{place}", plain(parameter), (0, place))
    _train(study, *stored, value=1.0)
    now = (KIND, RATE, replace(other, variant="rate is 0.5"))
    space = choose(_config(), studies, _ready(*now), Request()).space
    assert {p.key: p.variant for p in space.parameters} == {p.key: p.variant for p in stored}


def test_a_warm_start_learns_parameters_that_the_earlier_trials_met(studies: Studies) -> None:
    study = _open(studies, KIND, sampler="tpe")
    late = Parameter(name="late", kind="Choice", default=1, values=(1, 2))
    write_met(study, "late", plain(late), (0, 1))
    _train(study, KIND, value=1.0)
    _train(study, KIND, late, value=2.0)
    config = _config(sampler="tpe", warm_start="own").at(name="next")
    chosen = choose(config, studies, _ready(KIND), Request())
    assert chosen.history is not None
    assert chosen.history.left == {}
    params = [t.params for t in chosen.sampler._seen.history]  # type: ignore[attr-defined]
    assert [set(each) for each in params] == [{"kind"}, {"kind", "late"}]
    open_study(config, studies.storage, _ready(KIND), chosen)
    again = choose(config, studies, _ready(KIND), Request())  # from what was stored
    assert [t.params for t in again.sampler._seen.history] == params  # type: ignore[attr-defined]


def test_a_configuration_may_name_what_trials_have_met(studies: Studies) -> None:
    study = _open(studies, KIND)
    late = Parameter(name="late", kind="Choice", default=1, values=(1, 2))
    wanted = Request(enqueue=[{"kind": "b", "late": 2}])
    notes = choose(_config(), studies, _ready(KIND), wanted).notes
    assert any("names late, which no trial has met yet" in line for line in notes)
    write_met(study, "late", plain(late), (0, 1))
    chosen = choose(_config(), studies, _ready(KIND), wanted)
    study = open_study(_config(), studies.storage, _ready(KIND), chosen)
    queued = [t.system_attrs["fixed_params"] for t in study.trials]
    assert queued[-1] == {"kind": "b", "late": 2}


def test_a_configuration_that_leaves_out_what_trials_have_met_is_told(studies: Studies) -> None:
    study = _open(studies, KIND)
    for name in ("late", "deep"):
        on_b = (Condition(name="kind", values=("b",)),) if name == "deep" else ()
        late = Parameter(name=name, kind="Choice", default=1, values=(1, 2), conditions=on_b)
        write_met(study, name, plain(late), (0, 1))
    first, second, third = (
        {"kind": "a"}, {"kind": "b", "late": 2}, {"kind": "a", "late": 2},
    )  # fmt: skip
    notes = choose(_config(), studies, _ready(KIND), Request(enqueue=[first, second, third])).notes
    said = [line for line in notes if "leaves values out" in line]
    assert len(said) == 2
    assert "1 of `--enqueue` leaves values out: late is drawn where its model asks" in said[0]
    assert "2 of `--enqueue` leaves values out: deep is drawn where its model asks" in said[1]


def test_a_choice_that_became_fixed_is_gone_on_with(studies: Studies) -> None:
    study = _open(studies, KIND, RATE)
    _train(study, KIND, RATE, value=1.0)
    fixed = Parameter(name="kind", kind="Fixed", default="a")
    study = _open(studies, fixed, RATE, widen=True)
    assert [each["kind"] for each in declared_space_of(study)] == ["Fixed", "Float"]
    _train(study, fixed, RATE, value=2.0)
    assert set(study.trials[-1].params) == {"rate"}
