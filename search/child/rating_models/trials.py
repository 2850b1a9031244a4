"""What every runner on ratings does, whatever trains: parts of a trial, its figures, its end."""

from __future__ import annotations

import math
import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import models
from models.data import Split, fold_of
from models.evaluation import TrivialRmse, trivial_rmse
from search.child.allotment import Allotment
from search.child.dataset import Dataset, dataset_record, load_dataset
from search.child.messages import Done, Ready, Score, Scored, Task
from search.child.reporter import Reporter
from search.child.trial_files import write_config
from search.config.limits import too_heavy
from search.config.parts import part_kind, parts_of
from search.config.study import StudyConfig
from search.seeds import part_seed
from search.space import ratings as space
from search.space.own import declare_own, read_own
from search.space.parameters import Parameter
from search.space.scores import FITTED
from tracking import EndReason

_KEPT = (EndReason.EPOCHS, EndReason.EARLY_STOPPING)


class Part(NamedTuple):
    """A part of a trial (a fold or repeat) that is about to be trained.

    Attributes:
        number: 1 for the first.
        split: Its ratings.
        config: How it is trained, with the part's own seed.
    """

    number: int
    split: Split
    config: models.TrainConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """A part of a trial (a fold or repeat) after its training, with its result and model folder."""

    result: models.TrainResult
    folder: str
    parameters: int
    seconds_build: float
    seconds_train: float
    seconds_save: float


class RatingTrials(ABC):
    """Trains configurations of rating models on one split of the ratings.

    Subclasses say how a network is made, trained and saved.
    """

    def __init__(self, config: StudyConfig, parameters: Sequence[Parameter], data: Dataset) -> None:
        """Score the trivial predictors; nothing is trained yet.

        Args:
            config: The study.
            parameters: Its space.
            data: The ratings and their split.
        """
        self.config = config
        self.split = data.split
        self._parameters = tuple(parameters)
        self._data = data
        self._trivial: TrivialRmse = trivial_rmse(data.split)

    @classmethod
    def load(cls, config: StudyConfig) -> RatingTrials:
        """Read a study's ratings, split them, and make the runner that trains on them.

        Args:
            config: The study.

        Raises:
            SearchError, ModelsError: The data or the space cannot be had.
        """
        # First, as a mistake in `[space]` need not wait for data; what fits it does.
        sure = {name: rule for name, rule in config.space.items() if name not in FITTED}
        declare_own(replace(config, space=sure))
        data = load_dataset(config)
        ids = data.ids if data.scores is not None else 0
        declared = declare_own(config, data.scores, ids)
        return cls(config, declared.parameters, data)

    @property
    def rows(self) -> int:
        """The number of ratings in the train part."""
        return len(self.split.train)

    def ready(self, allotment: Allotment) -> Ready:
        """Make the message that says the child is ready; it describes the space and the ratings."""
        self.threads = allotment.threads
        misfit = self._data.misfit(self.config)
        return Ready(
            space=self._parameters,
            first=space.baseline_values() if self.config.model == "ratings" else {},
            dataset=dataset_record(self._data, self._trivial, misfit),
            workers=allotment.workers,
            threads=allotment.threads,
            warnings=self._data.warnings(misfit),
            devices=self.devices(),
        )

    def configs(self, task: Task) -> tuple[models.ModelConfig, models.TrainConfig]:
        """Read a task's model and training configuration.

        A preset trains on all rows from the start, also in a study whose trials begin on growing
        samples of the rows.
        """
        if task.preset is not None:
            model, train = space.preset(task.preset)
        else:
            data = self._data
            model, train = read_own(task.values, self.config.space, data.scores, data.ids)
        return model, space.as_study(
            train,
            seed=task.seed,
            epochs=task.epochs,
            trainer=self.config.trainer,
            growth=() if task.preset is not None else self.config.growth,
        )

    def run(self, task: Task, report: Reporter) -> Done:
        """Build, train, score and save a model for each part (fold or repeat) of a trial."""
        model_config, train_config = self.configs(task)
        # Before the work, so that it is there whatever becomes of it.
        write_config(task.folder, {"model": asdict(model_config), "train": asdict(train_config)})
        trained: list[Trained] = []
        for number, split in self._parts(task):
            started = time.perf_counter()
            seed = part_seed(task.seed, number)
            network = self.build(split, model_config, seed)
            count = self.count(network)
            if beyond := too_heavy(count, task.limits):
                return Done.beyond(beyond, count)
            if task.refit_epochs is not None:
                return self._refitted(network, train_config, task, task.refit_epochs)
            if number == 1:
                self.describe(network, task.folder)
            part = Part(number, split, replace(train_config, seed=seed))
            built = time.perf_counter() - started
            trained.append(self._train(network, part, task, report, (count, built)))
            result = trained[-1].result
            if result.end_reason not in _KEPT:
                break
            if parts_of(self.config) > 1 and not report.part(number, result.best_val_rmse):
                break
        return self._together(trained, task, report)

    def _wanted(self, task: Task) -> int:
        """The number of folds or repeats to train: the study's number, or `most_parts` if lower."""
        parts = parts_of(self.config)
        return parts if task.most_parts is None else min(parts, task.most_parts)

    def _parts(self, task: Task) -> Iterator[tuple[int, Split]]:
        """Yield the number of each fold or repeat, and the split of the ratings to train it on."""
        for number in range(1, self._wanted(task) + 1):
            folds = self.config.folds
            yield (
                number,
                fold_of(self.split, number, folds, seed=self.config.seed) if folds else self.split,
            )

    def _train(
        self, network: Any, part: Part, task: Task, report: Reporter, built: tuple[int, float]
    ) -> Trained:
        """Train one fold or repeat, and save its model if the task asks for that."""
        count, seconds_build = built
        report.begin(part_kind(self.config), part.number)
        before = report.seconds
        result = self.fit(network, part, report)
        saving, told = time.perf_counter(), report.seconds - before
        folder = ""
        if task.keep_model and result.end_reason in _KEPT:
            folder = "model" if part.number == 1 else f"model_{part.number}"
            self.save(network, part.split, task.folder / folder)
        return Trained(
            result=result,
            folder=folder,
            parameters=count,
            seconds_build=seconds_build + result.seconds.get("build", 0.0),
            seconds_train=result.seconds["train"] - told,
            seconds_save=time.perf_counter() - saving,
        )

    def _refitted(self, network: Any, config: models.TrainConfig, task: Task, epochs: int) -> Done:
        """Train on the train and the validation ratings together, without validation score."""
        trainer = self.refit(network, config, epochs)
        self.save(network, self.split, task.folder / "model")
        return Done(
            end_reason=EndReason.EPOCHS,
            value=math.nan,
            metrics={},
            trainer=trainer.name,
            model_kind="ratings",
            raw=self.raw,
        )

    def _together(self, trained: Sequence[Trained], task: Task, report: Reporter) -> Done:
        """Combine a trial's folds or repeats: its value is the mean of those trained to the end."""
        last = trained[-1].result
        cut = last.end_reason if last.end_reason not in _KEPT else ""
        whole = trained[:-1] if cut else trained
        values = [each.result.best_val_rmse for each in whole]
        reason = cut or (EndReason.PRUNED if len(trained) < self._wanted(task) else last.end_reason)
        metrics = self._figures(trained, report)
        if parts_of(self.config) > 1:
            kind = part_kind(self.config)
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
            raw=self.raw,
            message=report.beyond or str(last.trainer),
        )

    def _figures(self, trained: Sequence[Trained], report: Reporter) -> dict[str, float]:
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

    raw = False
    """Whether models are saved as weights, of which a keeper makes Keras models."""

    @abstractmethod
    def devices(self) -> tuple[str, ...]:
        """The kind of each device that trains: "CPU" or "GPU"."""

    @abstractmethod
    def build(self, split: Split, config: models.ModelConfig, seed: int) -> Any:
        """Make a network for some ratings, untrained."""

    @abstractmethod
    def count(self, network: Any) -> int:
        """The number of a network's weights."""

    @abstractmethod
    def describe(self, network: Any, folder: Path) -> None:
        """Write what a network is made of into the trial's folder, where that is known yet."""

    @abstractmethod
    def fit(self, network: Any, part: Part, report: Reporter) -> models.TrainResult:
        """Train a network on a fold or repeat; it has the best epoch's weights then."""

    @abstractmethod
    def refit(self, network: Any, config: models.TrainConfig, epochs: int) -> models.TrainerUsed:
        """Train a network on train and validation rows together."""

    @abstractmethod
    def save(self, network: Any, split: Split, folder: Path) -> None:
        """Save a trained network as a folder."""

    def score(self, question: Score) -> Scored:
        """Score a saved model, or the trivial predictors, on the validation or the test part."""
        from search.child.rating_models.scoring import scored

        return scored(self.split, question)

    @abstractmethod
    def tidy(self) -> None:
        """Free the last trial's model."""
