"""The command line as its users meet it, in a process of its own where that matters."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import optuna
import pytest

from search.cli.main import _COMMANDS, run
from search.config import StudyConfig
from search.ledger import OUTCOME, PLAN
from tracking import Store

TRIALBOOK = [sys.executable, "-m", "search"]


def call(*arguments: str, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [*TRIALBOOK, *arguments], capture_output=True, text=True, cwd=cwd, timeout=240
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        *[[name] for name in _COMMANDS],
        ["data", "inspect"],
        ["data", "fetch"],
    ],
)
def test_every_command_has_help_with_an_example(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--help"]) == 0
    assert "Example: trialbook" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["search", "--trials", "0"], "`trials` must be at least 1, but got 0"),
        (["search", "--trials", "x"], "not a valid integer"),
        (["search", "--sampler", "oracle"], "oracle"),
        (["search", "missing.toml"], "there is no missing.toml. "),
        (["search", "--data", ""], "but got ''."),
        (["search", "--data", " "], "but got ' '."),
        (["data", "inspect", ""], "but got ''."),
        (["data"], "inspect SOURCE or fetch NAME. Try `trialbook data --help`."),
        (["compare", "a", "b", "a"], "'a' more than once"),
        (["studies", "--home", __file__], "is a file"),
        (["search", "--home", __file__], "is a file"),
        (["search", "--timeout", "-1"], "`timeout` must be above 0"),
        (["search", "--objective", "best"], "`objective` must be NAME:min or NAME:max"),
        (["search", "--data", "nowhere.csv"], "nowhere.csv"),
        (["search", "--storage", "nonsense"], "nonsense"),
        (["search", "--tracking-uri", "file:///tmp/x"], "file:"),
        (["show", "nothing"], "Known: none"),
        (["compare", "nothing"], "Known: none"),
        (["delete", "nothing"], "Known: none"),
        (["reproduce", "nothing:0"], "Known: none"),
        (["reproduce", "abc"], "STUDY:NUMBER"),
        (["reproduce", "baseline", "--tolerance", "-1"], "`tolerance` must be at least 0"),
        (["data", "inspect", "nowhere.csv"], "nowhere.csv"),
        (["data", "fetch", "nothing"], "movielens-1m"),
        (["baseline", "--nothing"], "--nothing"),
        (["baseline", "more"], "(more). Try `trialbook baseline --help`."),
        (["nothing"], "nothing"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str],
    fragment: str,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIALBOOK_HOME", str(home))
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert fragment in captured.err


def test_debug_shows_the_traceback_and_keeps_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["data", "inspect", "nowhere.csv"], debug=True) == 2
    assert "Traceback" in capsys.readouterr().err

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("told to fail.")

    monkeypatch.setattr("models.data.load_ratings", fail)
    assert run(["data", "inspect", "movielens"]) == 70
    told = capsys.readouterr().err
    assert "Trialbook itself failed: RuntimeError: told to fail. See more" in told
    assert "Traceback" not in told
    assert run(["data", "inspect", "movielens"], debug=True) == 70
    assert "Traceback" in capsys.readouterr().err


def test_the_bare_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "Commands:" in capsys.readouterr().out


def test_square_brackets_in_a_path_are_text(
    ratings_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    folder = tmp_path / "[" / "bold]"
    folder.mkdir(parents=True)
    path = shutil.copy(ratings_file, folder / "[red]r.csv")
    assert run(["data", "inspect", str(path)]) == 0
    assert "[red]r.csv" in capsys.readouterr().out


def test_an_unknown_key_in_a_study_file_is_refused(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.toml"
    path.write_text("trails = 3\n")
    assert run(["search", str(path), "--home", str(home)]) == 2
    assert "`trails`" in capsys.readouterr().err


def test_the_whole_tour(ratings_file: Path, home: Path, tmp_path: Path) -> None:
    """search, again, show, studies, compare, reproduce, tampered, delete."""
    at = ["--home", str(home), "--json"]
    search = ["search", "--study", "tour", "--data", str(ratings_file), "--epochs", "4"]
    first = json.loads(call(*search, "--trials", "2", "--sampler", "random", *at).stdout)
    assert first["n_complete"] == 2
    assert first["best_value"] > 0
    assert {"study", "best_trial", "tracking_uri", "experiment_id", "parent_run_id"} <= set(first)
    again = json.loads(call("search", "--study", "tour", "--trials", "2", *at).stdout)
    assert again == first
    shown = json.loads(call("show", "tour", *at).stdout)
    assert [t["number"] for t in shown["trials"]] == [0, 1]
    assert json.loads(call("show", "tour", "1", *at).stdout)["curve"]
    listed = json.loads(call("studies", *at).stdout)["studies"]
    assert [(s["study"], s["trials"], s["target"]) for s in listed] == [("tour", 2, 2)]
    compared = json.loads(call("compare", "tour", *at).stdout)
    assert compared["studies"]["tour"]["trial"] == first["best_trial"]

    same = json.loads(call("reproduce", "tour:1", *at).stdout)
    assert same["reproduced"] is True
    assert same["got"] == same["expected"]
    assert Path(same["picture"]).stat().st_size > 10_000
    assert json.loads(call("reproduce", shown["trials"][1]["run_id"], *at).stdout)["reproduced"]

    other = tmp_path / "other.csv"
    other.write_text(ratings_file.read_text().replace(",1000", ",2000"))
    drifted = json.loads(call("reproduce", "tour:1", "--data", str(other), *at).stdout)
    assert any(line.startswith("data:") for line in drifted["drift"])
    lines = ratings_file.read_text().splitlines()
    other.write_text("\n".join(lines[:-200]) + "\n")
    changed = json.loads(call("reproduce", "tour:1", "--data", str(other), *at, code=1).stdout)
    assert changed["reproduced"] is False
    assert any(line.startswith("data:") for line in changed["drift"])

    connection = sqlite3.connect(home / "optuna.db")
    connection.execute("UPDATE trial_values SET value = value - 0.1")
    connection.commit()
    connection.close()
    tampered = json.loads(call("reproduce", "tour:1", *at, code=1).stdout)
    assert tampered["reproduced"] is False
    assert any("altered" in line for line in tampered["drift"])

    asked = subprocess.run(
        [*TRIALBOOK, "delete", "tour", "--home", str(home)],
        input="n\n",
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 1
    assert "Nothing deleted" in asked.stdout
    unanswered = subprocess.run(
        [*TRIALBOOK, "delete", "tour", *at],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert unanswered.returncode == 2
    assert unanswered.stdout == ""
    assert "Use `--yes`" in unanswered.stderr
    call("delete", "tour", "--yes", *at)
    assert json.loads(call("studies", *at).stdout) == {"studies": []}
    call("show", "tour", *at, code=2)


def test_baseline_on_other_ratings_is_recorded_first_and_compared_then(
    ratings_file: Path, home: Path
) -> None:
    at = ["--data", str(ratings_file), "--home", str(home), "--json"]
    recorded = json.loads(call("reproduce", "baseline", *at, code=1).stdout)
    assert any("0.8396 belongs to MUBI" in note for note in recorded["notes"])
    assert any("recorded just now" in note for note in recorded["notes"])
    compared = json.loads(call("reproduce", "baseline", *at).stdout)
    assert compared["reproduced"] is True
    assert compared["got"] == compared["expected"] == recorded["got"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_study_loses_nothing_and_resumes(
    how: signal.Signals, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second trial waits after its first epoch for what never comes."""
    script = tmp_path / "script"
    script.write_text("fine wait fine fine")
    monkeypatch.setenv("MISBEHAVING_SCRIPT", str(script))
    command = [
        *TRIALBOOK, "search", "--study", "cut", "--model", "misbehaving:Misbehaving",
        "--objective", "val_loss:min", "--trials", "3", "--epochs", "3", "--sampler", "random",
        "--home", str(home), "--json",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        study = _wait_for_second_trial(process, home)
    finally:
        process.send_signal(how)
        process.communicate(timeout=60)
    if how != signal.SIGKILL:
        assert process.returncode == 130
        client = Store(home).client()
        killed = study.trials[1].user_attrs[PLAN]["run_id"]
        assert client.get_run(killed).info.status == "KILLED"
    call(*command[3:])
    trials = optuna.load_study(study_name="cut", storage=f"sqlite:///{home}/optuna.db").trials
    assert [t.state.name for t in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[1].user_attrs[OUTCOME]["state"] == "killed"
    assert trials[2].params == trials[1].params
    assert trials[2].user_attrs[PLAN]["seed"] == trials[1].user_attrs[PLAN]["seed"]
    _assert_that_nothing_of_it_is_lost(home, trials[1])


def _assert_that_nothing_of_it_is_lost(home: Path, trial: optuna.trial.FrozenTrial) -> None:
    """What an interrupted trial had reached is in both stores, and no file lies about."""
    plan, outcome = trial.user_attrs[PLAN], trial.user_attrs[OUTCOME]
    client = Store(home).client()
    run = client.get_run(plan["run_id"])
    assert run.info.status == "KILLED"
    (point,) = client.get_metric_history(plan["run_id"], "val_loss")
    ((epoch, _, metrics),) = outcome["curve"]
    assert point.step == epoch == run.data.metrics["best_epoch"] == 1
    assert point.value == metrics["val_loss"] == run.data.metrics["best_val_loss"]
    assert run.data.metrics["epochs_run"] == outcome["metrics"]["epochs_run"] == 1
    files = {f.path for f in client.list_artifacts(plan["run_id"])}
    assert files == {"config.json", "history.csv", "learning_curve.png"}
    assert not Path(plan["folder"]).exists()


def _wait_for_second_trial(process: subprocess.Popen[bytes], home: Path) -> optuna.Study:
    """Look from outside, with no more than a reader's rights, until the second trial trains."""
    trains = "SELECT 1 FROM trial_intermediate_values JOIN trials USING (trial_id) WHERE number = 1"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
        with contextlib.suppress(sqlite3.OperationalError):  # not there yet
            reader = sqlite3.connect(f"file:{home}/optuna.db?mode=ro", uri=True)
            with contextlib.closing(reader):
                if reader.execute(trains).fetchone():
                    return optuna.load_study(
                        study_name="cut", storage=f"sqlite:///{home}/optuna.db"
                    )
    raise AssertionError(f"the second trial never trained; exit code {process.returncode}")


def test_a_dry_run_lists_the_space_and_the_cost_and_writes_nothing(
    ratings_file: Path, tmp_path: Path
) -> None:
    home = tmp_path / "none"
    done = call("search", "--data", str(ratings_file), "--dry-run", "--home", str(home), "--json")
    plan = json.loads(done.stdout)
    names = [p["name"] for p in plan["space"]]
    assert {"embedding_size", "layers", "units_3", "dropout_3", "learning_rate"} <= set(names)
    third = next(p for p in plan["space"] if p["name"] == "dropout_3")
    assert third["when"] == "layers in [3, 4]"
    assert (third["min"], third["max"], third["step"], third["values"]) == (0.0, 0.7, 0.05, None)
    chosen = next(p for p in plan["space"] if p["name"] == "optimizer")
    assert "adam" in chosen["values"]
    assert plan["seconds"] > 0
    assert plan["memory_mb"] > 100
    assert not home.exists()


def test_baseline_prints_both_published_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["baseline", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["parameters"] == 74_937
    assert shown["parameters_at_published_vocabulary"] == 2_327_862
    assert shown["published"]["reported_val_rmse"] == pytest.approx(0.8396, abs=5e-5)


def test_two_terminals_share_a_study_and_close_nothing_of_each_other(
    ratings_file: Path, tmp_path: Path
) -> None:
    """Both start on a home that does not exist yet."""
    home = tmp_path / "fresh"
    command = [
        *TRIALBOOK, "search", "--study", "two", "--data", str(ratings_file), "--trials", "6",
        "--epochs", "30", "--sampler", "random", "--pruner", "none", "--home", str(home), "--json",
    ]  # fmt: skip
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=240) for process in both]
    assert [p.returncode for p in both] == [0, 0], outputs
    study = optuna.load_study(study_name="two", storage=f"sqlite:///{home}/optuna.db")
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 6
    assert len({json.dumps(t.user_attrs[PLAN]["values"]) for t in study.trials}) == 6
    store = Store(home)
    parents = [json.loads(out)["parent_run_id"] for out, _ in outputs]
    assert parents[0] == parents[1]
    assert store.client().get_run(parents[0]).info.status == "FINISHED"
    (leaderboard,) = store.artifacts.rglob("leaderboard.csv")
    assert len(leaderboard.read_text().splitlines()) == 1 + 6


@pytest.mark.parametrize("name", ["models", "tracking"])
@pytest.mark.parametrize("is_package", [True, False])
def test_a_strangers_package_under_our_name_is_one_clear_line(
    name: str, is_package: bool, tmp_path: Path
) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / ("__init__.py" if is_package else "notes.txt")).touch()
    done = call("studies", code=2, cwd=tmp_path)
    assert done.stdout == ""
    assert f"`{name}` must be Trialbook's own package" in done.stderr
    assert str(tmp_path / name) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    library = subprocess.run(
        [sys.executable, "-c", "import search"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "ImportError: `" in library.stderr
    script = Path(sys.executable).with_name("trialbook")
    ours = subprocess.run([script, "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert ours.returncode == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_ui_serves_its_store_on_loopback_and_ends_whole(
    how: signal.Signals, home: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*TRIALBOOK, "ui", "--port", str(port), "--home", str(home), "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        _wait_for(port)
        busy = call("ui", "--port", str(port), "--home", str(home), code=2)
        assert f"but {port} is not" in busy.stderr
    finally:
        process.send_signal(how)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(output)["url"] == f"http://127.0.0.1:{port}"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the UI never answered")


def test_the_default_study_file_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    config = StudyConfig(name="x y", space={"layers": 2, "activation": ["relu", "elu"]})
    path.write_text(config.to_toml())
    assert StudyConfig.from_toml(path) == config
