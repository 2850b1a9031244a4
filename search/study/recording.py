"""The record of one run of a study: what earlier processes left of it, its end, what waits."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator

import optuna

from models.checks import count_of
from search.config.study import StudyConfig
from search.executor.keeping import Keeping
from search.storage.owner import me
from search.storage.records import study_record
from search.storage.studies import Studies
from search.storage.study_attributes import run_of
from search.storage.trials import runs_elsewhere
from search.study.reconciling import Reconciler
from search.trial.interruption import reclaim
from tracking import SpoolRecorder

_AWAY_S = 10.0
_HURRIED_S = 1.0
_LAST_S = 5.0
_PAUSE_S = 1.0


class Recording:
    """Begins and ends the record of a study, and says what of it waits.

    Who is responsible for what: the `SpoolRecorder` keeps what it is told and delivers it; this
    class decides how long anyone waits for that. It is made once a study is open, and owns its
    recorder: use it as a context manager.

    Attributes:
        recorder: Writes the record; trials of any worker write to it.
        keeping: Makes Keras models of what trials were trained to without Keras, behind them.
    """

    def __init__(
        self,
        config: StudyConfig,
        studies: Studies,
        study: optuna.Study,
        prepare: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """Make the recorder; nothing is written to MLflow yet.

        Args:
            config: The study's settings.
            studies: The studies of the home.
            study: The study.
            prepare: Makes what MLflow writes to; called in the record's own thread.
            say: Tells the user a line.
        """
        self.keeping = Keeping(config, say)
        self.recorder: SpoolRecorder = studies.spooled(config, study, prepare, self.keeping)
        self._inner = studies.recorder(config)
        self._reconciler = Reconciler(config, study, self._inner)
        self._waits_since: float | None = None
        self._hurries = False
        self._config = config
        self._study = study
        self._say = say
        self._spool = studies.store.spool

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        if self._hurries:
            self.keeping.close()
        self.recorder.close(0.0 if self._hurries else _LAST_S)
        self.keeping.close()

    @contextlib.contextmanager
    def begun_soon(self, *, keeps: bool) -> Iterator[None]:
        """Load MLflow, and Keras for the models, in a second: the first trials begin before.

        Args:
            keeps: Whether models will have to be made.
        """

        def begin() -> None:
            self.recorder.begin()
            if keeps:
                self.keeping.start()

        timer = threading.Timer(_PAUSE_S, begin)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def take_over(self) -> None:
        """Have delivered what processes that are no more left of this study's record.

        The caller holds the home's lock, and queues interrupted trials again only afterwards.
        """
        boxes = self.recorder.left()
        if not boxes:
            return
        states = [trial.state for trial in self._study.get_trials(deepcopy=False)]

        def counts(study: str, number: int) -> bool:
            own = study == self._study.study_name and number < len(states)
            return own and states[number].is_finished()

        waiting = self.recorder.take_over(boxes, counts)
        if waiting:
            self._say(
                f"An earlier process left {count_of(waiting, 'write')} of the record, which "
                "MLflow gets now."
            )

    def reclaim(self) -> None:
        """Close and requeue trials of dead processes; the caller holds the home's lock."""
        for number in reclaim(self._study, self._config, self.recorder):
            self._say(f"Trial {number} was interrupted earlier; its configuration is queued again.")

    def mend_earlier(self) -> None:
        """Have mended, behind the trials, what an earlier process that was killed left wrong.

        Only trials that have ended by now are looked at, and only where nobody closed the study's
        own run and no other process works on the study. It comes before the study is begun anew.
        """
        trials = self._study.get_trials(deepcopy=False)
        known = {trial.number for trial in trials if trial.state.is_finished()}
        if known and not runs_elsewhere(self._study, me()):
            self.recorder.delivery.add_work(lambda: self._mend(known))

    def _mend(self, known: Collection[int]) -> None:
        run_id = run_of(self._study).get("parent_run_id")
        run = self._inner.find_run(run_id) if run_id else None
        if run is not None and run["status"] != "RUNNING":
            return
        found = [each for each in self._reconciler.find() if each.number in known]
        if mended := self._reconciler.mend(found):
            numbers = ", ".join(str(number) for number in sorted({e.number for e in mended}))
            self._say(f"The record of trials {numbers} was incomplete in MLflow, and is mended.")

    @contextlib.contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        """On an exception, close the study's MLflow run, unless another process runs its trials."""
        try:
            yield
        except BaseException as error:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                if not runs_elsewhere(self._study, me()):
                    self._end(status)
                    self.settle(hurries=True)
            raise

    def close(self, *, interrupted: bool) -> None:
        """Close the study's run in MLflow with its results, unless another process runs trials.

        Args:
            interrupted: Whether someone asked to stop, and waits for this process to end.
        """
        if runs_elsewhere(self._study, me()):
            self._say("Another process goes on with this study and will close it.")
            self.settle(hurries=interrupted)
        else:
            status = "KILLED" if interrupted else "FINISHED"
            if interrupted:  # first, since there may be no time for plots
                self._end(status)
            self.settle(hurries=interrupted)
            self._say("Drawing plots and writing the leaderboard.")
            self.recorder.finish_study(study_record(self._study, self._config), status=status)
            self.settle(hurries=interrupted)
        self._tell_waiting()

    def _end(self, status: str) -> None:
        self.recorder.end_study(run_of(self._study).get("parent_run_id") or "", status=status)

    def settle(self, *, hurries: bool = False) -> None:
        """Wait until MLflow has what it was told, but not for long where it is away.

        Args:
            hurries: Whether someone waits for this process to end.
        """
        if self._waits_since is None:
            self._waits_since = time.monotonic()
        self._hurries |= hurries
        latest = self._waits_since + (_HURRIED_S if hurries else _AWAY_S)

        def is_over() -> bool:
            away = hurries or bool(self.recorder.delivery.trouble)
            return away and time.monotonic() > latest

        self.recorder.delivery.flush(is_over)

    def _tell_waiting(self) -> None:
        waiting = self.recorder.delivery.waiting
        if not waiting:
            return
        trouble = self.recorder.delivery.trouble
        why = f" ({trouble.rstrip('.')})" if trouble else ""
        self._say(
            f"{count_of(waiting, 'write')} of the record could not be made in MLflow yet{why}. "
            f"They are kept in {self._spool}: the next `trialbook search` of this study makes "
            "them, and so does `trialbook doctor --fix`."
        )
