"""Creates or resumes a study whose trials a Keras Tuner tuner trains."""

from __future__ import annotations

from dataclasses import dataclass

import optuna

from search.config.keys import key_of
from search.config.rules import check
from search.config.study import StudyConfig
from search.errors import SearchError
from search.samplers.factory import make_sampler
from search.storage.creation import create_or_load
from search.storage.records import study_record
from search.storage.studies import Studies
from search.storage.study_attributes import (
    config_of,
    is_ours,
    write_config,
    write_dataset,
    write_run,
)
from search.trial.interruption import reclaim
from tracking import Recorder
from tracking.texts import shell_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A study that was created or resumed for a tuner.

    Attributes:
        config: Its settings, with the tuner's target, sampler and seed.
        study: Its Optuna study.
        recorder: Writes its record.
        parent_run_id: Its own run in MLflow.
        has_target: Whether the tuner names a target of trials.
    """

    config: StudyConfig
    study: optuna.Study
    recorder: Recorder
    parent_run_id: str
    has_target: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a tuner's user leaves open: the study decides then, if it is there already.

    Attributes:
        seed: Whether a seed was given; else a resumed study keeps its own.
        trials: Whether a target of trials was given.
    """

    seed: bool = True
    trials: bool = True


def open_tuner_study(config: StudyConfig, studies: Studies, wanted: Wanted | None = None) -> Opened:
    """Create or resume a study in Optuna, and begin its MLflow run.

    Args:
        config: Its `model` is `TUNER_MODEL`, or whatever model an earlier study has.
        studies: Where it is kept.
        wanted: Which settings were given; None for all.

    Raises:
        SearchError: There is one of that name with another objective or on ratings, or the sampler
            needs a library that is not installed.
    """
    wanted = wanted or Wanted()
    if config.sampler != "grid":  # its points are listed here
        make_sampler(config.sampler, config.seed, options=config.sampler_options)
    studies.store.prepare()
    with studies.lock():
        study = create_or_load(
            studies.storage,
            config.name,
            [config.direction],
            way_out="Give OptunaOracle another `study`.",
        )
        if is_ours(study):
            config = _resumed(config_of(study), config, wanted)
        else:
            write_dataset(study, None)
        write_config(study, config)
        recorder = studies.recorder()
        record = recorder.start_study(study_record(study, config, weighs=False))
        write_run(study, experiment_id=record.experiment_id, run_id=record.parent_run_id)
        reclaim(study, config, recorder)
    return Opened(
        config=config,
        study=study,
        recorder=recorder,
        parent_run_id=record.parent_run_id or "",
        has_target=wanted.trials,
    )


def _resumed(stored: StudyConfig, config: StudyConfig, wanted: Wanted) -> StudyConfig:
    """Merge settings to resume a study: the stored ones, with the tuner's target, sampler, seed."""
    if stored.rates:
        again = shell_line("trialbook", "search", "--study", stored.name)
        raise SearchError(
            f"A tuner may go on only with a study of a model of its own, but {stored.name} "
            f"trains ratings. Go on with `{again}`."
        )
    if stored.objective != config.objective:
        raise SearchError(
            f"A study may be resumed only with its own objective, but {stored.name} has "
            f"{stored.objective}, and the tuner {config.objective}."
        )
    return stored.at(
        trials=config.trials if wanted.trials else stored.trials,
        sampler=config.sampler,
        sampler_options=config.sampler_options,
        seed=config.seed if wanted.seed else stored.seed,
    )


def check_arguments(*, study: str, max_trials: int | None, seed: int | None) -> None:
    """Refuse an argument of an oracle that breaks the rule of the setting that it stands for.

    Args:
        study: Name of the study.
        max_trials: Target of trials; None for none.
        seed: Seed of the sampler; None for one that is drawn.

    Raises:
        SearchError: "`max_trials` must RULE, but got VALUE."
    """
    fields = StudyConfig.__dataclass_fields__
    for name, setting, value in (
        ("study", "name", study),
        ("max_trials", "trials", max_trials),
        ("seed", "seed", seed),
    ):
        rule = key_of(fields[setting]).rule
        if rule is not None and (value is not None or setting == "name"):
            check(name, value, rule)
