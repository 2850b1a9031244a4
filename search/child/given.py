"""What a user's `fit` is given beside `hp` and `model`, less what it gives Keras' `fit` itself."""

from __future__ import annotations

import re
from typing import Any

from search.child.fit_data import FitData
from search.child.fits import FitWatch
from search.errors import SearchError

_TWICE = re.compile(r"multiple values for (?:keyword )?argument '(\w+)'")
_NAMES = ("callbacks", "epochs", "verbose")


class GivenTwice(Exception):
    """A `fit` has given Keras' a second value of what it passes on: the trial begins anew."""


class Given:
    """The arguments of a user's `fit`, trial after trial.

    A `fit` may say `model.fit(x, y, epochs=5, **kwargs)`: its own value counts. Python refuses that
    call where `kwargs` has `epochs` too, so it is left out from then on.
    """

    def __init__(self, model: str, data: FitData) -> None:
        """Leave nothing out yet.

        Args:
            model: The HyperModel's name, for messages.
            data: The data that its `fit` takes.
        """
        self._model = model
        self._data = data
        self._left_out: set[str] = set()

    def arguments(
        self, fit: Any, watch: FitWatch, epochs: int
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Make the arguments of one call of a user's `fit`.

        What is left out counts all the same in trainings that say nothing else (`watch.usual`).

        Args:
            fit: The HyperModel's bound method.
            watch: Watches the trial; it is one of the callbacks.
            epochs: Most epochs.
        """
        ours = {"callbacks": [watch], "epochs": epochs, "verbose": 0}
        watch.usual = {n: v for n, v in ours.items() if n in self._left_out and n != "callbacks"}
        given = {name: value for name, value in ours.items() if name not in self._left_out}
        return self._data.arguments(fit, **given)

    def leave_out(self, error: TypeError, watch: FitWatch) -> None:
        """Leave an argument out from now on, if that is what an error in `fit` asks for.

        Args:
            error: What `fit` raised.
            watch: Watched the trial.

        Raises:
            GivenTwice: The trial is to begin anew, without the argument.
            SearchError: It cannot, since the argument is the user's or a training has begun.
        """
        found = _TWICE.search(str(error))
        name = found[1] if found else ""
        is_ours = name in _NAMES and name not in self._left_out
        is_theirs = name in self._data.options
        if is_ours and not is_theirs and not watch.trainings:
            self._left_out.add(name)
            raise GivenTwice from error
        if is_theirs:
            out = f"Leave `{name}` out of what the data function returns."
        elif is_ours:
            out = f"Name it, so that it is not passed on: `def fit(self, hp, model, …, {name})`."
        else:
            return
        raise SearchError(
            f"`fit` of `{self._model}` must give Keras one `{name}`, but gives one of its own "
            f"beside the one that it passes on. {out}"
        ) from error
