"""Finds the model that a trial kept, or says why it kept none and how to get one."""

from __future__ import annotations

from dataclasses import dataclass

import optuna

from search.config.study import StudyConfig
from search.errors import SearchError
from search.storage.studies import Studies
from search.storage.study_attributes import config_of
from search.storage.trial_attributes import plan_of
from search.storage.trials import same_before
from tracking import COMPLETE, KeptModel, StudyRecord, TrialRecord, kept_models
from tracking.spool.references import referred
from tracking.texts import shell_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """The model that a trial kept.

    Attributes:
        model: The model in MLflow; None where there is none.
        said: What is special of it, beginning with a comma: ", trained as trial 2".
        why: Why there is none: "it is pruned".
        waits: Whether it is on disk, and MLflow has not got it yet.
    """

    model: KeptModel | None = None
    said: str = ""
    why: str = ""
    waits: bool = False


def kept_of(studies: Studies, study: optuna.Study, record: StudyRecord, trial: TrialRecord) -> Kept:
    """Find the model that a trial kept, or why it has none.

    Args:
        studies: Where the study is.
        study: The study.
        record: The same, as it was read.
        trial: The trial; where its value was reused, the model is an earlier trial's. Of several
            folds or repeats it is the one whose value is in the middle.

    Raises:
        SearchError, TrackingError: MLflow cannot be reached at the study's address.
    """
    config = config_of(study)
    trained = _trained(study, record, trial)
    said = f", trained as trial {trained.number}" if trained.number != trial.number else ""
    if referred(trained.run_id) is not None:
        return Kept(why="it still waits on disk: MLflow was away", waits=True)
    models = models_of(studies, config, trained.run_id)
    if not models:
        return Kept(why=_why_none(config, trial))
    if len(models) == 1:
        return Kept(model=models[0], said=said)
    said += f", the one of its {len(models)} models whose value is in the middle"
    return Kept(model=models[_middle(trained, len(models))], said=said)


def models_of(
    studies: Studies, config: StudyConfig | None, run_id: str | None
) -> tuple[KeptModel, ...]:
    """The models of a run, at the address of its study."""
    store = studies.store_of(config)
    if not run_id or not store.exists():
        return ()
    if away := store.check():
        raise SearchError(f"{away} The model is there: predict once it is.")
    return kept_models(store, run_id)


def _trained(study: optuna.Study, record: StudyRecord, trial: TrialRecord) -> TrialRecord:
    """The trial that was trained: an earlier one, where a trial has another's value."""
    plan = plan_of(study.get_trials(deepcopy=False)[trial.number])
    earlier = same_before(study, trial.number, plan.values)
    if earlier is None or plan_of(earlier).seed != plan.seed:
        return trial
    return record.trial(earlier.number) or trial


def _middle(trial: TrialRecord, count: int) -> int:
    """Which of a trial's models has the value in the middle; the first where values are missing."""
    kind = "fold" if trial.is_of_folds else "repeat"
    names = [f"{kind}_{number}/{trial.objective}" for number in range(1, count + 1)]
    values = [trial.metrics.get(name) for name in names]
    known = [value for value in values if value is not None]
    if len(known) < count:
        return 0
    order = sorted(range(count), key=lambda place: known[place])
    return order[(count - 1) // 2]


def _why_none(config: StudyConfig, trial: TrialRecord) -> str:
    """Say why a trial kept no model."""
    if config.keep_models == "none":
        return "the study keeps none"
    if trial.state != COMPLETE:
        return f"it is {trial.state}"
    if config.keep_models == "best":
        return "the study keeps that of its best trial alone"
    return "none was saved, or it was deleted from MLflow"


def no_model(config: StudyConfig, trial: TrialRecord, kept: Kept) -> str:
    """Say that a trial has no model, and how to get one."""
    named = f"{trial.study}:{trial.number}"
    if kept.waits:
        line = shell_line("trialbook", "doctor", trial.study, "--fix")
        return (
            f"Predicting needs a model in MLflow, but that of {named} still waits on disk: MLflow "
            f"was away. `{line}` takes it there."
        )
    ways = "Models of later trials are kept with `trialbook search --keep-models all`"
    if config.rates:
        line = shell_line("trialbook", "winner", trial.study)
        ways += f", and `{line}` trains the best again and registers its model"
    return (
        f"Predicting needs a trial whose model was kept, but {named} has none: {kept.why}. {ways}."
    )
