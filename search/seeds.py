"""Derives the seeds of samplers, trials, folds and repeats from a study's seed.

A slot is a trial's place in its study as if nothing had been interrupted, 0 for the first.
"""

from __future__ import annotations

import numpy as np


def derive_seed(seed: int, slot: int, stream: int = 0) -> int:
    """Derive a 31-bit seed from a study's seed and a trial's slot.

    It is the first word of `numpy.random.SeedSequence([seed, slot, stream])` without its highest
    bit, the same on every machine. Neighbouring slots have unrelated seeds.

    Args:
        seed: The study's seed.
        slot: The trial's place in the study.
        stream: 0 for the sampler, 1 for the training, 2 for the repeats of a winner, 3 for another
            proposal where the first repeats a point.

    Example:
        >>> derive_seed(42, 1), derive_seed(42, 2), derive_seed(42, 1, stream=1)
        (1181570228, 955475868, 2134191843)
    """
    state = np.random.SeedSequence([seed, slot, stream]).generate_state(1)
    return int(state[0] & 0x7FFFFFFF)


def training_seed(seed: int, slot: int) -> int:
    """The seed of a trial's training: the study's seed for slot 0, a derived seed for later slots.

    Args:
        seed: The study's seed.
        slot: The trial's place in the study.

    Example:
        >>> training_seed(42, 0), training_seed(42, 1)
        (42, 2134191843)
    """
    return seed if slot == 0 else derive_seed(seed, slot, 1)


def part_seed(seed: int, number: int) -> int:
    """The seed of one fold or repeat: number 1 takes the trial's seed, others a derived seed.

    Args:
        seed: The trial's seed.
        number: Number of the fold or repeat, 1 for the first.

    Example:
        >>> part_seed(7, 1), part_seed(7, 2)
        (7, 1009178997)
    """
    if number == 1:
        return seed
    state = np.random.SeedSequence([seed, number]).generate_state(1)
    return int(state[0] & 0x7FFFFFFF)
