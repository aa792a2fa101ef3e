"""The JSON Schema that a spec may write for a value: checked when the spec loads, applied to what users pass.

::

    shop_url: {type: string, format: uri, description: Address of the shop}
    plan: {enum: [free, paid], default: free}
    tags: {type: array, items: {type: string, maxLength: 20}, optional: true}

Rule 1: draft 2020-12 in a closed set of keywords, plus our `optional` beside them; x-… keys pass. No `$ref`: it could
        name a file or a host.
Rule 2: `format` is applied, and only known formats are legal. `uri` is an absolute http or https URL with a host.
Rule 3: text of the format `binary` is bytes, a path or an open file where files are allowed, which is in an input.
Rule 4: a message never holds a value that is secret.

::

    dialect: what may be written, `check`     judgement: whether a value fits, `violations`     formats: of both
    records: whether a whole record fits, `judge`
    effort: how much a spec's own values may cost
"""

from __future__ import annotations

from connector_core.json_schema.dialect import Unmatchable, check
from connector_core.json_schema.effort import Effort
from connector_core.json_schema.judgement import violations
from connector_core.json_schema.records import judge

__all__ = ["Effort", "Unmatchable", "check", "judge", "violations"]
