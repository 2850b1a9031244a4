"""`trialbook show`: trials ranked with what they tried, and one trial."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner
from made_up import made_up_study

from search.cli.commands.show import _study_json
from search.cli.common import console
from search.cli.curve import small_curve
from search.cli.trial_tables import best_table, in_order, show_study, show_trial
from search.errors import SearchError
from search.prediction.outputs import Outputs
from tracking import BASELINE_TAG, DatasetRecord, EpochRecord, StudyRecord, Tag, TrialRecord

RUNNER = CliRunner()


def trial(
    number: int, value: float | None, state: str = "complete", **given: object
) -> TrialRecord:
    usual: dict[str, object] = {
        "params": {"family": "gmf", "factors": number, "optimizer": "adam", "odd": 1},
        "metrics": {"best_epoch": 2.0, "seconds_total": 10.0 - number},
        "epochs": tuple(
            EpochRecord(epoch=n, seconds=0.1, metrics={"val_rmse": 2.0 - n / 10}) for n in (1, 2, 3)
        ),
    }
    return TrialRecord(study="s", number=number, value=value, state=state, **(usual | given))


STUDY = StudyRecord(
    name="s", description="**s** searches.", monitor="val_rmse",
    dataset=DatasetRecord(name="d", content_hash="0" * 64, profile={"biases_val_rmse": 1.0}),
    trials=(
        trial(0, 1.2, tags={BASELINE_TAG: "true"}), trial(1, 0.9, tags={Tag.RECIPE: "gmf"}),
        trial(2, None, "failed", end_reason="nan", message="loss is NaN"), trial(3, 0.8),
    ),
)  # fmt: skip


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")


@pytest.mark.parametrize(
    ("sort", "numbers"),
    [("value", [3, 1, 0, 2]), ("number", [0, 1, 2, 3]), ("seconds", [0, 1, 2, 3])],
)
def test_trials_are_ordered_as_asked(sort: str, numbers: list[int]) -> None:
    assert [each.number for each in in_order(STUDY, sort)] == numbers


def test_a_study_is_shown_with_what_its_trials_tried(capsys: pytest.CaptureFixture[str]) -> None:
    show_study(STUDY, in_order(STUDY, "value"))
    lines = [line for line in printed(capsys).splitlines() if "│" in line]
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]
    assert cells[0][:3] == ["3", "complete", "0.8000"]
    assert [row[0] for row in cells] == ["3", "1 recipe", "0 baseline", "2"]
    assert cells[0][3:6] == ["gmf", "adam", "3"]  # what is equal and not always told is left out
    assert cells[3][1:3] + cells[3][6:] == ["failed", "", "no number", "3", "8"]


def test_named_columns_replace_the_usual_ones(capsys: pytest.CaptureFixture[str]) -> None:
    show_study(STUDY, in_order(STUDY, "value"), ["odd", "best_epoch"])
    head = next(line for line in printed(capsys).splitlines() if "┃" in line)
    assert [name.strip() for name in head.strip("┃").split("┃")] == [
        "trial", "state", "best_val_rmse", "odd", "best_epoch", "end", "epochs", "seconds",
    ]  # fmt: skip
    with pytest.raises(SearchError, match=r"must be parameters or figures .* but got nothing\. "):
        show_study(STUDY, STUDY.trials, ["odd", "nothing"])
    assert printed(capsys) == ""


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["number", "seconds"], ["seconds"]),
        (["trial", "state", "value"], []),
        (["epochs", "odd", "end"], ["epochs", "odd", "end"]),
        (["seconds_total", "seconds"], ["seconds_total", "seconds"]),
    ],
)
def test_columns_that_every_table_has_can_be_named(
    names: list[str],
    shown: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "50")  # they are shown whatever the width
    show_study(STUDY, STUDY.trials, names)
    assert shown_names(printed(capsys))[: 3 + len(shown)] == [
        "trial", "state", "best_val_rmse", *shown,
    ]  # fmt: skip
    metrics = [trial["metrics"] for trial in _study_json(STUDY, STUDY.trials, names)["trials"]]
    assert ("seconds_total" in metrics[0]) == ("seconds" in names)


def test_a_wrong_column_is_told_the_nearest_in_a_line() -> None:
    many = {f"units_{n}": n for n in range(40)}
    study = replace(STUDY, name="my study", trials=(trial(3, 0.8, params=many),))
    with pytest.raises(SearchError) as told:
        show_study(study, study.trials, ["unit_7", "zzzzzzzz"])
    assert str(told.value) == (
        "`columns` must be parameters or figures of my study's trials, or number, state, value, "
        "end, epochs, seconds, but got unit_7, zzzzzzzz. The nearest are units_7, units_37. "
        "`trialbook show 'my study' 3` lists those of a trial."
    )
    with pytest.raises(SearchError, match=r"but got zzzzzzzz\.$"):
        show_study(replace(study, trials=()), (), ["zzzzzzzz"])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_column_that_trials_are_sorted_by_is_shown(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    study = replace(made_up_study(), description="")
    show_study(study, in_order(study, "seconds"), sort="seconds")
    told = printed(capsys)
    place = shown_names(told).index("seconds")
    seconds = [float(row[place]) for row in shown_cells(told)]
    assert len(seconds) == 40
    assert seconds == sorted(seconds, reverse=True)
    assert max(len(line) for line in told.splitlines() if "│" in line) <= width


def test_a_study_says_which_parameters_it_has_no_room_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = replace(wide_study(), description="")
    for width, more in ((60, "4 more parameters"), (88, "3 more parameters")):
        monkeypatch.setenv("COLUMNS", str(width))
        show_study(study, study.trials, show="trialbook show s 0")
        told = printed(capsys).splitlines()
        assert told[-1] == f"They differ in {more}; one trial whole: trialbook show s 0"
        assert told[-2].startswith("There is no room for their states") == (width == 60)
    monkeypatch.setenv("COLUMNS", "200")
    show_study(study, study.trials, show="trialbook show s 0")
    assert "They differ" not in printed(capsys)
    monkeypatch.setenv("COLUMNS", "40")
    show_study(study, study.trials, ["seconds"], show="trialbook show s 0")
    assert "They differ" not in printed(capsys)


def test_json_has_the_named_columns_alone() -> None:
    shown = _study_json(STUDY, in_order(STUDY, "number"), ["best_epoch", "odd", "odd"])
    assert shown["trials"][3]["params"] == {"odd": 1}
    assert shown["trials"][3]["metrics"] == {"best_epoch": 2.0}
    everything = _study_json(STUDY, STUDY.trials, None)["trials"][3]
    assert everything["params"] == dict(STUDY.trials[3].params)
    assert everything["metrics"] == dict(STUDY.trials[3].metrics)
    with pytest.raises(SearchError, match=r"but got nothing\. "):
        _study_json(STUDY, STUDY.trials, ["nothing"])


def test_a_trial_is_shown_with_its_rank_and_its_distances(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_trial(STUDY, STUDY.trials[3], Outputs())
    told = printed(capsys)
    assert "Trial 3 of s: complete, best_val_rmse 0.8000, rank 1 of 3." in told
    assert "0.4000 better than the baseline (1.2000)." in told
    assert "0.2000 better than user and movie biases alone (1.0000)." in told
    assert "val_rmse 1.9000 " in told
    assert "biases" in told
    show_trial(STUDY, STUDY.trials[0], Outputs())
    told = printed(capsys)
    assert "Trial 0 baseline of s" in told
    assert "than the baseline" not in told
    assert "0.2000 worse than user and movie biases" in told
    show_trial(STUDY, STUDY.trials[2], Outputs())
    told = printed(capsys)
    assert "Trial 2 of s: failed, since its loss or metric is no number." in told
    assert "loss is NaN" in told
    assert "rank" not in told


@pytest.mark.parametrize(
    ("value", "told"), [(1.2, ["biases alone (1.0000)", "the global mean alone (1.1000)"]),
                        (1.05, ["biases alone (1.0000)"]), (0.9, ["biases alone (1.0000)"])],
)  # fmt: skip
def test_a_trial_below_neither_trivial_predictor_is_held_against_both(
    value: float, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    profile = {"biases_val_rmse": 1.0, "global_mean_val_rmse": 1.1}
    dataset = DatasetRecord(name="d", content_hash="0" * 64, profile=profile)
    one = trial(0, value)
    show_trial(replace(STUDY, dataset=dataset, trials=(one,)), one, Outputs())
    lines = [line for line in printed(capsys).splitlines() if " than " in line]
    assert [line.split(" than ")[1].removeprefix("user and movie ") for line in lines] == [
        f"{each}." for each in told
    ]


def test_the_end_of_a_pruned_trial_is_told_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = trial(0, 0.9, "pruned", end_reason="pruned", message="worse than the median 0.8")
    show_study(replace(STUDY, trials=(one,)), (one,), ["end"])
    row = next(line for line in printed(capsys).splitlines() if "0.9000" in line)
    assert row.count("pruned") == 2  # its state and its end
    show_trial(replace(STUDY, trials=(one,)), one, Outputs())
    told = printed(capsys)
    assert "pruned after 3 epochs: worse than the median 0.8, best_val_rmse 0.9000." in told
    assert "\nworse than" not in told


def test_each_fold_has_its_own_labelled_curve(capsys: pytest.CaptureFixture[str]) -> None:
    def folds(kind: str) -> TrialRecord:
        parts = {"parts": 2.0, f"{kind}_1/best_val_rmse": 0.9, f"{kind}_2/best_val_rmse": 1.1}
        epochs = tuple(
            EpochRecord(
                epoch=n,
                seconds=0.1,
                metrics={"val_rmse": 1.0 - n / 10, f"{kind}_2/val_rmse": 1.3 - n / 10},
            )
            for n in (1, 2)
        )
        return trial(0, 1.0, metrics=parts, epochs=epochs)

    for kind in ("fold", "repeat"):
        record = replace(STUDY, trials=(folds(kind),))
        show_trial(record, record.trials[0], Outputs())
        told = printed(capsys)
        assert f"best_val_rmse 1.0000 (mean of 2 {kind}s), rank 1 of 1." in told
        curves = [line.split("_rmse ")[-1] for line in told.splitlines() if " █▁ " in line]
        assert curves == ["0.9000 █▁ 0.8000", "1.2000 █▁ 1.1000"]
        assert f"\n{kind} 1: val_rmse 0.9000" in told
        assert f"\n{kind} 2: val_rmse 1.2000" in told


def test_tags_are_shown_where_all_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    show_trial(STUDY, STUDY.trials[1], Outputs())
    assert "With `--all`" in printed(capsys)
    show_trial(STUDY, STUDY.trials[1], Outputs(), everything=True)
    assert "recipe" in printed(capsys)


def wide_study() -> StudyRecord:
    """A study whose best are the baseline and a trial with the optimizer of the longest name."""
    study = made_up_study()
    base, long = study.trials[0], study.trials[19]
    base = replace(base, value=0.5)
    long = replace(long, params={**long.params, "optimizer": "rowwise_adagrad"})
    return replace(study, trials=(base, *study.trials[1:19], long, *study.trials[20:]))


def shown_cells(told: str) -> list[list[str]]:
    """The lines of a table's body, each as its cells."""
    lines = [line for line in told.splitlines() if "│" in line]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def shown_names(told: str) -> list[str]:
    """The headings of a table, joined again where they are broken."""
    lines = [line for line in told.splitlines() if "┃" in line]
    columns = zip(
        *([part.strip() for part in ln.strip("┃").split("┃")] for ln in lines), strict=True
    )
    return ["".join(parts) for parts in columns]


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("table", ["best", "all"])
def test_a_table_fits_the_terminal_with_what_the_trials_differ_in(
    table: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    study = wide_study()
    best = study.ranked()[:5]
    if table == "best":
        made, hidden = best_table(study, best)
        console().print(made)
    else:
        show_study(replace(study, description=""), best)
    told = printed(capsys)
    assert max(map(len, told.splitlines())) <= width
    names, rows = shown_names(told), shown_cells(told)
    assert [row[0] for row in rows] == ["0 baseline", "19", "23", "2 recipe", "11"]
    assert {"rowwise_adagrad", "adam"} <= {cell for row in rows for cell in row}
    assert [len(row) for row in rows] == [len(names)] * 5  # none is broken into two lines
    fixed = ["family", "optimizer", "learning_rate", "batch_size"]
    differing = [name for name in names if name in study.varied() and name not in fixed]
    assert differing or width < 80
    figures = [name for name in names if name in ("epoch", "end", "epochs", "seconds")]
    assert names[len(names) - len(differing) - len(figures) :] == [*differing, *figures]
    if table == "best":
        assert hidden == len(study.varied(best)) - len(set(study.varied(best)) & set(names))
    assert [name for name in names if name in fixed] == fixed
    assert ("state" in names) == (table == "all" and width >= 80)


def test_with_room_epochs_and_seconds_stand_behind_the_parameters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    study = wide_study()
    made, hidden = best_table(study, study.ranked()[:5])
    console().print(made)
    assert shown_names(printed(capsys)) == [
        "trial", "best_val_rmse", "family", "optimizer", "learning_rate", "batch_size",
        "l2_bias", "factors", "layers", "dropout_1", "epoch", "seconds",
    ]  # fmt: skip
    assert hidden == 0


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([1.0, 2.0, 3.0], "▁▅█"),
        ([2.0], "▁"),
        ([], ""),
        ([1.0, float("nan"), 2.0], "▁?█"),
        ([float("nan")] * 2, "??"),
        ([1.0, 1.0], "▁▁"),
        ([100.0, 2.0, 1.5, 1.0, 1.0], "█▅▃▁▁"),
        ([float(n) for n in range(100)], "▁▁▁▂▂▂▃▃▃▃▄▄▅▅▅▆▆▆▇▇▇███"),
    ],
)
def test_a_curve_in_letters(values: list[float], drawn: str) -> None:
    told = small_curve(values, encoding="utf-8")
    assert len(told) == min(len(values), 24)
    if len(values) < 10:
        assert told == drawn
    assert small_curve(values, encoding="ascii").isascii()
