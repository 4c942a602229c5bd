"""Pastes the commands that runs print into a real shell."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from scripts.torture.cases.runs import SMALL
from scripts.torture.children import COMMANDS, Place
from scripts.torture.hooks import signalled_at_step
from scripts.torture.verdict import Found, require

ODD_NAMES = (
    "a b",
    "it's",
    'say "x"',
    "$HOME",
    "a=b",
    "a,b",
    "[a]",
    "(a)",
    "{a}",
    "é日本",
    "-dash",
    "back\\slash",
    "a*b",
    "#a",
    "!a",
    "a&b",
    "a;b",
    "~a",
    "a%b",
    "a:b",
    "@a",
    "a|b",
    "a>b",
    "`a`",
    "a  b",
    "a+b",
    "'",
    "\\'",
)
_COMMAND = re.compile(rf"(?:{'|'.join(COMMANDS)}|tensorboard) [^\n]+")


def names_to_paste(place: Place) -> None:
    """Stop a run in a folder of each odd name, and paste the commands it prints."""
    shims = _shims(place.folder / "bin")
    wrong = []
    for name in ODD_NAMES:
        outputs = str(place.home / name)
        quoted = outputs.replace("'", "\\'")
        option = f"outputs='{quoted}'"
        done = place.run("zsl-run", *SMALL, option, hook=signalled_at_step(signal.SIGTERM, 30))
        if done.code == 2:  # a name may be refused, if it is named
            if "outputs" not in done.text:
                wrong.append(f"{name!r}: {done.text[-150:]}")
            continue
        for line in _COMMAND.findall(f"{done.out}\n{done.err}"):
            try:
                _paste(place, line, shims)
            except Found as found:
                wrong.append(f"{name!r}: {found.why:.150}")
    require(not wrong, "other", f"{len(wrong)} printed commands do not work: {'; '.join(wrong)}")


def _paste(place: Place, line: str, shims: Path) -> None:
    """Let a shell split a printed line, and run what comes of it."""
    if "KEY" in line or "[key" in line:
        return
    environment = {**os.environ, "PATH": f"{shims}:{os.environ['PATH']}", "HISTFILE": ""}
    done = subprocess.run(
        ("bash", "-c", line), capture_output=True, text=True, cwd=place.home, env=environment, timeout=20, check=False
    )
    require(done.returncode == 0, "other", f"{line}: the shell says {done.stderr.strip()}")
    words = json.loads(done.stdout.splitlines()[0])
    if words[0] not in COMMANDS:
        return
    ended = place.run(words[0], *words[1:])
    require(not ended.broke, "traceback", f"{line}: {ended.text[-200:]}")
    require(ended.code == 0, "other", f"{line}: exit {ended.code}: {ended.text[-200:]}")


def _shims(folder: Path) -> Path:
    """Write programs with the commands' names that print their arguments as JSON."""
    folder.mkdir(exist_ok=True)
    for name in (*COMMANDS, "tensorboard"):
        file = folder / name
        program = "import json, sys; print(json.dumps(sys.argv[1:]))"
        file.write_text(f"#!/bin/sh\nexec '{sys.executable}' -I -S -c '{program}' {name} \"$@\"\n")
        file.chmod(0o755)
    return folder
