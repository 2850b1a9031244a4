"""Chooses a trial's values one by one, as the user's model asks for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import optuna
from optuna.trial import FrozenTrial

from models.checks import told
from search.child.messages import Answer
from search.config.options import SAMPLERS
from search.errors import SearchError
from search.space.configurations import as_value_of, range_in_words
from search.space.distributions import (
    distribution_of,
    encode_one,
    optuna_name,
    renewed,
    suggest,
)
from search.space.parameters import Parameter, from_plain, plain, variant_beside
from search.storage.internals import add_parameter
from search.storage.study_attributes import met_of, space_version_of, write_met
from search.storage.trial_attributes import wanted_of
from search.storage.views import former_distributions
from tracking import Scalar


class GrowingSpace:
    """The parameters of a study whose trials may meet further ones while they run.

    Threads: all workers of a process share one; it takes its own lock. Processes share what they
    met through the study's attributes.
    """

    def __init__(self, study: optuna.Study, declared: Sequence[Parameter], since: int = 0) -> None:
        """Take the parameters that are known before any trial, and those that trials have met.

        Args:
            study: The study.
            declared: The parameters that were found before any trial.
            since: Number of the first trial in the study's present space.
        """
        self._former = former_distributions(study, since) if since else {}
        self._study = study
        self._declared = list(declared)
        self._lock = threading.Lock()
        self._known = self._read()
        # Whose declaration this process has seen to be the stored one.
        self._agreed = {parameter.key for parameter in self._declared}

    def _read(self) -> list[Parameter]:
        """Read what trials of all processes have met."""
        return [*self._declared, *(from_plain(each) for each in met_of(self._study))]

    def known(self, parameter: Parameter, when: tuple[int, int]) -> tuple[Parameter, bool]:
        """Look up a parameter by its name and its conditions; store it if it is new.

        As in Keras Tuner, the first declaration of a name and its conditions counts.

        Args:
            parameter: As a trial's model declared it.
            when: The trial's number, and how many parameters the trial had before.

        Returns:
            The parameter as the study searches it, and whether it is new.

        Raises:
            SearchError: An earlier call of the study stored it with other values.
        """
        with self._lock:
            found = self._find(parameter)
            if found is None:
                self._known = self._read()
                found = self._find(parameter)
            if found is not None:
                if found.domain != parameter.domain and parameter.key not in self._agreed:
                    raise _edited(found, parameter)
                self._agreed.add(parameter.key)
                return found, False
            self._agreed.add(parameter.key)
            apart = replace(parameter, variant=variant_beside(parameter, self._known))
            new = renewed(apart, self._former, space_version_of(self._study))
            write_met(self._study, optuna_name(new), plain(new), when)
            self._known.append(new)
            return new, True

    def _find(self, parameter: Parameter) -> Parameter | None:
        return next((known for known in self._known if known.key == parameter.key), None)


def _edited(stored: Parameter, declared: Parameter) -> SearchError:
    """The refusal of a parameter that an earlier call of the study met with other values."""
    was, is_now = range_in_words(stored), range_in_words(declared)
    return SearchError(
        f"A study may be resumed only with its own space, but `{declared.name}`, which a trial met "
        f"while it ran, was {was}, now {is_now}. Go on with what still fits (`--widen`), use "
        "another name (`--study`), or put it back."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Hearers:
    """What happens with the values of a trial besides being stored in Optuna.

    Attributes:
        new: Is told each parameter that the study did not know.
        store: Stores all values so far, once the model is built and after each later one.
        twin: Finds an earlier trial with these values whose result stands for this one, or None.
        say: Is told a line for the user.
    """

    new: Callable[[Parameter], None]
    store: Callable[[Mapping[str, Scalar]], None]
    twin: Callable[[Mapping[str, Scalar]], FrozenTrial | None]
    say: Callable[[str], None]


class AskedValues:
    """The values of one trial of a user's own model, each chosen when the model asks for it.

    Whether an earlier trial had the same configuration is looked up once the model is built, and
    again after each value that `fit` asks for. A model asks for the same parameters where all
    values so far are the same, so that equal values then are equal configurations.

    Only the thread of the trial's worker uses it.

    Attributes:
        values: The values so far, by name, as the model gets them.
        twin: The earlier trial with the same configuration; None where there is none.
    """

    def __init__(
        self, trial: optuna.Trial, space: GrowingSpace, hearers: Hearers, *, at_defaults: bool
    ) -> None:
        """Begin without any value.

        Args:
            trial: The running trial; each value is stored with it.
            space: The study's parameters.
            hearers: What else happens with the values.
            at_defaults: Whether each value is the parameter's default, as in trial 0.
        """
        self.values: dict[str, Scalar] = {}
        self.twin: FrozenTrial | None = None
        self._trial = trial
        self._space = space
        self._hearers = hearers
        self._at_defaults = at_defaults
        self._wanted = wanted_of(trial)
        self._is_built = False

    def ask(self, declared: Parameter) -> Answer:
        """Choose the value of a parameter that the model has just declared, and store it."""
        when = (self._trial.number, len(self.values))
        parameter, is_new = self._space.known(declared, when)
        if is_new and parameter.kind != "Fixed":
            self._hearers.new(parameter)
        wanted = self._as_wanted(parameter)
        if self._at_defaults:
            value = self._default(declared, parameter)
        elif wanted is not None:
            value = self._kept(parameter, wanted)
        else:
            value = suggest(self._trial, parameter)
        self.values[parameter.name] = value
        return Answer(value, goes_on=not self._is_built or self._goes_on())

    def built(self) -> bool:
        """Store the values of a model that is built; return whether it is to be trained."""
        self._is_built = True
        return self._goes_on()

    def end(self) -> None:
        """Store the values of a model that was never built; say what it did not ask for."""
        if not self._is_built and self.values:
            self._hearers.store(self.values)
        ignored = [name for name in self._wanted if name not in self.values]
        if ignored and self._is_built and self.twin is None:
            self._hearers.say(
                f"The model of trial {self._trial.number} never asked for {', '.join(ignored)}, "
                "which its configuration has."
            )

    def _goes_on(self) -> bool:
        self._hearers.store(self.values)
        self.twin = self._hearers.twin(self.values)
        return self.twin is None

    def _default(self, declared: Parameter, parameter: Parameter) -> Scalar:
        """A parameter's default, stored with the trial where the search could choose it too."""
        return self._kept(parameter, declared.default)

    def _as_wanted(self, parameter: Parameter) -> Scalar | None:
        """The value that the user's configuration has for a parameter; None to let it be drawn."""
        if parameter.name not in self._wanted:
            return None
        wanted = self._wanted[parameter.name]
        value = as_value_of(parameter, wanted)
        if value is None:
            self._hearers.say(
                f"`{parameter.name}` must be {range_in_words(parameter)}, but the configuration "
                f"of trial {self._trial.number} has {told(wanted)}: another value is drawn."
            )
        return value

    def _kept(self, parameter: Parameter, value: Scalar) -> Scalar:
        """Store a value with the trial, if the search could choose it too; return it."""
        if parameter.kind != "Fixed" and parameter.holds(value):
            name, encoded = encode_one(parameter, value)
            add_parameter(self._trial, name, encoded, distribution_of(parameter))
        return value


def met_in_words(parameter: Parameter, number: int, sampler: str) -> str:
    """Say in a line that a trial met a parameter that its study did not know.

    Args:
        parameter: The parameter.
        number: Number of the trial.
        sampler: The study's sampler. One that has planned all its proposals draws it at random.
    """
    drawn = (
        f"; the sampler `{sampler}` has planned without it, so that its values are drawn at random"
        if SAMPLERS[sampler].plans
        else ""
    )
    return (
        f"Trial {number} met a new parameter, `{parameter.name}` ({range_in_words(parameter)}): it "
        f"is searched from now on{drawn}."
    )
