"""Trialbook's home folder (mlruns), which holds MLflow's and Optuna's databases and artifacts."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracking.addresses import (
    refused_password,
    sqlite_address,
    sqlite_path,
    with_driver,
    without_password,
)
from tracking.errors import TrackingError
from tracking.runs.home.moved import follow
from tracking.runs.quiet import one_line, quiet

_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_SERVERS = ("http", "https")


@dataclass(frozen=True, init=False)
class Store:
    """A folder that holds MLflow's database, Optuna's database and all artifacts.

    Nothing here reads or sets MLflow's global state, so neither `MLFLOW_TRACKING_URI` nor a
    folder left by somebody else can send a run elsewhere.

    Attributes:
        home: The folder, absolute.
        tracking_uri: MLflow's address: `sqlite:///<home>/mlflow.db` unless given.
        is_named: Whether a user gave the address now.

    Example:
        >>> store = Store(Path("mlruns"))
        >>> store.prepare()
        >>> (store.exists(), store.served, store.sqlite_file.name, store.optuna_db.name)
        (True, False, 'mlflow.db', 'optuna.db')
    """

    home: Path
    tracking_uri: str
    is_named: bool = field(compare=False)

    def __init__(
        self, home: Path, tracking_uri: str | None = None, *, is_stored: bool = False
    ) -> None:
        """Check and keep the folder's path and MLflow's address; nothing is read or written.

        Args:
            home: The folder; it need not exist yet.
            tracking_uri: A database (`sqlite:///...`, `postgresql://...`) or a tracking
                server (`http://...`) to use in place of the folder's own database.
            is_stored: Whether the address is stored with a study, so that nobody gave it now.

        Raises:
            TrackingError: If the address is one that MLflow cannot use, or the folder has a name
                that none can have or that is not UTF-8.
        """
        object.__setattr__(self, "home", _checked_home(home))
        given = tracking_uri or sqlite_address(self.home / "mlflow.db")
        object.__setattr__(self, "tracking_uri", _checked_uri(given))
        object.__setattr__(self, "is_named", tracking_uri is not None and not is_stored)

    def __repr__(self) -> str:
        return f"Store({str(self.home)!r}, {without_password(self.tracking_uri)!r})"

    @property
    def artifacts(self) -> Path:
        """The folder for models, tables and pictures."""
        return self.home / "artifacts"

    @property
    def spool(self) -> Path:
        """The folder of what MLflow has not got yet."""
        return self.home / "spool"

    @property
    def optuna_db(self) -> Path:
        """The file of Optuna's database, separate from MLflow's database."""
        return self.home / "optuna.db"

    @property
    def optuna_uri(self) -> str:
        """The address of Optuna's database in the folder."""
        return sqlite_address(self.optuna_db)

    @property
    def sqlite_file(self) -> Path | None:
        """MLflow's database file, or None where MLflow uses another database or a server."""
        return sqlite_path(self.tracking_uri)

    @property
    def is_own(self) -> bool:
        """Whether MLflow's address is that of the folder's own database."""
        file = self.sqlite_file
        return file is not None and file.resolve() == (self.home / "mlflow.db").resolve()

    @property
    def served(self) -> bool:
        """Whether a tracking server, not the folder, keeps the runs and their artifacts."""
        return _scheme(self.tracking_uri) in _SERVERS

    def prepare(self) -> None:
        """Make the folder and MLflow's tables; several processes may do so at once.

        It takes seconds the first time, and about a millisecond where all is there already.

        Raises:
            TrackingError: If the folder cannot be used or the address cannot be reached.
        """
        from tracking.runs.reaching import of_stored

        try:
            self._prepare()
        except TrackingError as error:
            if self.is_named or self.is_own:
                raise
            raise of_stored(error) from error

    def _prepare(self) -> None:
        from tracking.runs.reaching import reach_server
        from tracking.runs.schema import prepare_database, prepare_sqlite

        if self.served:
            reach_server(self.tracking_uri)  # before anything is written
        self.make_folders()
        if self.sqlite_file is not None:
            prepare_sqlite(self.sqlite_file)
            self.follow_home()
        elif not self.served:
            prepare_database(self.tracking_uri, lock=self.home / "tracking.lock")

    def check(self) -> str:
        """Check that MLflow can be written to, as far as that is known without loading it.

        Returns:
            Why it cannot be reached now, in a sentence; empty where nothing is wrong.

        Raises:
            TrackingError: The address is of something else, or the folder cannot be used.
        """
        from tracking.runs.reaching import why_away
        from tracking.runs.schema import check_sqlite

        self.require_folder()
        if self.sqlite_file is not None:
            check_sqlite(self.sqlite_file)
            return ""
        away = why_away(self.tracking_uri)
        if not away:
            self._refuse_other_tables()
        return away

    def client(self) -> Any:
        """Make an `MlflowClient` of this store, whatever MLflow's environment variables say.

        Returns:
            The client. Making one takes 20 ms the first time in a process, then microseconds.

        Raises:
            TrackingError: If the database's schema is not the installed MLflow's.
        """
        quiet()
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient

        self.follow_home()
        self.upgrade()  # MLflow by itself would make no backup
        self._refuse_other_tables()
        try:
            return MlflowClient(self.tracking_uri, registry_uri=self.tracking_uri)
        except MlflowException as error:
            shown = without_password(self.tracking_uri)
            raise TrackingError(
                f"The record must be readable by the installed MLflow, but {shown} says: "
                f"{one_line(error).replace(self.tracking_uri, shown)}. Back it up and run "
                f"`mlflow db upgrade {shown}`, or choose another folder."
            ) from error

    def upgrade(self) -> Path | None:
        """Upgrade an SQLite database of an earlier MLflow to the installed one's tables.

        Returns:
            The backup that was made before; None where nothing was to be done.
        """
        from tracking.runs.home.upgrade import upgrade

        file = self.sqlite_file
        return None if file is None or not file.is_file() else upgrade(file)

    def _refuse_other_tables(self) -> None:
        """Refuse a database on a server with tables of another MLflow; one that is away is not."""
        from sqlalchemy.exc import SQLAlchemyError

        from tracking.runs.home.upgrade import refuse_other_tables

        if self.sqlite_file is None and not self.served:
            with suppress(SQLAlchemyError):
                refuse_other_tables(self.tracking_uri)

    def follow_home(self) -> None:
        """Look for artifacts where the home is now, if it was moved or copied since."""
        if self.sqlite_file == self.home / "mlflow.db":
            follow(self.home / "mlflow.db", self.artifacts)

    def exists(self) -> bool:
        """Whether there is a database to read; a database on a server is assumed to exist."""
        return self.sqlite_file is None or self.sqlite_file.is_file()

    def require_folder(self) -> None:
        """Check that the path `home` is a folder or does not exist; nothing is written.

        Raises:
            TrackingError: If `home` is a file.
        """
        if self.home.exists() and not self.home.is_dir():
            raise TrackingError(
                f"The record needs a folder, but {self.home} is a file. Choose another folder."
            )

    def make_folders(self) -> None:
        """Make the folder `home` and the folder for artifacts in it.

        Raises:
            TrackingError: If they cannot be made or written to.
        """
        self.require_folder()
        try:
            self.artifacts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrackingError(
                f"The record needs a folder it can write to, but {self.home} cannot be one "
                f"({error.strerror or error}). Choose another folder."
            ) from error
        if not os.access(self.home, os.W_OK):
            raise TrackingError(
                f"The record needs a folder it can write to, but {self.home} is read-only. "
                "Choose another folder or change its permissions."
            )


def _checked_home(home: Path) -> Path:
    try:
        path = Path(home).expanduser().absolute()
        str(path).encode()
        path.lstat()  # raises what no name of a folder can have
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path
    except UnicodeEncodeError:
        # MLflow would read its address back as that of another folder.
        raise TrackingError(
            f"The record needs a folder whose path is text in UTF-8, but got {str(home)!r}. "
            "Rename it, or choose another folder."
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        raise TrackingError(
            f"The record needs a folder, but {str(home)!r} cannot be one ({why}). "
            "Choose another folder."
        ) from None
    return path


def _scheme(uri: str) -> str:
    return uri.split(":", 1)[0].split("+", 1)[0].lower() if ":" in uri else ""


def _checked_uri(uri: str) -> str:
    uri = with_driver(uri)
    if why := refused_password(uri):
        raise TrackingError(f"`tracking_uri` {why}.")
    scheme, shown = _scheme(uri), without_password(uri)
    if scheme == "file" or not scheme or len(scheme) == 1:
        raise TrackingError(
            f"The record must be in a database or on a server, but got {shown!r}. MLflow no longer "
            "writes to plain folders: use sqlite:///FOLDER/mlflow.db, or leave the address out."
        )
    if scheme not in _DATABASES + _SERVERS or "://" not in uri:
        known = ", ".join(f"{name}://" for name in _DATABASES + _SERVERS)
        raise TrackingError(
            f"A tracking address must start with one of {known}, but got {shown!r}. "
            "Correct it, or leave it out to use the folder's own database."
        )
    return _absolute_sqlite(uri) if scheme == "sqlite" else uri


def _absolute_sqlite(uri: str) -> str:
    path = sqlite_path(uri)
    if path is None or str(path) in (".", ":memory:"):
        raise TrackingError(
            f"An SQLite address must name a plain file, but got {without_password(uri)!r}. Use "
            "sqlite:///FOLDER/mlflow.db, where a question mark is written as %3F."
        )
    return sqlite_address(Path(os.path.expanduser(path)).absolute())
