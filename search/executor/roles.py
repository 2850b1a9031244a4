"""Whether a study's trials can be trained without Keras."""

from __future__ import annotations

import sys
from pathlib import Path

from search.config.study import StudyConfig

_GPUS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")
"""Device files without which TensorFlow finds no GPU on Linux."""


def trains_alone(config: StudyConfig) -> bool:
    """Whether compiled functions alone train a study's trials.

    Those are our own models, unless another trainer is asked for or there may be a GPU.

    Args:
        config: The study.
    """
    return config.rates and config.trainer in ("auto", "compiled") and not _may_have_gpu()


def _may_have_gpu() -> bool:
    """Whether TensorFlow might find a GPU here; asking it would take seconds."""
    return sys.platform != "linux" or any(Path(device).exists() for device in _GPUS)
