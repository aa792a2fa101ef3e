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

import errno
import traceback

import click

from connector_core.cli.streams import let_go
from connector_core.cli.terminal import say, told
from connector_core.exceptions import ConfigError, IntegrationError, SpecError

__all__ = ["BUG", "DONE", "FAILED", "INTERRUPTED", "SPEC", "USAGE", "ending"]

DONE, FAILED, USAGE, SPEC, BUG, INTERRUPTED = 0, 1, 2, 3, 70, 130


def ending(error: BaseException, *, debug: bool) -> int:
    """Says what ended the command, and gives its exit code; `debug` shows the traceback first."""
    if debug:
        told("".join(traceback.format_exception(error)))
    match error:
        case OSError(filename=None, errno=code) if code in _UNWRITTEN:
            return _without_output(error)
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


_UNWRITTEN = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What writing fails with: nobody reads, the disk is full, the terminal is gone, or the stream was closed."""


def _without_output(error: OSError) -> int:
    let_go(1)
    if isinstance(error, BrokenPipeError):
        return DONE
    say(f"error: the output cannot be written: {error.strerror}")
    return FAILED


def _in_our_words(error: click.UsageError) -> str:
    """Click's message in one line, with the command whose help says more."""
    text = " ".join(error.format_message().split()).rstrip(".")
    if text[1:2].islower():
        text = text[0].lower() + text[1:]
    return f"{text} — see {error.ctx.command_path} --help" if error.ctx else text
