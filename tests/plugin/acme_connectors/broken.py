"""A plug-in that cannot be used: its kind exists already."""

from typing import Literal

from connector_core.decode import Decode


class Csv(Decode):
    """Not the one that everybody knows."""

    type: Literal["csv"] = "csv"
