"""Fills a record with finished runs, for benchmarks that measure a study with many stored trials.

A study's start compares the record with Optuna's storage and mends what is lacking. A benchmark
that stores trials without their runs would measure that mending.
"""

from __future__ import annotations

from typing import Any

_FIND = "SELECT run_uuid FROM tags WHERE key = 'trialbook.number' AND value = :number"
_COPIES = (
    "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, "
    "status, start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id) "
    "SELECT c.run_uuid, name, source_type, source_name, entry_point_name, user_id, status, "
    "start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id "
    "FROM runs r, copies c WHERE r.run_uuid = :model",
    "INSERT INTO tags (key, value, run_uuid) SELECT key, CASE WHEN key IN ('trialbook.number', "
    "'trialbook.slot') THEN c.number ELSE value END, c.run_uuid "
    "FROM tags t, copies c WHERE t.run_uuid = :model",
    "INSERT INTO params (key, value, run_uuid) SELECT key, value, c.run_uuid "
    "FROM params p, copies c WHERE p.run_uuid = :model",
    "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) "
    "SELECT key, value, timestamp, c.run_uuid, step, is_nan "
    "FROM metrics m, copies c WHERE m.run_uuid = :model",
    "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) "
    "SELECT key, value, timestamp, c.run_uuid, step, is_nan "
    "FROM latest_metrics m, copies c WHERE m.run_uuid = :model",
    "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, "
    "step) SELECT c.run_uuid, source_type, source_id, destination_type, c.run_uuid, step "
    "FROM inputs i, copies c WHERE i.destination_id = :model AND source_type = 'DATASET'",
)


def copied_run(number: int) -> str:
    """The identifier that the copy for a trial has.

    Args:
        number: Of the trial.

    Returns:
        32 hexadecimal digits.
    """
    return f"{number:032x}"


def copy_runs(address: str, count: int) -> None:
    """Copy the run of a study's trial 0 as the finished runs of trials 1 to `count`.

    Args:
        address: Of MLflow's database, as SQLAlchemy takes it. It holds one study.
        count: Of the copies.
    """
    import sqlalchemy

    engine = sqlalchemy.create_engine(address)
    with engine.begin() as database:
        model: Any = database.execute(sqlalchemy.text(_FIND), {"number": "0"}).scalar_one()
        made = "CREATE TEMPORARY TABLE copies (number VARCHAR(12), run_uuid VARCHAR(32))"
        database.execute(sqlalchemy.text(made))
        database.execute(
            sqlalchemy.text("INSERT INTO copies VALUES (:number, :run_uuid)"),
            [{"number": str(n), "run_uuid": copied_run(n)} for n in range(1, 1 + count)],
        )
        for statement in _COPIES:
            database.execute(sqlalchemy.text(statement), {"model": model})
        database.execute(sqlalchemy.text("DROP TABLE copies"))
    engine.dispose()
