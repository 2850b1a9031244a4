"""One run of one study: create it or resume it, run it to its target, close it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from search.adapter import SpaceAdapter
from search.config import StudyConfig
from search.endings import reclaim
from search.enqueuing import check_configurations
from search.errors import SearchError
from search.goals import directions
from search.history import HISTORY, SPACE, History, frozen_trials, plain_space, take_history
from search.interrupts import Stop
from search.ledger import (
    CONFIG,
    DATASET,
    RUN,
    beyond_in_a_row,
    finished,
    orphans,
    reached,
    running,
    under_way_or_done,
)
from search.library import find_study, get_study
from search.messages import Ready
from search.objective import Objective
from search.ownership import OWNER, me
from search.progress import Progress
from search.pruners import make_pruner
from search.regret import RegretBound, check_regret
from search.results import StudyResult, study_record
from search.samplers import make_sampler
from search.slots import SLOT
from search.storage import home_lock, open_storage
from search.supervisor import Supervisor
from search.tags import trial_tags
from search.workers import work_side_by_side
from tracking import KILLED, MlflowRecorder, Recorder, Scalar, Store, StudyRecord, warmed

_IN_VAIN = 50
_LOADER = Path(str(files("models").joinpath("serving.py")))


class Session:
    """One run of one study by one process; Keras is left to the child."""

    def __init__(
        self,
        config: StudyConfig,
        store: Store,
        supervisor: Supervisor,
        progress: Progress,
        stop: Stop,
        enqueue: Sequence[Mapping[str, Scalar]] = (),
    ) -> None:
        """Keep what is given; nothing is read or written before `run`."""
        self._config = config
        self._store = store
        self._supervisor = supervisor
        self._progress = progress
        self._stop = stop
        self._enqueue = enqueue
        self._history: History | None = None
        self._regret: RegretBound | None = None
        self._started = time.monotonic()

    def run(self) -> StudyResult:
        """Run the study; see `run_study`."""
        config = self._config
        with warmed(self._store) as prepare:
            ready = self._supervisor.ready(self._stop)
            chosen = self._choose(ready)
            prepare()
        adapter = SpaceAdapter(ready.space)
        storage = open_storage(self._store, config.storage)
        recorder: Recorder = MlflowRecorder(self._store, _LOADER)
        with home_lock(self._store):
            study = self._open(storage, ready, adapter, *chosen)
            record = study_record(study, config)
            if self._is_done(study, recorder, record):
                return self._result(record)
            record = recorder.start_study(record)
            run = {"experiment_id": record.experiment_id, "parent_run_id": record.parent_run_id}
            study.set_user_attr(RUN, run)
            self._reclaim(study, recorder)
        for warning in ready.warnings:
            self._progress.message(warning)
        self._progress.study(record, finished=finished(study), target=config.trials)
        deadline = self._started + config.timeout_s if config.timeout_s else None
        first = Objective(
            config=config,
            study=study,
            adapter=adapter,
            first=ready.first,
            supervisor=self._supervisor,
            lock=threading.Lock(),
            recorder=recorder,
            progress=self._progress,
            stop=self._stop,
            tags=trial_tags(ready),
            deadline=deadline,
        )
        try:
            with self._others(ready, study) as others:
                members = [first, *(replace(first, supervisor=other) for other in others)]
                return self._loop(study, members, recorder)
        except BaseException as error:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                if not _is_shared(study):
                    recorder.end_study(str(record.parent_run_id), status=status)
            raise

    def _choose(self, ready: Ready) -> tuple[BaseSampler, BasePruner]:
        """Sampler and pruner; what cannot serve the space is refused before anything is written."""
        config = self._config
        check_configurations(self._enqueue, ready.space)
        if config.regret is not None:
            check_regret()
        adapter = SpaceAdapter(ready.space)
        sampler = make_sampler(
            config.sampler,
            config.seed,
            space=ready.space,
            trials=config.trials,
            options=config.sampler_options,
            history=frozen_trials(self._earlier(ready), adapter),
        )
        return sampler, make_pruner(
            config.pruner, epochs=config.epochs, options=config.pruner_options
        )

    def _earlier(self, ready: Ready) -> Sequence[Mapping[str, Any]]:
        """Trials of an earlier study, as they were when this one was created."""
        config = self._config
        if config.warm_start is None:
            return ()
        own = find_study(self._store, config.storage, config.name)
        if own is not None and HISTORY in own.user_attrs:
            kept: Sequence[Mapping[str, Any]] = own.user_attrs[HISTORY]["trials"]
            return kept
        if config.warm_start == config.name:
            raise SearchError(
                f"`--warm-start` must name another study, but got {config.name!r} for itself. "
                "Give the new study a name with `--study`."
            )
        earlier = get_study(self._store, config.storage, config.warm_start)
        dataset = asdict(ready.dataset) if ready.dataset else None
        self._history = take_history(earlier, config, ready.space, dataset)
        return self._history.trials

    def _open(
        self,
        storage: optuna.storages.BaseStorage,
        ready: Ready,
        adapter: SpaceAdapter,
        sampler: BaseSampler,
        pruner: BasePruner,
    ) -> optuna.Study:
        config = self._config
        known = config.name in optuna.get_all_study_names(storage)
        study = optuna.create_study(
            storage=storage,
            study_name=config.name,
            directions=directions(config),
            sampler=sampler,
            pruner=pruner,
            load_if_exists=True,
        )
        dataset = asdict(ready.dataset) if ready.dataset else None
        if known and CONFIG in study.user_attrs:
            _refuse_changes(study, config, dataset)
        else:
            study.set_user_attr(DATASET, dataset)
            version = self._history.version if self._history else 1
            space = {"version": version, "parameters": plain_space(ready.space)}
            study.set_user_attr(SPACE, space)
        if study.user_attrs.get(CONFIG) != config.to_dict():
            study.set_user_attr(CONFIG, config.to_dict())
        if not study.get_trials(deepcopy=False):
            study.enqueue_trial(adapter.encode(ready.first), user_attrs={SLOT: 0})
        if self._history is not None:
            study.set_user_attr(HISTORY, asdict(self._history))
            self._progress.message(self._history.told())
            for values in self._history.queued:
                study.enqueue_trial(adapter.encode(values), skip_if_exists=True)
        for values in self._enqueue:
            study.enqueue_trial(adapter.encode_given(values), skip_if_exists=True)
        return study

    def _is_done(self, study: optuna.Study, recorder: Recorder, record: StudyRecord) -> bool:
        """Whether an earlier run reached the target and closed its record."""
        enough = finished(study) >= self._config.trials or self._is_over(study)
        return enough and not running(study) and _is_closed(recorder, record)

    def _result(
        self,
        record: StudyRecord,
        new_trials: int = 0,
        *,
        interrupted: bool = False,
        timed_out: bool = False,
    ) -> StudyResult:
        return StudyResult(
            record=record,
            tracking_uri=self._store.tracking_uri,
            interrupted=interrupted,
            timed_out=timed_out,
            new_trials=new_trials,
        )

    def _reclaim(self, study: optuna.Study, recorder: Recorder) -> None:
        """Take over what another process left behind; the caller holds the lock."""
        for number in reclaim(study, self._config, recorder):
            self._progress.message(
                f"Trial {number} was interrupted earlier; its configuration is queued again."
            )

    @contextlib.contextmanager
    def _others(self, ready: Ready, study: optuna.Study) -> Iterator[list[Supervisor]]:
        """Every worker but the first, started; all are ended in the end."""
        left = self._config.trials - under_way_or_done(study)
        gpus = ready.devices.count("GPU")
        others = [
            Supervisor(self._config, device=number % gpus if gpus else None)
            for number in range(1, min(ready.workers, left))
        ]
        try:
            for other in others:
                other.start()
            yield others
        finally:
            for other in others:
                other.close()

    def _loop(
        self, study: optuna.Study, members: Sequence[Objective], recorder: Recorder
    ) -> StudyResult:
        target, deadline = self._config.trials, members[0].deadline
        tasks = [partial(self._work, study, member, recorder) for member in members]
        new = work_side_by_side(tasks, self._stop)
        short = finished(study) < target and not self._is_over(study)
        late = not self._stop.asked and short and self._over(deadline)
        for line in self._ends(study):
            self._progress.message(line)
        record = study_record(study, self._config)
        if _is_shared(study):
            self._progress.message("Another process goes on with this study and will close it.")
        else:
            self._progress.message("Drawing plots and writing the leaderboard.")
            status = "KILLED" if self._interrupted(study) else "FINISHED"
            recorder.finish_study(record, status=status)
        return self._result(record, new, interrupted=self._interrupted(study), timed_out=late)

    def _work(self, study: optuna.Study, member: Objective, recorder: Recorder) -> int:
        """Train one trial after another; how many came to their end."""
        new = 0
        while (
            not self._over(member.deadline) and (asked := self._next(study, recorder)) is not None
        ):
            trial = member(asked)
            self._progress.ended(trial, finished=finished(study), target=self._config.trials)
            new += trial.state != KILLED
        return new

    def _interrupted(self, study: optuna.Study) -> bool:
        """Whether the user stopped it short; a Ctrl-C after the last trial stops nothing."""
        short = finished(study) < self._config.trials and not self._is_over(study)
        return self._stop.asked and short

    def _next(self, study: optuna.Study, recorder: Recorder) -> optuna.Trial | None:
        """A trial to run, or None where those under way reach the target.

        Counted and asked for under one lock, so that several terminals never run one too many.
        """
        with home_lock(self._store):
            self._reclaim(study, recorder)
            enough = under_way_or_done(study) >= self._config.trials
            return None if enough or self._is_over(study) else study.ask()

    def _ends(self, study: optuna.Study) -> list[str]:
        """Why the study ended before its target of trials, a line each."""
        found = []
        if (good := self._reached(study)) is not None:
            found.append(f"Trial {good} reached the target of {self._config.target:g}.")
        bound, least = self._bound(study), self._config.regret
        if bound is not None and least is not None and bound < least:
            found.append(
                f"A longer search would most likely gain less than {bound:.2g}, which is below "
                f"{least:g}."
            )
        if beyond_in_a_row(study) >= _IN_VAIN:
            found.append(
                f"{_IN_VAIN} configurations in a row were beyond a limit. Raise it, or narrow the "
                "space."
            )
        return found

    def _reached(self, study: optuna.Study) -> int | None:
        """The trial that reached the target, or None."""
        return reached(study, self._config.target, self._config.sign)

    def _is_over(self, study: optuna.Study) -> bool:
        """Whether no further trial is worth its while, whatever the target of trials."""
        if self._reached(study) is not None or beyond_in_a_row(study) >= _IN_VAIN:
            return True
        bound = self._bound(study)
        return bound is not None and bound < (self._config.regret or 0.0)

    def _bound(self, study: optuna.Study) -> float | None:
        """What a longer search could still gain at most, where a study stops by it."""
        if self._config.regret is None:
            return None
        self._regret = self._regret or RegretBound(study, self._config.seed)
        return self._regret.value()

    def _over(self, deadline: float | None) -> bool:
        late = deadline is not None and time.monotonic() > deadline
        return self._stop.asked or late


def _is_shared(study: optuna.Study) -> bool:
    """Whether another process that lives runs a trial of the study."""
    gone, mine = {trial.number for trial in orphans(study)}, me()
    under_way = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return any(t.number not in gone and t.user_attrs.get(OWNER) != mine for t in under_way)


def _is_closed(recorder: Recorder, record: StudyRecord) -> bool:
    run = recorder.find_run(record.parent_run_id) if record.parent_run_id else None
    return run is not None and run.get("status") == "FINISHED"


def _refuse_changes(
    study: optuna.Study, config: StudyConfig, dataset: Mapping[str, Any] | None
) -> None:
    old = StudyConfig.from_dict(study.user_attrs[CONFIG]).identity()
    new = config.identity()
    changed = [
        f"`{key}` was {old.get(key)!r}, now {new.get(key)!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    before = study.user_attrs.get(DATASET)
    if before and dataset and before["content_hash"] != dataset["content_hash"]:
        changed.append(
            f"the ratings' hash was {before['content_hash'][:12]}…, now "
            f"{dataset['content_hash'][:12]}… ({before['profile']['rows']:,} rows then, "
            f"{dataset['profile']['rows']:,} now)"
        )
    if changed:
        raise SearchError(
            f"A study may be resumed only as it was created, but for `{config.name}` "
            f"{'; '.join(changed)}. Use another name with `--study`, or put it back."
        )
