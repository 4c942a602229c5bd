from tests.config.conftest import problems, verdict  # noqa: F401  (fixtures)
from tests.recipes.conftest import launch, zsl_run  # noqa: F401  (fixtures)
