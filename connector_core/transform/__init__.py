"""What happens to every record before it is handed out: a list of changes, done in the order they are written.

::

    transform:
      - {type: rename, fields: {cust_id: customer_id}}
      - {type: set, fields: {source: shop, label: "{{ record.sku }} ({{ record.size }})"}}
      - {type: drop, fields: [internal_notes, items.*.cost]}

Rule 1: what is not there is passed over: nothing but `set` makes a field that was not there. What can't be done to a
        value that is there is a ResponseError, which names the field and never the value.
Rule 2: each kind says twice what it does: `apply` to one record, which stays as it is, and `steps` to a page, in place.
        `apply` is the definition; tests hold the steps against it.
Rule 3: a record's objects and lists belong to it alone. What is put into several records is copied, so that a later
        step in one of them changes no other.

::

    paths: where things are     fields, values, cast: one field at a time     shape: whole records     hook: plug-ins'
"""

from connector_core.transform.family import NO_HOOKS, Hooks, Transform, fused
from connector_core.transform.paths import FieldsPath

__all__ = ["NO_HOOKS", "FieldsPath", "Hooks", "Transform", "fused"]

Transform.live_in(__name__)
