"""Program of the memory measurement: does one thing in a process of its own and prints the process's peak memory.

``python -m scripts.benchmark.peak run ARGUMENTS`` is ``zsl-run ARGUMENTS``;
``python -m scripts.benchmark.peak brief ARGUMENTS`` is the same with feature GANs of few steps in an epoch;
``python -m scripts.benchmark.peak hold ROWS WIDTH`` imports what a run imports and fills one float32 matrix.
"""

from __future__ import annotations

import sys

MARK = "peak memory MiB "
STEPS = 6
"""Steps of an epoch of a brief run, enough for regressor blocks."""


def main() -> int:
    """Do what the arguments say, then print the peak."""
    from zsl_runner.runs.result import peak_memory

    what, *arguments = sys.argv[1:]
    if what == "hold":
        _hold(*map(int, arguments))
    else:
        from zsl_runner import train

        if what == "brief":
            _shorten_epochs()
        sys.argv = ["zsl-run", *arguments]
        if code := train.main():
            return code
    print(f"{MARK}{peak_memory()}")
    return 0


def _shorten_epochs() -> None:
    from zsl_runner.trainers.feature_gan.trainer import FeatureGANTrainer

    build = FeatureGANTrainer.__init__

    def build_brief(self: FeatureGANTrainer, *arguments: object) -> None:
        build(self, *arguments)  # type: ignore[arg-type]
        self.clock.steps_in_epoch = STEPS

    FeatureGANTrainer.__init__ = build_brief  # type: ignore[method-assign, assignment]


def _hold(rows: int, width: int) -> None:
    import numpy as np
    import torch
    import torch.utils.tensorboard.writer

    import zsl_runner.data.sources.synthetic.source
    import zsl_runner.evaluation.zsl.evaluator
    import zsl_runner.models.sgal.model
    import zsl_runner.runs.attempt
    import zsl_runner.train
    import zsl_runner.trainers.em.trainer  # noqa: F401

    matrix = torch.from_numpy(np.ones((rows, width), dtype=np.float32))
    torch.mm(matrix[:2], matrix[:2].T)  # brings in the pages of the matrix library


if __name__ == "__main__":
    sys.exit(main())
