"""The command line, as its own tests have it."""

from tests.cli.conftest import folder, run

__all__ = ["folder", "run"]
