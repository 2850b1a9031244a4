"""Makes Keras models of the weights that trials were trained to without Keras."""

from __future__ import annotations

import gc

import keras

from models.alone.files import is_saved
from models.alone.rebuilding import save_kept
from search.child.allotment import Allotment
from search.child.messages import Done, Keep, Kept, Ready, Score, Scored, Task
from search.child.reporter import Reporter


class Keeper:
    """A runner that trains nothing: it answers `Keep`."""

    def ready(self, allotment: Allotment) -> Ready:
        """Say that Keras is loaded."""
        return Ready(
            space=(),
            first={},
            dataset=None,
            workers=1,
            threads=allotment.threads,
            warnings=(),
            devices=(),
        )

    def keep(self, question: Keep) -> Kept:
        """Make a Keras model of the weights in a folder, and save it there.

        Raises:
            ModelsError: The model predicts other scores than those that were trained.
        """
        if is_saved(question.folder / question.name):  # by one that ended before it could say so
            return Kept()
        try:
            save_kept(question.folder, question.name)
        finally:
            keras.backend.clear_session()  # it makes hundreds of them
            gc.collect()
        return Kept()

    def run(self, task: Task, report: Reporter) -> Done:
        """Refuse: nobody asks a keeper for that."""
        raise NotImplementedError

    def score(self, question: Score) -> Scored:
        """Refuse: nobody asks a keeper for that."""
        raise NotImplementedError

    def tidy(self) -> None:
        """Do nothing."""
