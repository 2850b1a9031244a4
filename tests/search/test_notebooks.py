"""The notebooks in docs/notebooks: stored without outputs, and they run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_two_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "baseline-step-by-step",
        "search-compare-decide",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_valid(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_links_of_a_notebook_lead_somewhere(path: Path) -> None:
    text = "".join("".join(c["source"]) for c in json.loads(path.read_text("utf-8"))["cells"])
    links = [each.split(")")[0] for each in text.split("](")[1:]]
    assert links
    assert [link for link in links if not (FOLDER / link).exists()] == []


# Run whole.


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a notebook, in a folder and with settings of its own, and gives its cells' outputs."""
    pytest.importorskip("ipykernel")
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    (tmp_path / "work").mkdir()

    def run(name: str) -> list[Any]:
        notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        place = {"metadata": {"path": str(tmp_path / "work")}}
        # A cell that fails raises here.
        nbclient.NotebookClient(notebook, timeout=600, resources=place).execute()
        assert list((tmp_path / "work").iterdir()) == []  # it leaves nothing beside itself
        return [output for cell in notebook.cells for output in cell.get("outputs", [])]

    return run


def _html(outputs: list[Any], kind: str) -> list[str]:
    shown = [each.data.get("text/html", "") for each in outputs if each.output_type == kind]
    return [html for html in shown if html]


@pytest.mark.slow
def test_the_notebook_of_the_search_runs_and_shows_progress_and_results(outputs: Any) -> None:
    """Its studies have several workers, so that displays are drawn from several threads."""
    found = outputs("search-compare-decide")
    assert not [each for each in found if each.output_type == "error"]
    progress = [html for html in _html(found, "display_data") if "trialbook-progress" in html]
    # One display a study, replaced while it ran: it ends at the study's target.
    assert len(progress) == 2
    assert "<b>movies</b>&ensp;5/5 · " in progress[0]
    assert "<b>movies-random</b>&ensp;5/5 · " in progress[1]
    assert all("best 0." in html and "<table" not in html for html in progress)
    results = [html for html in _html(found, "execute_result") if html.startswith("<h4>")]
    assert len(results) == 2
    assert results[0].startswith("<h4>movies</h4><table>")
    assert "data:image/png;base64," in results[0]
    plots = [each for each in found if "application/vnd.plotly.v1+json" in each.get("data", {})]
    assert len(plots) == 3


@pytest.mark.slow
def test_the_notebook_of_the_baseline_runs_and_keeps_the_two_data_sets_apart(outputs: Any) -> None:
    found = outputs("baseline-step-by-step")
    assert not [each for each in found if each.output_type == "error"]
    told = "".join(
        each.text if each.output_type == "stream" else each.data.get("text/plain", "")
        for each in found
    )
    assert "2,327,862" in told
    assert "Parameters in all: 160,422" in told
    assert "published, MUBI: 0.8396" in told
    assert "here, movielens: 0.9" in told
    moved = [each for each in found if "Keras 3" in each.get("data", {}).get("text/plain", "")]
    assert [line.split()[-1] for line in moved[0].data["text/plain"].splitlines()[:2]] == [
        "0.10",  # ten times the step size
        "0.01",
    ]
    assert len([each for each in found if "image/png" in each.get("data", {})]) == 1
