from __future__ import annotations

import pytest
import tensorflow as tf

from models import see_one_gpu


@pytest.mark.parametrize("gpus", [0, 1, 3])
def test_one_of_several_gpus_is_seen(gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What TensorFlow is told; there is no GPU here that it could be tried on."""
    devices = [f"GPU:{number}" for number in range(gpus)]
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: devices)
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *one: told.append(one))
    see_one_gpu()
    assert told == ([("GPU:0", "GPU")] if gpus > 1 else [])
