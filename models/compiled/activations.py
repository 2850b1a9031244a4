"""Keras' activations and their slopes, compiled: as `keras.activations` defines them."""

from __future__ import annotations

import math
from typing import Any

import numba

from models.compiled.lanes import above_zero
from models.compiled.powers import exp_less_one
from models.compiled.vectors import HOW, INSIDE

NAMES = ("relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "linear")
"""Each activation's place in this tuple is its code in compiled functions."""

RELU, ELU, SELU, GELU, SILU, TANH, SIGMOID, SOFTPLUS, LINEAR = range(9)
_ALPHA, _SCALE = 1.6732632423543772, 1.0507009873554805
_ROOT_HALF, _ROOT_TWO_PI = math.sqrt(0.5), math.sqrt(2 * math.pi)


@numba.njit(**INSIDE)
def _sigmoid(z: Any) -> Any:
    """The logistic function, without overflow."""
    if z >= 0:
        return 1 / (1 + math.exp(-z))
    e = math.exp(z)
    return e / (1 + e)


@numba.njit(**INSIDE)
def bend(code: Any, z: Any) -> Any:
    """An activation's value at `z`, in double precision.

    Args:
        code: Its place in `NAMES`.
        z: A number.
    """
    value = float(z)
    if code == RELU:
        value = max(value, 0.0)
    elif code == ELU:
        value = z if z > 0 else math.expm1(z)
    elif code == SELU:
        value = _SCALE * (z if z > 0 else _ALPHA * math.expm1(z))
    elif code == GELU:
        value = 0.5 * z * (1 + math.erf(z * _ROOT_HALF))
    elif code == SILU:
        value = z * _sigmoid(z)
    elif code == TANH:
        value = math.tanh(z)
    elif code == SIGMOID:
        value = _sigmoid(z)
    elif code == SOFTPLUS:
        value = max(z, 0.0) + math.log1p(math.exp(-abs(z)))
    return value


@numba.njit(**INSIDE)
def has_lanes(code: Any) -> Any:
    """Whether `bend_lanes` and `slope_lanes` know an activation."""
    return code in (ELU, SILU, TANH, SIGMOID, LINEAR)


@numba.njit(**INSIDE)
def bend_lanes(code: Any, z: Any) -> Any:
    """An activation's values at sixteen numbers, for an activation that `has_lanes`.

    Args:
        code: Its place in `NAMES`.
        z: Sixteen numbers, as of `models.compiled.lanes`.
    """
    if code == ELU:
        positive = above_zero(z)
        return positive + exp_less_one(z - positive)
    if code == SILU:
        return z / (exp_less_one(z * -1.0) + 2.0)
    if code == TANH:
        twice = exp_less_one(z * 2.0)
        return twice / (twice + 2.0)
    if code == SIGMOID:
        return 1.0 / (exp_less_one(z * -1.0) + 2.0)
    return z


@numba.njit(**INSIDE)
def slope_lanes(code: Any, z: Any) -> Any:
    """The derivatives of an activation at sixteen numbers, as `bend_lanes`."""
    if code == ELU:
        return exp_less_one(z - above_zero(z)) + 1.0
    if code == SILU:
        share = bend_lanes(SIGMOID, z)
        return share * (z * (1.0 - share) + 1.0)
    if code == TANH:
        value = bend_lanes(TANH, z)
        return 1.0 - value * value
    if code == SIGMOID:
        share = bend_lanes(SIGMOID, z)
        return share * (1.0 - share)
    return z * 0.0 + 1.0


@numba.njit(**INSIDE)
def slope(code: Any, z: Any, h: Any) -> Any:
    """The derivative of an activation at `z`, where it has the value `h`; of ReLU at 0 it is 0."""
    if code == RELU:
        return 1.0 if z > 0 else 0.0
    return _smooth_slope(code, z, h)


@numba.njit(**HOW)
def _smooth_slope(code: Any, z: Any, h: Any) -> Any:
    result = 1.0
    if code == ELU:
        result = 1.0 if z > 0 else h + 1.0
    elif code == SELU:
        result = _SCALE if z > 0 else h + _SCALE * _ALPHA
    elif code == GELU:
        density = math.exp(-0.5 * z * z) / _ROOT_TWO_PI
        result = 0.5 * (1.0 + math.erf(z * _ROOT_HALF)) + z * density
    elif code == SILU:
        share = _sigmoid(z)
        result = share * (1.0 + z * (1.0 - share))
    elif code == TANH:
        result = 1.0 - h * h
    elif code == SIGMOID:
        result = h * (1.0 - h)
    elif code == SOFTPLUS:
        result = _sigmoid(z)
    return result
