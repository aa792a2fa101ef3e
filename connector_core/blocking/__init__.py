"""The same engine without `async`, for scripts and notebooks: every wait happens in one background thread.

::

    from connector_core.blocking import Connector

    with Connector.open("shop", config={"shop_url": "https://shop.example"}, secrets={"token": token}) as shop:
        for order in shop.read("orders"):
            ...

Rule 1: nothing is done twice: each method hands the coroutine of its namesake to the event loop of that thread and
        waits for it, so that any thread may use a connector. Pages cross over, not records.
Rule 2: Ctrl-C while waiting cancels what is waited for, and is raised when that has ended.
Rule 3: who is called by the loop itself (a listener, a hook) would wait for the thread that it runs in: an error.
"""

from connector_core.blocking.connector import Connector, Engine
from connector_core.blocking.pages import Pages, Records
from connector_core.blocking.sign_in import SignIn
from connector_core.connector import Result

__all__ = ["Connector", "Engine", "Pages", "Records", "Result", "SignIn"]
