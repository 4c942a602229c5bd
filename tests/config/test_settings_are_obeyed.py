"""A setting that is taken arrives as it was given; any other is refused under its key."""

import dataclasses
import math
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from tests.loaded import ours
from zsl_runner.config.compose import Composition, Layer, compose
from zsl_runner.config.draft import Draft
from zsl_runner.config.problems import Origin, closest
from zsl_runner.config.registry import schemas
from zsl_runner.config.schema import GROUPS, RunConfig
from zsl_runner.config.store import register
from zsl_runner.config.words import shapes
from zsl_runner.report.values import meaning

register()


def keys_of(schema, prefix=""):
    """Yield every option of a schema with its shape, those of inner blocks too."""
    for name, shape in shapes(schema).items():
        if name == "kind" or name in GROUPS:
            continue
        if shape.is_section and shape.container == "value":
            yield from keys_of(shape.item, f"{prefix}{name}.")
        elif not shape.is_section:
            yield f"{prefix}{name}", shape


@cache
def options():
    """Return (group, kind, key, shape) of all options there are."""
    found = [("", "", key, shape) for key, shape in keys_of(RunConfig)]
    for group in GROUPS:
        for kind, schema in schemas(group).items():
            found += [(group, kind, f"{group}.{key}", shape) for key, shape in keys_of(schema)]
    return found


@cache
def composition(group, kind):
    if not group:
        return compose(ours(), [])
    (option, *_) = [name for name in ours().options(group) if ours().kind_of_option(group, name) == kind]
    return compose(ours(), [f"{group}={option}"])


def drafted(group, kind, values):
    base = composition(group, kind)
    layers = []
    for key, value in values.items():
        nested = value
        for part in reversed(key.split(".")):
            nested = {part: nested}
        layers.append(Layer(nested, Origin(override=f"{key}=<drawn>")))
    return Draft(dataclasses.replace(base, layers=[*base.layers, *layers], problems=[]))


ENTRIES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.sampled_from([2**63, -(2**63) - 1, 10**400, 2**53 + 1, -0.0, math.nan, math.inf, -math.inf, 1.0, 1e3, 0.5])
    | st.floats()
    | st.sampled_from(["???", "", " ", "${nothing}", "yes", "No", "true", "1.0", "1e3", "1e-3", " 7 ", "0x10", "null"])
    | st.text(max_size=4)
)
VALUES = ENTRIES | st.lists(ENTRIES, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), ENTRIES, max_size=2)
TRUTHS = {"yes": True, "y": True, "on": True, "true": True, "no": False, "n": False, "off": False, "false": False}


def as_given(value, shape):
    """Return what a value means where it is an entry of the option."""
    if isinstance(value, (list, tuple)):
        return tuple(as_given(entry, shape) for entry in value)
    if isinstance(value, dict):
        return {name: as_given(entry, shape) for name, entry in value.items()}
    if shape.item is bool:
        word = str(value).lower()
        return TRUTHS[word] if word in TRUTHS else value if value is None else bool(int(value))
    return str(value) if shape.item is str and value is not None else meaning(value)


def obeyed_or_refused(option, value):
    group, kind, key, shape = option
    draft = drafted(group, kind, {key: value})
    if any(problem.key == key or problem.key.startswith(f"{key}.") for problem in draft.problems):
        return
    found = OmegaConf.select(draft.node, key)
    plain = OmegaConf.to_container(found, resolve=True) if OmegaConf.is_config(found) else found
    if isinstance(value, dict) and isinstance(plain, dict):  # mappings are merged into what is there
        plain = {name: plain[name] for name in value}
    if isinstance(value, dict) and isinstance(plain, list):  # key.0=VALUE sets an entry
        plain = {name: plain[int(name)] for name in value}
    assert as_given(plain, shape) == as_given(value, shape), (key, value, plain)


def test_options_are_found():
    assert len(options()) > 400
    assert {kind for _, kind, _, _ in options()} == {""} | {kind for group in GROUPS for kind in schemas(group)}


@settings(max_examples=40, deadline=None, database=None)
@given(st.data())
def test_a_drawn_value_is_obeyed_or_refused_under_its_key(data):
    obeyed_or_refused(data.draw(st.sampled_from(options())), data.draw(VALUES))


@pytest.mark.slow
@settings(max_examples=600, deadline=None, database=None)
@given(st.data())
def test_many_drawn_values_are_obeyed_or_refused_under_their_keys(data):
    obeyed_or_refused(data.draw(st.sampled_from(options())), data.draw(VALUES))


@pytest.mark.parametrize("value", ["???", ["???"]])
def test_a_missing_value_is_refused_for_every_option(value):
    for block in {(group, kind) for group, kind, _, _ in options()}:
        keys = [key for *found, key, _ in options() if tuple(found) == block]
        refused = {problem.key.removesuffix(".a") for problem in drafted(*block, dict.fromkeys(keys, value)).problems}
        assert not set(keys) - refused


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("trainer.optim.eps=???", "??? stands for a missing value and would be ignored"),
        ("trainer.optim.betas=[0.9,???]", "??? stands for a missing value and would be ignored"),
        ("trainer.optim.betas=[0.9,${nothing}]", "Interpolation key 'nothing' not found; set what it refers to"),
        ("trainer.optim.lr=${nothing}", "Interpolation key 'nothing' not found; set what it refers to"),
        ("+reference.metrics={test/H: .nan}", "expected a number, found '.nan'"),
        ("+reference.metrics={test/H: nan}", "expected a finite number, found {test/H: nan}"),
        ("model.latent_dim=1e3", "expected an integer, found 1000.0"),
        ("model.latent_dim=9223372036854775808", "expected at most 9223372036854775807, found 9223372036854775808"),
        ("trainer.optim.lr=9007199254740993", "no floating-point number is 9007199254740993"),
        ("runtime.deterministic=2", "expected true or false, found 2"),
        ("outputs=", "expected text that is not empty, found ''"),
        ("outputs='  '", "expected text that is not empty"),
        ("dataset.feature_kind=", "has no such option"),
        ("reference.source=1e3", "expected text, found the number 1000.0; quote it if it is meant as text"),
        ("reference.source=1_000", "expected text, found the number 1000; quote it"),
        ("reference.source=true", "expected text, found true; quote it if it is meant as text"),
        ("trainer.optim.betas=[0.9,null]", "expected a list of numbers, found [0.9, null]"),
        ("name='a '", "'a ' cannot name a directory"),
    ],
)
def test_what_is_refused_says_why(problems, argument, expected):
    ((message, origin),) = problems(argument).values()
    assert expected in message
    assert origin == f"command line: {argument}"


@pytest.mark.parametrize(
    ("argument", "value"),
    [("2015", "2015"), ("0.5", "0.5"), ("'1e3'", "1e3"), ("'true'", "true"), ("007", "007"), ("''", "")],
)
def test_text_of_digits_arrives_letter_by_letter(verdict, argument, value):
    assert verdict(f"reference.source={argument}").config.reference.source == value


@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        ("dataset=CUB", "did you mean cub?"),
        ("model=SGAL", "did you mean sgal?"),
        ("trainer=EM", "did you mean em?"),
        ("model=f-clswgan", "did you mean f_clswgan?"),
        ("model=F-VAEGAN", "did you mean f_vaegan?"),
        ("model.LATENT_DIM=3", "did you mean model.latent_dim?"),
        ("model.latent-dim=3", "did you mean model.latent_dim?"),
        ("Model=sgal", "did you mean model?"),
        ("trainer.LR=3", "did you mean trainer.optim.lr?"),
        ("runtime.precision=FP32", "did you mean fp32?"),
        ("evaluator.select=VAL", "did you mean val?"),
        ("evaluator.select=best_test", "evaluator.oracle=true reports the best of them beside, as oracle/best_*"),
    ],
)
def test_names_are_suggested_whatever_their_case(problems, argument, hint):
    assert any(hint in message for message, _ in problems(argument).values())


@given(st.sets(st.text("abcdef_", min_size=1, max_size=6), min_size=1), st.data())
def test_a_name_that_differs_in_case_or_dashes_alone_is_always_suggested(names, data):
    name = data.draw(st.sampled_from(sorted(names)))
    assert closest(name.upper().replace("_", "-"), sorted(names)) == name


def test_compositions_of_the_test_are_sound():
    assert isinstance(composition("model", "sgal"), Composition)
    assert composition("model", "sgal").problems == []
