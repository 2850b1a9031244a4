"""Has Keras models made of the weights that a trial was trained to without Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from search.child.messages import Done
from search.errors import SearchError
from search.executor.keeping import Keeping
from search.trial.conclusion import Conclusion
from search.trial.run import TrialRun


def with_models(
    done: Done,
    run: TrialRun,
    conclusion: Conclusion,
    keeping: Keeping,
    say: Callable[[str], None],
) -> Done:
    """Have the models of a trial made, where its study keeps them.

    A trial whose models cannot be made keeps its value.

    Args:
        done: Its end; its folders hold weights.
        run: The trial.
        conclusion: Says whether the study keeps its models.
        keeping: Makes them.
        say: Told where they cannot be made.

    Returns:
        Its end, with models or without.
    """
    without = replace(done, model_kind=None)
    if done.model_kind is None or not conclusion.may_keep(done.value):
        return without
    try:
        for name in done.models:
            keeping.keep(run.folder, name)
    except SearchError as error:
        say(f"The model of trial {run.trial.number} is not kept: {error}")
        return replace(without, message=f"its model is not kept: {error}")
    return done
