import ctypes

import pytest

from zsl_runner.config.gpus import cuda_devices


class Driver:
    """A stand-in for the CUDA driver's library."""

    def __init__(self, count, init=0):
        self.count = count
        self.init = init

    def cuInit(self, flags):  # noqa: N802 (the driver's name)
        return self.init

    def cuDeviceGetCount(self, pointer):  # noqa: N802
        pointer._obj.value = self.count
        return 0


@pytest.mark.parametrize(("driver", "expected"), [(Driver(0), 0), (Driver(3), 3), (Driver(3, init=100), 0)])
def test_the_driver_is_asked(monkeypatch, driver, expected):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver)
    assert cuda_devices() == expected


def test_no_driver_is_no_device(monkeypatch):
    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert cuda_devices() == 0
