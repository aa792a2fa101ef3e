"""`connector schema`: the spec language for editors."""

from __future__ import annotations

import click

from connector_core.cli.options import debug_option

__all__ = ["command"]


@click.command
@debug_option
def command() -> None:
    """Writes the JSON Schema of the spec language, for editors.

    Save it as connector.schema.json beside the specs, and name it in a spec's first line:
    `# yaml-language-server: $schema=connector.schema.json`.
    """
    import json

    from connector_core.schema import json_schema

    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))
