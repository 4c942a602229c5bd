"""zsl-data class-vectors: class names and descriptions become vectors of unit length."""

import json
import sys

import numpy as np
import pytest

from tests.data.class_pictures import HERE
from tests.data.data_command import run
from zsl_runner.data.command.extraction.texts import class_texts, spoken
from zsl_runner.errors import ConfigError, DataError


@pytest.fixture
def vectors(tmp_path, capsys):
    """Return what makes class vectors of a file with this content: exit code, what was printed, and the file."""

    def call(content, *options, name="names.txt", encoder="lengths"):
        (tmp_path / name).write_text(content)
        output = tmp_path / "class_vectors.npz"
        code, out, err = run(
            capsys, "class-vectors", tmp_path / name, output, "--encoder", f"{HERE}:{encoder}", *options
        )
        return code, out + err, output

    return call


def unit(*rows):
    return np.array([np.array(row) / np.linalg.norm(row) for row in rows])


def test_vectors_have_unit_length_in_the_order_of_the_file(vectors):
    code, text, output = vectors("zebra\ncat\n\ngrizzly+bear\n", "--device", "cpu")
    assert code == 0, text
    found = np.load(output)
    assert found["names"].tolist() == ["zebra", "cat", "grizzly+bear"]
    assert found["class_vectors"].dtype == np.float32
    np.testing.assert_allclose(found["class_vectors"], unit([5, 1], [3, 1], [12, 1]), rtol=1e-6)
    assert json.loads(str(found["provenance"]))["texts"]["grizzly+bear"] == ["grizzly bear"]


def test_of_several_templates_the_mean_of_unit_vectors_is_taken(vectors):
    found = np.load(vectors("cat", "--template", "{}", "--template", "a photo of a {}.")[2])["class_vectors"]
    expected = unit(unit([3, 1], [17, 1]).mean(axis=0))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_descriptions_of_a_table_are_taken_as_they_are(vectors):
    table = 'name,legs,description\ncat,4,"purrs, {}"\nowl,2,hoots\ncat,4,has whiskers\n'
    found = np.load(vectors(table, name="names.csv")[2])
    assert found["names"].tolist() == ["cat", "owl"]
    texts = json.loads(str(found["provenance"]))["texts"]
    assert texts == {"cat": ["purrs, {}", "has whiskers"], "owl": ["hoots"]}
    expected = unit(unit([9, 1], [12, 1]).mean(axis=0), [5, 1])
    np.testing.assert_allclose(found["class_vectors"], expected, rtol=1e-6)


def test_more_texts_than_a_batch_holds_stay_in_order(vectors):
    names = [chr(97 + number % 26) * (number + 1) for number in range(150)]
    found = np.load(vectors("\n".join(names))[2])["class_vectors"]
    np.testing.assert_allclose(found, unit(*([len(name), 1] for name in names)), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("001.Black_footed_Albatross", "Black footed Albatross"),
        ("grizzly+bear", "grizzly bear"),
        ("3", "3"),
        ("747-400", "747-400"),
        ("t-shirt", "t-shirt"),
        ("12_months", "12 months"),
    ],
)
def test_a_folder_is_spoken_as_a_person_writes_it(name, text):
    assert spoken(name) == text


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("names.txt", "", "found none"),
        ("names.txt", "cat\ndog\ncat", "'cat' again"),
        ("names.csv", "class,text\ncat,purrs", "a column 'name'"),
        ("names.csv", "", "a column 'name'"),
        ("names.csv", "name,description\ncat,purrs,loud", "row 2"),
        ("names.csv", "name,description\ncat,", "row 2: expected a description"),
        ("names.csv", "name,description\n,purrs", "row 2: expected a name"),
        ("names.csv", "name,description\ncat,purrs\ncat,purrs", "'cat' again"),
    ],
)
def test_lists_that_are_none_are_refused(tmp_path, name, content, word):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=word):
        class_texts(tmp_path / name, [])


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\u2028", "\x0b", " \x85"])
def test_a_line_break_in_a_description_is_a_space(tmp_path, break_):
    (tmp_path / "names.csv").write_bytes(f'name,description\ncat,"small,{break_}soft"\n'.encode())
    assert class_texts(tmp_path / "names.csv", []) == {"cat": ["small, soft"]}


@pytest.mark.parametrize("cell", ['"purrs', "p" * 200_000])
def test_a_table_that_cannot_be_read_is_refused(tmp_path, cell):
    (tmp_path / "names.csv").write_text(f"name,description\ncat,{cell}\ndog,barks")
    with pytest.raises(DataError, match=r"names\.csv: expected class names with commas between"):
        class_texts(tmp_path / "names.csv", [])


def test_templates_that_have_no_effect_are_refused(tmp_path):
    (tmp_path / "names.txt").write_text("cat")
    with pytest.raises(ConfigError, match="found 'a photo'"):
        class_texts(tmp_path / "names.txt", ["a photo"])
    (tmp_path / "names.csv").write_text("name,description\ncat,purrs")
    with pytest.raises(ConfigError, match="has descriptions"):
        class_texts(tmp_path / "names.csv", ["a {}"])


def test_an_encoder_that_is_none_is_refused(vectors):
    for encoder, code, word in (
        ("zeros", 1, "no vector for 'cat'"),
        ("no_network", 2, "a function of texts, found int"),
        ("tiny", 1, "fails on the text 'cat'"),
        ("no_such_function", 2, "no_such_function"),
    ):
        found, text, output = vectors("cat", encoder=encoder)
        assert (found, word in text) == (code, True), text
        assert not output.exists()


@pytest.mark.parametrize(("source", "package"), [("sentence", "sentence_transformers"), ("open_clip", "open_clip")])
def test_a_package_that_is_missing_is_named_with_its_extra(source, package, tmp_path, capsys, monkeypatch):
    (tmp_path / "names.txt").write_text("cat")
    monkeypatch.setitem(sys.modules, package, None)
    code, _, text = run(
        capsys, "class-vectors", tmp_path / "names.txt", tmp_path / "x.npz", "--encoder", f"{source}:any"
    )
    assert code == 2
    assert f"the package {package}" in text
    assert "zsl-run[extract]" in text
