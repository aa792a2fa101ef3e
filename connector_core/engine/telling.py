"""What listeners are told of one operation: each request when it is sent and answered, and all of them at its end.

Where nobody listens, there is no Tale, and nothing of this is done.
"""

from __future__ import annotations

import asyncio
from typing import Any, Self

from connector_core.engine.account import Account
from connector_core.events import Attempt, OperationFinished, RequestFailed, RequestFinished, RequestStarted
from connector_core.exceptions import IntegrationError
from connector_core.http import RAISED, Request, Response
from connector_core.plan import Plan

__all__ = ["Tale"]


class Tale:
    """One operation, told from its beginning (`with`) to its end, however it ends."""

    def __init__(self, account: Account, plan: Plan, why: str) -> None:
        """`why`: what the operation is for, in words."""
        self._account, self._plan, self._why = account, plan, why
        self._effects = account.effects
        self._attempts: list[Attempt] = []
        self._begun = self._effects.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        code = ""
        if isinstance(error, IntegrationError):
            code = error.code
        elif error is not None:
            code = "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"
        self._account.announce(
            OperationFinished,
            self._plan.endpoint,
            connector=self._plan.connector,
            why=self._why,
            code=code,
            elapsed=self._effects.monotonic() - self._begun,
            attempts=tuple(self._attempts),
        )

    async def send(self, request: Request, attempt: int, *, redirected: bool) -> Response:
        """The answer to a request, which is announced."""
        announce, begun = self._effects.announce, self._effects.monotonic()
        url = self._account.mask(request.url)
        told: dict[str, Any] = {
            "connection": self._account.name,
            "endpoint": self._plan.endpoint,
            "method": request.method,
            "url": url,
            "attempt": attempt,
            "why": f"{self._why}, redirected" if redirected else self._why,
        }
        announce(RequestStarted(**told))
        status, code = None, ""
        try:
            response = await self._account.transport.send(request)
            if response.status == RAISED:
                code = f"sdk.{response.headers['Exception']}"
            else:
                status = response.status
        except IntegrationError as error:
            code = error.code
            announce(RequestFailed(**told, code=code))
            raise
        except asyncio.CancelledError:
            code = "cancelled"
            raise
        finally:
            elapsed = self._effects.monotonic() - begun
            self._attempts.append(
                Attempt(number=attempt, method=request.method, url=url, status=status, code=code, elapsed=elapsed)
            )
        if code:
            announce(RequestFailed(**told, code=code))
        else:
            announce(RequestFinished(**told, status=response.status, elapsed=response.elapsed, size=response.size))
        return response
