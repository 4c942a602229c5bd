"""Commands as text survive the shell and Hydra's grammar."""

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zsl_runner.config.overrides import parse
from zsl_runner.config.quoting import again, line, meant, place, setting

SPECIAL = "ab0 ~-=,'\"\\${}[]()!:;#%&*?|<>`^+@.\n\t\ré"
TEXTS = st.one_of(
    st.text(SPECIAL, max_size=12), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
)
ODD_NAMES = (
    "two words",
    "it's",
    'say "hi"',
    "a,b",
    "a=b",
    "[brackets]",
    "{braces}",
    "(round)",
    "$HOME",
    "${seed}",
    "back\\slash",
    "ends\\",
    "new\nline",
    "~tilde",
    "-dash",
    "größe",
    "a;b&c|d",
    "star*?",
    "`tick`",
    "#hash!",
    " lead",
    "null",
    "1e5",
    "\\${seed}",
    "tab\there",
)


@given(TEXTS)
@example("\\${a}")
@example("${")
@example("mine")
@example("yes")
@example("Null")
@example("NaN")
def test_any_text_survives_the_shell_and_the_grammar(text):
    (_, argument) = shlex.split(line("zsl-run", setting("resume", text)))
    override = parse(argument)
    assert override.key_or_group == "resume"
    assert meant(override.value()) == text


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_real_shell_agrees(name):
    command = line("printf", "%s\\0", setting("resume", place(Path(name))))
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    argument = done.stdout.decode().removesuffix("\0")
    assert Path(meant(parse(argument).value())) == Path(name)


def test_plain_paths_stay_readable():
    assert again(Path("outputs/sgal/digits/seed-0")) == "zsl-run resume=outputs/sgal/digits/seed-0"
