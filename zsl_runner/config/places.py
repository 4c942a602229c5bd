"""Files and folders that a command line names: to be read, if they are there, or written, if that can be."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from zsl_runner.config.paths import shown
from zsl_runner.errors import ConfigError
from zsl_runner.files.writing import longest_name


def require_free(place: Path, remedy: str = "choose another name") -> None:
    """Refuse a place where something is already.

    Args:
        place: a file or folder to be made.
        remedy: what to do instead.

    Raises:
        ConfigError: there is something, be it a link to nothing.
    """
    if os.path.lexists(place):
        raise ConfigError(f"{place}: exists already and is not overwritten; {remedy}")


def require_new_folder(folder: Path) -> None:
    """Refuse a folder that is there already, or cannot be made.

    Raises:
        ConfigError: see `require_free` and `require_folder`; or its name is too long.
    """
    _require_short(folder, "")
    require_free(folder, "choose another folder")
    require_folder(folder)


def require_there(place: Path, kind: str, option: str = "") -> None:
    """Refuse a file or folder to be read that is not there; what is in it is no matter of the command line.

    Args:
        place: where it should be.
        kind: file or folder, for the message.
        option: what named it, for the message.

    Raises:
        ConfigError: there is nothing.
    """
    if not os.path.exists(place):
        raise ConfigError(f"{option and f'{option}: '}{place}: no such {kind}; check the path")


def out_of_reach(place: Path) -> str:
    """Return why nobody can tell whether something is there; nothing if it can be told.

    A folder above may not be entered, a name be too long, or a link lead to itself.
    """
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the latter of a name that no file can have
        return ""
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def require_folder(folder: Path, option: str = "") -> None:
    """Refuse a folder that cannot be written or made.

    Args:
        folder: where something is to be written; made by whoever writes.
        option: what named it, for the message.

    Raises:
        ConfigError: see `obstacle`.
    """
    if reason := obstacle(folder):
        raise ConfigError(f"{option and f'{option}: '}{shown(folder)}: {reason}; choose another folder")


def require_beside(file: Path, option: str = "") -> None:
    """Refuse a file whose folder is not there or cannot be written, or whose name is too long to be written.

    A misspelt folder is not made.

    Args:
        file: to be written.
        option: what named it, for the message.

    Raises:
        ConfigError: there is no such folder, or see `obstacle`.
    """
    folder = file.absolute().parent
    require_folder(folder, option)
    if not folder.is_dir():
        raise ConfigError(f"{option and f'{option}: '}{shown(folder)}: no such folder; make it, or choose another")
    _require_short(file, option)


def _require_short(place: Path, option: str) -> None:
    """Refuse a name of which the file system keeps no temporary form, before anything is computed for it."""
    folder = next(folder for folder in place.absolute().parents if os.path.exists(folder))
    found, most = len(os.fsencode(place.name)), longest_name(folder)
    if found > most:
        raise ConfigError(
            f"{option and f'{option}: '}{place.name}: expected a name of at most {most} bytes, found {found}; "
            "choose a shorter one"
        )


def obstacle(folder: Path) -> str:
    """Return why a folder cannot be written or made; nothing if it can. Creates nothing."""
    for place in (folder.absolute(), *folder.absolute().parents):
        try:
            is_folder = stat.S_ISDIR(place.stat().st_mode)
        except FileNotFoundError:
            if place.is_symlink():
                return f"{shown(place)} is a link to {os.readlink(place)}, which is not there"
            continue
        except NotADirectoryError:
            continue
        except (OSError, ValueError) as error:  # a link that leads to itself, a name that is too long
            return f"{getattr(error, 'strerror', None) or error}"
        if not is_folder:
            return f"{shown(place)} is a file; expected a folder"
        if not os.access(place, os.W_OK | os.X_OK):
            read_only = os.statvfs(place).f_flag & os.ST_RDONLY
            return f"{shown(place)} {'lies on a read-only file system' if read_only else 'is not writable'}"
        return ""
    return ""
