"""Files that a user asked for are complete, or not there at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracking.whole_files import written_whole


def test_a_failure_leaves_the_earlier_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("earlier")

    def fail(failure: Exception) -> None:
        with written_whole(path, error=ValueError) as partial:
            partial.write_text("half")
            raise failure

    with pytest.raises(ValueError, match=r"`--output` must be a file .* \(no space\)\."):
        fail(OSError(28, "no space"))
    with pytest.raises(KeyError):  # none of the disk's
        fail(KeyError("rows"))
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "earlier"
