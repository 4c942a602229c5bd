"""Where the YAML files are, and how paths are shown to users."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def conf_directory() -> Path:
    """Return the folder of ``config.yaml``: the copy inside an installed package, else the repository's ``conf``.

    Raises:
        FileNotFoundError: there is neither.
    """
    for folder in (PACKAGE / "conf", PACKAGE.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no configuration files in {PACKAGE / 'conf'} nor in {PACKAGE.parent / 'conf'}")


def shown(path: Path) -> str:
    """Return ``path`` relative to the working directory if it lies below it, else in full."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError, RuntimeError):  # it lies elsewhere, or its links lead nowhere
        return str(path)
