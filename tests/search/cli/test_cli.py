"""The command line as its users meet it, in a process of its own where that matters."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from calling import TRIALBOOK, Here, call

from search.cli.common import more_line, ui_line
from search.cli.main import _COMMANDS, run
from search.cli.summary import learned
from search.config.study import StudyConfig
from search.study.result import StudyResult
from tracking import DatasetRecord, Store, StudyRecord, TrialRecord

NOWHERE = ["--storage", "sqlite:////nonexistent/x.db"]


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
        (["show", "x", *NOWHERE], "and there is no database at sqlite:////nonexistent/x.db."),
        (["search", *NOWHERE], "a folder that is there, but got sqlite:////nonexistent/x.db."),
        (["show", "x", "3", "--sort", "number"], "`--sort` goes with all trials of a study, but"),
        (["show", "x", "3", "--columns", "a"], "`--columns` goes with all trials of a study, but"),
        (["show", "x", "--all"], "`--all` goes with the number of a trial"),
        (["predict", "x", "--user", "1", "--separator", "tab"], "`--separator` goes with `--in"),
        (["predict", "x", "--user", "1", "--user-column", "u"], "`--user-column` goes with `--in"),
        (["predict", "x", "--user", "1", "--movie-column", "m"], "`--movie-column` goes with `--"),
        (["predict", "x", "--input", "t.csv", "--top", "20"], "`--top` goes with `--user`"),
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


@pytest.mark.parametrize(
    "arguments",
    [
        ["reproduce", "nothing:0"],
        ["reproduce", "abc"],
        ["search", "--storage", "nonsense"],
        ["search", "--tracking-uri", "ftp://127.0.0.1:9", "--model", "wine:WineModel"],
        ["studies"],
        ["delete", "nothing", "--yes"],
        ["ui"],
        *[["doctor", *NOWHERE], ["search", *NOWHERE], ["studies", *NOWHERE]],
        *[[name, "x", *NOWHERE] for name in ("show", "compare", "report", "export", "delete")],
        *[[name, "x", *NOWHERE] for name in ("winner", "ui", "dashboard", "worker")],
        ["predict", "x", "--user", "1", *NOWHERE],
        ["reproduce", "x:1", *NOWHERE],
    ],
)
def test_a_command_that_comes_to_nothing_writes_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "none"
    expected = 0 if arguments[0] in ("studies", "doctor") else 2
    assert run([*arguments, "--home", str(home)]) == expected
    assert not home.exists()


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


@pytest.mark.parametrize("bare", [[], ["data"]])
def test_a_bare_command_shows_its_help(bare: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(bare) == 0
    assert "Commands:" in capsys.readouterr().out


def test_what_a_user_gives_cannot_change_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["search", "a\x1b[2Jb\r\u2028\udcff.toml", "--home", str(tmp_path / "home")]) == 2
    told = capsys.readouterr().err
    assert "there is no a\\x1b[2Jb \\udcff.toml. Those" in told
    assert run(["search", "x" * 9000, "--home", str(tmp_path / "home")]) == 2
    told = capsys.readouterr().err
    assert len(told) < 2100
    assert told.startswith("trialbook: A study file must be a text file, but xxx")
    assert told.endswith("x is not readable (File name too long).\n")


def test_a_path_of_bytes_that_are_no_text_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r\udcff.csv"
    path.write_text("user,movie,rating\n" + "".join(f"{n % 4},{n},{n % 5}\n" for n in range(40)))
    assert run(["data", "inspect", str(path), "--split", "random"]) == 0
    assert "r\\udcff.csv, split random" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["a\0b", "\udd00"])
def test_an_argument_that_no_terminal_gives_is_refused(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python code can call the command with any text, such as half a pair of surrogates."""
    assert run(["data", "fetch", "movielens-1m", "--to", given]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("trialbook: An argument must ")
    assert told.err.count("\n") == 1


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


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"epochs = 2000-01-01", "`epochs` must be no date or time, but got 2000-01-01"),
        (b"[space]\nl2_kernel = 2000-01-01T00:00:00", "`space.l2_kernel` must be no date"),
        (b"[space]\nlayers = {min = 1, max = 12:30:00}", "`space.layers.max` must be no date"),
        (b"[space]\nlayers = [1, 12:30:00]", "`space.layers` must be no date"),
        (b"user_filter = 1", "`user_filter` must be true or false"),
        (b"trials = true", "has true"),
        (b"seed = 4294967296", "from 0 to 4294967295"),
        (b"\xff\xfe", "is not text"),
        (None, "is a folder"),
    ],
)
def test_a_study_file_that_is_none_is_one_line_before_anything_starts(
    content: bytes | None, fragment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    assert run(["search", str(path), "--home", str(tmp_path / "none")]) == 2
    said = capsys.readouterr().err
    assert fragment in said
    assert said.count("\n") == 1
    assert not (tmp_path / "none").exists()


def test_the_best_trial_is_held_against_the_better_trivial_predictor() -> None:
    trial = TrialRecord(
        study="s", number=0, params={}, state="complete", value=1.0, objective="best_val_rmse"
    )

    def said(mean: float, biases: float) -> str:
        profile = {"global_mean_val_rmse": mean, "biases_val_rmse": biases}
        data = DatasetRecord(name="d", content_hash="0", profile=profile)
        record = StudyRecord(
            name="s", objective="best_val_rmse", monitor="val_rmse", dataset=data, trials=(trial,)
        )
        result = StudyResult(record=record, tracking_uri="")
        assert result.to_json()["beats_trivial"] is (min(mean, biases) > 1.0)
        return next(line for line in learned(record) if "alone" in line)

    assert said(1.1, 0.9) == (
        "User and movie biases alone reach 0.9000: the best trial (1.0000) is no better than that, "
        "so that no trial beats simple averages."
    )
    assert said(1.1, 1.2) == "The global mean alone reaches 1.1000: the best trial is below that."


def test_a_dry_run_lists_the_space_and_the_cost_and_writes_nothing(
    ratings_file: Path, tmp_path: Path, here: Here
) -> None:
    home = tmp_path / "none"
    plan = here("search", "--data", str(ratings_file), "--dry-run", "--home", str(home))
    names = [p["name"] for p in plan["space"]]
    assert {"embedding_size", "layers", "units_3", "dropout_3", "learning_rate"} <= set(names)
    third = next(p for p in plan["space"] if p["name"] == "dropout_3")
    assert third["when"] == "family is mlp or neumf and layers is 3 to 4"
    assert (third["min"], third["max"], third["step"], third["values"]) == (0.0, 0.7, 0.05, None)
    chosen = next(p for p in plan["space"] if p["name"] == "optimizer")
    assert "adam" in chosen["values"]
    assert plan["memory_mb"] > 100
    assert not home.exists()
    assert plan["seconds"] == pytest.approx(_whole(plan, repeats=1))
    others = plan["seconds_epoch_others"]
    assert 0 < others["low"] < others["mean"] < others["high"]
    parts = here(
        "search", "--data", str(ratings_file), "--dry-run", "--home", str(home), "--repeats", "3"
    )
    assert parts["seconds"] == pytest.approx(_whole(parts, repeats=3))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--warm-start", "none"], "A study must exist, but got 'none'."),
        (["--sampler", "grid", "--sampler-option", "search_space=3"], "search_space"),
        (["--notify", "nowhere"], "Apprise knows"),
        (["--storage", "https://example.com/"], "an address begins with postgresql://"),
        (["--enqueue", "tried.json"], "factors"),
    ],
)  # fmt: skip
def test_a_dry_run_refuses_what_the_study_would_refuse(
    more: list[str], said: str, ratings_file: Path, tmp_path: Path, here: Here,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("tried.json").write_text('[{"family": "gmf", "factors": -1}]', encoding="utf-8")
    before = set(tmp_path.iterdir())
    here("search", "--data", str(ratings_file), "--dry-run", "--home", "none", *more, code=2)
    assert said in here.errors
    assert set(tmp_path.iterdir()) == before


def _whole(plan: dict[str, Any], repeats: int) -> float:
    """Seconds of the study by hand; the others' epochs are estimated."""
    others = (plan["trials"] - 1) * plan["seconds_epoch_others"]["mean"]
    epoch = (plan["seconds_epoch"] + others) / plan["trials"]
    return plan["trials"] / plan["workers"] * (repeats * 100 * epoch + 3) + 15


def test_baseline_prints_both_published_sizes(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("TERM", "xterm")
    shown = here("baseline")
    assert "Loading TensorFlow …" in here.errors
    assert shown["parameters"] == 74_937
    assert shown["parameters_at_published_vocabulary"] == 2_327_862
    assert shown["published"]["reported_val_rmse"] == pytest.approx(0.8396, abs=5e-5)


@pytest.mark.parametrize("name", ["models", "tracking"])
@pytest.mark.parametrize("is_package", [True, False])
def test_a_strangers_package_under_our_name_is_one_clear_line(
    name: str, is_package: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH")  # with this checkout on it, ours would be found
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
@pytest.mark.slow
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
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    all_studies = f"http://127.0.0.1:{port}/#/experiments?workflowType=machine_learning"
    assert json.loads(output)["url"] == all_studies
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


@pytest.mark.slow
def test_the_ui_at_another_address_warns_and_answers_to_the_machines_names_only(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    Store(home).prepare()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*TRIALBOOK, "ui", "--host", "0.0.0.0", "--port", str(port), "--home", str(home)]
    process = subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
    try:
        _wait_for(port)
        own = f"{socket.gethostname().lower()}:{port}"
        assert _status(port, own, f"http://{own}") == 200
        assert _status(port, "evil.example", f"http://{own}") == 403
        assert _status(port, own, "http://evil.example") == 403
    finally:
        process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    told = " ".join(output.split())
    assert (
        "Whoever reaches this machine at any of its addresses can read, change and delete" in told
    )
    assert own in told


def test_the_ui_cannot_answer_at_a_strangers_address(tmp_path: Path, here: Here) -> None:
    home = tmp_path / "home"
    Store(home).prepare()
    for host in ("192.0.2.1", "no such name", "::1", "", "\u2028"):
        here("ui", "--host", host, "--home", str(home), code=2)
        said = f"`host` must be a name or IPv4 address of this machine, but {host!r}"
        assert said in here.errors


def _status(port: int, host: str, origin: str) -> int:
    """The HTTP status of a question to MLflow that a page of some origin asks."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/ajax-api/2.0/mlflow/experiments/search",
        data=b'{"max_results": 1}',
        headers={"Host": host, "Origin": origin, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 300
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


@pytest.mark.parametrize(
    "modules",
    [
        # What only looks at a store.
        "search, search.storage.studies, search.reproduce.run",
        # What leaves Keras to its child.
        "search.study.session, search.study.rehearsal, search.reproduce.replay",
    ],
)
def test_what_trains_nothing_itself_waits_for_no_heavy_library(modules: str) -> None:
    heavy = "{'tensorflow', 'keras', 'keras_tuner', 'mlflow', 'matplotlib', 'plotly'}"
    code = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_commands_that_are_told_can_be_pasted_into_a_shell() -> None:
    config = StudyConfig(
        name="my study", trials=3, tracking_uri="postgresql://h/m?x=1", storage="postgresql://h/o"
    )
    said = more_line(Path("my runs"), config)
    assert shlex.split(said)[1:] == [
        "search", "--study", "my study", "--trials", "6", "--home", "my runs",
        "--tracking-uri", "postgresql://h/m?x=1", "--storage", "postgresql://h/o",
    ]  # fmt: skip
    shown = ui_line(Path("my runs"), config, "7")
    assert shlex.split(shown)[1:] == [
        "ui", "my study", "--home", "my runs", "--tracking-uri", "postgresql://h/m?x=1",
        "--storage", "postgresql://h/o",
    ]  # fmt: skip
    assert "'postgresql://h/m?x=1'" in shown


def test_commands_and_results_that_are_told_hold_no_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = StudyConfig(
        name="s",
        trials=3,
        tracking_uri="http://me:one@h:1",
        storage="postgresql://h/o?password=two",
    )
    shown = ["--tracking-uri", "http://me:***@h:1"]
    assert shlex.split(more_line(Path("mlruns"), config))[1:] == [
        "search", "--study", "s", "--trials", "6", *shown,
        "--storage", "postgresql://h/o?password=***",
    ]  # fmt: skip
    stored = ["--storage", "postgresql://h/o?password=***"]
    said = shlex.split(ui_line(Path("h"), config))[1:]
    assert said == ["ui", "s", "--home", "h", *shown, *stored]
    assert ui_line(Path("h"), config, "7").startswith("http://h:1/#/experiments/7/runs?")
    record = StudyRecord(name="s", direction="minimize", objective="rmse", monitor="val_rmse")
    result = StudyResult(record=record, tracking_uri="http://me:one@h:1")
    assert result.to_json()["tracking_uri"] == "http://me:***@h:1"
    address = f"sqlite:///{tmp_path}/o.db?password=two"
    assert run(["studies", "--storage", address, "--home", str(tmp_path / "h")]) == 0
    told = "".join(capsys.readouterr())
    assert "password=***" in told
    assert "two" not in told.replace(str(tmp_path), "")
    assert "Everybody on this machine can read the password in `--storage`" in told
    assert "TRIALBOOK_STORAGE" in told


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("postgresql://me@corp:hunter2@nohost.invalid/db", ["--debug"]),
        ("postgresql://me:my hunter2@nohost.invalid/db", []),
        ("postgresql://me:a@hunter2@nohost.invalid/db", ["--debug"]),
    ],
)
def test_an_address_that_cannot_be_opened_is_told_without_its_password(
    address: str,
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TRIALBOOK_STORAGE", address)
    assert run(["studies", "--home", str(tmp_path)], debug=bool(options)) == 2
    told = "".join(capsys.readouterr())
    assert "hunter2" not in told
    assert ("Traceback" in told) == bool(options)
    assert told.count("`storage` must") == (2 if options else 1)


def test_a_failure_that_a_library_tells_of_shows_no_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("API request to http://me:one@h:1/api?token=two failed")

    monkeypatch.setattr("search.storage.studies.Studies.all", fail)
    assert run(["studies", "--home", str(tmp_path)]) == 70
    told = capsys.readouterr().err
    assert "API request to http://me:***@h:1/api?token=*** failed" in told


def test_ratings_without_column_names_are_inspected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(user, movie, 1 + (user * movie) % 5) for user in range(1, 9) for movie in range(1, 9)]
    path = tmp_path / "ratings.txt"
    path.write_text("".join(f"{score} {movie} {user}\n" for user, movie, score in rows))
    options = ["--columns", "rating, movie, user", "--separator", "space", "--json"]
    assert run(["data", "inspect", str(path), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["users"], told["movies"]) == (64, 8, 8)
    assert not [line for line in told["warnings"] if "taken for" in line]


def test_an_export_into_a_forgotten_file_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["export", "any", "--output", "--json"]) == 2
    said = capsys.readouterr().err
    assert "`--output` must name a file, not another option, but got '--json'" in said
    assert list(tmp_path.iterdir()) == []
    # What it says to write instead is taken: then only the study is missing.
    assert run(["export", "any", "--output", "./--json"]) == 2
    assert "--output" not in capsys.readouterr().err
