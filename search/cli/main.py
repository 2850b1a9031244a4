"""The command `trialbook`: runs a subcommand, and turns its result or error into an exit code."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import select
import stat
import sys
import traceback
from collections.abc import Iterable
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from textwrap import shorten

import click

from search.cli.exits import INTERRUPTED, MISTAKE, NOBODY_READS, OUR_FAILURE
from search.cli.signs import IN_ASCII, asks_for_ascii
from search.config.home import home_folder

_COMMANDS = {
    "search": "search.cli.commands.search",
    "worker": "search.cli.commands.worker",
    "winner": "search.cli.commands.winner",
    "reproduce": "search.cli.commands.reproduce",
    "predict": "search.cli.commands.predict",
    "show": "search.cli.commands.show",
    "studies": "search.cli.commands.studies",
    "export": "search.cli.commands.export",
    "import": "search.cli.commands.import_",
    "compare": "search.cli.commands.compare",
    "report": "search.cli.commands.report",
    "delete": "search.cli.commands.delete",
    "doctor": "search.cli.commands.doctor",
    "ui": "search.cli.commands.ui",
    "dashboard": "search.cli.commands.dashboard",
    "data": "search.cli.commands.data",
    "baseline": "search.cli.commands.baseline",
}
_SUMMARIES = {
    "search": "Run a new study, or resume a stored one.",
    "worker": "Join a study and train its trials, from any machine.",
    "winner": "Decide the winner of a study, test it once, register it.",
    "reproduce": "Train a recorded trial again, and compare its value.",
    "predict": "Predict scores with a study's model, or list a user's best items.",
    "show": "Show a study and its trials, or one trial.",
    "studies": "List the studies.",
    "export": "Write the trials of a study as a table.",
    "import": "Make a study of a finished Keras Tuner project.",
    "compare": "Show the best trials of several studies side by side.",
    "report": "Write one HTML page of one or several studies.",
    "delete": "Delete a study with its trials, runs and models.",
    "doctor": "Compare Optuna's storage with MLflow, and mend differences.",
    "ui": "Show a study, or all studies, in MLflow's pages.",
    "dashboard": "Show a study in Optuna's dashboard.",
    "data": "Look at a source of ratings, or fetch one.",
    "baseline": "Print the published trial: recipe, layers, figures.",
}
"""What `trialbook --help` says of each command, so that it imports none of them."""


class _Late(click.Group):
    """A Click group that imports a subcommand's module only when a user calls the subcommand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[name]).command
        command.short_help = _SUMMARIES[name]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}.{_near(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))


@click.group(
    cls=_Late,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: trialbook search --trials 12",
    subcommand_metavar="COMMAND [ARGUMENTS]",
)
@click.version_option(package_name="trialbook", prog_name="trialbook")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.", expose_value=False)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Search hyperparameters of Keras rating models, record every trial, reproduce any of them."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line and leave with its exit code."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    _leave(run([a for a in arguments if a != "--debug"], debug=debug))


def _leave(code: int) -> None:
    """End this process without taking its libraries down in order, which takes seconds.

    What has to be done at the end is done: functions registered for that, and what is printed.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def run(arguments: list[str], *, debug: bool = False) -> int:
    """Run the command line.

    Returns:
        0 done, 1 what was asked does not hold, 2 a user's mistake, 70 a failure of our own, 71 no
        training process lives, 75 a disk is full or a database away, 130 interrupted, 141 whoever
        read the output is gone.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a path may hold what no encoding has
            stream.reconfigure(errors=IN_ASCII)
            if stream.isatty() and asks_for_ascii(os.environ):
                stream.reconfigure(encoding="ascii")
    if why := next(filter(None, map(_no_argument, arguments)), ""):
        _tell(why)
        return MISTAKE
    given: dict[str, Path] = {}
    try:
        code = cli.main(args=arguments, prog_name="trialbook", standalone_mode=False, obj=given)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        _tell("Interrupted.")
        return INTERRUPTED
    except click.ClickException as error:
        _tell(_one_line(error))
        return MISTAKE
    except (BrokenPipeError, SystemExit) as error:  # Click makes the second of the first
        if _nobody_reads():
            _write_nowhere()
            return NOBODY_READS
        if isinstance(error, SystemExit):
            raise
        return _our_failure(error, debug)
    except Exception as error:
        return _failed(error, given.get("home") or home_folder(), debug)


def _no_argument(given: str) -> str:
    """Why no terminal can hand over such an argument, or an empty text."""
    if "\0" in given:
        return f"An argument must hold no zero byte, but got {given!r}."
    try:
        os.fsencode(given)
    except UnicodeEncodeError:
        return f"An argument must be text or bytes of a path, but got {given!r}."
    return ""


def _failed(error: Exception, home: Path, debug: bool) -> int:
    """Tell of a user's mistake or of a disk's in a line, and of a failure of our own as such."""
    # Here, as it takes longer to import than `--help` does.
    from search.errors import USER_ERRORS, of_disk

    if isinstance(error, OSError) and error.errno == errno.EIO and _terminal_is_closed():
        _write_nowhere()
        return INTERRUPTED
    known = error if isinstance(error, USER_ERRORS) else of_disk(error, home)
    if known is None:
        return _our_failure(error, debug)
    _show(debug)
    _tell(str(known))
    return int(getattr(known, "exit_code", MISTAKE))


def _our_failure(error: BaseException, debug: bool) -> int:
    """Tell of a failure of our own in a line."""
    _show(debug)
    text = shorten(str(error), 300, placeholder=" …").rstrip(".")
    _tell(f"Trialbook itself failed: {type(error).__name__}: {text}. See more with `--debug`.")
    return OUR_FAILURE


def _nobody_reads() -> bool:
    """Whether a pipe that this process writes its output to has no reader any more."""
    pipes = []
    for stream in (1, 2):
        with contextlib.suppress(OSError):  # it is closed
            if stat.S_ISFIFO(os.fstat(stream).st_mode):
                pipes.append(stream)
    # The end of a pipe that is written to counts as readable once the other end is closed.
    return bool(select.select(pipes, [], [], 0)[0])


def _write_nowhere() -> None:
    """Have what is still to be written lost in silence, since nobody reads it."""
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)


def _terminal_is_closed() -> bool:
    """Whether nothing can be written to standard error any more."""
    try:
        os.write(sys.stderr.fileno(), b"\n")
    except OSError:
        return True
    return False


def _show(debug: bool) -> None:
    from tracking import without_password

    if debug:
        click.echo(without_password(traceback.format_exc()), err=True)


def _near(given: str, known: Iterable[str]) -> str:
    """What a user may have meant, as a sentence; empty where nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(given, known)
    return f" Did you mean {' or '.join(near)}?" if near else ""


_OTHER_NAMES = {"--name": "--study"}
"""What other tools call an option of ours."""


def _one_line(error: click.ClickException) -> str:
    text = " ".join(error.format_message().split()).rstrip(".")
    other = _OTHER_NAMES.get(getattr(error, "option_name", None) or "")
    if other and isinstance(error, click.NoSuchOption):
        text = f"{error.message.rstrip('.')}. Did you mean '{other}'?"
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "trialbook"
    return f"{text}{'' if text.endswith('?') else '.'} Try `{path} --help`."


def _tell(text: str) -> None:
    """Say a line on standard error, without the passwords of addresses that a library quotes."""
    from search.errors import as_line
    from tracking import without_password

    with contextlib.suppress(OSError):  # of a terminal that was closed
        # By its name Click would not find a stream in ASCII good enough, and write UTF-8 to it.
        click.echo(f"trialbook: {as_line(without_password(text))}", file=sys.stderr)
