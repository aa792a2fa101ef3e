"""A plug-in: its hooks, a kind of its own, and the engine that it is passed to."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, assert_type

from connector_core import Effects, Engine
from connector_core.events import Event
from connector_core.hookspecs import hookimpl
from connector_core.http import Request, Response

Record = dict[str, Any]


@hookimpl
def register_specs() -> Sequence[str | Path]:
    return [Path(__file__).parent / "specs"]


@hookimpl
def register_transforms(connector: str) -> Mapping[str, Callable[[Record], Record | None]]:
    return {"mask_email": mask_email} if connector == "shop" else {}


@hookimpl
def prepare_request(request: Request) -> Request | None:
    assert_type(request.method, str)
    assert_type(request.url, str)
    return request.with_header("X-Trace", "1")


@hookimpl
def observe_response(endpoint: str, response: Response) -> None:
    assert_type(response.status, int)
    assert_type(response.content, bytes)


@hookimpl
def observe_event(event: Event) -> None:
    print(event.connection)


def mask_email(record: Record) -> Record:
    return {**record, "email": "***"}


def engine() -> Engine:
    Engine(effects=Effects(hooks={"mask_email": mask_email}))
    return Engine(plugins=[SimpleNamespace(register_transforms=register_transforms)])


def mistakes() -> Literal["a"]:
    Effects(hooks={"mask_email": "mask_email"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    Effects(hocks={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Request("GET")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    return prepare_request(Request("GET", "https://shop.example"))  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
