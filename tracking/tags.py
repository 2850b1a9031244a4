"""The names of the tags that Trialbook writes, in one place."""

from __future__ import annotations

from enum import StrEnum

PREFIX = "trialbook."
"""What the name of each of our tags begins with."""


class Tag(StrEnum):
    """The name of a tag on a study's or a trial's run; each member equals its plain text.

    In a search on MLflow's pages it goes between backticks.

    Example:
        >>> Tag.SEED == "trialbook.seed"
        True
        >>> f"tags.`{Tag.STUDY}` = 'movies'"
        "tags.`trialbook.study` = 'movies'"
    """

    ROLE = "trialbook.role"
    """What the run stands for: one of `Role`."""
    STUDY = "trialbook.study"
    """Name of the study."""
    IDENTITY = "trialbook.identity"
    """Tells a study's run from that of a former study of the same name."""
    OBJECTIVE = "trialbook.objective"
    """Name of the number that the study optimises."""
    NUMBER = "trialbook.number"
    """Number of the trial in its study, as Optuna counts: 0 for the first."""
    STATE = "trialbook.state"
    """One of `State`; finer than MLflow's status, which knows no pruned trial."""
    END_REASON = "trialbook.end_reason"
    """One of `EndReason`."""
    MESSAGE = "trialbook.message"
    """One line on a trial that failed or met a limit."""

    BASELINE = "trialbook.baseline"
    """`true` on the trial that the others are measured against."""
    BEYOND = "trialbook.beyond"
    """`true` on a complete trial that exceeds a limit of its study: it stands in the record to
    compare with, and ranks nowhere."""
    RECIPE = "trialbook.recipe"
    """Name of the recipe that a trial's configuration comes from."""
    REUSED = "trialbook.reused"
    """Number of the earlier trial whose result stands for this one."""
    TUNER_TRIAL = "trialbook.tuner_trial"
    """Keras Tuner's own name of the trial."""
    TUNER_PARENT = "trialbook.tuner_parent"
    """Keras Tuner's name of the trial whose weights Hyperband trained on in this one."""

    SEED = "trialbook.seed"
    """Seed of the trial's training."""
    SLOT = "trialbook.slot"
    """Place of the configuration in the study's sequence; a trial that is repeated keeps it."""
    TRAINER = "trialbook.trainer"
    """What trained the model: "fast" or "keras"."""

    DATA = "trialbook.data"
    """The ratings' source as the user named it."""
    DATA_HASH = "trialbook.data_hash"
    """SHA-256 over the ratings, 64 hexadecimal digits."""
    SYNTHETIC = "trialbook.synthetic"
    """`true` or `false`: whether the ratings are made up."""

    COMMIT = "trialbook.commit"
    """Git commit of the code, with `-dirty` where tracked files are changed."""
    PYTHON = "trialbook.python"
    """Version of Python."""
    VERSIONS = "trialbook.versions"
    """Versions of the packages, as a JSON object."""
    OS = "trialbook.os"
    """Operating system."""
    HARDWARE = "trialbook.hardware"
    """Processor, number of cores and memory."""
    DEVICES = "trialbook.devices"
    """Kinds of TensorFlow's devices, separated by commas: "CPU,GPU"."""
    THREADS = "trialbook.threads"
    """Threads that a training process may use."""
    WORKERS = "trialbook.workers"
    """Trials that train side by side."""


class Role(StrEnum):
    """What an MLflow run holds, as the tag `Tag.ROLE` says.

    Example:
        >>> [role.value for role in Role]
        ['study', 'trial', 'winner', 'published']
    """

    STUDY = "study"
    TRIAL = "trial"
    WINNER = "winner"
    PUBLISHED = "published"


BASELINE_TAG = Tag.BASELINE
BEYOND = Tag.BEYOND
DATA_HASH_TAG = Tag.DATA_HASH
END_REASON_TAG = Tag.END_REASON
MESSAGE_TAG = Tag.MESSAGE
NUMBER_TAG = Tag.NUMBER
ROLE_TAG = Tag.ROLE
STATE_TAG = Tag.STATE
STUDY_TAG = Tag.STUDY
