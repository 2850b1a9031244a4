"""Frozen records of studies, trials and epochs, which `search` hands to `tracking`."""

from tracking.records.run import RunRecord
from tracking.records.space import ParameterRecord
from tracking.records.study import DatasetRecord, StudyRecord, sign_of
from tracking.records.trial import EpochRecord, ModelFolder, Picture, Scalar, TrialRecord

__all__ = [
    "DatasetRecord",
    "EpochRecord",
    "ModelFolder",
    "ParameterRecord",
    "Picture",
    "RunRecord",
    "Scalar",
    "StudyRecord",
    "TrialRecord",
    "sign_of",
]
