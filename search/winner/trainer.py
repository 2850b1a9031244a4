"""Trains candidates again and scores their models, in a child process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.checks import count_of
from search.child.messages import Done, Failed, Score, Scored
from search.errors import SearchError
from search.executor.death import ChildDied
from search.executor.interrupts import Stop
from search.executor.supervisor import Supervisor
from search.executor.training import Listener, NotScored, score, train
from search.trial.task import task_of
from search.winner.candidates import Repeated
from tracking import EpochRecord

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Steps:
    """Hears what is done to choose a winner.

    Attributes:
        line: Called with a line of text for every step that ended.
        now: Called with what is done at the moment, several times a second, as "trial 7, repeat 2
            of 5, epoch 31 of 100"; the next text takes its place.

    Example:
        >>> steps = Steps(line=print)
        >>> steps.line("trial 7, repeat 1 of 5: 0.8123")
        trial 7, repeat 1 of 5: 0.8123
    """

    line: Tell
    now: Tell = lambda text: None


class _Epochs(Listener):
    """Tells how far a training is."""

    def __init__(self, now: Tell, what: str, epochs: int) -> None:
        self._now = now
        self._what = what
        self._epochs = epochs

    def epoch(self, record: EpochRecord, *, is_asked: bool) -> bool:
        """Tell that an epoch ended, and let the training go on."""
        self._now(f"{self._what}, epoch {record.epoch} of {self._epochs}")
        return True

    def within(self, epoch: int, share: float) -> None:
        """Tell how far a long epoch is."""
        self._now(f"{self._what}, epoch {epoch} of {self._epochs}, {share:.0%} of it")


class Untrainable(SearchError):
    """A candidate did not train to its end on one of the new seeds."""

    def __init__(self, candidate: Repeated, seed: int, why: str) -> None:
        name = candidate.name[0].upper() + candidate.name[1:]
        super().__init__(
            f"{name} must train to its end on every new seed, but did not on {seed} "
            f"({why.rstrip('.')})."
        )


class Trainer:
    """Trains and scores candidates; the caller owns the supervisor and the place of the folders."""

    def __init__(self, supervisor: Supervisor, stop: Stop, steps: Steps, place: Path) -> None:
        """Keep the arguments; no training is started yet.

        Args:
            supervisor: Owns the child.
            stop: Ends a training or a scoring with a KeyboardInterrupt, once it is set.
            steps: Hears every step.
            place: Holds the folders of all trainings; the caller removes it.
        """
        self._supervisor = supervisor
        self._stop = stop
        self._steps = steps
        self._place = place

    def repeat_all(
        self, candidates: Sequence[Repeated], seeds: Sequence[int]
    ) -> tuple[list[Repeated], tuple[str, ...]]:
        """Train all candidates again on every seed.

        Args:
            candidates: The best and the baseline.
            seeds: Seeds of the trainings, the same ones for all.

        Returns:
            Those that trained to their end on every seed, and a line for each that did not.

        Raises:
            SearchError: No candidate that can win trained to its end on every seed.
        """
        trained, left_out = [], []
        for candidate in candidates:
            try:
                self._repeat(candidate, seeds)
                trained.append(candidate)
            except Untrainable as error:
                left_out.append(f"{error} It is left out.")
                self._steps.line(left_out[-1])
        if not any(candidate.can_win for candidate in trained):
            raise SearchError(
                "A winner trains to its end on every new seed, but no candidate did. "
                f"{left_out[0]} Use a larger `--top`, or search on."
            )
        return trained, tuple(left_out)

    def _repeat(self, candidate: Repeated, seeds: Sequence[int]) -> None:
        """Train a candidate on every seed, and score each model on the validation part.

        Raises:
            Untrainable: The candidate does not train to its end on a seed.
        """
        for count, seed in enumerate(seeds, 1):
            folder = self._new_folder(candidate)
            what = f"{candidate.name}, repeat {count} of {len(seeds)}"
            try:
                ended = self._train(candidate, seed, folder, what)
                self._steps.now(f"{what}, scoring")
                scored = self.score(folder / "model", "valid")
            except (ChildDied, NotScored) as error:
                raise Untrainable(candidate, seed, str(error)) from error
            candidate.ends.append(ended)
            candidate.valid.append(scored.sums["model"])
            self._steps.line(f"{what}: {ended.value:.4f}")

    def refit(self, candidate: Repeated) -> Path:
        """Train the winner on train and validation part together.

        It trains for the mean of its repeats' best epochs, since no part is left to stop it.

        Returns:
            The model's folder.
        """
        bests = [int(ended.metrics["best_epoch"]) for ended in candidate.ends]
        epochs = max(1, round(float(np.mean(bests))))
        self._steps.line("Training the winner on train and validation part together.")
        folder = self._new_folder(candidate)
        what = f"{candidate.name}, training on both parts, {count_of(epochs, 'epoch')}"
        self._train(candidate, candidate.plan.seed, folder, what, epochs)
        return folder / "model"

    def test_errors(self, candidate: Repeated) -> list[NDArray[np.float64]]:
        """Sum squared errors on the sealed test part by user: an array `[user]` for each repeat."""
        self._steps.now(f"{candidate.name}, scoring on the test part")
        folders = candidate.folders[: len(candidate.ends)]
        return [self.score(folder / "model", "test").sums["model"] for folder in folders]

    def score(self, model: Path | None, part: str) -> Scored:
        """Sum squared errors of a saved model by user.

        Args:
            model: The model's folder; None for the trivial predictors.
            part: "valid" or "test".
        """
        return score(self._supervisor, Score(model=model, part=part), self._stop)

    def _new_folder(self, candidate: Repeated) -> Path:
        """Make the folder of a candidate's next training."""
        folder = Path(tempfile.mkdtemp(dir=self._place))
        candidate.folders.append(folder)
        return folder

    def _train(
        self,
        candidate: Repeated,
        seed: int,
        folder: Path,
        what: str,
        refit_epochs: int | None = None,
    ) -> Done:
        """Train a candidate on a seed; `what` says in words which training it is."""
        self._steps.now(what)
        task = task_of(replace(candidate.plan, seed=seed), folder, refit_epochs=refit_epochs)
        listener = _Epochs(self._steps.now, what, refit_epochs or task.epochs)
        ended = train(self._supervisor, task, listener, lambda: self._stop.asked)
        if ended is None:
            raise KeyboardInterrupt
        if isinstance(ended, Failed):
            raise Untrainable(candidate, seed, ended.message)
        return ended
