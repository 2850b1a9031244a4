"""Keeps studies and trials as plain records, writes them to MLflow and draws their figures."""

from __future__ import annotations

from tracking.addresses import sqlite_path, with_driver, without_password
from tracking.errors import TrackingError, Withdrawn
from tracking.figures.draw import (
    draw_study,
    draw_trial,
    draw_verdict,
    reproduction_figure,
    study_figure,
)
from tracking.figures.notebook import study_html, trial_html
from tracking.null_recorder import NullRecorder
from tracking.provenance import drift, provenance
from tracking.recorder import Recorder
from tracking.records import (
    DatasetRecord,
    EpochRecord,
    ModelFolder,
    ParameterRecord,
    Picture,
    RunRecord,
    Scalar,
    StudyRecord,
    TrialRecord,
)
from tracking.report.chapter import Chapter, Evidence, Scored
from tracking.report.write import write_report
from tracking.runs.home.copies import backed_up
from tracking.runs.home.folding import fold_in_at_exit
from tracking.runs.home.held import held_studies
from tracking.runs.home.steps import revision_at, steps_of
from tracking.runs.loading.contents import RunFiles, run_files
from tracking.runs.loading.files import opened_model, saved_in
from tracking.runs.loading.former import is_recorded
from tracking.runs.loading.kept import KeptModel, kept_models
from tracking.runs.loading.registered import (
    NamedModel,
    logged_model,
    model_versions,
    registered_names,
)
from tracking.runs.lookup import find_study_run
from tracking.runs.payloads import figure_name, final_figures, params_of
from tracking.runs.read_only import mirrored, require_readable, to_read
from tracking.runs.recorder import MlflowRecorder
from tracking.runs.registry import EVIDENCE
from tracking.runs.store import Store
from tracking.runs.ui import is_loopback, ui_command, ui_environment
from tracking.runs.view.address import page_of, run_page, study_page, version_page
from tracking.runs.view.names import tried
from tracking.runs.view.writing import renew_view
from tracking.runs.warm_up import import_ahead, in_a_second
from tracking.spool.box import Slip
from tracking.spool.boxes import (
    count_held,
    damaged_boxes,
    discard_left,
    is_held,
    left_boxes,
    seen_slips,
)
from tracking.spool.recorder import SpoolRecorder
from tracking.spool.references import reference, referred
from tracking.spool.writer import Maker, whole_models
from tracking.states import (
    COMPLETE,
    FAILED,
    KILLED,
    PRUNED,
    QUEUED,
    REFUSED,
    RUNNING,
    EndReason,
    State,
    end_in_brief,
    end_in_words,
)
from tracking.tags import (
    BASELINE_TAG,
    BEYOND,
    DATA_HASH_TAG,
    END_REASON_TAG,
    MESSAGE_TAG,
    NUMBER_TAG,
    ROLE_TAG,
    STATE_TAG,
    STUDY_TAG,
    Role,
    Tag,
)

__all__ = [
    "BASELINE_TAG",
    "BEYOND",
    "COMPLETE",
    "DATA_HASH_TAG",
    "END_REASON_TAG",
    "EVIDENCE",
    "FAILED",
    "KILLED",
    "MESSAGE_TAG",
    "NUMBER_TAG",
    "PRUNED",
    "QUEUED",
    "REFUSED",
    "ROLE_TAG",
    "RUNNING",
    "STATE_TAG",
    "STUDY_TAG",
    "Chapter",
    "DatasetRecord",
    "EndReason",
    "EpochRecord",
    "Evidence",
    "KeptModel",
    "Maker",
    "MlflowRecorder",
    "ModelFolder",
    "NamedModel",
    "NullRecorder",
    "ParameterRecord",
    "Picture",
    "Recorder",
    "Role",
    "RunFiles",
    "RunRecord",
    "Scalar",
    "Scored",
    "Slip",
    "SpoolRecorder",
    "State",
    "Store",
    "StudyRecord",
    "Tag",
    "TrackingError",
    "TrialRecord",
    "Withdrawn",
    "backed_up",
    "count_held",
    "damaged_boxes",
    "discard_left",
    "draw_study",
    "draw_trial",
    "draw_verdict",
    "drift",
    "end_in_brief",
    "end_in_words",
    "figure_name",
    "final_figures",
    "find_study_run",
    "fold_in_at_exit",
    "held_studies",
    "import_ahead",
    "in_a_second",
    "is_held",
    "is_loopback",
    "is_recorded",
    "kept_models",
    "left_boxes",
    "logged_model",
    "mirrored",
    "model_versions",
    "opened_model",
    "page_of",
    "params_of",
    "provenance",
    "reference",
    "referred",
    "registered_names",
    "renew_view",
    "reproduction_figure",
    "require_readable",
    "revision_at",
    "run_files",
    "run_page",
    "saved_in",
    "seen_slips",
    "sqlite_path",
    "steps_of",
    "study_figure",
    "study_html",
    "study_page",
    "to_read",
    "trial_html",
    "tried",
    "ui_command",
    "ui_environment",
    "version_page",
    "whole_models",
    "with_driver",
    "without_password",
    "write_report",
]
