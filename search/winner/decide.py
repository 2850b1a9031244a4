"""Train the best trials again on new seeds, decide, and open the sealed test part once."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from search.child.messages import Done, Failed, Ready, Score, Scored, Task
from search.config.study import StudyConfig
from search.errors import SearchError
from search.executor.interrupts import Stop, interruptible
from search.executor.supervisor import ChildDied, Supervisor
from search.seeds import derive_seed
from search.storage.database import home_lock
from search.storage.owner import lives, me, named
from search.storage.records import config_of, study_record
from search.storage.slots import SLOT
from search.storage.studies import get_study
from search.storage.trials import DECIDING, PLAN, running
from search.study.opening import other_ratings, plain_dataset
from search.trial.interruption import make_folder
from search.winner.report import store_verdict
from search.winner.verdict import TestScore, Verdict, judge, score_test, together
from tracking import COMPLETE, ModelFolder, Store, TrialRecord

VERDICT = "trialbook:verdict"
_STREAM = 2  # of seeds: 0 is the sampler's, 1 the trials'

Tell = Callable[[str], None]


@dataclass(slots=True)
class _Repeated:
    """A trial that is trained again, and what its repeats left.

    A baseline beyond the study's limits cannot win; the test part shows it beside the winner.
    """

    trial: TrialRecord
    is_baseline: bool
    can_win: bool = True
    folders: list[Path] = field(default_factory=list)
    ends: list[Done] = field(default_factory=list)
    valid: list[NDArray[np.float64]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called."""
        return "baseline" if self.is_baseline else f"trial {self.trial.number}"


class _Untrainable(SearchError):
    """A candidate did not train to its end on one of the new seeds."""

    def __init__(self, candidate: _Repeated, seed: int, why: str) -> None:
        name = candidate.name[0].upper() + candidate.name[1:]
        super().__init__(
            f"{name} must train to its end on every new seed, but did not on {seed} "
            f"({why.rstrip('.')})."
        )


def stored_verdict(study: optuna.Study) -> Verdict | None:
    """The verdict that an earlier call came to, or None."""
    found = study.user_attrs.get(VERDICT)
    return None if found is None else Verdict.from_json(found)


def find_winner(
    name: str,
    store: Store,
    *,
    storage: str | None = None,
    top: int = 3,
    repeats: int = 5,
    refit: bool = False,
    tell: Tell = lambda text: None,
) -> tuple[Verdict, bool]:
    """Decide a study's winner, once; the same call again returns what was decided then.

    Args:
        name: The study.
        store: Its home.
        storage: Optuna's address, where it is not the store's own.
        top: How many of the best trials are trained again, the baseline beside them.
        repeats: New seeds of each, the same ones for all.
        refit: Whether the registered model is trained on train and validation part together.
        tell: Hears a line for every step.

    Returns:
        The verdict, and whether it was reached just now.

    Raises:
        SearchError: The study has no test part, trials under way, or none that is complete;
            another process chooses its winner; every candidate failed on a new seed.
        KeyboardInterrupt: Ctrl-C or SIGTERM. Before the test part was opened nothing is decided
            then; after it the winner stands, and the same call scores it and registers the model.
    """
    study = get_study(store, storage, name)
    with _alone(study, store):
        return _find(study, store, top, repeats, refit, tell)


def _find(
    study: optuna.Study, store: Store, top: int, repeats: int, refit: bool, tell: Tell
) -> tuple[Verdict, bool]:
    earlier = stored_verdict(study)
    if earlier is not None and earlier.model is not None:
        return earlier, False
    config = config_of(study)
    if earlier is None:
        candidates = _candidates(study, config, top)
        seeds = tuple(derive_seed(config.seed, number, _STREAM) for number in range(repeats))
    else:  # the test part was opened, but not all was scored, or no model registered
        every = _candidates(study, config, None)
        candidates = [
            each
            for each in every
            if each.trial.number == earlier.number or (each.is_baseline and not earlier.test)
        ]
        seeds, refit = earlier.seeds, earlier.refitted
    threads = _threads(candidates)
    supervisor = Supervisor(config.at(workers=1, threads=threads, repeats=1, folds=None))
    try:
        with interruptible() as stop:
            trainer = _Trainer(supervisor, study, stop, tell)
            _check_ratings(study, supervisor.ready(stop))
            trained, left_out = trainer.repeat_all(candidates, seeds)
            if earlier is None:
                verdict = trainer.decide(trained, study.study_name, seeds)
                folds = config.folds or 0
                verdict = replace(verdict, refitted=refit, left_out=left_out, folds=folds)
                # Whatever happens from here on, nobody else is chosen.
                study.set_user_attr(VERDICT, verdict.to_json())
            else:
                verdict = earlier
            won = next((c for c in trained if c.trial.number == verdict.number), None)
            if won is None:
                raise SearchError(f"A winner trains to its end again. {left_out[0]}")
            if not verdict.test:
                verdict = replace(verdict, test=trainer.open_test(won, trained))
                study.set_user_attr(VERDICT, verdict.to_json())
            model = trainer.refit(won) if refit else _usual(won)
        verdict = store_verdict(
            verdict,
            study_record(study, config),
            Store(store.home, config.tracking_uri),
            trial=won.trial,
            model=ModelFolder(
                path=model,
                kind="ratings",
                user_id_type=won.ends[0].id_types[0],
                movie_id_type=won.ends[0].id_types[1],
            ),
        )
        study.set_user_attr(VERDICT, verdict.to_json())
        return verdict, True
    except ChildDied as error:
        raise SearchError(
            f"The training process must live until it answers, but {error}"
        ) from error
    finally:
        supervisor.close()
        for each in candidates:
            for folder in each.folders:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(study: optuna.Study, store: Store) -> Iterator[None]:
    """Keep another call from choosing the same study's winner, and from its test part."""
    with home_lock(store):
        other = study.user_attrs.get(DECIDING)
        if other and other != me() and lives(other):
            raise SearchError(
                f"A winner is chosen by one process at a time, but {named(other)} is at it for "
                f"{study.study_name}. Wait for it, or stop it."
            )
        study.set_user_attr(DECIDING, me())
    try:
        yield
    finally:
        study.set_user_attr(DECIDING, None)


def _check_ratings(study: optuna.Study, ready: Ready) -> None:
    changed = other_ratings(study, plain_dataset(ready))
    if changed:
        raise SearchError(
            f"A winner is chosen on the ratings of its study, but for {study.study_name} "
            f"{changed[0]}. Put them back, or search on the new ones with another `--study`."
        )


def _candidates(study: optuna.Study, config: StudyConfig, top: int | None) -> list[_Repeated]:
    """The best trials and the baseline; of equal configurations the first alone."""
    if not config.rates:
        raise SearchError(
            "A winner is scored on a sealed test part, which only ratings have, but study "
            f"{study.study_name} trains {config.model}. Compare its trials with `trialbook show`."
        )
    if running(study):
        raise SearchError(
            f"A study must be over before its winner is chosen, but {running(study)} trials of "
            f"{study.study_name} are under way. Wait for them, or stop them with Ctrl-C; what a "
            "process that is gone left, `trialbook search` takes up again."
        )
    record = study_record(study, config)
    ranked = record.ranked()
    if not ranked:
        raise SearchError(
            f"A winner needs a complete trial, but study {study.study_name} has none."
        )
    attributes = {t.number: t.user_attrs for t in study.get_trials(deepcopy=False)}
    found: list[_Repeated] = []
    for trial in ranked:
        is_baseline = attributes[trial.number].get(SLOT) == 0
        if is_baseline or all(dict(trial.params) != dict(each.trial.params) for each in found):
            found.append(_Repeated(trial, is_baseline))
    beyond = [
        _Repeated(t, is_baseline=True, can_win=False)
        for t in record.trials
        if t.state == COMPLETE and t not in ranked and attributes[t.number].get(SLOT) == 0
    ]
    best = found if top is None else found[:top]
    return [*best, *(each for each in found[len(best) :] if each.is_baseline), *beyond]


def _threads(candidates: Sequence[_Repeated]) -> int | None:
    """What the trials were trained with, so that their repeats are too."""
    return int(candidates[0].trial.tags.get("trialbook.threads", 0)) or None


def _usual(won: _Repeated) -> Path:
    """The model of the winner's repeat in the middle: neither its luckiest nor its unluckiest."""
    order = sorted(range(len(won.ends)), key=lambda place: won.ends[place].value)
    return won.folders[order[len(order) // 2]] / "model"


class _Trainer:
    """Trains and scores in the supervised child."""

    def __init__(self, supervisor: Supervisor, study: optuna.Study, stop: Stop, tell: Tell) -> None:
        self._supervisor = supervisor
        self._plans = {t.number: t.user_attrs[PLAN] for t in study.get_trials(deepcopy=False)}
        self._stop = stop
        self._tell = tell

    def repeat_all(
        self, candidates: Sequence[_Repeated], seeds: Sequence[int]
    ) -> tuple[list[_Repeated], tuple[str, ...]]:
        """Train all candidates again.

        Args:
            candidates: The best and the baseline.
            seeds: The same ones for all.

        Returns:
            Those that trained to their end on every seed, and a line for each that did not.

        Raises:
            SearchError: None that can win did.
        """
        trained, left_out = [], []
        for each in candidates:
            try:
                self.repeat(each, seeds)
                trained.append(each)
            except _Untrainable as error:
                left_out.append(f"{error} It is left out.")
                self._tell(left_out[-1])
        if not any(each.can_win for each in trained):
            raise SearchError(
                "A winner trains to its end on every new seed, but no candidate did. "
                f"{left_out[0]} Use a larger `--top`, or search on."
            )
        return trained, tuple(left_out)

    def repeat(self, candidate: _Repeated, seeds: Sequence[int]) -> None:
        """Train a candidate on every seed, and score each model on the validation part.

        Raises:
            _Untrainable: A seed at which it does not come to its end.
        """
        for count, seed in enumerate(seeds, 1):
            folder = make_folder()
            candidate.folders.append(folder)
            try:
                ended = self._train(candidate, seed, folder, None)
                scored = self._score(folder / "model", "valid")
            except ChildDied as error:
                raise _Untrainable(candidate, seed, str(error)) from error
            candidate.ends.append(ended)
            candidate.valid.append(scored.sums["model"])
            self._tell(f"{candidate.name}, repeat {count} of {len(seeds)}: {ended.value:.4f}")

    def refit(self, candidate: _Repeated) -> Path:
        """Train the winner on train and validation part, as long as its repeats took."""
        epochs = [int(ended.metrics["best_epoch"]) for ended in candidate.ends]
        self._tell("Training the winner on train and validation part together.")
        folder = make_folder()
        candidate.folders.append(folder)
        seed = int(self._plans[candidate.trial.number]["seed"])
        self._train(candidate, seed, folder, max(1, round(float(np.mean(epochs)))))
        return folder / "model"

    def decide(self, candidates: list[_Repeated], name: str, seeds: tuple[int, ...]) -> Verdict:
        """Choose on the validation part; the test part's scores are left out."""
        counts = self._score(None, "valid").counts
        able = [each for each in candidates if each.can_win]
        errors = together([each.valid for each in able], counts)
        trials = [(c.trial.number, c.is_baseline, float(c.trial.value or 0)) for c in able]
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

    def open_test(self, won: _Repeated, candidates: Sequence[_Repeated]) -> tuple[TestScore, ...]:
        """Score the winner, the baseline and the trivial predictors on the sealed test part."""
        self._tell("Opening the sealed test part, once.")
        names, parts = ["winner"], [self._test(won)]
        for each in candidates:
            if each.is_baseline and each is not won:
                names, parts = [*names, "baseline"], [*parts, self._test(each)]
        trivial = self._score(None, "test")
        for kind, sums in trivial.sums.items():
            names, parts = [*names, kind], [*parts, [sums]]
        return score_test(names, together(parts, trivial.counts))

    def _test(self, candidate: _Repeated) -> list[NDArray[np.float64]]:
        folders = candidate.folders[: len(candidate.ends)]
        return [self._score(folder / "model", "test").sums["model"] for folder in folders]

    def _train(
        self, candidate: _Repeated, seed: int, folder: Path, refit_epochs: int | None
    ) -> Done:
        plan = self._plans[candidate.trial.number]
        self._supervisor.submit(
            Task(
                values=plan["values"],
                preset=plan["preset"],
                seed=seed,
                epochs=int(plan["epochs"]),
                folder=folder,
                refit_epochs=refit_epochs,
            )
        )
        ended = self._next(Done, Failed)
        if isinstance(ended, Done):
            return ended
        raise _Untrainable(candidate, seed, ended.message)

    def _score(self, model: Path | None, part: str) -> Scored:
        self._supervisor.ready(self._stop)
        self._supervisor.ask(Score(model=model, part=part))
        scored: Scored = self._next(Scored)
        return scored

    def _next(self, *kinds: type) -> Any:
        """The next message of some kinds; epochs in between are passed over.

        Raises:
            ChildDied: The child ended.
            KeyboardInterrupt: Someone asked to stop.
        """
        while not self._stop.asked:
            message = self._supervisor.poll(0.2)
            if isinstance(message, kinds):
                return message
        raise KeyboardInterrupt
