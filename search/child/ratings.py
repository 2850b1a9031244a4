"""Trains trials of rating models inside the child, on one split of the ratings."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import keras
import keras_tuner
import numpy as np

import models
from models.data import Split, fold_of
from models.evaluation import TrivialRmse, trivial_predictions, trivial_rmse
from search.child.allotment import Allotment
from search.child.dataset import Dataset, dataset_record, load_dataset
from search.child.messages import Done, Ready, Score, Scored, Task
from search.child.reporter import Reporter
from search.child.trial_files import write_config
from search.config.limits import too_large
from search.config.parts import part_kind, parts_of
from search.config.study import StudyConfig
from search.seeds import part_seed
from search.space import ratings as space
from search.space.hypermodel import declare, parameters
from tracking import EndReason

_KEPT = (EndReason.EPOCHS, EndReason.EARLY_STOPPING)


def load_rating_runner(config: StudyConfig) -> RatingRunner:
    """Read a study's ratings, split them, and make the runner that trains on them.

    Args:
        config: The study.

    Raises:
        SearchError, ModelsError: The data or the space cannot be had.
    """
    declared = declare(config)  # first, since a mistake in `[space]` need not wait for the data
    data = load_dataset(config)
    if data.scores is not None:
        declared = declare(config, data.scores, data.ids)
    return RatingRunner(config, declared, data)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A part of a trial (a fold or repeat) that is about to be trained, with its split."""

    number: int
    split: Split
    config: models.TrainConfig
    seconds_build: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trained:
    """A part of a trial (a fold or repeat) after its training, with its result and model folder."""

    result: models.TrainResult
    folder: str
    parameters: int
    seconds_build: float
    seconds_train: float
    seconds_save: float


class RatingRunner:
    """Trains configurations of rating models on one split of the ratings."""

    def __init__(
        self,
        config: StudyConfig,
        declared: keras_tuner.HyperParameters,
        data: Dataset,
    ) -> None:
        """Score the trivial predictors; nothing is trained yet.

        Args:
            config: The study.
            declared: Its space.
            data: The ratings and their split.
        """
        self._config = config
        self._declared = declared
        self._data = data
        self._split = data.split
        self._trivial: TrivialRmse = trivial_rmse(data.split)

    @property
    def rows(self) -> int:
        """The number of ratings in the train part."""
        return len(self._split.train)

    def ready(self, allotment: Allotment) -> Ready:
        """Make the message that says the child is ready; it describes the space and the ratings."""
        misfit = self._data.misfit(self._config)
        return Ready(
            space=parameters(self._declared),
            first=space.baseline_values() if self._config.model == "ratings" else {},
            dataset=dataset_record(self._data, self._trivial, misfit),
            workers=allotment.workers,
            threads=allotment.threads,
            warnings=self._data.warnings(misfit),
            devices=models.device_types(),
        )

    def configs(self, task: Task) -> tuple[models.ModelConfig, models.TrainConfig]:
        """Read a task's model and training configuration.

        A preset trains on all rows from the start, also in a study whose trials begin on growing
        samples of the rows.
        """
        if task.preset is not None:
            model, train = space.preset(task.preset)
        else:
            hp = keras_tuner.HyperParameters()
            hp.values = dict(task.values)
            model, train = space.read(hp, self._config.space, self._data.scores, self._data.ids)
        return model, space.as_study(
            train,
            seed=task.seed,
            epochs=task.epochs,
            trainer=self._config.trainer,
            growth=() if task.preset is not None else self._config.growth,
        )

    def run(self, task: Task, report: Reporter) -> Done:
        """Build, train, score and save a model for each part (fold or repeat) of a trial."""
        model_config, train_config = self.configs(task)
        # Before the work, so that it is there whatever becomes of it.
        write_config(task.folder, {"model": asdict(model_config), "train": asdict(train_config)})
        trained: list[_Trained] = []
        for number, split in self._parts(task):
            started = time.perf_counter()
            seed = part_seed(task.seed, number)
            models.make_deterministic(seed)
            model = models.build_for(split, model_config, seed=seed)
            if beyond := too_large(model, task.limits):
                return Done.beyond(beyond, model.count_params())
            if task.refit_epochs is not None:
                return self._refit(model, train_config, task, task.refit_epochs)
            if number == 1:
                layers = models.format_layer_table(model)
                (task.folder / "layers.txt").write_text(layers + "\n")
            part = _Part(
                number=number,
                split=split,
                config=replace(train_config, seed=seed),
                seconds_build=time.perf_counter() - started,
            )
            trained.append(self._train(model, part, task, report))
            result = trained[-1].result
            if result.end_reason not in _KEPT:
                break
            if parts_of(self._config) > 1 and not report.part(number, result.best_val_rmse):
                break
        return self._together(trained, task, report)

    def _wanted(self, task: Task) -> int:
        """The number of folds or repeats to train: the study's number, or `most_parts` if lower."""
        parts = parts_of(self._config)
        return parts if task.most_parts is None else min(parts, task.most_parts)

    def _parts(self, task: Task) -> Iterator[tuple[int, Split]]:
        """Yield the number of each fold or repeat, and the split of the ratings to train it on."""
        for number in range(1, self._wanted(task) + 1):
            folds = self._config.folds
            yield (
                number,
                fold_of(self._split, number, folds, seed=self._config.seed)
                if folds
                else self._split,
            )

    def _train(self, model: keras.Model, part: _Part, task: Task, report: Reporter) -> _Trained:
        """Train one fold or repeat, and save its model if the task asks for that."""
        report.begin(part_kind(self._config), part.number)
        before = report.seconds
        result = models.train(
            model,
            part.split,
            part.config,
            lambda e: report(e.epoch, e.seconds, e.metrics),
            report.within,
        )
        saving, told = time.perf_counter(), report.seconds - before
        folder = ""
        if task.keep_model and result.end_reason in _KEPT:
            folder = "model" if part.number == 1 else f"model_{part.number}"
            models.save_ratings_model(model, part.split.vocabulary, task.folder / folder)
        return _Trained(
            result=result,
            folder=folder,
            parameters=model.count_params(),
            seconds_build=part.seconds_build,
            seconds_train=result.seconds["train"] - told,
            seconds_save=time.perf_counter() - saving,
        )

    def _together(self, trained: Sequence[_Trained], task: Task, report: Reporter) -> Done:
        """Combine a trial's folds or repeats: its value is the mean of those trained to the end."""
        last = trained[-1].result
        cut = last.end_reason if last.end_reason not in _KEPT else ""
        whole = trained[:-1] if cut else trained
        values = [each.result.best_val_rmse for each in whole]
        reason = cut or (EndReason.PRUNED if len(trained) < self._wanted(task) else last.end_reason)
        metrics = self._figures(trained, report)
        several = parts_of(self._config) > 1
        if several:
            kind = part_kind(self._config)
            for number, value in enumerate(values, 1):
                metrics[f"{kind}_{number}/best_val_rmse"] = value
            metrics["parts"] = len(values)
            if len(values) > 1:
                metrics["best_val_rmse_deviation"] = statistics.stdev(values)
        value = statistics.mean(values) if values else last.best_val_rmse
        metrics["best_val_rmse"] = value
        folders = tuple(each.folder for each in whole if each.folder)
        keeps = bool(folders) and reason in _KEPT
        return Done(
            end_reason=report.end_reason if reason == EndReason.PRUNED else reason,
            value=value,
            metrics=metrics,
            trainer=last.trainer.name,
            model_kind="ratings" if keeps else None,
            models=folders,
            message=report.beyond or str(last.trainer),
        )

    def _figures(self, trained: Sequence[_Trained], report: Reporter) -> dict[str, float]:
        """Collect a trial's metrics: seconds and epochs are sums over the folds or repeats."""
        results = [each.result for each in trained]
        return {
            "best_epoch": results[0].best_epoch,
            "epochs_run": sum(len(r.epochs) for r in results),
            "lowest_val_rmse": statistics.mean(r.lowest_val_rmse for r in results),
            "parameters": trained[0].parameters,
            "seconds_build": sum(each.seconds_build for each in trained),
            "seconds_train": sum(each.seconds_train for each in trained),
            "seconds_report": report.seconds,
            "seconds_evaluate": sum(r.seconds["evaluate"] for r in results),
            "seconds_save": sum(each.seconds_save for each in trained),
            "trivial_global_mean_val_rmse": self._trivial.global_mean,
            "trivial_biases_val_rmse": self._trivial.biases,
        }

    def _refit(
        self, model: keras.Model, config: models.TrainConfig, task: Task, epochs: int
    ) -> Done:
        """Train on the train and the validation ratings together, without validation score."""
        trainer = models.refit(model, self._split, config, epochs)
        models.save_ratings_model(model, self._split.vocabulary, task.folder / "model")
        return Done(
            end_reason=EndReason.EPOCHS,
            value=math.nan,
            metrics={},
            trainer=trainer.name,
            model_kind="ratings",
        )

    def tidy(self) -> None:
        """Free the last trial's model."""
        keras.backend.clear_session()

    def score(self, question: Score) -> Scored:
        """Score a saved model, or the trivial predictors, on the validation or the test part."""
        part = {"valid": self._split.valid, "test": self._split.test}[question.part]
        if question.model is None:
            predictions = trivial_predictions(self._split, part)
        else:
            model = keras.saving.load_model(question.model / "model.keras", compile=False)
            predictions = {"model": models.predict(model, part).astype(np.float64)}
        rows = self._split.vocabulary.user_rows
        scores = part.scores.astype(np.float64)
        sums = {
            name: np.bincount(part.users, weights=(predicted - scores) ** 2, minlength=rows)
            for name, predicted in predictions.items()
        }
        counts = np.bincount(part.users, minlength=rows).astype(np.float64)
        return Scored(sums=sums, counts=counts)
