"""An app that catches what may go wrong, and listens to what happens."""

from collections.abc import Callable, Sequence
from typing import Any, assert_type

from connector_core import ConfigError, Connector, Engine, IntegrationError, SpecError
from connector_core.events import Event, PageRead, RetryScheduled
from connector_core.exceptions import AuthenticationError, BatchError, RateLimitError


async def sync(connector: Connector) -> float | None:
    try:
        await connector.call("orders")
    except AuthenticationError as error:
        assert_type(error.code, str)
        assert_type(error.retryable, bool)
    except RateLimitError as limited:
        assert_type(limited.retry_after, float | None)
        return limited.retry_after
    except BatchError as refused:
        assert_type(refused.failed, Sequence[int])
        assert_type(refused.results, Sequence[Any])
    except ConfigError as error:
        assert_type(error.what, str)
        assert_type(error.where, str)
        assert_type(error.hint, str)
    except IntegrationError as error:
        assert_type(error.context, dict[str, Any])
    return None


def told(error: SpecError) -> list[str]:
    return [f"{problem.file}:{problem.line}" for problem in error.problems]


def progress(event: Event) -> None:
    assert_type(event.connection, str)
    assert_type(event.endpoint, str)
    match event:
        case PageRead():
            assert_type(event.records, int)
        case RetryScheduled(wait=wait):
            assert_type(wait, float)
        case _:
            pass


def listening(engine: Engine) -> Callable[[], None]:
    Engine(listeners=[progress])
    return engine.listen(progress)


def mistakes(engine: Engine, error: IntegrationError) -> None:
    engine.listen(lambda: None)  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]
    engine.listen(told)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    error.retry_after + 1  # type: ignore[operator]  # pyright: ignore[reportOptionalOperand, reportUnusedExpression]
    error.status  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    IntegrationError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
