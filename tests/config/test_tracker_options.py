"""Options of the tracker, and options that depend on them, where they would do nothing."""


def test_a_projector_without_tensorboard_is_refused(problems):
    assert problems("tracker=minimal", "tracker.projector=true").keys() == {"tracker.projector"}
    assert not problems("tracker.projector=true")


def test_training_for_a_figure_that_is_not_drawn_is_refused(problems):
    plane = ("model=task_heads", "dataset=split_digits", "trainer=a_ewc", "trainer.plane=true")
    assert problems(*plane, "tracker=minimal").keys() == {"trainer.plane"}
    assert not problems(*plane)
    assert not problems(*plane[:-1], "tracker=minimal")
