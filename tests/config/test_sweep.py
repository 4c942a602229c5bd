from omegaconf import OmegaConf

from zsl_runner.config.sweep import expand, starts_elsewhere


def test_every_combination_of_values(loader):
    runs = expand(
        loader, ["seed=0,1", "model=sgal", "model.latent_dim=choice(2,4)", "trainer.batch_size=range(2,5)"], None
    )
    assert len(runs) == 2 * 2 * 3
    assert ["seed=1", "model=sgal", "model.latent_dim=4", "trainer.batch_size=3"] in runs


def test_glob_over_a_group(loader):
    runs = expand(loader, ["runtime=glob(*)"], None)
    assert ["runtime=cpu"] in runs
    assert len(runs) == len(loader.options("runtime"))


def test_intervals_are_tried_at_their_ends(loader):
    assert expand(loader, ["trainer.optim.lr=interval(0.0,1.0)"], None) == [
        ["trainer.optim.lr=0.0"],
        ["trainer.optim.lr=1.0"],
    ]


def test_values_from_the_sweepers_settings(loader):
    settings = OmegaConf.create({"sweeper": {"params": {"seed": "1,2"}}})
    assert expand(loader, ["model=sgal"], settings) == [["seed=1", "model=sgal"], ["seed=2", "model=sgal"]]


def test_beyond_the_limit_every_value_is_tried_once(loader):
    runs = expand(loader, ["seed=range(0,10)", "model.latent_dim=1,2,3"], None, limit=12)
    assert len(runs) == 1 + 9 + 2
    assert {run[0] for run in runs} == {f"seed={seed}" for seed in range(10)}
    assert {run[1] for run in runs} == {f"model.latent_dim={width}" for width in (1, 2, 3)}


def test_only_some_launchers_leave_the_machine():
    launchers = {
        "hydra._internal.core_plugins.basic_launcher.BasicLauncher": False,
        "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher": False,
        "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher": False,
        "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher": True,
        "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher": True,
    }
    for target, away in launchers.items():
        assert starts_elsewhere(OmegaConf.create({"launcher": {"_target_": target}})) is away
