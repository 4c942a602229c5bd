from tests.recipes.conftest import launch, zsl_run  # noqa: F401  (fixtures)
