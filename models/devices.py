"""What TensorFlow computes on and how: threads, GPUs, repeatable operations."""

from __future__ import annotations

import keras
import tensorflow as tf

from models.cores import available_cores


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and let TensorFlow use repeatable operations only.

    Keras' global state is cleared too, so that layer names begin anew.

    Args:
        seed: A whole number of at least 0; its remainder by 2^32 is used.

    Example:
        >>> make_deterministic(7)
        >>> first = float(keras.random.uniform(()))
        >>> make_deterministic(7)
        >>> float(keras.random.uniform(())) == first
        True
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(int(seed) % (2**32))
    tf.config.experimental.enable_op_determinism()


def set_threads(count: int | None, *, fast: bool = False) -> int:
    """Set how many threads TensorFlow uses, and for what; call it before TensorFlow's first work.

    Args:
        count: Threads, or None for as many as this process may use.
        fast: Whether to suit the fast trainer. Then each operation runs on one thread, and several
            operations at once; Keras' `fit` rather uses the threads inside of one operation. And
            no graph is rewritten before its first run, since that takes longer than it gains.

    Returns:
        The number of threads.

    Raises:
        RuntimeError: TensorFlow has begun to work with another number.

    Example:
        >>> set_threads(2)
        2
    """
    threads = count or available_cores()
    tf.config.threading.set_intra_op_parallelism_threads(1 if fast else threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    for device in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": fast})
    return threads


def threads_in_use() -> int:
    """How many threads a trial may use: as `set_threads` set them, else all of this process's.

    Example:
        >>> threads_in_use() >= 1
        True
    """
    return tf.config.threading.get_inter_op_parallelism_threads() or available_cores()


def see_one_gpu() -> None:
    """Hide every GPU but the first from TensorFlow; call it before TensorFlow's first work.

    Raises:
        RuntimeError: TensorFlow has begun to use several.

    Example:
        >>> see_one_gpu()
        >>> len(tf.config.get_visible_devices("GPU")) <= 1
        True
    """
    devices = tf.config.list_physical_devices("GPU")
    if len(devices) > 1:
        tf.config.set_visible_devices(devices[0], "GPU")


def device_types() -> tuple[str, ...]:
    """List the kind of each device of this machine that TensorFlow knows: "CPU" or "GPU".

    Example:
        >>> "CPU" in device_types()
        True
    """
    return tuple(device.device_type for device in tf.config.list_physical_devices())
