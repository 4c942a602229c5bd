"""Independent random generators, one for each purpose, all derived from the run's one seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch

HOST = "host:"


def derived_seed(seed: int, purpose: str) -> int:
    """Return a 63-bit seed for ``purpose``, stable over versions and platforms."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


class Streams:
    """Named generators on one device: ``streams["noise"]`` always is the same generator.

    Drawing from one stream never moves another, so an extra evaluation or a figure changes no training run.

    Args:
        seed: the run's seed.
        device: where the numbers are needed.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed = seed
        self.device = torch.device(device)
        self._generators: dict[str, torch.Generator] = {}

    def __getitem__(self, purpose: str) -> torch.Generator:
        return self._generator(purpose)

    def on_host(self, purpose: str) -> torch.Generator:
        """Return a generator on the CPU, for numbers that Python branches on: no device has to be waited for."""
        return self._generator(HOST + purpose)

    def on_device(self) -> list[torch.Generator]:
        """Return the generators used so far that are not `on_host`."""
        return [generator for key, generator in self._generators.items() if not key.startswith(HOST)]

    def _generator(self, key: str) -> torch.Generator:
        if key not in self._generators:
            generator = torch.Generator("cpu" if key.startswith(HOST) else self.device)
            generator.manual_seed(derived_seed(self.seed, key))
            self._generators[key] = generator
        return self._generators[key]

    def __deepcopy__(self, memo: object) -> Streams:
        """Share the generators: a copied model goes on drawing from the streams of the original."""
        return self

    @contextmanager
    def initialising(self, purpose: str = "init") -> Iterator[None]:
        """Seed torch's CPU generator for building networks, and put its state back afterwards."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(self.seed, purpose))
            yield

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the state of every generator used so far."""
        return {purpose: generator.get_state() for purpose, generator in self._generators.items()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> list[str]:
        """Continue every generator where ``state`` left it, in place: whoever holds one goes on with it.

        A generator that ``state`` does not know starts afresh. One of another kind of device than that in ``state``
        cannot go on there; it begins anew, with a seed that depends on how far the other had come.

        Returns:
            The purposes of those that begin anew.
        """
        for key, generator in self._generators.items():
            if key not in state:
                generator.manual_seed(derived_seed(self.seed, key))
        begun = []
        for key, found in state.items():
            generator, left = self._generator(key), found.cpu()
            if len(left) == len(generator.get_state()):
                generator.set_state(left)
            else:
                digest = hashlib.sha256(left.numpy().tobytes()).hexdigest()
                generator.manual_seed(derived_seed(self.seed, f"{key} after {digest}"))
                begun.append(key)
        return begun
