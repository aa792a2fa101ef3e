"""What sending again may cost a connection, host by host; nothing is counted until the first repetition."""

from __future__ import annotations

from connector_core.http import Request
from connector_core.retry import Failure, Quota
from connector_core.retry.quota import CAPACITY

__all__ = ["Repetitions"]

MOST = 1000
"""So many hosts are remembered; of more, the one that failed first begins anew."""


class Repetitions:
    """The quotas of one connection; see `retry.quota`."""

    def __init__(self) -> None:
        self._quotas: dict[str, Quota] = {}

    def spend(self, request: Request, failure: Failure) -> float | None:
        """What sending the request again costs; None: the host has failed too often."""
        if (quota := self._quotas.get(host := _host(request))) is None:
            if len(self._quotas) >= MOST:
                del self._quotas[next(iter(self._quotas))]
            quota = self._quotas[host] = Quota()
        return quota.spend(failure)

    def succeeded(self, request: Request, spent: float) -> None:
        """A request succeeded, after `spent` for its last repetition."""
        if self._quotas and (quota := self._quotas.get(host := _host(request))) is not None:
            quota.succeeded(spent)
            if quota.left == CAPACITY:
                del self._quotas[host]


def _host(request: Request) -> str:
    return request.url.split("/", 3)[2]
