"""Cores under a container's quota."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.cores import available_cores


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 64),
        ({"cpu.max": "max 100000"}, 64),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "400000 100000"}, 4),
        ({"cpu.max": "5000 100000"}, 1),
        ({"cpu.max": "9900000 100000"}, 64),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 64),
        ({"docker/abc/cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "600000 100000", "docker/abc/cpu.max": "200000 100000"}, 2),
        ({"docker/cpu.max": "200000 100000"}, 2),
        ({"docker/cpu.max": "300000 100000", "docker/abc/cpu.max": "max 100000"}, 3),
        ({"docker/cpu.max": "200000 100000", "docker/abc/cpu.max": "400000 100000"}, 2),
        ({"other/cpu.max": "200000 100000"}, 64),
        (
            {
                "cpu,cpuacct/kube/cpu.cfs_quota_us": "300000",
                "cpu,cpuacct/kube/cpu.cfs_period_us": "100000",
            },
            3,
        ),
        ({"cpu.max": "what"}, 64),
    ],
)
def test_a_quota_is_counted_in_whole_cores(
    files: dict[str, str], cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    for name, text in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    own = tmp_path / "own"
    own.write_text("4:cpu,cpuacct:/kube/pod1/c1\n0::/docker/abc\n")
    assert available_cores(tmp_path / "cgroup", own) == cores


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert available_cores(tmp_path / "none", tmp_path / "nothing") == len(os.sched_getaffinity(0))
