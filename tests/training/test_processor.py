"""Which processor it is, from what Linux tells, and without it."""

import platform

import torch

from zsl_runner.training.processor import Processor

LISTING = """\
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC: the fourth

processor\t: 1
vendor_id\t: AuthenticAMD
cpu family\t: 26
model name\t: AMD EPYC: another
"""


def test_the_first_of_the_list_is_told(tmp_path):
    (tmp_path / "cpuinfo").write_text(LISTING)
    found = Processor.here(tmp_path / "cpuinfo")
    uses = torch.backends.cpu.get_cpu_capability()
    assert (found.name, found.instructions) == ("AMD EPYC: the fourth", uses)
    assert found.identity == f"{platform.machine()} AuthenticAMD 25 17 {uses}"
    assert str(found) == f"AMD EPYC: the fourth ({found.identity})"


def test_where_nothing_is_listed_the_architecture_is_known(tmp_path):
    found = Processor.here(tmp_path / "none")
    assert found.name == (platform.processor() or platform.machine())
    assert found.identity == f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
