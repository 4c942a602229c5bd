"""The words in which schemas say what they provide, need, offer and call."""

import pytest

from zsl_runner.config.registry import schemas
from zsl_runner.config.vocabulary import Capability, Provision

WORDS = {
    ("dataset", "provides"): Provision,
    ("model", "needs"): Provision,
    ("model", "capabilities"): Capability,
    ("trainer", "requires"): Capability,
    ("trainer", "needs"): Provision,
    ("evaluator", "requires"): Capability,
    ("evaluator", "needs"): Provision,
}


@pytest.mark.parametrize(("group", "attribute"), WORDS)
def test_schemas_use_words_of_the_vocabulary(group, attribute):
    """A misspelt word would be a need that nothing fulfils, or an offer that nobody takes."""
    used = {word for schema in schemas(group).values() for word in getattr(schema, attribute)}
    assert {word for word in used if type(word) is not WORDS[group, attribute]} == set()


def test_every_word_is_offered_by_something():
    provided = {word for schema in schemas("dataset").values() for word in schema.provides}
    offered = {word for schema in schemas("model").values() for word in schema.capabilities}
    assert provided == set(Provision)
    assert offered == set(Capability)


def test_a_word_reads_as_plain_text():
    assert f"{Provision.CLASS_VECTORS}, {', '.join(sorted({Capability.FIT}))}" == "class_vectors, fit"
    assert "class_vectors" in {Provision.CLASS_VECTORS}
