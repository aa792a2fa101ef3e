"""The types of shop 1.0.0.

Written by `connector types shop`: change the spec, and write it again.
"""

from typing import Any, Literal, NotRequired, Protocol, TypedDict, overload

from connector_core import Pages, Records, Result, SecretRef, Spec
from connector_core.engine.checkup import HealthReport
from connector_core.engine.circuits import CircuitStatus
from connector_core.engine.rotation import SecretDue
from connector_core.metrics import Counters


class ShopConfig(TypedDict):
    """The config of an account."""

    shop_url: str
    """Address of the shop"""
    start_date: NotRequired[str | None]
    """Customers that were changed before it are left out"""


class ShopSecrets(TypedDict):
    """The secrets of an account."""

    token: str | SecretRef
    """API token from Settings → API"""


class CustomersRecord(TypedDict):
    """A record of customers: Everybody who ever ordered."""

    id: int
    email: str
    name: str
    country: Literal["DE", "FR", "GB", "US"]
    created_at: str
    updated_at: str


class OrdersRecordItems(TypedDict):
    """One of the objects inside."""

    sku: str
    quantity: int
    price: float


class OrdersRecord(TypedDict):
    """A record of orders: Orders in all states, the oldest first."""

    id: int
    customer_id: int
    status: Literal["open", "paid", "shipped", "cancelled"]
    subtotal: float
    """What the items come to"""
    total: float
    currency: Literal["EUR", "GBP", "USD"]
    items: list[OrdersRecordItems]
    created_at: str
    updated_at: str


class OrderInput(TypedDict):
    """What order takes: One order."""

    id: int
    """The order's number"""


class CreateOrderInputItems(TypedDict):
    """One of the objects inside."""

    sku: str
    quantity: int


class CreateOrderInput(TypedDict):
    """What create_order takes: Places an order for a customer."""

    customer_id: int
    """Who orders"""
    items: list[CreateOrderInputItems]
    """What is ordered: {sku, quantity} each"""


class Shop(Protocol):
    """Shop: Customers and orders of an online shop."""

    @overload
    def read(
        self,
        endpoint: Literal["customers"],
        *,
        timeout: float | None = None,
    ) -> Records[CustomersRecord]: ...
    @overload
    def read(
        self,
        endpoint: Literal["orders"],
        *,
        timeout: float | None = None,
    ) -> Records[OrdersRecord]: ...

    @overload
    def pages(
        self,
        endpoint: Literal["customers"],
        *,
        position: Any = None,
        timeout: float | None = None,
    ) -> Pages[CustomersRecord]: ...
    @overload
    def pages(
        self,
        endpoint: Literal["orders"],
        *,
        position: Any = None,
        timeout: float | None = None,
    ) -> Pages[OrdersRecord]: ...

    @overload
    async def call(
        self,
        endpoint: Literal["customers"],
        *,
        timeout: float | None = None,
    ) -> Result[list[CustomersRecord]]: ...
    @overload
    async def call(
        self,
        endpoint: Literal["orders"],
        *,
        timeout: float | None = None,
    ) -> Result[list[OrdersRecord]]: ...
    @overload
    async def call(
        self,
        endpoint: Literal["order"],
        input: OrderInput,
        *,
        timeout: float | None = None,
    ) -> Result[Any]: ...
    @overload
    async def call(
        self,
        endpoint: Literal["create_order"],
        input: CreateOrderInput,
        *,
        timeout: float | None = None,
    ) -> Result[Any]: ...

    async def endpoints(self) -> list[str]: ...
    async def available(self) -> bool: ...
    async def health(self) -> HealthReport: ...
    async def secrets_due(self) -> tuple[SecretDue, ...]: ...
    def metrics(self) -> Counters: ...
    def circuits(self) -> list[CircuitStatus]: ...
    def hold_circuits(
        self,
        state: Literal["open", "closed"] | None,
        *,
        host: str | None = None,
    ) -> None: ...

    @property
    def spec(self) -> Spec: ...
