"""From a stored study to plain records, with what only Optuna can compute."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.config.goals import goal_names
from search.config.study import TUNER_MODEL, StudyConfig
from search.storage.trials import CONFIG, DATASET, RUN, trial_record, value_of
from tracking import COMPLETE, FAILED, KILLED, PRUNED, DatasetRecord, StudyRecord, TrialRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyResult:
    """What a run of a study leaves: the record, and how the run itself ended.

    Attributes:
        record: The study with all its trials.
        tracking_uri: MLflow's address.
        interrupted: Whether it was stopped before its target.
        timed_out: Whether its time was over before its target.
        new_trials: Trials that this run finished.
        reasons: Why it ends before its target of trials, a line each.
    """

    record: StudyRecord
    tracking_uri: str
    interrupted: bool = False
    timed_out: bool = False
    new_trials: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def best(self) -> TrialRecord | None:
        """The best complete trial."""
        ranked = self.record.ranked()
        return ranked[0] if ranked else None

    def count(self, state: str) -> int:
        """Trials that ended so."""
        return sum(trial.state == state for trial in self.record.trials)

    def to_json(self) -> dict[str, Any]:
        """The figures of `trialbook search --json`."""
        best = self.best
        return {
            "study": self.record.name,
            "best_trial": best.number if best else None,
            "best_value": best.value if best else None,
            "n_complete": self.count(COMPLETE),
            "n_pruned": self.count(PRUNED),
            "n_failed": self.count(FAILED),
            "n_interrupted": self.count(KILLED),
            "tracking_uri": self.tracking_uri,
            "experiment_id": self.record.experiment_id,
            "parent_run_id": self.record.parent_run_id,
            "interrupted": self.interrupted,
            "timed_out": self.timed_out,
            "reasons": list(self.reasons),
            **self._frontier(),
        }

    def _frontier(self) -> dict[str, Any]:
        """What no trial beats, where a study has several goals."""
        if len(self.record.goals) < 2:
            return {}
        names = self.record.goals[1:]
        found = [
            {"trial": t.number, self.record.objective: t.value}
            | {name: t.metrics.get(name) for name in names}
            for t in self.record.frontier()
        ]
        return {"frontier": found}


def config_of(study: optuna.Study) -> StudyConfig:
    """The configuration that a stored study was created with."""
    return StudyConfig.from_dict(study.user_attrs[CONFIG])


def study_record(
    study: optuna.Study, config: StudyConfig | None = None, *, queued: bool = False
) -> StudyRecord:
    """A stored study as a plain record.

    Args:
        study: From the storage.
        config: Its configuration, where the caller has it.
        queued: Whether trials that wait for their turn are listed as well.
    """
    config = config or config_of(study)
    run: Mapping[str, Any] = study.user_attrs.get(RUN) or {}
    dataset = study.user_attrs.get(DATASET)
    trials = tuple(
        trial_record(study.study_name, trial, config.monitor)
        for trial in study.get_trials(deepcopy=False)
        if queued or trial.state != TrialState.WAITING
    )
    return StudyRecord(
        name=study.study_name,
        direction=config.direction,
        objective=config.value_name,
        monitor=config.monitor,
        goals=goal_names(config),
        description=describe(config, dataset),
        study_file=config.to_toml(),
        dataset=DatasetRecord(**{**dataset, "checks": tuple(dataset["checks"])})
        if dataset
        else None,
        trials=trials,
        importances=importances(study),
        experiment_id=run.get("experiment_id"),
        parent_run_id=run.get("parent_run_id"),
    )


def importances(study: optuna.Study) -> dict[str, float]:
    """Share of each parameter in what the values vary by, most important first; may be empty."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len([t for t in done if t.params]) < 4 or len({value_of(t) for t in done}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dict(optuna.importance.get_param_importances(study, target=_value))
        except (RuntimeError, ValueError):  # too few trials share their parameters
            return {}


def _value(trial: FrozenTrial) -> float:
    value = value_of(trial)
    assert value is not None  # of complete trials alone
    return value


def _more(config: StudyConfig) -> list[str]:
    """What a study sets beyond the usual, a line each."""
    found = []
    if config.folds:
        found.append(f"A trial's value is the mean of {config.folds} folds of the train part.")
    if config.repeats > 1:
        found.append(f"A trial's value is the mean of {config.repeats} seeds.")
    if config.growth:
        stages = ", ".join(
            f"{share:.0%} of the rows for {lasting:g} epochs" for share, lasting in config.growth
        )
        found.append(f"Trials begin on growing samples of the train part: {stages}.")
    if len(config.objectives) > 1:
        found.append(f"Goals: {', '.join(config.objectives)}.")
    if config.warm_start:
        found.append(f"Learns from study `{config.warm_start}` as well.")
    return found


def describe(config: StudyConfig, dataset: Mapping[str, Any] | None) -> str:
    """What is searched, on what and how, in Markdown."""
    lines = [f"**{config.name}** searches `{config.model}` for {config.objective}."]
    if dataset:
        profile = dataset["profile"]
        made_up = " (synthetic: made up, not measured)" if dataset["synthetic"] else ""
        lines.append(
            f"Ratings: `{dataset['name']}`{made_up}, {profile['rows']:,} rows of "
            f"{profile['users']:,} users and {profile['movies']:,} movies; split `{config.split}`."
        )
        lines.append(
            f"To beat: {profile['global_mean_val_rmse']:.4f} by the global mean, "
            f"{profile['biases_val_rmse']:.4f} by user and movie biases."
        )
    lines.append(
        f"Sampler `{config.sampler}`, pruner `{config.pruner}`, seed {config.seed}, "
        f"at most {config.epochs} epochs a trial. Trial 0 is the published "
        f"{'code as it was written' if config.model == 'as-written' else 'baseline'}."
        if config.rates
        else f"Sampler `{config.sampler}`, pruner `{config.pruner}`, seed {config.seed}."
    )
    if not config.rates and config.model != TUNER_MODEL:
        lines[-1] += " Trial 0 is the model at its defaults."
    lines += _more(config)
    return "\n\n".join(lines)
