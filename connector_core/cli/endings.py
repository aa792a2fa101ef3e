"""How a command ends: an exit code, and one line that says what, where, and what to do.

=====  ===============================================
0      done, also where the reader of a pipe has left
1      the service, the network or the output failed
2      wrong usage, config, input or secrets
3      the spec is wrong
70     a bug of ours (EX_SOFTWARE of sysexits.h)
130    interrupted (128 + SIGINT, as shells count)
=====  ===============================================
"""

from __future__ import annotations

import os
import sys
import traceback

import click

from connector_core.cli.terminal import say
from connector_core.exceptions import ConfigError, IntegrationError, SpecError

__all__ = ["BUG", "DONE", "FAILED", "INTERRUPTED", "SPEC", "USAGE", "ending"]

DONE, FAILED, USAGE, SPEC, BUG, INTERRUPTED = 0, 1, 2, 3, 70, 130


def ending(error: BaseException, *, debug: bool) -> int:
    """Says what ended the command, and gives its exit code; `debug` shows the traceback first."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    match error:
        case BrokenPipeError():
            _let_go_of_stdout()
            return DONE
        case KeyboardInterrupt() | click.Abort():
            say("interrupted")
            return INTERRUPTED
        case click.UsageError():
            say(f"error: {_in_our_words(error)}")
            return USAGE
        case click.ClickException():
            say(f"error: {error.format_message()}")
            return FAILED
        case SpecError():
            for line in [str(problem) for problem in error.problems] or [f"error: {error}"]:
                say(line)
            return SPEC
        case IntegrationError():
            say(f"error: {error}")
            return USAGE if isinstance(error, ConfigError) else FAILED
        case Exception():
            again = "" if debug else "run it again with --debug, and "
            say(f"error: connector-core itself failed ({type(error).__name__}) — {again}please report what is shown")
            return BUG
    raise error


def _in_our_words(error: click.UsageError) -> str:
    """Click's message in one line, with the command whose help says more."""
    text = " ".join(error.format_message().split()).rstrip(".")
    if text[1:2].islower():
        text = text[0].lower() + text[1:]
    return f"{text} — see {error.ctx.command_path} --help" if error.ctx else text


def _let_go_of_stdout() -> None:
    """Leaves nothing that Python would try to write once more at its end (its documentation's note on SIGPIPE)."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return  # not a file: a test's or an app's own
