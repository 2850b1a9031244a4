"""The command `trialbook`: finds the subcommand, and turns every end into an exit code."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from search.cli.common import INTERRUPTED, MISTAKE

_COMMANDS = {
    "search": "search.cli.search_command",
    "reproduce": "search.cli.reproduce_command",
    "show": "search.cli.show_command",
    "studies": "search.cli.studies_command",
    "compare": "search.cli.compare_command",
    "delete": "search.cli.delete_command",
    "ui": "search.cli.ui_command",
    "data": "search.cli.data_command",
    "baseline": "search.cli.baseline_command",
}


class _Late(click.Group):
    """Imports a subcommand only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[name]).command
        return command


@click.group(
    cls=_Late,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: trialbook search --trials 12",
)
@click.version_option(package_name="trialbook", prog_name="trialbook")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Search hyperparameters of Keras rating models, record every trial, reproduce any of them."""
    ctx.obj = {"debug": debug}


def main() -> None:
    """Run the command line and leave with its exit code."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    sys.exit(run([a for a in arguments if a != "--debug"], debug=debug))


def run(arguments: list[str], *, debug: bool = False) -> int:
    """Run the command line.

    Returns:
        0 done, 1 what was asked does not hold, 2 a user's mistake, 130 interrupted.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from search.errors import USER_ERRORS

    try:
        code = cli.main(args=arguments, prog_name="trialbook", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        _tell("Interrupted.")
        return INTERRUPTED
    except click.ClickException as error:
        _tell(_one_line(error))
        return MISTAKE
    except USER_ERRORS as error:
        if debug:
            raise
        _tell(str(error))
        return MISTAKE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        text = " ".join(str(error).split())[:300]
        _tell(f"Trialbook itself failed: {type(error).__name__}: {text}. See more with `--debug`.")
        return MISTAKE


def _one_line(error: click.ClickException) -> str:
    text = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "trialbook"
    return f"{text} Try `{path} --help`."


def _tell(text: str) -> None:
    click.echo(f"trialbook: {' '.join(text.split())}", err=True)
