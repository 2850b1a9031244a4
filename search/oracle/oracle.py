"""An oracle for any `keras_tuner.Tuner`: Optuna chooses the trials, MLflow records them."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner

from search.config.home import home_folder
from search.config.sections import TUNER_MODEL
from search.config.study import StudyConfig
from search.oracle.hooks import asking_tuner, hear_epochs, hear_faults, is_client
from search.oracle.opening import Wanted, check_arguments, open_tuner_study
from search.oracle.restored import ENDED, Restored, restored_trials
from search.oracle.space import tuner_space, values_of
from search.oracle.study import TunerStudy
from search.oracle.tuner_trial import TunerEnd, TunerPoint, epoch_of_logs
from search.space.hypermodel import hyperparameters
from search.space.parameters import Parameter
from search.storage.studies import Studies
from search.storage.study_attributes import space_of
from search.trial.end_kinds import dropped_if_taken_over
from tracking import EpochRecord, Store

_RUNNING, _STOPPED, _IDLE = "RUNNING", "STOPPED", "IDLE"


class OptunaOracle(keras_tuner.Oracle):
    """A Keras Tuner oracle whose trials are those of a Trialbook study.

    Every trial is an Optuna trial and an MLflow run: its parameters, its curve, its final figures.
    `trialbook studies`, `show`, `compare`, `export` and `ui` know the study. A study goes on where
    it stopped, in the same project folder or in a new one, and so does one that
    `trialbook search --model module:HyperModel` began.

    No point is trained twice. Where the space has none left that was not tried, the search stops,
    as Keras Tuner's do. The sampler `grid` tries the points of `keras_tuner.GridSearch`, in its
    order. Parameters may be found at any time: in `build`, in `fit`, in `run_trial`; the trial that
    finds one has its default, and later ones are chosen.

    A trial that Ctrl-C or a `keras_tuner.errors.FatalError` ends is closed in both stores, and
    trained again when the search goes on. Of a chief and its clients, the chief opens the study.

    What it cannot do: prune a trial (Keras Tuner's tuners train each to their own end); keep models
    in MLflow (they stay in the tuner's project folder, where `get_best_models` finds those that
    were trained there); reproduce a trial (the seed of a training is the tuner's own). A tuner's
    `overwrite=True` empties its folder, not the study: give it another name.

    Args:
        objective: As every Keras Tuner oracle takes it.
        max_trials: Target of trials, earlier ones of the study counted; None for none, so that the
            search goes on until every point was tried.
        study: The study's name.
        home: Folder of `mlflow.db`, `optuna.db` and `artifacts/`, by default `mlruns`.
        sampler: One of `trialbook search --sampler`.
        sampler_options: The sampler's options, by Optuna's names.
        seed: Seed of the sampler; None to draw one, or to keep that of the study. It is stored.
        storage, tracking_uri: Optuna's address and MLflow's; None for files of the home folder.
        options: All others of `keras_tuner.Oracle`.

    Example:
        With a function `build(hp)` that compiles a model, and its data `x` and `y`:

        >>> oracle = OptunaOracle("val_loss", max_trials=2, study="mine", home="mlruns")
        >>> tuner = keras_tuner.Tuner(oracle=oracle, hypermodel=build, directory="kt")
        >>> tuner.search(x, y, epochs=2, validation_split=0.25, verbose=0)
        >>> record = Studies(Store(Path("mlruns"))).record("mine")
        >>> len(record.ranked())
        2
        >>> record.ranked()[0].value == float(oracle.get_best_trials(1)[0].score)
        True
    """

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = 10,
        *,
        study: str = "keras-tuner",
        home: str | Path | None = None,
        sampler: str = "local",
        sampler_options: Mapping[str, Any] | None = None,
        seed: int | None = 42,
        storage: str | None = None,
        tracking_uri: str | None = None,
        **options: Any,
    ) -> None:
        """Open the study, or make it.

        The arguments are described with the class, as Keras Tuner describes those of its oracles.

        Raises:
            SearchError: A value breaks its rule, or no tuner can go on with the study.
        """
        check_arguments(study=study, max_trials=max_trials, seed=seed)
        super().__init__(objective=objective, max_trials=max_trials, seed=seed, **options)
        self.seed: int
        name, direction = self.objective.name, self.objective.direction
        config = StudyConfig(
            name=study,
            trials=max_trials or 1,
            model=TUNER_MODEL,
            objective=f"{name}:{direction or 'min'}",
            sampler=sampler,
            sampler_options=dict(sampler_options or {}),
            pruner="none",
            seed=self.seed if seed is None else seed,
            storage=storage,
            tracking_uri=tracking_uri,
        )
        self._numbers: dict[str, int] = {}
        self._curves: dict[str, list[EpochRecord]] = {}
        self._watched: weakref.WeakSet[Any] = weakref.WeakSet()
        self._restored = self._finished = False
        self._opened: TunerStudy | None = None
        if not is_client():  # its chief has the study
            wanted = Wanted(seed=seed is not None, trials=max_trials is not None)
            studies = Studies(Store(home_folder(home), tracking_uri), storage)
            self._opened = TunerStudy.of(open_tuner_study(config, studies, wanted))
            self.seed = self._seed_state = self._opened.config.seed

    @property
    def _study(self) -> TunerStudy:
        assert self._opened is not None, "a client asks its chief"
        return self._opened

    def watch(self, tuner: Any) -> None:
        """Hear of the epochs of a tuner's trials, and of what ends its search.

        The tuner that searches is found by itself, so that nobody needs to call this.

        Args:
            tuner: The tuner; the steps of its trials are wrapped, once.
        """
        if tuner not in self._watched:
            self._watched.add(tuner)
            hear_epochs(tuner, self._epoch)
            hear_faults(tuner, self._fault)

    def _epoch(self, name: str, epoch: int, seconds: float, logs: Mapping[str, Any]) -> None:
        """Record an epoch; if a tuner trains a trial again, the epoch numbers continue."""
        number = self._numbers.get(name)
        if number is None:  # a client's, or one that no search began
            return
        curve = self._curves.setdefault(name, [])
        if curve and epoch <= curve[-1].epoch:
            epoch = curve[-1].epoch + 1
        curve.append(epoch_of_logs(epoch, seconds, logs))
        self._study.epoch(number, curve[-1])

    def _fault(self, name: str, error: BaseException) -> None:
        """Close a trial, and the study's run, after what ends the whole search."""
        number, curve = self._numbers.pop(name, None), self._curves.pop(name, [])
        with contextlib.suppress(Exception):  # what went wrong first is what is told
            if number is not None:
                self._study.cut(number, curve, error)
            if self._opened is not None:
                self._study.fail(error)

    def _space(self) -> tuple[Parameter, ...]:
        """The parameters that the tuner has declared so far, as the study keeps them."""
        return tuner_space(self.get_space(), space_of(self._study.study))

    @keras_tuner.synchronized  # type: ignore[untyped-decorator]
    def create_trial(self, tuner_id: str) -> Any:
        """Begin a tuner's next trial, as the base class of Keras Tuner's oracles does.

        The study's finished trials, those of earlier processes too, count towards `max_trials`.

        Args:
            tuner_id: Keras Tuner's name of the worker that asks.

        Returns:
            A `keras_tuner` trial; its status says whether there is something to train.
        """
        tuner = asking_tuner(self)
        if tuner is not None:
            self.watch(tuner)
        try:
            self._restore()
            trial = super().create_trial(tuner_id)
            if trial.status not in (_STOPPED, _IDLE) and trial.trial_id not in self._numbers:
                # Begun by an earlier process, or cut short in this one: it is tried again.
                name = trial.trial_id
                point = TunerPoint(values=values_of(trial), space=self._space(), name=name)
                self._numbers[name] = self._study.again(point)
            if trial.status == _STOPPED and not self.ongoing_trials and not self._finished:
                self._finished = True
                self._study.finish()
        except BaseException as error:
            with contextlib.suppress(Exception):
                self._study.fail(error)
            raise
        return trial

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Let Optuna choose a trial's values.

        Args:
            trial_id: Keras Tuner's name of the trial.

        Returns:
            `status` and `values`, active parameters only. Where every point was tried, the status
            is "STOPPED", or "IDLE" while a trial runs that may find further parameters.
        """
        asked = self._study.ask(self._space(), trial_id, map(values_of, self.trials.values()))
        if asked is None:
            return {"status": _IDLE if self.ongoing_trials else _STOPPED, "values": None}
        self._finished = False
        self._numbers[trial_id], values = asked
        return {"status": _RUNNING, "values": values}

    @keras_tuner.synchronized  # type: ignore[untyped-decorator]
    def end_trial(self, trial: Any) -> None:
        """End a trial as the base class does, then store and record its outcome.

        Args:
            trial: Keras Tuner's trial, with its score or its failure.

        Raises:
            RuntimeError: As many trials in a row have failed as `max_consecutive_failed_trials`.
        """
        try:
            super().end_trial(trial)
        except BaseException as error:
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                self._store(self.trials[trial.trial_id])
                self._study.fail(error)
            raise
        self._store(self.trials[trial.trial_id])

    def _store(self, trial: Any) -> None:
        """Store how a trial ended, unless Keras Tuner will try it again."""
        number = self._numbers.get(trial.trial_id)
        if number is None or trial.trial_id in self._retry_queue:
            return
        with dropped_if_taken_over(number):
            self._study.grow(number, values_of(trial), self._space())
            self._study.end(number, TunerEnd.of(trial, self._curves.get(trial.trial_id, [])))
        del self._numbers[trial.trial_id]
        self._curves.pop(trial.trial_id, None)

    def _record_values(self, trial: Any) -> None:
        """Record a trial's values as the base class does, and keep those of active parameters.

        Keras Tuner drops or draws anew the value of a name that is declared under two conditions,
        since one of the two is inactive.
        """
        given, held = dict(trial.hyperparameters.values), trial.hyperparameters
        super()._record_values(trial)
        held.values.update({name: value for name, value in given.items() if held.is_active(name)})

    def remaining_trials(self) -> int | None:
        """How many trials are left of `max_trials`, the study's counted; None for no target."""
        self._restore()
        left: int | None = super().remaining_trials()
        return left

    def get_best_trials(self, num_trials: int = 1) -> list[Any]:
        """The `num_trials` best trials, those of the study from other project folders too."""
        self._restore()
        best: list[Any] = super().get_best_trials(num_trials)
        return best

    def _restore(self) -> None:
        """Give Keras Tuner what the study holds and its project folder lacks: trials, parameters.

        It is done once, after the tuner has declared what it can.
        """
        if self._restored or self._opened is None or not hasattr(self, "_directory"):
            return  # done, or a client's, or no tuner has it yet
        self._restored = True
        study = self._study.study
        if self.allow_new_entries and self.tune_new_entries:
            self.update_space(hyperparameters(space_of(study)))
        known = {name for name, trial in self.trials.items() if trial.status in ENDED}
        for restored in restored_trials(study, self.objective):
            held = [name for name in restored.names if name in self.trials]
            if not any(name in known for name in held):
                self._take(restored, held)

    def _take(self, restored: Restored, held: list[str]) -> None:
        """Take a trial of the study, instead of one that the project folder has unfinished."""
        trial, number = restored.trial, len(self.trials)
        width = len(str(self.max_trials))
        while not held and (name := f"{number:0{width}d}") in self.trials:
            number += 1
        trial.trial_id = held[0] if held else name
        self.trials[trial.trial_id] = trial
        if trial.trial_id in self._retry_queue:
            self._retry_queue.remove(trial.trial_id)
        if trial.trial_id not in self.start_order:
            self.start_order.append(trial.trial_id)
        self.end_order.append(trial.trial_id)
        self._record_values(trial)
        self._save_trial(trial)
