"""The saved view of a study: what it ranks, shows and draws."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tracking import EpochRecord, MlflowRecorder, Store, StudyRecord, TrialRecord
from tracking.runs.view.address import page_of, run_page, study_page, version_page
from tracking.runs.view.state import CURVES_TAG, VIEW_TAG, curves_of, view_of

Make = Callable[..., TrialRecord]


def read(view: str) -> dict[str, Any]:
    """A view as MLflow's pages read it."""
    if view.startswith("deflate;"):
        view = zlib.decompress(base64.b64decode(view.removeprefix("deflate;"))).decode()
    found: dict[str, Any] = json.loads(view)
    return found


def charts(view: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [chart for chart in view["compareRunCharts"] if chart["type"] == kind]


def test_a_study_without_a_trial_shows_what_its_trials_will_have(study: StudyRecord) -> None:
    view = read(view_of(study))
    assert view["searchFilter"] == "tags.`trialbook.role` = 'trial'"
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`best_val_rmse`", True)
    assert view["selectedColumns"] == [
        "metrics.`best_val_rmse`", "metrics.`best_epoch`", "metrics.`time/seconds_total`",
        "tags.`trialbook.state`", "params.`family`", "params.`optimizer`",
        "params.`learning_rate`", "params.`batch_size`",
    ]  # fmt: skip
    assert view["columnOrder"] == view["selectedColumns"]
    assert view["runsHiddenMode"] == "FIRST_20_RUNS"
    (curves,) = charts(view, "LINE")
    assert (curves["metricKey"], curves["selectedMetricKeys"]) == ("val_rmse", ["val_rmse"])
    section = view["compareRunSections"][0]
    assert {chart["metricSectionId"] for chart in view["compareRunCharts"]} == {section["uuid"]}
    assert section["columns"] == 2  # in charts of three a row, names of axes overlap


def test_the_parameters_that_matter_come_first(make_trial: Make) -> None:
    trials = tuple(
        make_trial(number=n, state="complete", value=1.0 - n / 10, run_id=f"r{n}",
                   params={"a": n, "b(c)": n, "same": 1, "optimizer": f"o{n}"})
        for n in range(20)
    )  # fmt: skip
    study = StudyRecord(
        name="own", trials=trials, importances={"b(c)": 0.7, "a": 0.2, "optimizer": 0.1}
    )
    view = read(view_of(study))
    assert view["runsHiddenMode"] == "SHOW_ALL"
    assert [c for c in view["selectedColumns"] if c.startswith("params")] == [
        "params.`optimizer`", "params.`b_c_`", "params.`a`",
    ]  # fmt: skip
    (parallel,) = charts(view, "PARALLEL")
    assert parallel["selectedParams"] == ["b_c_", "a", "optimizer"]
    assert parallel["selectedMetrics"] == ["best_val_rmse"]
    assert [chart["xaxis"]["key"] for chart in charts(view, "SCATTER")] == ["b_c_", "a"]


def test_of_few_trials_no_parameter_is_said_to_matter_more(make_trial: Make) -> None:
    trials = tuple(make_trial(n, 1.0 + n, params={"a": n, "b": n}) for n in range(19))
    study = StudyRecord(name="own", trials=trials, importances={"b": 0.9})
    assert charts(read(view_of(study)), "PARALLEL")[0]["selectedParams"] == ["a", "b"]


def test_the_first_axis_has_no_long_ticks(make_trial: Make) -> None:
    """MLflow has room for few letters at its left: 0.00004 would be cut."""
    trials = tuple(make_trial(n, 1.0 + n, params={"l2": n * 1e-5, "size": n}) for n in range(3))
    view = read(view_of(StudyRecord(name="own", trials=trials)))
    assert charts(view, "PARALLEL")[0]["selectedParams"] == ["size", "l2"]


def test_the_first_axis_is_no_choice_of_long_names(make_trial: Make) -> None:
    """Of eight letters or more the first would be cut: "lazy_adam" was seen as "azy_adam"."""
    chosen = [("lazy_adam", "scaled_sigmoid", "gmf"), ("adam", "relu", "neumf")]
    trials = tuple(
        make_trial(n, 1.0 + n, params={"optimizer": o, "output": a, "family": f})
        for n, (o, a, f) in enumerate(chosen)
    )
    view = read(view_of(StudyRecord(name="own", trials=trials)))
    shown = charts(view, "PARALLEL")[0]["selectedParams"]
    assert shown == ["family", "optimizer", "output"]  # where all are long, the shortest is first
    view = read(view_of(StudyRecord(name="own", trials=tuple(
        replace(t, params={**t.params, "output": 0.5 + t.number}) for t in trials
    ))))  # fmt: skip
    assert charts(view, "PARALLEL")[0]["selectedParams"] == ["output", "family", "optimizer"]


def _made(make: Make, number: int, values: list[float], **given: Any) -> TrialRecord:
    epochs = tuple(
        EpochRecord(epoch=n, seconds=0.1, metrics={"val_rmse": v, "rmse": v / 2})
        for n, v in enumerate(values, start=1)
    )
    return make(number, min(values), epochs=epochs, metrics={"best_epoch": 3.0}, **given)


def test_curves_have_a_range_once_no_more_trials_come(study: StudyRecord, make_trial: Make) -> None:
    """Of all fifteen values 1.0 is the median: up to 1.0 + 4 * 0.2 = 1.8, and 6 % of 1.0.

    The 2.5 that the last trial kept does not widen it; the kept values' own range ends at 0.9.
    """
    kept = [[1.2, 1.0, 0.80], [1.2, 1.0, 0.81], [1.2, 1.0, 0.82], [1.2, 0.95, 0.83], [9, 4, 2.5]]
    trials = tuple(_made(make_trial, n, values) for n, values in enumerate(kept))
    record = replace(study, trials=trials)
    (line,) = charts(read(view_of(record, is_over=True)), "LINE")
    assert line["range"] == {"yMin": 0.74, "yMax": 1.86}
    (line,) = charts(read(curves_of(record, ["r"], is_over=True)), "LINE")
    assert line["range"] == {"yMin": 0.74, "yMax": 1.86}
    assert "range" not in charts(read(view_of(record)), "LINE")[0]
    assert "range" not in charts(read(view_of(study, is_over=True)), "LINE")[0]
    # The published trial's curve is drawn too: up to its 2.5, and 6 % of 1.7.
    shown = replace(record, trials=trials[:4], published=trials[4].epochs)
    (line,) = charts(read(view_of(shown, is_over=True)), "LINE")
    assert line["range"] == {"yMin": 0.698, "yMax": 2.602}


def test_the_range_is_stored_at_the_end_of_a_study_and_taken_away_where_it_goes_on(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    def stored() -> dict[str, Any]:
        tags = store.client().get_experiment(started.experiment_id).tags
        found: dict[str, Any] = charts(read(tags[VIEW_TAG]), "LINE")[0]
        return found

    trials = tuple(_made(make_trial, n, [1.0, 0.9, 0.8 + n]) for n in range(2))
    started = recorder.start_study(study)
    done = replace(started, trials=trials)
    recorder.finish_study(done, status="FINISHED")
    assert set(stored()["range"]) == {"yMin", "yMax"}
    recorder.start_study(done)
    assert "range" not in stored()
    running = replace(trials[1], state="running", value=None)
    recorder.finish_study(replace(done, trials=(trials[0], running)), status="KILLED")
    assert "range" not in stored()


@pytest.mark.parametrize(("goals", "most"), [((), 3), (("best_val_rmse", "parameters"), 2)])
def test_parallel_coordinates_have_four_axes_at_most(
    goals: tuple[str, ...], most: int, make_trial: Make
) -> None:
    """The most important ones; with more of them the names of axes overlap."""
    names = [f"p{n}" for n in range(9)]
    trials = tuple(
        make_trial(n, 1.0 + n, params=dict.fromkeys(names, n), study="own") for n in range(20)
    )
    shares = {name: n / 100 for n, name in enumerate(names)}
    study = StudyRecord(name="own", trials=trials, importances=shares, goals=goals)
    (parallel,) = charts(read(view_of(study)), "PARALLEL")
    assert parallel["selectedParams"] == ["p8", "p7", "p6"][:most]
    assert len(parallel["selectedParams"]) + len(parallel["selectedMetrics"]) == 4


def test_what_is_maximised_is_ranked_from_above(study: StudyRecord) -> None:
    best = replace(study, direction="maximize", objective="best_val_accuracy", dataset=None)
    view = read(view_of(replace(best, monitor="val_accuracy")))
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`best_val_accuracy`", False)
    assert not [column for column in view["selectedColumns"] if column.startswith("params")]
    assert charts(view, "LINE")[0]["metricKey"] == "val_accuracy"
    assert charts(view, "PARALLEL")[0]["selectedParams"] == []


def test_all_goals_have_a_column_and_a_scatter(study: StudyRecord) -> None:
    several = replace(study, goals=("best_val_rmse", "parameters"))
    view = read(view_of(several))
    assert view["selectedColumns"][:2] == ["metrics.`best_val_rmse`", "metrics.`parameters`"]
    (scatter,) = [c for c in charts(view, "SCATTER") if c["xaxis"]["type"] == "METRIC"]
    assert (scatter["xaxis"]["key"], scatter["yaxis"]["key"]) == ("parameters", "best_val_rmse")


def test_each_fold_has_its_curve(study: StudyRecord, make_trial: Make) -> None:
    trial = make_trial(number=0, state="complete", value=1.0)
    epochs = tuple(
        replace(
            epoch, metrics={f"fold_{n}/{k}": v for n in (1, 2) for k, v in epoch.metrics.items()}
        )
        for epoch in trial.epochs
    )
    view = read(view_of(replace(study, trials=(replace(trial, epochs=epochs),))))
    (curves,) = charts(view, "LINE")
    assert curves["selectedMetricKeys"] == ["fold_1/val_rmse", "fold_2/val_rmse"]


@pytest.mark.parametrize("length", [5, 240])
def test_a_view_fits_in_a_tag_of_mlflow(
    length: int, recorder: MlflowRecorder, store: Store, make_trial: Make
) -> None:
    names = [f"{n}{'x' * length}" for n in range(40)]
    trials = tuple(
        make_trial(study="movies", number=n, state="complete", value=1.0 + n,
                   params=dict.fromkeys(names, n))
        for n in range(2)
    )  # fmt: skip
    started = recorder.start_study(StudyRecord(name="movies", description="words " * 5000))
    recorder.finish_study(replace(started, trials=trials), status="KILLED")
    tags = store.client().get_experiment(started.experiment_id).tags
    assert len(tags[VIEW_TAG]) <= 5000
    assert len(read(tags[VIEW_TAG])["compareRunCharts"]) == 5
    assert len(tags["mlflow.note.content"]) <= 5000
    assert "## Results" in tags["mlflow.note.content"]


def test_the_view_and_the_description_follow_the_study(
    recorder: MlflowRecorder, store: Store, study: StudyRecord, make_trial: Make
) -> None:
    started = recorder.start_study(study)
    client = store.client()
    tags = client.get_experiment(started.experiment_id).tags
    assert tags["mlflow.note.content"] == "What is searched."
    assert read(tags[VIEW_TAG]) | {"runsHiddenMode": "FIRST_10_RUNS"} == read(tags[CURVES_TAG])
    base = make_trial(number=0, tags={"trialbook.baseline": "true"})
    base = replace(base, run_id=recorder.start_trial(base), state="complete", value=1.0)
    recorder.finish_trial(base, folder=None)
    recorder.finish_study(replace(started, trials=(base,)), status="KILLED")
    tags = client.get_experiment(started.experiment_id).tags
    curves = read(tags[CURVES_TAG])
    assert curves["searchFilter"] == f"attributes.run_id IN ('{base.run_id}')"
    assert curves["runsHiddenMode"] == "SHOW_ALL"
    assert "Trials: 1 complete." in tags["mlflow.note.content"]


def test_an_experiment_of_somebody_elses_keeps_its_description(
    recorder: MlflowRecorder, store: Store, study: StudyRecord
) -> None:
    made = store.client().create_experiment("movies", tags={"mlflow.note.content": "Mine."})
    started = recorder.start_study(study)
    tags = store.client().get_experiment(made).tags
    assert started.experiment_id == made
    assert tags["mlflow.note.content"] == "Mine."
    assert VIEW_TAG in tags


def test_the_address_names_the_view() -> None:
    assert page_of("http://host:5000/", "7", curves=True) == (
        "http://host:5000/#/experiments/7/runs?workflowType=machine_learning"
        "&viewStateShareKey=trialbook-curves&compareRunsMode=CHART"
    )
    assert page_of("https://me:secret@host", "7").startswith("https://host/#/experiments/7/runs?")
    assert page_of("http://host:1") == "http://host:1/#/experiments?workflowType=machine_learning"


def test_a_server_shows_what_is_recorded_at_an_address() -> None:
    server, file = "http://me:secret@host:5000/", "sqlite:////home/mlflow.db"
    assert study_page(server, "7") == page_of("http://host:5000", "7")
    assert run_page(server, "7", "0a1b") == "http://host:5000/#/experiments/7/runs/0a1b"
    # What is special in an address stands in a name as the pages write it.
    assert version_page("HTTPS://host/mlflow", "a b/c#d/12") == (
        "HTTPS://host/mlflow/#/models/a%20b%2Fc%23d/versions/12"
    )
    assert study_page(file, "7") is run_page(file, "7", "0a1b") is version_page(file, "m/1") is None
    # Nothing is recorded there yet.
    assert study_page(server, None) is run_page(server, "7", None) is None
    assert run_page(server, None, "0a1b") is version_page(server, None) is None
