"""Trains the best trials again on new seeds, decides, and opens the sealed test part once."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

import optuna

from search.child.messages import Ready
from search.config.study import StudyConfig
from search.errors import SearchError
from search.executor.death import ChildDied
from search.executor.interrupts import interruptible
from search.executor.starting import require_children
from search.executor.supervisor import Supervisor
from search.seeds import derive_seed
from search.storage.claims.lease import Lease
from search.storage.claims.leases import WINNER, leases_of
from search.storage.claims.owner import named
from search.storage.deletion import recorded
from search.storage.records import study_record
from search.storage.studies import Studies
from search.storage.study_attributes import (
    chooser_of,
    config_of,
    dataset_of,
    verdict_of,
    write_chooser,
    write_verdict,
)
from search.study.choice import plain_dataset
from search.study.opening import other_ratings
from search.verdict.report import store_verdict
from search.verdict.verdict import TestScore, Verdict, judge, score_test, together
from search.winner.candidates import Repeated, candidates_of
from search.winner.trainer import Steps, Tell, Trainer
from tracking import ModelFolder, Store
from tracking.scratch import scratch_folder
from tracking.texts import shell_line

_STREAM = 2  # of seeds: 0 is the sampler's, 1 the trials'


def stored_verdict(study: optuna.Study) -> Verdict | None:
    """The verdict that an earlier call came to, or None."""
    plain = verdict_of(study)
    return None if plain is None else Verdict.from_json(plain)


def find_winner(
    name: str,
    store: Store | Studies,
    *,
    top: int = 3,
    repeats: int = 5,
    refit: bool = False,
    tell: Tell | Steps = lambda text: None,
) -> tuple[Verdict, bool]:
    """Decide a study's winner, once; the same call again returns the same verdict.

    Args:
        name: Name of the study.
        store: The study's home; or the studies of a home whose Optuna storage is elsewhere.
        top: How many of the best trials are trained again, the baseline beside them.
        repeats: New seeds of each, the same ones for all; at least 2.
        refit: Whether the registered model is trained on train and validation part together.
        tell: Called with a line of text for every step; `Steps` hears of each epoch too.

    Returns:
        The verdict, and whether it was reached just now.

    Raises:
        SearchError: No test part, trials under way, none complete, every candidate failed, one
            repeat, another process at it, Windows.
        KeyboardInterrupt: Ctrl-C or SIGTERM. Once the test part was opened the winner stands.

    Example:
        >>> verdict, is_new = find_winner("tiny", Store(home), top=1, repeats=2)
        >>> is_new, verdict.winner.mean == min(c.mean for c in verdict.candidates)
        (True, True)
        >>> find_winner("tiny", Store(home)) == (verdict, False)  # the test part is opened once
        True
    """
    studies = store if isinstance(store, Studies) else Studies(store)
    study = studies.get(name)
    _require_children(study)
    with _alone(study, studies):
        steps = tell if isinstance(tell, Steps) else Steps(tell)
        return _Choice(study, studies, config_of(study), steps).verdict(top, repeats, refit)


def _require_children(study: optuna.Study) -> None:
    """Refuse a system that trains nothing, unless all is decided: before a lease is taken."""
    earlier = stored_verdict(study)
    if earlier is None or earlier.model is None:
        require_children()


@contextmanager
def _alone(study: optuna.Study, studies: Studies) -> Iterator[None]:
    """Let this process alone choose a study's winner; other processes get an error meanwhile."""
    leases = leases_of(study)
    with Lease(leases, study.study_name, WINNER) as lease:

        def choose() -> None:
            other = chooser_of(study)
            if other and leases.lives(other) and not lease.holds(other):
                raise SearchError(
                    f"A winner is chosen by one process at a time, but {named(other)} is at it for "
                    f"{study.study_name}. Wait for it, or stop it."
                )
            write_chooser(study, lease.owner())

        studies.locked(choose)
        try:
            yield
        finally:
            if lease.holds(chooser_of(study) or {}):
                write_chooser(study, None)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Chooses the winner of one study, or completes a choice that was cut short."""

    study: optuna.Study
    studies: Studies
    config: StudyConfig
    steps: Steps

    def verdict(self, top: int, repeats: int, refit: bool) -> tuple[Verdict, bool]:
        """Return the stored verdict if it is complete, else reach or complete it now.

        The second value says whether that happened just now.
        """
        earlier = stored_verdict(self.study)
        if earlier is None or earlier.model is None:
            self._require_record()
        if earlier is None:
            return self.decide(top, repeats, refit), True
        if earlier.model is None:
            return self.go_on(earlier), True
        return earlier, False

    def _require_record(self) -> None:
        """Refuse where MLflow has no run to put the winner under: before anything is trained."""
        if not recorded(self.studies, self.study):
            name = self.study.study_name
            raise SearchError(
                f"A winner is recorded with its study, but MLflow has no run of {name!r} in "
                f"{self.studies.address_of(self.config)}. Put the record back, or have "
                f"`{shell_line('trialbook', 'search', '--study', name)}` start a new one."
            )

    def decide(self, top: int, repeats: int, refit: bool) -> Verdict:
        """Choose on the validation part, then open the test part and register the model."""
        if repeats < 2:
            raise SearchError(
                "A winner needs at least 2 repeats, since one seed does not show how much seeds "
                f"matter, but got {repeats}. Use 5."
            )
        candidates = candidates_of(self.study, self.config, top)
        seeds = tuple(derive_seed(self.config.seed, n, _STREAM) for n in range(repeats))
        with self._trainer(candidates) as trainer:
            trained, left_out = trainer.repeat_all(candidates, seeds)
            verdict = replace(
                _chosen(trainer, trained, self.study.study_name, seeds),
                refitted=refit,
                left_out=left_out,
                folds=self.config.folds or 0,
            )
            # Whatever happens from here on, nobody else is chosen.
            write_verdict(self.study, verdict.to_json())
            return self._conclude(trainer, verdict, trained, left_out)

    def go_on(self, earlier: Verdict) -> Verdict:
        """Complete a stored verdict that lacks its test scores or its registered model."""
        candidates = [
            each
            for each in candidates_of(self.study, self.config, None)
            if each.trial.number == earlier.number or (each.is_baseline and not earlier.test)
        ]
        with self._trainer(candidates) as trainer:
            trained, left_out = trainer.repeat_all(candidates, earlier.seeds)
            return self._conclude(trainer, earlier, trained, left_out)

    def _conclude(
        self,
        trainer: Trainer,
        verdict: Verdict,
        trained: Sequence[Repeated],
        left_out: Sequence[str],
    ) -> Verdict:
        """Score the winner on the test part if it has no test score yet, and register its model."""
        won = next((c for c in trained if c.trial.number == verdict.number), None)
        if won is None:
            raise SearchError(f"A winner trains to its end again. {left_out[0]}")
        if not verdict.test:
            bars = [each for each in trained if not (each.is_baseline and self._misfit)]
            verdict = replace(verdict, test=_open_test(trainer, won, bars, self.steps))
            write_verdict(self.study, verdict.to_json())
        path = trainer.refit(won) if verdict.refitted else won.usual_model
        self.steps.now("Registering the model …")
        verdict = store_verdict(
            verdict,
            study_record(self.study, self.config),
            self.studies.recorder(self.config),
            trial=won.trial,
            model=ModelFolder(path=path, kind="ratings"),
        )
        write_verdict(self.study, verdict.to_json())
        return verdict

    @property
    def _misfit(self) -> str:
        """Why the published baseline does not fit the scores, and so is no bar; empty if it is."""
        return str((dataset_of(self.study) or {}).get("profile", {}).get("baseline_misfit", ""))

    @contextmanager
    def _trainer(self, candidates: Sequence[Repeated]) -> Iterator[Trainer]:
        """Yield a trainer with the trials' thread count; end its child process afterwards."""
        threads = candidates[0].plan.threads
        supervisor = Supervisor(self.config.at(workers=1, threads=threads, repeats=1, folds=None))
        try:
            with (
                scratch_folder("winner") as place,
                closing(supervisor),
                interruptible() as stop,
            ):
                self.steps.now("Reading the ratings …")
                _check_ratings(self.study, supervisor.ready(stop))
                yield Trainer(supervisor, stop, self.steps, place)
        except ChildDied as error:
            raise SearchError(
                f"The training process must live until it answers, but {error}"
            ) from error


def _check_ratings(study: optuna.Study, ready: Ready) -> None:
    """Refuse other ratings than those that the study was made on."""
    changed = other_ratings(study, plain_dataset(ready))
    if changed:
        raise SearchError(
            f"A winner is chosen on the ratings of its study, but for {study.study_name} "
            f"{changed[0]}. Put them back, or search on the new ones with another `--study`."
        )


def _chosen(
    trainer: Trainer, trained: Sequence[Repeated], name: str, seeds: tuple[int, ...]
) -> Verdict:
    """Choose the winner by its validation error; the verdict has no test scores yet."""
    counts = trainer.score(None, "valid").counts
    able = [each for each in trained if each.can_win]
    errors = together([each.valid for each in able], counts)
    trials = [(c.trial.number, c.is_baseline, c.searched) for c in able]
    judged, tie = judge(trials, errors)
    return Verdict(
        study=name,
        number=judged[0].number,
        tie=tie,
        candidates=judged,
        test=(),
        seeds=seeds,
        opened=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _open_test(
    trainer: Trainer, won: Repeated, trained: Sequence[Repeated], steps: Steps
) -> tuple[TestScore, ...]:
    """Score the winner, the baseline and the trivial predictors on the sealed test part."""
    steps.line("Opening the sealed test part, once.")
    names, parts = ["winner"], [trainer.test_errors(won)]
    for each in trained:
        if each.is_baseline and each is not won:
            names, parts = [*names, "baseline"], [*parts, trainer.test_errors(each)]
    trivial = trainer.score(None, "test")
    for kind, sums in trivial.sums.items():
        names, parts = [*names, kind], [*parts, [sums]]
    return score_test(names, together(parts, trivial.counts))
