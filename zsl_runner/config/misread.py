"""Says what is wrong with an argument of the command line that is not ``key=value``, and what to write instead."""

from __future__ import annotations

import re

from zsl_runner.config.quoting import line, quoted

_KEY = re.compile(r"[+~]*[A-Za-z_$][\w$/@:-]*(\[\w+\])*(\.[\w$@:-]+(\[\w+\])*)*")
_QUOTES = ("'", '"')
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))
_EMPTY_ENTRY = re.compile(r"(^|[,(\[{])\s*,|,\s*($|[)\]}])")
_SPECIAL_IN_SHELL = re.compile(r'["$`\\!]')
_GRAMMAR = ("Lexer", "mismatched input", "no viable alternative")
"""How reasons begin that tell no more than that a character is special."""
_LIST = re.compile(r"\[([^\[\]{}]*)\]")
_PLAIN = re.compile(r"[\w./+:%@*-]+|'[^']*'|\"[^\"]*\"", re.ASCII)
"""What may stand in a list as it is."""
_NESTED = re.compile(r"[\[{]|\w+\(")
"""How a list of lists, a block and a function begin, of which a text is a part only."""


def misread(argument: str, reason: str) -> str:
    """Return why an argument cannot be read, and the remedy.

    Args:
        argument: what was given.
        reason: what Hydra's grammar says of it, in one line.

    >>> misread("model", "missing EQUAL at '<EOF>'")
    "not understood as key=value: it has no '='; write model=VALUE, without spaces"
    >>> misread("seed = 3", "LexerNoViableAltException: seed = 3 ^")
    "not understood as key=value: there is a space before '='; write seed=3"
    """
    return f"not understood as key=value: {_cause(argument, reason)}"


def _cause(argument: str, reason: str) -> str:
    key, equals, value = argument.partition("=")
    name, value = key.strip(), value.strip()
    if not name.lstrip("+~-"):
        return "there is no key; write KEY=VALUE, without spaces"
    if not equals:
        given = re.fullmatch(r"([\w./]+)\s*:\s*(\S+)", name)
        return f"it has no '='; write {f'{given[1]}={given[2]}' if given else f'{name}=VALUE'}, without spaces"
    if name != key:
        return f"there is a space before '='; write {name}={value}"
    if value.startswith("="):
        return f"there is more than one '='; write {key}={value.lstrip('=')}"
    if value.startswith("~"):
        return f"only a shell expands ~; write {key}=$HOME{value[1:] if value[1:2] in ('', '/') else '/...'}"
    if not _KEY.fullmatch(name):
        return f"{name} cannot be a key; keys are names joined by dots"
    if value.startswith(_QUOTES):
        return f"the quotation mark {value[0]} has to stand before and after the whole value, and not in it"
    if any(value.count(opened) != value.count(closed) for opened, closed in _BRACKETS):
        return "brackets do not come in pairs"
    if _EMPTY_ENTRY.search(value):
        return "there is no value before or behind a comma"
    if value.startswith("{") and "=" in value and ":" not in value:
        return f"in braces a colon stands between key and value; write '{key}={value.replace('=', ': ')}'"
    if reason.startswith(_GRAMMAR) or re.match(r"\w+\s+\(", value):  # the latter is no function
        return f"special characters need quotes {_where(key, value)}"
    return reason.removeprefix(f"Error parsing override '{argument}' ")


def _where(key: str, value: str) -> str:
    """Return where quotes are needed, with an argument to paste where it is clear which texts are meant.

    Its quotes are those a person would choose, if a shell takes them.
    """
    if several := _LIST.fullmatch(value):
        entries = map(str.strip, several[1].split(","))
        text = f"{key}=[{','.join(entry if _PLAIN.fullmatch(entry) else quoted(entry) for entry in entries)}]"
    elif _NESTED.match(value):
        return "around each text that has some"
    else:
        text = f"{key}={quoted(value)}"
    pasted = line(text) if _SPECIAL_IN_SHELL.search(text) else f'"{text}"'
    return f"for Hydra within quotes for the shell: {pasted}"
