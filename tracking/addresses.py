"""Reads and writes addresses of files and databases, whatever characters their paths hold."""

from __future__ import annotations

import importlib.util
import re
import urllib.parse
import urllib.request
from pathlib import Path

_SQLITE = "sqlite:///"
_QUOTED = "sqlite+pysqlite:///"
_SECRET = re.compile(
    r"((?:[?&;=]|%3B)[\w.-]*(?:pass(?:wd|word|phrase)|pwd|secret|token|api_?key)[\w.-]*)"
    r"(?:(=)[^&\s]*|(%3D)(?:(?!%3B)[^&\s])*)",
    re.IGNORECASE,
)
"""A password among an address's options; with `%3B` and `%3D` inside of `odbc_connect`."""
_OPTION = re.compile(r"(?<=[?&;])(?:[\w.-]|%[46][1-9A-F]|%[57][0-9A])+(?==)", re.IGNORECASE)
"""The name of an option, whose letters may be quoted: `passw%6Frd`."""
_AT_THE_START = re.compile(r"(^[^/@:\s]*):(?!//)\S*@")
_OF_USER = re.compile(r"(://[^/:\s\[]*):(?:\S*@|(?!\d+(?:[^\w@]|$))[^\n]*@)")
"""A user's name and password before a host. A password may hold blanks, but what follows a plain
port is no password."""
_SPLIT = re.compile(r"[^:/]*:[^@]*@([^?]*)")
"""A user's name, his password as SQLAlchemy reads it, and what comes after it."""
_PORT = re.compile(r"(?:\[[^/]+\]|[^/:]*):([^/]*)")
"""A host and its port, as SQLAlchemy reads them."""


def local_folder(location: str) -> Path | None:
    """The folder that an artifact location of MLflow names, or None where it is not on this disk.

    MLflow keeps locations as `file:` addresses, in which a space is `%20`, `#` is `%23`, `%` is
    `%25`, and a letter beyond ASCII is its bytes in UTF-8; or as plain paths.

    Args:
        location: An artifact location.

    Example:
        >>> local_folder("file:///home/my%20runs/50%25/%C3%A9t%C3%A9").as_posix()
        '/home/my runs/50%/été'
        >>> local_folder("/home/my runs/50%").as_posix()  # a path is taken as it is
        '/home/my runs/50%'
        >>> local_folder("s3://bucket/runs") is None
        True
    """
    if location.startswith("file:"):
        return Path(urllib.request.url2pathname(urllib.parse.urlsplit(location).path))
    return None if len(urllib.parse.urlsplit(location).scheme) > 1 else Path(location)


def sqlite_address(path: Path) -> str:
    """The address of an SQLite database for SQLAlchemy, and so for MLflow and for Optuna.

    SQLAlchemy 2.1 reads `%20` in an address as a space, 2.0 does not; a question mark begins
    options in both. The path is written as it is wherever it is read back as it is.

    Args:
        path: The database file.

    Example:
        >>> sqlite_address(Path("/home/my runs/mlflow.db"))
        'sqlite:////home/my runs/mlflow.db'
    """
    plain = f"{_SQLITE}{path}"
    if sqlite_path(plain) == path:
        return plain
    # MLflow makes the folder of what begins with `sqlite:///` as if nothing in it were quoted.
    return _QUOTED + str(path).replace("%", "%25").replace("?", "%3F")


def sqlite_path(address: str) -> Path | None:
    """The file of an SQLite database, or None where the address is another one or has options.

    Args:
        address: Address of a database.

    Example:
        >>> sqlite_path("sqlite:////home/my runs/mlflow.db").as_posix()
        '/home/my runs/mlflow.db'
        >>> sqlite_path("postgresql://host/studies") is None
        True
    """
    if not address.startswith((_SQLITE, _QUOTED)) or "?" in address:
        return None
    path = address.removeprefix(_SQLITE).removeprefix(_QUOTED)
    if "%" in path:  # else it need not be imported
        from sqlalchemy.engine import make_url

        path = make_url(address).database or ""
    return Path(path)


def with_driver(address: str) -> str:
    """The address of a database with the driver that is installed, where it names none.

    SQLAlchemy takes `postgresql://` for psycopg2, which few have today; the extra `postgres`
    brings psycopg. `postgres://` is what many hosts print.

    Args:
        address: Address of a database or a server.

    Example:
        >>> with_driver("postgresql+psycopg://host/studies")
        'postgresql+psycopg://host/studies'
        >>> with_driver("sqlite:////home/runs/mlflow.db")
        'sqlite:////home/runs/mlflow.db'
    """
    scheme, colon, rest = address.partition("://")
    if scheme not in ("postgres", "postgresql"):
        return address
    has_old = importlib.util.find_spec("psycopg2") is not None
    return f"{'postgresql' if has_old else 'postgresql+psycopg'}{colon}{rest}"


def without_password(address: str) -> str:
    """An address as messages may show it: passwords in it are written as `***`.

    They stand before the host, or among the options that a question mark begins. It also takes a
    text that quotes addresses: rather too much is hidden than too little.

    Args:
        address: Address of a database or a server.

    Example:
        >>> without_password("postgresql://me:secret@host/studies")
        'postgresql://me:***@host/studies'
        >>> without_password("http://me@corp.com:my secret@host:5000")
        'http://me@corp.com:***@host:5000'
        >>> without_password("postgresql://host/studies?password=secret&connect_timeout=5")
        'postgresql://host/studies?password=***&connect_timeout=5'
        >>> without_password("sqlite:////home/a:b@c/optuna.db")
        'sqlite:////home/a:b@c/optuna.db'
    """
    plain = _OPTION.sub(lambda found: urllib.parse.unquote(found[0]), address)
    hidden = address if plain == address or not _SECRET.search(plain) else plain
    kept = _SECRET.sub(lambda found: f"{found[1]}{found[2] or found[3]}***", hidden)
    return _OF_USER.sub(r"\1:***@", _AT_THE_START.sub(r"\1:***@", kept))


def refused_password(address: str) -> str:
    """Why the password in an address is read otherwise by what connects, or an empty text.

    SQLAlchemy takes an `@` in it for the end of the password, and would ask for what follows as a
    host, or as a port; a blank ends an address in a message. All would be shown.

    Args:
        address: Address of a database or a server.

    Returns:
        "must have ...", with nothing of the address but its scheme.

    Example:
        >>> refused_password("postgresql://me:se@cret@host/db")
        'must have `@` and blanks of its password written as %40 and %20, but got postgresql://***'
        >>> refused_password("postgresql://me@corp:se%40cret@host/db")  # a name may have one
        ''
        >>> "a number as its port" in refused_password("postgresql://me:se@:cret?@host/db")
        True
    """
    scheme, _, rest = address.partition("://")
    found = _SPLIT.match(rest)
    if found is None:
        return ""
    needs, is_database = "", scheme not in ("http", "https")
    port = _PORT.match(found[1]) if is_database else None
    if port is not None and not re.fullmatch(r"\d*", port[1], re.ASCII):
        needs = "a number as its port, and "
    elif not (is_database and "@" in found[1]) and not re.search(r"\s", rest):
        return ""
    return (
        f"must have {needs}`@` and blanks of its password written as %40 and %20, "
        f"but got {scheme}://***"
    )
