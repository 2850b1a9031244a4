"""Compiled epochs of our own rating models; the only room that knows Numba."""

from __future__ import annotations

from models.compiled.cache import use_cache

use_cache()

from models.compiled.fit import Job, Weights, finish, fit  # noqa: E402
from models.compiled.warm_up import warm_up  # noqa: E402

__all__ = ["Job", "Weights", "finish", "fit", "warm_up"]
