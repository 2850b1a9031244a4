"""Seeds that follow from a study's own: of samplers, of trainings, of their parts."""

from __future__ import annotations

import numpy as np


def derive_seed(seed: int, slot: int, stream: int = 0) -> int:
    """A seed of 31 bits from a study's seed and a trial's slot.

    Args:
        seed: The study's.
        slot: The trial's place in the study.
        stream: 0 for the sampler, 1 for the training.
    """
    state = np.random.SeedSequence([seed, slot, stream]).generate_state(1)
    return int(state[0] & 0x7FFFFFFF)


def training_seed(seed: int, slot: int) -> int:
    """What a trial trains with: the study's own seed for the first slot, else one derived from it.

    Args:
        seed: The study's.
        slot: The trial's place in the study.
    """
    return seed if slot == 0 else derive_seed(seed, slot, 1)


def part_seed(seed: int, number: int) -> int:
    """The seed of a trial's part: the trial's own for the first, else one derived from it.

    Args:
        seed: The trial's.
        number: 1 for the first.
    """
    if number == 1:
        return seed
    state = np.random.SeedSequence([seed, number]).generate_state(1)
    return int(state[0] & 0x7FFFFFFF)
