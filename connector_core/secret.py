"""A secret as a value that nothing shows by accident: not a log, not a traceback, not a debugger's list of variables.

::

    token = Secret(os.environ["SHOP_TOKEN"])
    print(token, f"{token}", repr(token))  # *** *** Secret(***)
    async with Connector.open("shop", secrets={"token": token}, config=config) as shop:
        ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["SHOWN", "Secret"]

SHOWN: Final = "***"
"""What stands where a secret would."""


class Secret:
    """Text, or any other value, that only `reveal` gives.

    It is masked where it is printed, formatted or dumped by pydantic; json and pickle refuse it.
    """

    __slots__ = ("reveal",)

    reveal: Callable[[], Any]
    """The value itself."""

    def __init__(self, value: Any) -> None:
        """`value`: what is kept from sight; another Secret is the same one."""
        # in a closure, where tools that walk attributes do not look
        self.reveal = value.reveal if isinstance(value, Secret) else lambda: value

    def __repr__(self) -> str:
        return f"Secret({SHOWN})"

    def __str__(self) -> str:
        return SHOWN

    def __format__(self, spec: str) -> str:
        return format(SHOWN, spec)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled: pass on where it is kept, as a SecretRef")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A field of this type takes any value, and is dumped masked."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="always")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "password", "writeOnly": True}
