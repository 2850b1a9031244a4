"""Servers that want to know who asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from guarding import WORD, Guarded, guarded_server

from tracking import Store, TrackingError
from tracking.runs.reaching import _trusted, reach_server, why_away

_API = "/api/2.0/mlflow/experiments/get?experiment_id=0"


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    with guarded_server() as served:
        yield served


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No name, password or token comes from outside of a test."""
    for name in (
        "USERNAME",
        "PASSWORD",
        "TOKEN",
        "AUTH",
        "AWS_SIGV4",
        "INSECURE_TLS",
        "SERVER_CERT_PATH",
    ):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)


def test_name_and_password_of_the_address_are_given(tmp_path: Path, guarded: Guarded) -> None:
    port, asked = guarded
    Store(tmp_path / "home", f"http://user:se%40kret@127.0.0.1:{port}/base/").prepare()
    assert asked == [("/base/health", WORD, 200), (f"/base{_API}", WORD, 200)]


@pytest.mark.parametrize("who", ["", "user:wrong@"])
def test_who_is_not_known_is_told_in_a_line_before_anything_is_written(
    who: str, tmp_path: Path, guarded: Guarded
) -> None:
    port, _ = guarded
    store = Store(tmp_path / "home", f"http://{who}127.0.0.1:{port}")
    for call in (store.prepare, store.check):
        with pytest.raises(TrackingError, match="must know who asks") as caught:
            call()
        told = str(caught.value)
        assert "MLFLOW_TRACKING_USERNAME" in told
        assert "wrong" not in told
        assert "\n" not in told
    assert not (tmp_path / "home").exists()


def test_they_are_taken_from_the_environment(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = guarded
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "user")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "se@kret")
    assert why_away(f"http://127.0.0.1:{port}") == ""
    assert asked[-1] == (_API, WORD, 200)
    with pytest.raises(TrackingError, match="must know who asks"):  # the address goes first
        reach_server(f"http://user:wrong@127.0.0.1:{port}")
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "token")
    assert why_away(f"http://127.0.0.1:{port}") == ""
    assert asked[-1] == (_API, "Bearer token", 200)


def test_where_mlflow_has_another_way_to_say_it_nothing_is_refused(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port, asked = guarded
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow" / "credentials").write_text("[mlflow]\n")
    assert why_away(f"http://127.0.0.1:{port}") == ""
    (tmp_path / ".mlflow" / "credentials").unlink()
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", "plugin")
    assert why_away(f"http://127.0.0.1:{port}") == ""
    assert {path for path, _, _ in asked} == {"/health"}


def test_it_is_asked_as_mlflow_asks(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port, asked = guarded
    assert why_away(f"http://user:se%40kret@127.0.0.1:{port}/moved") == ""  # redirected
    assert asked[-1] == (_API, WORD, 200)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "token")  # a name alone says nothing
    assert why_away(f"http://user@127.0.0.1:{port}") == ""
    assert asked[-1] == (_API, "Bearer token", 200)
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login user password se@kret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert why_away(f"http://127.0.0.1:{port}") == ""
    assert asked[-1] == (_API, WORD, 200)


def test_certificates_are_trusted_as_mlflow_is_told_to(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert _trusted("https://host") is True
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    assert _trusted("https://host") is False
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(tmp_path))
    assert _trusted("https://host") == str(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(tmp_path / "none.pem"))
    with pytest.raises(TrackingError, match="SERVER_CERT_PATH must name a file of certificates"):
        why_away("https://127.0.0.1:9")
    port, _ = guarded  # where nothing is encrypted they do not count
    assert why_away(f"http://user:se%40kret@127.0.0.1:{port}") == ""
