"""Stand-ins for Optuna's study and storage that show samplers and pruners a choice of trials."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from search.storage.direction import known_value_of, sign_of
from search.storage.reading.trials import identifier_of, read_on

_Found = TypeVar("_Found")
_ANEW = 64
"""So many of the latest ended trials, at least, are left out of what is kept: a snapshot that was
made a moment ago may not show them as ended yet."""


class _Ended:
    """A study's first trials, as far as all of them have ended, and what was found of them.

    Such trials do not change any more, so that a study of many thousands is gone through once.

    Attributes:
        trials: These trials; more are added as they end.
        found: By name: of how many of them, and what.
        lock: Held by who changes what was found.
    """

    def __init__(self) -> None:
        self.trials: list[FrozenTrial] = []
        self.found: dict[str, tuple[int, Any]] = {}
        self.lock = threading.RLock()


_ENDED: WeakKeyDictionary[Any, _Ended] = WeakKeyDictionary()
_ENDED_LOCK = threading.Lock()


class _StudyView:
    """Stands in for a study: shows the trials it is given, and passes all else on to the study."""

    def __init__(
        self,
        study: optuna.Study,
        shown: Callable[[], list[FrozenTrial]],
        storage: StorageView | None = None,
    ) -> None:
        self._viewed = study
        self._shown = shown
        if storage is not None:
            self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._viewed, name)

    @property
    def best_trial(self) -> FrozenTrial:
        """The best of the complete trials that the view shows; the first of several equal ones.

        Raises:
            ValueError: There is none, as in Optuna.
        """
        sign = sign_of(self._viewed)
        done = self.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return min(done, key=lambda trial: (sign * known_value_of(trial), trial.number))

    def _among(self, states: tuple[TrialState, ...] | None) -> list[FrozenTrial]:
        """The shown trials; none that is in one of the given states is left out."""
        return self._shown()

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: tuple[TrialState, ...] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        trials = [t for t in self._among(states) if states is None or t.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def get_trials(
        self, deepcopy: bool = True, states: tuple[TrialState, ...] | None = None
    ) -> list[FrozenTrial]:
        """The shown trials in the given states, as `optuna.Study.get_trials`."""
        return self._get_trials(deepcopy, states)


class _Snapshot(_StudyView):
    """Shows a study's trials as they were at a moment.

    Attributes:
        ended: The study's first trials, which other snapshots share.
        count: How many of these had ended by then.
        later: The trials after them.
        known: What `reckoned` has found.
        lock: Held by who computes.
    """

    def __init__(self, study: optuna.Study) -> None:
        """Read the study.

        Args:
            study: The study, or a view of one.
        """
        self._viewed = study
        self.known: dict[str, Any] = {}
        self.lock = threading.RLock()
        with _ENDED_LOCK:
            self.ended = _ENDED.setdefault(study, _Ended())
        self.count, self.later = read_on(study, self.ended.trials)

    def _among(self, states: tuple[TrialState, ...] | None) -> list[FrozenTrial]:
        if states is None or any(state.is_finished() for state in states):
            return self.since(0)
        return self.later

    def since(self, first: int) -> list[FrozenTrial]:
        """The trials from a number on that is at most the count of those that had ended."""
        return self.ended.trials[first : self.count] + self.later


class StorageView:
    """Stands in for a storage: replaces some methods, and passes all others on to the storage.

    Example:
        >>> storage = optuna.storages.InMemoryStorage()
        >>> view = StorageView(storage, get_all_studies=lambda: ["mine"])
        >>> view.get_all_studies(), storage.get_all_studies()
        (['mine'], [])
    """

    def __init__(self, storage: Any, **instead: Callable[..., Any]) -> None:
        """Replace methods; the storage itself is not changed.

        Args:
            storage: The storage.
            instead: What is called instead of each method, by the method's name.
        """
        self._viewed = storage
        self._instead = instead

    def __getattr__(self, name: str) -> Any:
        return self._instead[name] if name in self._instead else getattr(self._viewed, name)


def snapshot_of(study: optuna.Study) -> optuna.Study:
    """Make a study that shows the trials as they are now, so that they are read once.

    Args:
        study: The study; what is written goes to it.
    """
    return cast("optuna.Study", _Snapshot(study))


def later_of(study: optuna.Study) -> tuple[int, list[FrozenTrial]]:
    """The identifier of the last of a study's first trials that have all ended, and the later ones.

    Args:
        study: A snapshot.
    """
    assert isinstance(study, _Snapshot)
    last = study.ended.trials[study.count - 1] if study.count else None
    return -1 if last is None else identifier_of(last), study.later


def reckoned(
    study: optuna.Study,
    name: str,
    of: Callable[[Sequence[FrozenTrial]], _Found],
    both: Callable[[_Found, _Found], _Found],
) -> _Found:
    """Find something of a study's trials; of a snapshot's once.

    A study's first trials, as far as all of them have ended, are not gone through again for the
    next snapshot.

    Args:
        study: The study, or a snapshot.
        name: What it is.
        of: Finds it of some trials in the order of their numbers, maybe of none.
        both: Makes one of what was found of some trials and of those that follow; changes neither.

    Example:
        >>> study = optuna.create_study()
        >>> _ = study.tell(study.ask(), 1.0), study.tell(study.ask(), 2.0)
        >>> reckoned(snapshot_of(study), "count", len, lambda first, later: first + later)
        2
    """

    if not isinstance(study, _Snapshot):
        return of(study.get_trials(deepcopy=False))
    with study.lock:
        if name not in study.known:
            study.known[name] = _reckoned(study, name, of, both)
        return cast("_Found", study.known[name])


def _reckoned(
    seen: _Snapshot,
    name: str,
    of: Callable[[Sequence[FrozenTrial]], _Found],
    both: Callable[[_Found, _Found], _Found],
) -> _Found:
    """As `reckoned`, of a snapshot; keep what was found of the trials that ended long ago."""
    with seen.ended.lock:
        count, found = seen.ended.found.get(name, (0, None))
        last = seen.count // _ANEW * _ANEW - _ANEW
        if last > count:
            more = of(seen.ended.trials[count:last])
            found = both(cast("_Found", found), more) if count else more
            count = last
            seen.ended.found[name] = count, found
    if not count or count > seen.count:
        return of(seen.since(0))
    return both(cast("_Found", found), of(seen.since(count)))


def view_of(
    study: optuna.Study,
    shown: Callable[[], list[FrozenTrial]],
    storage: StorageView | None = None,
) -> optuna.Study:
    """Make a study that shows a sampler or a pruner the given trials.

    Args:
        study: The study.
        shown: Gives the trials that are shown; it is called each time that trials are asked for.
        storage: A view of the study's storage; None for the storage itself.

    Returns:
        Typed as a study, since samplers and pruners take it for one.

    Example:
        >>> study = optuna.create_study()
        >>> study.tell(study.ask(), 1.0).value, study.tell(study.ask(), 2.0).value
        (1.0, 2.0)
        >>> view = view_of(study, lambda: study.trials[1:])
        >>> [trial.number for trial in view.get_trials()], view.best_trial.value
        ([1], 2.0)
    """
    return cast("optuna.Study", _StudyView(study, shown, storage))


def with_value_at(trial: FrozenTrial, step: int, value: float) -> FrozenTrial:
    """Copy a trial as if it had reported a value at a step.

    Args:
        trial: The trial, which is not changed.
        step: The step; a value that is there already is replaced.
        value: The value.
    """
    changed = copy.copy(trial)
    changed.intermediate_values = {**trial.intermediate_values, step: value}
    return changed


def from_step(trial: FrozenTrial, first: int) -> FrozenTrial:
    """Copy a trial without the values that the trial reported before a given step.

    Args:
        trial: The trial, which is not changed.
        first: The first step that is kept.
    """
    cut = copy.copy(trial)
    values = trial.intermediate_values.items()
    cut.intermediate_values = {step: value for step, value in values if step >= first}
    return cut


def former_distributions(
    study: optuna.Study, before: int | None = None
) -> dict[str, BaseDistribution]:
    """Optuna's distributions that trials have, by Optuna's name; only of those below a number."""
    former: dict[str, BaseDistribution] = {}
    for trial in study.get_trials(deepcopy=False)[:before]:
        former |= trial.distributions
    return former
