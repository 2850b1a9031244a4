"""What trains a trial inside the child: our models on ratings, or a user's own HyperModel."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np

import models
from models.data import Ratings, Split, check_published, load_ratings, split_ratings
from models.evaluation import TrivialRmse, trivial_predictions, trivial_rmse
from search import space
from search.adapter import SpaceAdapter
from search.config import StudyConfig
from search.declared import declare, load_hypermodel, parameters
from search.errors import SearchError
from search.messages import Done, Ready, Score, Scored, Task
from search.worker import Reporter
from search.workers import Allotment
from tracking import DatasetRecord


def load_rating_runner(config: StudyConfig) -> RatingRunner:
    """Read the study's ratings, split them, and stand ready to train on them.

    Raises:
        SearchError, ModelsError: The data or the space cannot be had.
    """
    declared = declare(config)  # first, since a mistake in `[space]` need not wait for the data
    ratings = load_ratings(config.data, config.options)
    split = split_ratings(ratings, config.split, seed=config.seed)
    return RatingRunner(config, declared, ratings, split)


class RatingRunner:
    """Trains points of our space on one split."""

    def __init__(
        self,
        config: StudyConfig,
        declared: keras_tuner.HyperParameters,
        ratings: Ratings,
        split: Split,
    ) -> None:
        self._config = config
        self._declared = declared
        self._ratings = ratings
        self._split = split
        self._trivial: TrivialRmse = trivial_rmse(split)

    @property
    def rows(self) -> int:
        """Rows that a trial trains on."""
        return len(self._split.train)

    def ready(self, allotment: Allotment) -> Ready:
        """Describe the space and the ratings."""
        return Ready(
            space=parameters(self._declared),
            first=space.baseline_values() if self._config.model == "ratings" else {},
            dataset=dataset_record(self._ratings, self._split, self._trivial),
            workers=allotment.workers,
            threads=allotment.threads,
            warnings=(*self._ratings.warnings, *self._split.warnings),
            devices=models.device_types(),
        )

    def configs(self, task: Task) -> tuple[models.ModelConfig, models.TrainConfig]:
        """The configurations that a task stands for."""
        if task.preset is not None:
            model, train = space.preset(task.preset)
        else:
            hp = keras_tuner.HyperParameters()
            hp.values = dict(task.values)
            model, train = space.read(hp, self._config.space)
        train = space.at_seed(
            train, seed=task.seed, epochs=task.epochs, trainer=self._config.trainer
        )
        return model, train

    def run(self, task: Task, report: Reporter) -> Done:
        """Build, train, score again, and write the trial's files."""
        started = time.perf_counter()
        model_config, train_config = self.configs(task)
        # Before the work, so that it is there whatever becomes of it.
        _write_config(task.folder, {"model": asdict(model_config), "train": asdict(train_config)})
        models.make_deterministic(task.seed)
        model = models.build_for(self._split, model_config, seed=task.seed)
        if task.refit_epochs is not None:
            return self._refit(model, train_config, task, task.refit_epochs)
        built = time.perf_counter() - started
        (task.folder / "layers.txt").write_text(models.format_layer_table(model) + "\n")
        result = models.train(
            model,
            self._split,
            train_config,
            lambda e: report(e.epoch, e.seconds, e.metrics),
        )
        saving = time.perf_counter()
        keeps = task.keep_model and result.end_reason in ("epochs", "early_stopping")
        if keeps:
            models.save_ratings_model(model, self._split.vocabulary, task.folder / "model")
        vocabulary = self._split.vocabulary
        return Done(
            end_reason=result.end_reason,
            value=result.best_val_rmse,
            metrics={
                "best_val_rmse": result.best_val_rmse,
                "best_epoch": result.best_epoch,
                "epochs_run": len(result.epochs),
                "lowest_val_rmse": result.lowest_val_rmse,
                "parameters": model.count_params(),
                "seconds_build": built,
                "seconds_train": result.seconds["train"] - report.seconds,
                "seconds_report": report.seconds,
                "seconds_evaluate": result.seconds["evaluate"],
                "seconds_save": time.perf_counter() - saving,
                "trivial_global_mean_val_rmse": self._trivial.global_mean,
                "trivial_biases_val_rmse": self._trivial.biases,
            },
            trainer=result.trainer,
            model_kind="ratings" if keeps else None,
            id_types=(models.id_type(vocabulary.user_ids), models.id_type(vocabulary.movie_ids)),
        )

    def _refit(
        self, model: keras.Model, config: models.TrainConfig, task: Task, epochs: int
    ) -> Done:
        """Train on train and validation part together; there is nothing left to score it on."""
        trainer = models.refit(model, self._split, config, epochs)
        vocabulary = self._split.vocabulary
        models.save_ratings_model(model, vocabulary, task.folder / "model")
        return Done(
            end_reason="epochs",
            value=math.nan,
            metrics={},
            trainer=trainer,
            model_kind="ratings",
            id_types=(models.id_type(vocabulary.user_ids), models.id_type(vocabulary.movie_ids)),
        )

    def score(self, asked: Score) -> Scored:
        """Score a saved model, or the trivial predictors, on the validation or the test part."""
        part = {"valid": self._split.valid, "test": self._split.test}[asked.part]
        if asked.model is None:
            predictions = trivial_predictions(self._split, part)
        else:
            model = keras.saving.load_model(asked.model / "model.keras", compile=False)
            predictions = {"model": models.predict(model, part).astype(np.float64)}
        rows = self._split.vocabulary.user_rows
        scores = part.scores.astype(np.float64)
        sums = {
            name: np.bincount(part.users, weights=(found - scores) ** 2, minlength=rows)
            for name, found in predictions.items()
        }
        counts = np.bincount(part.users, minlength=rows).astype(np.float64)
        return Scored(sums=sums, counts=counts)


class HyperModelRunner:
    """Trains points of a user's own HyperModel, whose `build` and `fit` own model and data."""

    def __init__(self, config: StudyConfig) -> None:
        """Import the model.

        Raises:
            SearchError: There is none of that name.
        """
        self._config = config
        self._hypermodel = load_hypermodel(config.model)

    def ready(self, allotment: Allotment) -> Ready:
        """Declare the space by building once at its defaults."""
        hp = keras_tuner.HyperParameters()
        try:
            self._hypermodel.build(hp)
        except Exception as error:
            raise SearchError(
                f"`build` of `{self._config.model}` must work at its defaults, but it raised "
                f"{type(error).__name__}: {' '.join(str(error).split())}."
            ) from error
        declared = parameters(hp)
        return Ready(
            space=declared,
            first=SpaceAdapter(declared).defaults(),
            dataset=None,
            workers=allotment.workers,
            threads=allotment.threads,
            warnings=(),
            devices=models.device_types(),
        )

    def run(self, task: Task, report: Reporter) -> Done:
        """Build and fit at the task's point; the value is the best epoch's."""
        config = {"model": self._config.model, "values": dict(task.values), "seed": task.seed}
        _write_config(task.folder, config)
        models.make_deterministic(task.seed)
        hp = keras_tuner.HyperParameters()
        hp.values = dict(task.values)
        started = time.perf_counter()
        model = self._hypermodel.build(hp)
        built = time.perf_counter()
        used = ["keras"]
        if isinstance(model, keras.Model):
            models.speed_up(model, self._config.trainer, used.append)
        watch = _callback(self._config.monitor, report)
        returned = self._hypermodel.fit(hp, model, callbacks=[watch], epochs=task.epochs, verbose=0)
        trained, waited = time.perf_counter(), report.seconds
        curve = watch.curve
        if not curve:  # a `fit` without Keras' callbacks: what it returns is its one epoch
            curve = [_returned(returned, self._config.monitor)]
            report(1, trained - built, curve[0])
        values = [row[self._config.monitor] for row in curve]
        finite = [v for v in values if math.isfinite(v)]
        best = min(finite, key=lambda v: self._config.sign * v) if finite else math.nan
        ended = "pruned" if watch.pruned else ("nan" if not math.isfinite(values[-1]) else "epochs")
        keeps = task.keep_model and ended == "epochs" and hasattr(model, "save")
        if keeps:
            models.save_keras_model(model, task.folder / "model")
        return Done(
            end_reason=ended,
            value=best,
            metrics={
                f"best_{self._config.monitor}": best,
                "best_epoch": values.index(best) + 1 if finite else 0,
                "epochs_run": len(curve),
                "seconds_build": built - started,
                "seconds_train": trained - built - waited,
                "seconds_report": report.seconds,
                **({"parameters": model.count_params()} if hasattr(model, "count_params") else {}),
            },
            trainer=used[-1],
            model_kind="keras" if keeps else None,
        )

    def score(self, asked: Score) -> Scored:
        """Refuse: a user's own data have no test part that is ours.

        Raises:
            SearchError: Always.
        """
        raise SearchError("A model of your own has no test part here, but one was asked for.")


def _callback(monitor: str, report: Reporter) -> Any:
    import keras

    class Watch(keras.callbacks.Callback):
        """Reports each epoch and stops a pruned trial."""

        def __init__(self) -> None:
            super().__init__()
            self.curve: list[dict[str, float]] = []
            self.pruned = False
            self._started = time.perf_counter()

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._started = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            metrics = {name: float(value) for name, value in (logs or {}).items()}
            _must_have(metrics, monitor)
            seconds = time.perf_counter() - self._started
            self.curve.append(metrics)
            if not report(len(self.curve), seconds, metrics):
                self.pruned = True
                self.model.stop_training = True

    return Watch()


def _must_have(metrics: Mapping[str, float], monitor: str) -> None:
    if monitor not in metrics:
        known = ", ".join(sorted(metrics)) or "nothing"
        raise SearchError(
            f"`objective` must name a number that each epoch reports, but got {monitor!r}. "
            f"Reported: {known}."
        )


def _returned(value: Any, monitor: str) -> dict[str, float]:
    if isinstance(value, Mapping):
        numbers = {name: float(number) for name, number in value.items()}
        _must_have(numbers, monitor)
        return numbers
    if isinstance(value, int | float):
        return {monitor: float(value)}
    raise SearchError(
        "`fit` must pass `callbacks` on to Keras, or return a number or a dict of numbers, but "
        f"returned {type(value).__name__}."
    )


def _write_config(folder: Path, config: Mapping[str, Any]) -> None:
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def dataset_record(ratings: Ratings, split: Split, trivial: TrivialRmse) -> DatasetRecord:
    """The ratings as the record keeps them."""
    checks: tuple[str, ...] = ()
    if ratings.checks:
        checks = tuple(
            f"{'same' if c.holds else 'differs'}: {c.name}: published {c.expected}, here {c.found}"
            for c in check_published(ratings, split)
        )
    profile: dict[str, Any] = {
        "rows": len(ratings),
        "users": ratings.n_users,
        "movies": ratings.n_movies,
        "split": split.protocol,
        "train_rows": len(split.train),
        "valid_rows": len(split.valid),
        "test_rows": len(split.test),
        "duplicates_dropped": split.duplicates_dropped,
        "min_ratings": ratings.min_ratings,
        "max_ratings": ratings.max_ratings,
        "global_mean_val_rmse": trivial.global_mean,
        "biases_val_rmse": trivial.biases,
    } | {f"unseen_{key}": value for key, value in split.unseen.items()}
    return DatasetRecord(
        name=ratings.source,
        content_hash=ratings.content_hash,
        synthetic=ratings.synthetic,
        profile=profile,
        checks=checks,
    )
