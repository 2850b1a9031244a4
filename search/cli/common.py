"""Helpers that the commands share: options, output, and the wording of command lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.status import Status
from rich.text import Text

from search.cli.help import OUTPUT, option
from search.cli.plain_console import PlainConsole, wants_plain
from search.cli.signs import has_signs
from search.config.home import home_folder
from search.config.sections import RUNNING, TRAINING
from tracking import Store, study_page, to_read, with_driver, without_password
from tracking.texts import shell_line, short_number

if TYPE_CHECKING:
    from search.config.study import StudyConfig
    from search.storage.studies import Studies

GOES_ON = "Interrupted; every finished trial is kept. The same command goes on."

ENVIRONMENT = {"storage": "TRIALBOOK_STORAGE", "tracking_uri": "TRIALBOOK_TRACKING_URI"}
"""Variables that hold addresses: a password there stands among no process's arguments."""
_ENDS_IN_S = "TRIALBOOK_ENDS_IN_S"


def console(as_json: bool = False, **look: Any) -> Console:
    """A Rich console on standard output, or on standard error if `--json` takes standard output.

    Square brackets are text: they stand in paths, messages and values of users. Characters that
    cannot be seen are written as Python writes them.

    Args:
        as_json: Whether `--json` takes standard output.
        look: More options, as `PlainConsole` takes them.
    """
    return PlainConsole(stderr=as_json, highlight=False, soft_wrap=True, markup=False, **look)


def waiting(text: str) -> Status:
    """A status line for a slow step, to be used with `with`: on a terminal it has a spinner.

    It is drawn by escape codes, and so is not shown where the terminal is to get none.
    """
    out = console(True, **({"force_terminal": False} if wants_plain() else {}))
    spinner = "dots" if has_signs(out.encoding, "⠋") else "line"  # which begins so
    return out.status(Text(text), spinner=spinner)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard what native code, such as TensorFlow's, writes to standard error meanwhile."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--home DIR`: Trialbook's home folder, by default TRIALBOOK_HOME or else `./mlruns`."""
    return option(
        "--home",
        group=RUNNING,
        metavar="DIR",
        type=click.Path(path_type=Path),
        default=lambda: str(home_folder()),
        callback=_kept,
        shown="TRIALBOOK_HOME, else ./mlruns",
        help="Home folder, with mlflow.db, optuna.db and artifacts/.",
    )(command)


def _kept(context: click.Context, parameter: click.Parameter, home: Path) -> Path:
    """Keep the home for what is said of an error, which is told once the command has ended."""
    if isinstance(context.obj, dict):
        context.obj["home"] = home
    return home


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json`, with which standard output is one JSON object and nothing else."""
    return option(
        "--json",
        "as_json",
        group=OUTPUT,
        is_flag=True,
        help="Print one JSON object on standard output.",
    )(command)


def warned(context: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    """Warn of a password among the arguments of this process, which everybody here can read."""
    name = parameter.name or ""
    source = context.get_parameter_source(name)
    if given and source == ParameterSource.COMMANDLINE and without_password(given) != given:
        console(True).print(
            f"Everybody on this machine can read the password in `{parameter.opts[0]}` while this "
            f"runs. Give the address in the variable {ENVIRONMENT[name]} instead."
        )
    return given


def quiet_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--quiet`, with which a terminal, too, gets nothing but one line per trial."""
    return option(
        "--quiet", group=OUTPUT, is_flag=True, help="Print one line per trial, and no live display."
    )(command)


def tracking_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--tracking-uri`, MLflow's address."""
    return option(
        "--tracking-uri",
        group=RUNNING,
        callback=warned,
        envvar=ENVIRONMENT["tracking_uri"],
        shown=f"{ENVIRONMENT['tracking_uri']}, else mlflow.db in the home",
        help="Address of MLflow's store.",
    )(command)


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--tracking-uri` and `--storage`, the addresses of MLflow's and Optuna's stores."""
    command = tracking_option(command)
    return option(
        "--storage",
        group=RUNNING,
        callback=warned,
        envvar=ENVIRONMENT["storage"],
        shown=f"{ENVIRONMENT['storage']}, else optuna.db in the home",
        help="Address of Optuna's storage.",
    )(command)


def with_options(
    command: Callable[..., Any], options: list[Callable[..., Any]]
) -> Callable[..., Any]:
    """Add options to a command, in their order."""
    for each in reversed(options):
        command = each(command)
    return command


def code_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--model` and `--data-module`, for commands that train what a stored study names."""
    why = "that the study trains; needed if its database is on a server."
    options = [
        option(
            "--model",
            group=TRAINING,
            metavar="MODULE:NAME",
            help=f"HyperModel of your own {why}",
        ),
        option(
            "--data-module",
            group=TRAINING,
            metavar="MODULE:FUNCTION",
            help=f"Data of your own {why}",
        ),
    ]
    return with_options(command, options)


def emit(value: dict[str, Any]) -> None:
    """Print a value as the one JSON object that `--json` promises: whole, or not at all."""
    from search.executor.deadline import unhurried
    from search.export import strict_json

    text = strict_json(value)
    with unhurried():
        click.echo(text)


def ends_in_s() -> float | None:
    """How long a command has to end in order once a signal asks it to stop, in seconds.

    It ends by force then: nothing is lost by that, but the record may be open until the next
    command, and what `--json` would print is not printed. `TRIALBOOK_ENDS_IN_S` says otherwise, 0
    for as long as it takes.

    Raises:
        SearchError: The variable holds no number.
    """
    from models.checks import require
    from search.errors import SearchError

    told = os.environ.get(_ENDS_IN_S) or "1.5"
    try:
        seconds = float(told)
    except ValueError:
        seconds = -1.0
    require(seconds >= 0, _ENDS_IN_S, "be a number of seconds", told, error=SearchError)
    return seconds or None


def open_store(home: Path, tracking_uri: str | None = None) -> Store:
    """Open MLflow's store in Trialbook's home folder (mlruns)."""
    return Store(Path(home), tracking_uri)


def open_studies(home: Path, storage: str | None, tracking_uri: str | None = None) -> Studies:
    """The studies in Trialbook's home folder (mlruns); Optuna's storage is opened on first use."""
    from search.storage.studies import Studies

    return Studies(open_store(home, tracking_uri), storage, console(True).print)


def studies_to_read(home: Path, storage: str | None, tracking_uri: str | None = None) -> Studies:
    """The studies in a home for a command that only reads; it is not made, and may be read-only."""
    from search.storage.studies import Studies

    elsewhere = storage is not None
    return Studies(to_read(open_store(home, tracking_uri), elsewhere=elsewhere), storage)


def ui_line(home: Path, config: StudyConfig, experiment_id: str | None = None) -> str:
    """What opens MLflow's pages on a study: a command, or the address on a tracking server.

    Args:
        home: The home folder.
        config: The study.
        experiment_id: Its experiment, where that is known by now.
    """
    uri = config.tracking_uri
    line = command_line(home, "ui", config.name, tracking_uri=uri, storage=config.storage)
    return study_page(uri or "", experiment_id) or line


def more_line(home: Path, config: StudyConfig) -> str:
    """The exact command that continues a finished study until it has twice as many trials."""
    more = ["search", "--study", config.name, "--trials", str(config.trials * 2)]
    return command_line(home, *more, tracking_uri=config.tracking_uri, storage=config.storage)


def command_line(
    home: Path, *arguments: str, tracking_uri: str | None = None, storage: str | None = None
) -> str:
    """The `trialbook` command with the given arguments and the stores' options.

    It is exact but for a password in an address, which is written as `***`.
    """
    words = [program(), *arguments]
    if str(home) != "mlruns":
        words += ["--home", str(home)]
    return shell_line(*words, *options_of(tracking_uri=tracking_uri, storage=storage))


def options_of(*, tracking_uri: str | None = None, storage: str | None = None) -> list[str]:
    """The options that name the stores' addresses, without passwords; none for the home's own.

    An address that the environment gives needs no option. With one, its password would be lost.
    """
    words = []
    for name, address in (("tracking_uri", tracking_uri), ("storage", storage)):
        given = os.environ.get(ENVIRONMENT[name])
        if address and not (given and with_driver(given) == with_driver(address)):
            words += [f"--{name.replace('_', '-')}", without_password(address)]
    return words


def program() -> str:
    """The word that calls Trialbook in a shell: `trialbook` if it is on the PATH, else its path."""
    beside = Path(sys.executable).with_name("trialbook")
    try:
        shown = beside.relative_to(Path.cwd())
    except ValueError:
        shown = beside
    on_path = any(Path(p) == beside.parent for p in os.environ.get("PATH", "").split(os.pathsep))
    return "trialbook" if on_path or not beside.exists() else str(shown)


def short(value: Any) -> str:
    """A value as a short text; None as an empty text."""
    if isinstance(value, float):
        return short_number(value)
    return "" if value is None else str(value)
