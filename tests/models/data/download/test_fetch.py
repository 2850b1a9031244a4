"""Fetching, against a server on this machine."""

from __future__ import annotations

import hashlib
import socket
import sys
import threading
import types
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models.data import DATASETS, fetch, load_ratings
from models.data.download import fetch as fetching
from models.errors import ModelsError

DAT = "1::10::4::978300760\n1::20::3::978302109\n2::10::5::978301968\n2::30::2::978300275\n"
CSV = "userId,movieId,rating,timestamp\n1,10,4.5,978300760\n2,20,3.0,978302109\n"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def published(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    return folder


@pytest.fixture
def address(published: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(published))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _publish(folder: Path, name: str, *, member: str | None = None, md5: str | None = None) -> None:
    dataset = DATASETS[name]
    path = folder / dataset.archive
    with zipfile.ZipFile(path, "w") as archive:
        text = DAT if dataset.ratings.endswith(".dat") else CSV
        # Without a time of its own, so that the same archive made again has the same checksum.
        archive.writestr(zipfile.ZipInfo(member or dataset.ratings), text)
        archive.writestr(zipfile.ZipInfo("README"), "terms")
    if md5 is not None:
        (folder / f"{dataset.archive}.md5").write_text(f"MD5 ({dataset.archive}) = {md5}\n")


def _files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "mubi"])
def test_fetched_ratings_are_a_source(
    name: str, published: Path, address: str, cache: Path
) -> None:
    _publish(published, name)
    told: list[str] = []
    path = fetch(name, base_url=address, progress=told.append)
    assert path == cache / name / DATASETS[name].ratings
    assert _files(cache) == [f"{name}/{DATASETS[name].ratings}"]
    assert any("GroupLens" in line for line in told)
    ratings = load_ratings(name)
    assert ratings.user_ids.tolist() == [1, 2]
    assert not [line for line in ratings.warnings if "column names" in line]  # they are published


def test_a_second_fetch_needs_no_network(published: Path, address: str, cache: Path) -> None:
    _publish(published, "movielens-latest-small")
    first = fetch("latest-small", base_url=address)
    assert fetch("latest-small", base_url="http://127.0.0.1:9") == first
    assert len(load_ratings("latest-small")) == 2


def test_a_checksum_beside_the_archive_is_held_to(
    published: Path, address: str, cache: Path, tmp_path: Path
) -> None:
    _publish(published, "movielens-1m", md5="0" * 32)
    with pytest.raises(ModelsError, match=r"must have the MD5 0{32}") as caught:
        fetch("movielens-1m", base_url=address)
    assert "\n" not in str(caught.value)
    assert _files(cache) == []
    right = hashlib.md5((published / "ml-1m.zip").read_bytes()).hexdigest()
    _publish(published, "movielens-1m", md5=right)
    assert fetch("movielens-1m", base_url=address, destination=tmp_path / "to").is_file()


def test_the_publishers_own_checksum_is_known(
    published: Path, address: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish(published, "movielens-25m")
    monkeypatch.setattr(fetching, "GROUPLENS", address)
    with pytest.raises(ModelsError, match="6b51fb2759a8657d3bfcbfc42b592ada"):
        fetch("movielens-25m")
    assert _files(cache) == []
    md5 = hashlib.md5((published / "ml-25m.zip").read_bytes()).hexdigest()
    changed = replace(DATASETS["movielens-25m"], md5=md5)
    monkeypatch.setitem(DATASETS, "movielens-25m", changed)
    assert fetch("movielens-25m").is_file()


def test_what_is_not_there_is_told_in_one_line(address: str, cache: Path) -> None:
    with pytest.raises(ModelsError, match="the server answers 404") as caught:
        fetch("movielens-1m", base_url=address)
    assert "\n" not in str(caught.value)
    assert _files(cache) == []


def test_no_network_is_told_in_one_line(cache: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelsError, match="must be reachable") as caught:
        fetch("movielens-1m", base_url=f"http://127.0.0.1:{port}")
    assert "\n" not in str(caught.value)
    assert _files(cache) == []


@pytest.mark.parametrize("broken", ["other member", "no zip", "cut zip"])
def test_a_wrong_archive_is_told_and_nothing_is_left(
    broken: str, published: Path, address: str, cache: Path
) -> None:
    _publish(published, "movielens-1m", member="else.csv" if broken == "other member" else None)
    archive = published / "ml-1m.zip"
    if broken != "other member":
        archive.write_bytes(b"<html>" if broken == "no zip" else archive.read_bytes()[:60])
    with pytest.raises(ModelsError, match=r"ml-1m/ratings\.dat") as caught:
        fetch("movielens-1m", base_url=address)
    assert "\n" not in str(caught.value)
    assert _files(cache) == []


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ModelsError, match="movielens-32m, mubi, but got 'netflix'"):
        fetch("netflix")


def _kagglehub(monkeypatch: pytest.MonkeyPatch, download: object) -> None:
    module = types.ModuleType("kagglehub")
    module.dataset_download = download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kagglehub", module)


def test_mubi_comes_through_kagglehub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mubi_db.sqlite").write_bytes(b"SQLite")
    _kagglehub(monkeypatch, lambda handle, output_dir=None: str(tmp_path))
    told: list[str] = []
    assert fetch("mubi", progress=told.append) == tmp_path / "mubi_db.sqlite"
    assert "Kaggle" in told[0]


def test_kaggles_refusal_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: str, output_dir: str | None = None) -> str:
        raise RuntimeError("401 Client Error:\nno credentials")

    _kagglehub(monkeypatch, refuse)
    with pytest.raises(ModelsError, match="no credentials") as caught:
        fetch("mubi")
    assert "\n" not in str(caught.value)


def test_without_kagglehub_one_line_tells_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    told: list[str] = []
    with pytest.raises(ModelsError, match=r"trialbook\[kaggle\]"):
        fetch("mubi", progress=told.append)
    assert told == []
