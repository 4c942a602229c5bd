"""How Sphinx builds the pages of this folder and those above it (README, CONTRIBUTING, CHANGELOG): ``make docs``.

The source folder is the whole repository, so that links are the same here and where the files are read as they lie.
"""

from pathlib import Path

from sphinx.application import Sphinx

REPOSITORY = Path(__file__).resolve().parent.parent
SECTIONS = {
    "Start": ["../README", "guides/first_run"],
    "Guides": ["guides/*"],
    "Reference": ["runs", "evaluation", "data", "configuration", "results", "benchmark", "gpu"],
    "Methods": ["methods/*"],
    "Project": ["code", "../CONTRIBUTING", "../CHANGELOG"],
}
"""Pages by the heading they stand under in the sidebar; every page has to be in one, which the strict build checks."""

project = "zsl-run"
author = "The zsl-run authors"
root_doc = "docs/index"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
include_patterns = ["docs/**.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "zsl-run"
html_show_copyright = False
html_static_path = ["style"]
html_css_files = ["tables.css"]


def _sidebar() -> str:
    """Return the tables of contents in MyST's words."""
    parts, taken = [], {"docs/guides/first_run"}
    for heading, patterns in SECTIONS.items():
        names = []
        for pattern in patterns:
            if pattern.endswith("/*"):
                found = [f"docs/{path.relative_to(REPOSITORY / 'docs').with_suffix('')}" for path in _pages(pattern)]
                names += [name for name in found if name not in taken]
            else:
                names.append(pattern.removeprefix("../") if pattern.startswith("../") else f"docs/{pattern}")
        entries = "\n".join(f"/{name}" for name in names)
        parts.append(f"```{{toctree}}\n:hidden:\n:caption: {heading}\n\n{entries}\n```")
    return "\n\n".join(parts)


def _pages(pattern: str) -> list[Path]:
    return sorted((REPOSITORY / "docs").glob(f"{pattern}.md"))


def _add_sidebar(app: Sphinx, name: str, content: list[str]) -> None:
    """Append the sidebar to the first page, where people who read the file itself need none of it."""
    if name == root_doc:
        content[0] += f"\n\n{_sidebar()}\n"


def setup(app: Sphinx) -> None:
    """Let the first page be changed as it is read."""
    app.connect("source-read", _add_sidebar)
