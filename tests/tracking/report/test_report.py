"""What a report tells, of records made by hand."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hostile import NAMES, PAGES, quick_few
from made_up import BATCHES, made_up_study, made_up_trial
from reading import Report

from tracking import (
    BEYOND,
    Chapter,
    DatasetRecord,
    Evidence,
    ParameterRecord,
    Scored,
    StudyRecord,
    Tag,
    TrackingError,
    TrialRecord,
    write_report,
)
from tracking.figures import style
from tracking.figures.html_canvas import script
from tracking.report import page as pages
from tracking.report.comparison import differences

Make = Callable[..., TrialRecord]
BASE = {"trialbook.baseline": "true"}


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without plotly's 4.8 MB, which take long to parse, unless a test asks for them."""
    monkeypatch.setattr(pages, "script", lambda: "/* plotly */")


def read(*studies: StudyRecord | Chapter) -> Report:
    chapters = [s if isinstance(s, Chapter) else Chapter(study=s) for s in studies]
    return Report(pages.page(chapters))


@cache
def usual() -> Report:
    return read(made_up_study(60))


def test_the_leaderboard_has_every_trial_best_first_with_its_gain(
    study: StudyRecord, make_trial: Make
) -> None:
    trials = (
        make_trial(0, 0.95, tags=BASE, end_reason="early_stopping"),
        make_trial(1, 0.9, params={"size": 8, "family": "gmf"}, end_reason="epochs"),
        make_trial(
            2, 0.8, state="pruned", end_reason="pruned", message="worse than the median 0.75"
        ),
        make_trial(3, state="failed", end_reason="nan"),
        make_trial(4, 0.97, metrics={"seconds_total": 12.5, "parameters": 2000.0}),
        make_trial(5, 0.5, tags={BEYOND: "true"}),
        make_trial(6, 0.97, tags={Tag.REUSED: "4"}, metrics={"seconds_total": 12.5}),
    )
    found = read(replace(study, trials=trials))
    caption = "7 trials"
    assert found.column(caption, "Trial") == ["1", "0 baseline", "4", "6", "2", "3", "5"]
    assert found.column(caption, "Rank") == ["1", "2", "3", "4", "", "", ""]
    assert found.column(caption, "best_val_rmse")[:3] == ["0.9000", "0.9500", "0.9700"]
    gains = found.column(caption, "Gain over the baseline")
    assert gains == ["+0.0500", "+0.0000", "-0.0200", "-0.0200", "+0.1500", "", "+0.4500"]
    assert found.column(caption, "Seconds")[2:4] == ["12.5", "0"]
    assert found.column(caption, "Weights")[2] == "2,000"
    ends = found.column(caption, "How it ended")
    assert ends[0] == "complete: all epochs trained"
    assert ends[3] == "complete; the result of trial 4, which is the same"
    assert ends[4] == "pruned: worse than the median 0.75"
    assert ends[5] == "failed: loss or metric is no number"
    assert ends[6] == "complete; beyond a limit, so that it does not rank"
    heads = found.table(caption)[0]
    assert heads[:3] == ["Rank", "Trial", "How it ended"]
    assert heads[5:7] == ["family", "learning_rate"]  # `size` is the same in all


def test_a_maximised_value_is_best_where_it_is_highest(
    study: StudyRecord, make_trial: Make
) -> None:
    trials = (make_trial(0, 0.5, tags=BASE), make_trial(1, 0.7), make_trial(2, 0.6))
    found = read(replace(study, trials=trials, direction="maximize", objective="accuracy"))
    assert found.column("3 trials", "Trial") == ["1", "2", "0 baseline"]
    gains = found.column("3 trials", "Gain over the baseline")
    assert gains == ["+0.2000", "+0.1000", "+0.0000"]
    assert "higher is better" in found.text
    assert "Best value 0.7000 at trial 1." in found.labels["s1-history"]


def test_choices_and_ranges_are_as_declared_everywhere() -> None:
    found = usual()
    names = [
        trace["layout"]["xaxis"]["title"]["text"]
        for name, trace in found.plots.items()
        if "slice" in name
    ]
    place = names.index("batch_size")
    axis = found.plots[f"s1-slice-{place}"]["layout"]["xaxis"]
    assert axis["ticktext"] == list(BATCHES)
    assert axis["tickvals"] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert "l2_bias (log scale)" in names
    assert "layers" in names
    notes = found.plots["s1-parallel"]["layout"]["annotations"]
    scale = found.plots["s1-parallel"]["layout"]["xaxis"]["ticktext"].index("batch_size")
    shown = sorted((note["y"], note["text"]) for note in notes if note["x"] == scale)
    assert [text for _, text in shown] == list(BATCHES)
    rows = {row[0]: row[1:] for row in found.table("The space")}
    assert rows["batch_size"][:2] == ["full, 16384, 4096, 1024, 256", "choices, in this order"]
    assert rows["factors"] == [
        "2 to 64", "whole numbers, log", "15", "family is gmf or neumf",
    ]  # fmt: skip
    assert rows["dropout_1"][1] == "linear, each 0.05 above the last"
    assert rows["patience"][1] == "fixed"


def test_what_was_searched_is_told_with_data_settings_and_code() -> None:
    text = usual().text
    for words in (
        "best_val_rmse (lower is better)",
        "movielens: 100,004 rows, 671 users, 9,066 movies",
        "f7" * 32,
        "published: train 56,001 rows, validation 14,001 rows, test, sealed 30,002 rows",
        "1000 trials, at most 30 epochs each",
        "commit 0123456789ab, Python 3.11.7, trialbook 0.1.0, keras 3.15.1",
        "Begins withthe published baseline, then recipes chosen in advanceBudget",
    ):
        assert words in text
    alone = read(made_up_study(1)).text  # of one trial, too few for a recipe
    assert "Begins withthe published baselineBudget" in alone


def test_importances_are_told_from_20_complete_trials_on() -> None:
    done = [made_up_trial(n) for n in range(60)]
    done = [replace(t, number=n) for n, t in enumerate(t for t in done if t.state == "complete")]
    few = read(replace(made_up_study(0), trials=tuple(done[:19])))
    assert "s1-importances" not in few.plots
    assert "from 20 complete trials on; there are 19" in few.text
    assert "matter most" not in few.text
    assert "Two parameters together" in few.text
    # What most of them have, as declared; the learning rate would be first by the importances.
    assert few.plots["s1-parallel"]["layout"]["xaxis"]["ticktext"] == [
        "optimizer", "family", "l2_bias (log scale)", "learning_rate (log scale)", "batch_size",
        "layers", "dropout_1", "factors (log scale)",
    ]  # fmt: skip
    assert "across 8 parameters, all that differ." in few.labels["s1-parallel"]
    enough = read(replace(made_up_study(0), trials=tuple(done[:20])))
    assert enough.plots["s1-importances"]["data"][0]["x"] == [0.1, 0.15, 0.2, 0.5]
    assert "learning_rate 50%, l2_bias 20%" in enough.labels["s1-importances"]
    assert "The two parameters that matter most, together" in enough.text
    assert enough.plots["s1-parallel"]["layout"]["xaxis"]["ticktext"][0].startswith("learning_rate")


@pytest.mark.parametrize(
    ("trials", "words"),
    [
        (
            19,
            "12 of the 14 parameters that differ, ordered by how many trials have them, among "
            "equals those of the best trial first.",
        ),
        (20, "the 12 parameters that matter most, of 14 that differ."),
    ],
)
def test_more_parameters_than_are_shown_are_told_of(
    make_trial: Make, trials: int, words: str
) -> None:
    names = [f"p{n}" for n in range(14)]
    study = StudyRecord(
        name="own",
        trials=tuple(make_trial(i, 1 + i, params=dict.fromkeys(names, i)) for i in range(trials)),
        importances={"p13": 1.0},
    )
    assert f"{trials} complete trials across {words}" in read(study).labels["s1-parallel"]


def test_cells_of_two_choices_are_told_with_where_their_colours_end(
    study: StudyRecord, make_trial: Make
) -> None:
    """The colours end at 1.43: the median 1.0, 4 * 0.1, and 6 % of 0.5."""
    values = [0.9, 0.95, 1.0, 1.0, 1.1, 9.0]
    trials = tuple(
        make_trial(n, v, params={"a": "xy"[n % 2], "b": "uv"[n % 2]}) for n, v in enumerate(values)
    )
    label = read(replace(study, trials=trials)).labels["s1-together"]
    assert "The best of them is trial 0 with 0.9000: a x and b u." in label
    assert "Cells show the mean of their trials" in label
    assert label.endswith("Values worse than 1.4300 have its colour.")
    assert "Dots" not in label


def test_values_beyond_an_axis_are_told_and_drawn_whole(
    study: StudyRecord, make_trial: Make
) -> None:
    """In the history, the slices, the cost and the goals, whose axes end at 1.4."""
    values = [0.9, 0.95, 1.0, 1.0, 1.1, 9.0, 8.0]
    metrics = {"seconds_total": 2.0, "parameters": 10.0}
    trials = tuple(
        make_trial(n, v, params={"size": n, "a": "x"} if n < 6 else {"size": n}, metrics=metrics)
        for n, v in enumerate(values)
    )
    goals = ("best_val_rmse", "parameters")
    found = read(replace(study, trials=trials, goals=goals))
    two = "2 values beyond the axis are drawn at its edge, as arrows."
    names = {name for name, label in found.labels.items() if two in label}
    assert names == {"s1-history", "s1-slice-0", "s1-tradeoff", "s1-goals"}
    assert (
        "1 value beyond the axis is drawn at its edge, as an arrow." in found.labels["s1-slice-1"]
    )
    for name in (*names, "s1-slice-1"):
        marks = [t for t in found.plots[name]["data"] if t.get("mode") == "markers" and t["x"][0:1]]
        drawn = [t for t in marks if t["x"] != [None]]
        assert {t.get("cliponaxis") for t in drawn} == {False}
        assert any("arrow-up" in t["marker"]["symbol"] for t in drawn)


def test_a_parameter_that_is_fixed_takes_no_axis_no_slice_and_no_column(
    study: StudyRecord, make_trial: Make
) -> None:
    """Only the baseline has another value."""
    trials = tuple(
        make_trial(n, 1.0 + n, params={"size": n, "patience": 15 if n else 30}) for n in range(3)
    )
    space = (
        ParameterRecord(name="size", kind="int", low=0, high=2),
        ParameterRecord(name="patience", kind="fixed", values=(15,)),
    )
    found = read(replace(study, trials=trials, space=space))
    assert found.plots["s1-parallel"]["layout"]["xaxis"]["ticktext"] == ["size"]
    assert [name for name in found.plots if "slice" in name] == ["s1-slice-0"]
    assert "patience" not in found.table("3 trials")[0]


@pytest.mark.parametrize(
    ("trials", "told"),
    [
        (2, "The medium line is the other. A"),
        (10, "The medium lines are all others. A"),
        (11, "The medium lines are the others of the best ten, the thin one is the last. A"),
        (12, "The medium lines are the others of the best ten, the thin ones are all others. A"),
    ],
)
def test_a_caption_explains_the_widths_of_lines_that_are_drawn(
    study: StudyRecord, make_trial: Make, trials: int, told: str
) -> None:
    done = tuple(make_trial(n, 1.0 + n) for n in range(trials))
    assert told in read(replace(study, trials=done)).labels["s1-parallel"]


def test_a_caption_explains_the_marks_of_goals_and_curves_that_are_drawn(
    study: StudyRecord, make_trial: Make
) -> None:
    goals = ("best_val_rmse", "parameters")
    metrics = {"parameters": 10.0}
    plain = tuple(make_trial(n, 1.0 + n / 10, metrics=metrics) for n in range(3))
    base = make_trial(3, 1.3, metrics=metrics, tags=BASE)
    large = make_trial(4, 1.4, metrics=metrics, tags={BEYOND: "true"})
    for trials, told in (
        (plain, "They are large and red."),
        ((*plain, base), "They are large and red. The diamond is the baseline."),
        ((*plain, large), "They are large and red. Hollow marks are beyond a limit."),
    ):
        label = read(replace(study, trials=trials, goals=goals)).labels["s1-goals"]
        assert label.endswith(told)
    few = read(replace(study, trials=plain)).labels["s1-curves"]
    assert "A line leaves a panel" not in few


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1.0, 1.1], "it did not improve."),
        ([1.0, 0.9, 0.95], "it improved once."),
        ([1.0, 0.9, 0.8], "it improved 2 times."),
    ],
)
def test_the_history_tells_how_often_it_improved(
    study: StudyRecord, make_trial: Make, values: list[float], told: str
) -> None:
    trials = tuple(make_trial(n, value) for n, value in enumerate(values))
    assert (
        f"After the first value {told}" in read(replace(study, trials=trials)).labels["s1-history"]
    )


def test_the_cost_is_told_as_a_sum_a_median_and_a_ring(
    study: StudyRecord, make_trial: Make
) -> None:
    """Trial 1 is better than trial 0, as fast and as large; trial 2 is faster than both."""
    seconds = (4.0, 4.0, 1.0)
    trials = tuple(
        make_trial(n, value, metrics={"seconds_total": s, "parameters": 10.0})
        for n, (value, s) in enumerate(zip((1.0, 0.9, 1.1), seconds, strict=True))
    )
    found = read(replace(study, trials=trials))
    assert "3 trials took 9 s in all, median 4 s;" in found.labels["s1-seconds"]
    assert "sum over all trials" in found.text
    tradeoff = found.labels["s1-tradeoff"]
    assert "A ring marks trials 1, 2: none is better, faster and smaller at once." in tradeoff
    assert "Trials 2, 1 are on the dotted line" in tradeoff
    assert "No trial failed or was killed." in found.text


def test_a_baseline_that_leaves_its_panels_is_named(study: StudyRecord, make_trial: Make) -> None:
    """Its kept epoch, 3.0, is in the upper panel; its last value in training is 3.1 - 0.1."""
    others = tuple(make_trial(n, 0.9 + n / 100) for n in range(1, 5))
    base = make_trial(0, 3.0, tags=BASE)
    label = read(replace(study, trials=(base, *others))).labels["s1-curves"]
    assert "Last values outside the lower panel: baseline 3.0000." in label
    assert "outside the upper panel" not in label
    near = make_trial(0, 0.95, tags=BASE)
    label = read(replace(study, trials=(near, *others))).labels["s1-curves"]
    assert "outside" not in label
    alone = read(replace(study, trials=(near,))).labels["s1-curves"]
    assert alone.startswith("Value by epoch. Validation RMSE (rating points) by epoch, of the base")


def test_every_figure_is_told_in_words_and_has_units() -> None:
    found = usual()
    study = made_up_study(60)
    assert study.best is not None
    best = f"Best value {study.best.value:.4f} at trial {study.best.number}."
    assert best in found.labels["s1-history"]
    assert set(found.labels) == set(found.plots)
    for name, label in found.labels.items():
        caption = label.partition(". ")[2]
        assert len(caption) > 10, name
        assert caption in found.text, name
    parameters = {name for trial in study.trials for name in trial.params}
    for name, plot in found.plots.items():
        axes = {k: v for k, v in plot["layout"].items() if re.match("[xy]axis", k)}
        titles = {k: v.get("title", {}).get("text") for k, v in axes.items()}
        if name in ("s1-importances", "s1-ends", "s1-totals"):  # names stand at the bars
            titles.pop("yaxis")
        if name != "s1-parallel":  # its scales are named one by one
            assert all(titles.values()), (name, titles)
        of_quantities = [t for t in titles.values() if t and t.split(" (")[0] not in parameters]
        assert all(title.endswith(")") for title in of_quantities), (name, titles)


def test_states_ends_and_curves_are_told_apart_without_colour() -> None:
    """Each state has a symbol and a hatch of its own, each curve its dashes with its mark."""
    found = usual()
    symbols = [
        trace["marker"]["symbol"]
        for trace in found.plots["s1-history"]["data"]
        if trace["mode"] == "markers"
    ]
    assert len(symbols) == len(set(symbols)) == 4  # complete, pruned, failed, killed
    hatches = found.plots["s1-ends"]["data"][0]["marker"]["pattern"]["shape"]
    assert set(hatches) == {"", "/", "x", "."}
    for looks in (style.PATTERNS, style.PLOTLY_MARKERS, style.MPL_MARKERS):
        assert len(set(looks.values())) == len(style.STATES)
    curves: dict[str, dict[str, str]] = {}
    for trace in found.plots["s1-curves"]["data"]:
        look = curves.setdefault(trace["legendgroup"], {})
        if trace["mode"] == "lines":
            look["dash"] = f"{trace['line']['dash']} {trace['line']['width']}"
        else:
            look["symbol"] = trace["marker"]["symbol"]
    assert len({tuple(sorted(look.items())) for look in curves.values()}) == len(curves) >= 10
    families = [t for t in found.plots["s1-tradeoff"]["data"] if t["mode"] == "markers"]
    shapes = [t["marker"]["symbol"] for t in families if isinstance(t["marker"]["symbol"], list)]
    assert len({shape[0] for shape in shapes}) == len(shapes) > 1


def test_headings_are_in_order_and_tables_have_captions_and_scopes() -> None:
    found = read(made_up_study(30), made_up_study(5, name="b"))
    levels = [level for level, _ in found.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert found.tags.count("table") == found.tags.count("caption")
    scopes = sum(name == "scope" for name, _ in found.attributes)
    assert scopes == found.tags.count("th")
    assert ("lang", "en") in found.attributes
    assert found.tags.count("main") == 1
    assert ("href", "#main") in found.attributes
    links = {value[1:] for name, value in found.attributes if name == "href"}
    ids = [value for name, value in found.attributes if name == "id"]
    assert links <= set(ids)
    assert len(ids) == len(set(ids))


def test_a_page_allows_itself_no_network_and_no_script_but_its_own() -> None:
    text = pages.page([Chapter(study=made_up_study(3))])
    found = Report(text)
    rule = next(v for n, v in found.attributes if v.startswith("default-src 'none'"))
    own = [s for s in found.scripts if not s.startswith("{")]
    for each in own:
        digest = base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in rule
    assert "script-src 'sha256-" in rule
    assert "://" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not {"src", "onclick", "onload"} & {name for name, _ in found.attributes}
    assert not {"link", "img", "iframe"} & set(found.tags)


def test_a_report_of_1000_trials_has_plotly_once_and_is_below_7_mb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "script", script)
    path = tmp_path / "k.html"
    studies = [Chapter(study=made_up_study(1000)), Chapter(study=made_up_study(5, name="b"))]
    size = write_report(studies, path)
    assert size == path.stat().st_size < 7_000_000
    text = path.read_text(encoding="utf-8")
    assert text.count(script()) == 1
    assert text.count("<script") == 3
    assert text.count("<tr") > 1000


@pytest.mark.parametrize("name", quick_few(*dict.fromkeys((*PAGES, *NAMES))))
def test_a_name_is_text_wherever_it_stands(name: str) -> None:
    """Names of a study, of data, of parameters, choices, messages and settings."""
    trials = [made_up_trial(number, name) for number in range(24)]
    trials = [
        replace(t, params={**t.params, name: name, "family": name}, message=name, end_reason=name)
        for t in trials
    ]
    base = made_up_study(0, name=name)
    assert base.dataset is not None
    study = replace(
        base,
        trials=tuple(trials),
        objective=name,
        dataset=replace(base.dataset, name=name, profile={"split": name}),
        space=(*base.space, ParameterRecord(name=name, kind="choice", values=(name,), when=name)),
        study_file='sampler = "<script>alert(1)</script>"\nmodel = "</script>"\n',
        importances={name: 1.0},
    )
    evidence = Evidence(
        headline=name, lines=(name,), opened=name, model=name,
        candidates=(Scored(name=name, low=1.0, value=2.0, high=3.0),),
        test=(Scored(name=name, low=1.0, value=2.0, high=3.0),),
    )  # fmt: skip
    found = read(Chapter(study=study, evidence=evidence))
    assert found.tags.count("script") == 3
    assert not {"img", "link", "iframe", "object"} & set(found.tags)
    assert not [key for key, _ in found.attributes if key.startswith("on")]
    hrefs = [value for key, value in found.attributes if key in ("href", "src")]
    assert all(value.startswith("#") for value in hrefs)


def test_a_report_says_what_a_study_lacks(study: StudyRecord, make_trial: Make) -> None:
    nothing = read(study)
    assert "No trial has a value yet." in nothing.text
    assert nothing.plots == {}
    running = read(replace(study, trials=(make_trial(0), make_trial(1, state="failed"))))
    assert "1 trial still runs" in running.text
    assert "No trial is complete, so there is no best one." in running.text
    assert set(running.plots) == {"s1-ends"}
    own = StudyRecord(
        name="own", objective="best_val_loss", monitor="val_loss",
        trials=tuple(make_trial(i, 1.0 + i, params={"units": 2**i}) for i in range(8)),
    )  # fmt: skip
    found = read(own)
    assert "the model's own" in found.text
    assert "family" not in found.table("8 trials")[0]
    assert "Gain over the baseline" not in found.text
    assert "Time by how trials ended" in found.text
    assert "trialbook winner" not in found.text
    assert "see the winner's evidence" not in found.text


def test_several_goals_are_shown_against_each_other(study: StudyRecord, make_trial: Make) -> None:
    metrics = [{"parameters": p, "seconds_total": 1.0} for p in (10.0, 20.0, 30.0)]
    trials = [make_trial(i, 1.0 - 0.1 * (i == 1), metrics=m) for i, m in enumerate(metrics)]
    found = read(replace(study, trials=tuple(trials), goals=("best_val_rmse", "parameters")))
    assert found.column("3 trials", "Frontier of the goals") == ["not beaten", "not beaten", ""]
    assert "2 trials in one goal without losing in another: 1, 0." in found.labels["s1-goals"]
    weights = [replace(t, metrics={"parameters": 74_228.0}) for t in trials]
    whole = read(replace(study, trials=tuple(weights), goals=("best_val_rmse", "parameters")))
    assert whole.column("3 trials", "parameters") == ["74,228"] * 3


def test_failures_are_listed_with_their_reasons() -> None:
    study = made_up_study(200)
    failed = [t for t in study.trials if t.state in ("failed", "killed")]
    rows = read(study).table("that failed, were killed")[1:]
    assert [row[0] for row in rows] == [str(t.number) for t in failed]
    assert [row[2] for row in rows if row[1].startswith("failed")][:2] == [
        "The loss is no number after epoch 3."
    ] * 2


def test_trivial_predictors_are_told_of_as_in_the_terminal() -> None:
    told = "User and movie biases alone reach 0.9016: the best trial is below that."
    assert told in usual().text
    base = made_up_study(1).dataset
    assert base is not None
    data = replace(base, profile={"global_mean_val_rmse": 0.5})
    worse = made_up_study(1, dataset=data)
    assert worse.best is not None
    assert (
        f"The global mean alone reaches 0.5000: the best trial ({worse.best.value:.4f}) is no "
        "better than that, so that no trial beats simple averages."
    ) in read(worse).text


def test_the_winners_evidence_stands_there_or_the_command_to_get_it() -> None:
    def line(*words: str) -> str:
        return " ".join(("TRIALBOOK", *words, "--home there"))

    study = made_up_study(5)
    undecided = read(Chapter(study=study, command=line)).text
    assert "TRIALBOOK winner made up --home there" in undecided
    assert undecided.count("for the machine that has the study") == 1
    evidence = Evidence(
        headline="Trial 2 is the best of 2 candidates.",
        candidates=(
            Scored(name="trial 2", low=0.87, value=0.88, high=0.89, searched=0.86, probability=0.9),
        ),
        test=(Scored(name="trial 2", low=0.86, value=0.885, high=0.9),),
        lines=("The winner beats baseline.",),
        opened="2026-11-30",
        model="made up/1",
    )
    found = read(Chapter(study=study, evidence=evidence, command=line))
    assert "TRIALBOOK winner" not in found.text
    assert "Trial 2 is the best of 2 candidates." in found.text
    row = ["trial 2", "0.8600", "0.8800", "0.8700 to 0.8900", "90%"]
    assert found.table("new seeds")[1] == row
    assert found.table("opened once, at 2026-11-30")[1] == ["trial 2", "0.8850", "0.8600 to 0.9000"]
    assert study.best is not None
    assert f"TRIALBOOK reproduce made up:{study.best.number} --home there" in found.text


def test_several_studies_are_compared_and_warned_of() -> None:
    one, other = made_up_study(20, name="one"), made_up_study(10, name="other")
    found = read(one, other)
    rows = found.table("The studies of this report")
    assert one.best is not None
    assert rows[1][:5] == [
        "one", "best_val_rmse, lower is better", f"{one.best.value:.4f}",
        str(one.best.number), "20",
    ]  # fmt: skip
    assert rows[2][0] == "other"
    assert "do not compare" not in found.text
    assert {"s1-history", "s2-history"} <= set(found.plots)
    assert one.dataset is not None
    moved = replace(other, dataset=replace(one.dataset, content_hash="0" * 64))
    assert "the studies read different ratings." in read(one, moved).text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"direction": "maximize"}, "the studies optimise different numbers"),
        ({"dataset": None}, "the studies read different ratings, split the ratings differently"),
        (
            {"study_file": "folds = 5"},
            "a trial's value is not of the same ratings, since in made up it is of the validation "
            "part, in b it is the mean of 5 folds",
        ),
        ({"study_file": "repeats = 5"}, ""),
    ],
)
def test_what_keeps_values_from_comparing_is_named(changes: dict[str, object], words: str) -> None:
    other = replace(made_up_study(3, name="b"), **changes)
    told = differences([made_up_study(3), other])
    assert told == ([f"The values of these studies do not compare: {words}."] if words else [])


def test_an_earlier_report_is_replaced_and_any_other_file_is_not(tmp_path: Path) -> None:
    chapter, path = Chapter(study=made_up_study(3)), tmp_path / "r.html"
    first = write_report([chapter], path)
    path.write_text(path.read_text() + "<!-- earlier -->")
    assert write_report([chapter], path) == first
    assert "earlier" not in path.read_text()
    other = tmp_path / "other.html"
    other.write_text("<p>mine</p>")
    with pytest.raises(TrackingError, match="must be a new file or an earlier report"):
        write_report([chapter], other)
    assert other.read_text() == "<p>mine</p>"
    for place, words in ((tmp_path, "is a folder"), (tmp_path / "no" / "r.html", "No such file")):
        with pytest.raises(TrackingError, match=words):
            write_report([chapter], place)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["other.html", "r.html"]


def test_data_of_another_kind_of_study_are_told_too() -> None:
    folds = made_up_study(5, study_file="folds = 5\nrepeats = 3\nmax_seconds = 2.5")
    text = read(folds).text
    assert "the mean of 5 folds of the train part and 3 seeds" in text
    assert "at most 2.5 seconds of training" in text
    unreadable = read(made_up_study(5, study_file="not = = toml"))
    assert "Leaderboard" in unreadable.text
    synthetic = DatasetRecord(name="synthetic", content_hash="0" * 64, synthetic=True)
    assert "made up, not measured" in read(made_up_study(5, dataset=synthetic)).text
