"""What every test may use."""

pytest_plugins = ["tests.cluster.harness", "tests.audit.told"]
