"""What the runs of a row were computed on: in a note where it differs, in CSV and among the costs."""

import csv
import io

from zsl_runner.report.formats import as_csv, markdown

CPU = {"torch": "2.6.0", "device": "cpu"}
GPU = {"torch": "2.13.0", "device": "NVIDIA H200"}


def test_a_row_whose_seeds_ran_on_different_devices_and_versions_is_named(outputs):
    for seed, (versions, commit) in enumerate([(CPU, "a" * 40), (GPU, "b" * 40), ({}, None)]):
        git = {"commit": commit, "dirty": False} if commit else None
        outputs.add(40.0, seed, versions=versions, git=git)
        outputs.add(41.0, seed, model="vzsl", versions=versions, git=git)
        outputs.add(42.0, seed, model="eszsl", versions=CPU)
    differing = "devices NVIDIA H200 and cpu, torch 2.13.0 and 2.6.0, commits aaaaaaaaaaaa and bbbbbbbbbbbb"
    assert outputs.report().notes == [f"sgal/em, vzsl/em on cub: runs of each row had {differing}"]


def test_rows_of_one_method_are_told_apart_by_their_settings(outputs):
    outputs.add(42.0, config={"lr": 0.1}, versions=CPU)
    for seed, versions in enumerate([CPU, GPU | {"torch": "2.6.0"}]):
        outputs.add(40.0, seed, config={"lr": 0.2}, versions=versions)
    assert outputs.report().notes == ["sgal/em (lr=0.2) on cub: runs of one row had devices NVIDIA H200 and cpu"]


def test_rows_that_each_ran_on_one_device_are_worth_no_note(outputs):
    outputs.add(40.0, versions=CPU)
    outputs.add(41.0, model="vzsl", versions=GPU)
    assert outputs.report().notes == []


def test_csv_has_devices_and_versions_and_costs_have_devices(outputs):
    for seed, versions in enumerate([CPU, GPU]):
        outputs.add(40.0, seed, versions=versions)
    (line,) = csv.DictReader(row for row in io.StringIO(as_csv(outputs.report())) if not row.startswith("#"))
    assert (line["device"], line["torch"]) == ("NVIDIA H200 | cpu", "2.13.0 | 2.6.0")
    assert "| NVIDIA H200 \\| cpu |" in markdown(outputs.report(cost=True))
    assert "| device |" not in markdown(outputs.report())
