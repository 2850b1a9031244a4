"""`trialbook report`: a page of stored studies, which nobody trained."""

from __future__ import annotations

import json
import os
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Here
from reading import Report

from search.cli.commands import report
from search.cli.main import run
from search.config.study import StudyConfig
from search.space.distributions import SpaceAdapter
from search.space.parameters import Condition, Parameter, plain
from search.storage.creation import create_or_load
from search.storage.records import space_record
from search.storage.studies import Studies
from search.storage.study_attributes import write_config, write_space, write_verdict
from search.verdict.verdict import Candidate, TestScore, Verdict
from tracking import Store

SPACE = (
    Parameter(name="batch", kind="Choice", default="full", values=("full", "1024", "256")),
    Parameter(name="rate", kind="Float", default=0.01, low=0.001, high=0.1, log=True),
)


@pytest.fixture
def stored(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Stores a study of a few trials; the working directory is one of the test's own."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def store(name: str, verdict: Verdict | None = None) -> None:
        studies = Studies(Store(home))
        study = create_or_load(studies.storage, name, ["minimize"])
        write_config(study, StudyConfig(name=name))
        write_space(study, [plain(each) for each in SPACE], version=1)
        adapter = SpaceAdapter(SPACE)
        for number, batch in enumerate(("256", "full", "1024")):
            study.enqueue_trial(adapter.encode({"batch": batch, "rate": 0.01 * (number + 1)}))
            trial = study.ask()
            adapter.sample(trial)
            study.tell(trial, 1.0 - 0.1 * number)
        study.ask()
        if verdict is not None:
            write_verdict(study, verdict.to_json())

    return store


def _page(path: Path) -> Report:
    text = path.read_text(encoding="utf-8")
    assert text.count("<script") == 3
    # Without plotly, which a parser in Python reads for seconds.
    begin = text.index("</script>") + len("</script>")
    return Report(text[:begin] + "</body></html>")


def test_a_study_is_written_to_a_file_of_its_name(
    stored: Callable[..., None], home: Path, here: Here
) -> None:
    stored("one")
    told = here("report", "one", "--home", str(home))
    path = Path("one.html").absolute()
    assert told == {"path": str(path), "bytes": path.stat().st_size, "studies": ["one"]}
    assert 4_000_000 < path.stat().st_size < 7_000_000
    page = _page(path)
    assert page.column("4 trials", "Trial") == ["2", "1", "0", "3"]
    assert page.column("4 trials", "best_val_rmse") == ["0.8000", "0.9000", "1.0000", ""]
    assert page.plots["s1-slice-0"]["layout"]["xaxis"]["ticktext"] == ["full", "1024", "256"]
    assert "trialbook winner one" in page.text
    assert str(home) not in page.text  # the page is read elsewhere
    assert "give them in the folder that holds its home, mlruns" in page.text
    assert "1 trial still runs" in page.text
    assert [each.name for each in Path.cwd().iterdir()] == ["one.html"]


def test_the_path_and_the_size_are_said_and_a_browser_opens_it(
    stored: Callable[..., None],
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored("one")
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(report, "has_browser", lambda: True)
    arguments = ["report", "one", "--home", str(home), "--output", "x.html"]
    assert run(arguments) == 0
    size = Path("x.html").stat().st_size / 1e6
    assert capsys.readouterr().out == f"Wrote the report of one to x.html ({size:.1f} MB).\n"
    assert opened == []
    assert run([*arguments, "--open"]) == 0
    assert opened == [Path("x.html").absolute().as_uri()]
    monkeypatch.setattr(report, "has_browser", lambda: False)
    capsys.readouterr()
    assert run([*arguments, "--open"]) == 0
    said = capsys.readouterr().out
    assert "x.html" in said
    assert "There is no browser to open it in" in said
    assert len(opened) == 1


def test_several_studies_are_one_page_with_the_winner_of_each(
    stored: Callable[..., None], home: Path, here: Here
) -> None:
    candidate = Candidate(
        number=2, is_baseline=False, searched=0.8, repeats=(0.8, 0.82), mean=0.81, low=0.79,
        high=0.83, probability=0.97,
    )  # fmt: skip
    test = (
        TestScore(name="winner", rmse=0.805, low=0.8, high=0.81, p_value=None),
        TestScore(name="global_mean", rmse=1.0, low=0.9, high=1.1, p_value=0.0001),
    )
    verdict = Verdict(
        study="two", number=2, tie=(), candidates=(candidate,), test=test, seeds=(1, 2),
        opened="2026-11-30T10:00", model="two/1",
    )  # fmt: skip
    stored("one")
    stored("two", verdict)
    told = here("report", "one", "two", "--home", str(home))
    assert told["path"] == str(Path("report.html").absolute())
    page = _page(Path("report.html"))
    assert [row[0] for row in page.table("The studies of this report")[1:]] == ["one", "two"]
    assert "Trial 2 is the best of 1 candidates (probability 97%)." in page.text
    assert "beats the global mean on the test part (by +0.1950, p below 0.001)" in page.text
    rows = page.table("opened once, at 2026-11-30T10:00")[1:]
    assert rows[0] == ["trial 2", "0.8050", "0.8000 to 0.8100"]
    assert rows[1] == ["global mean", "1.0000", "0.9000 to 1.1000"]


def test_a_home_that_cannot_be_written_to_is_read(
    stored: Callable[..., None], home: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored("one")
    before = {path: path.read_bytes() for path in home.rglob("*.db")}
    can = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != home and can(path, mode))
    assert here("report", "one", "--home", str(home))["studies"] == ["one"]
    assert {path: path.read_bytes() for path in home.rglob("*.db")} == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["one", "one"], "'one' more than once"),
        (["nothing"], "Known: one"),
        (["one", "--output", "mine.txt"], "must be a new file or an earlier report"),
        (["one", "--output", "no/where.html"], "No such file"),
        (["one", "--output", "."], "is a folder"),
        (["one", "--output", "--open"], "name a file"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    arguments: list[str],
    words: str,
    stored: Callable[..., None],
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored("one")
    Path("mine.txt").write_text("mine")
    capsys.readouterr()
    assert run(["report", *arguments, "--home", str(home)]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert [(p.name, p.read_text()) for p in Path.cwd().iterdir()] == [("mine.txt", "mine")]


def test_a_record_has_the_space_as_it_was_declared() -> None:
    deep = Condition(name="batch", values=("256",))
    late = Parameter(name="units", kind="Int", default=8, low=8, high=64, conditions=(deep,))
    batch, rate, units = space_record([*SPACE, late])
    assert (batch.kind, batch.values, batch.scale) == (
        "choice", ("full", "1024", "256"), "choices",
    )  # fmt: skip
    assert (rate.low, rate.high, rate.scale, rate.when) == (0.001, 0.1, "log", "")
    assert (units.kind, units.scale, units.when) == ("int", "linear", "batch is 256")
    assert json.dumps(batch.values) == '["full", "1024", "256"]'
