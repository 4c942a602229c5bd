def test_what_would_do_nothing_is_refused(problems):
    found = problems("model=eszsl", "debug=overfit")
    assert "trainer=closed_form knows no batches" in found["debug.overfit"][0]
    found = problems("debug=anomaly", "runtime.compile=true")
    assert "use runtime.compile=false" in found["debug.anomaly"][0]
    assert problems("debug.steps=0").keys() == {"debug.steps"}
    assert not problems("debug=fast", "debug.anomaly=true")


def test_every_file_of_the_group_is_accepted_and_none_is_the_usual_one(loader, verdict):
    names = loader.options("debug")
    assert set(names) == {"none", "fast", "overfit", "profile", "anomaly"}
    active = {name: verdict(f"debug={name}").config.debug.active() for name in names}
    assert active == {
        "none": {},
        "fast": {"steps": 2},
        "overfit": {"overfit": True},
        "profile": {"steps": 6, "profile": 5},
        "anomaly": {"anomaly": True},
    }
    assert verdict().config.debug.active() == {}
