"""The edge of the process: arguments in, exit code out, and an error is a line of text."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from drapolicy.errors import DrapolicyError, InputError, VerificationError

BAD_INPUT = 2
BUG = 70
INTERRUPTED = 130
NOBODY_READS = 141

_LISTS = ("--fleet", "--claims", "--workload", "--policies")
# The protocol's own program is written in Go, whose flags have one dash and a value after "=".
_PROTOCOL_FLAGS = {
    "-timing": "--timing",
    "-keep-share-ids": "--keep-share-ids",
    "-node-outcomes": "--node-outcomes",
    "-node-outcomes=true": "--node-outcomes",
    "-node-outcomes=false": "--no-node-outcomes",
    "--node-outcomes=true": "--node-outcomes",
    "--node-outcomes=false": "--no-node-outcomes",
}


class InterruptionError(Exception):
    """Ctrl-C ended a command that has something to say about what is kept."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments
        Words after the name of the program; those of the process by default.

    Returns
    -------
    int
        0 done, 1 some claims stay pending, 2 bad input or arguments, 70 a bug of drapolicy, 130 interrupted, 141
        nobody reads the output.
    """
    _lenient_streams()
    words = spread(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)


def _run(words: Sequence[str]) -> int:
    from typer._click.exceptions import ClickException

    from drapolicy.cli.app import app

    try:
        code = app(words, prog_name=program_name(sys.argv[0]), standalone_mode=False)
        sys.stdout.flush()
    except ClickException as error:
        error.show()
        return error.exit_code
    except InterruptionError as error:
        return _say(str(error), INTERRUPTED)
    except VerificationError as error:
        return _say(f"{error}\nThis is a bug of the policy or of drapolicy.", BUG)
    except DrapolicyError as error:
        return _say(told(error), BAD_INPUT)
    except SystemExit:
        # The parser's answer to a broken pipe, and to nothing else; its code would mean that claims are pending.
        return NOBODY_READS
    except BrokenPipeError:
        _drop_output()
        return NOBODY_READS
    except OSError as error:
        _drop_output()
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{(error.strerror or str(error)).lower()}", BAD_INPUT)
    except Exception as error:
        logging.getLogger(__name__).debug("unexpected error", exc_info=True)
        if os.environ.get("DRAPOLICY_DEBUG", "") not in {"", "0"}:
            traceback.print_exc()
        return _say(
            f"this is a bug of drapolicy: {type(error).__name__}: {error}"
            "\nPlease report it with what `DRAPOLICY_DEBUG=1 drapolicy ...` prints.",
            BUG,
        )
    if code == INTERRUPTED:
        return _say("interrupted", code)  # the parser has made a code of Ctrl-C
    return int(code or 0)


def spread(words: Sequence[str]) -> list[str]:
    """Return arguments as the parser takes them: each file after ``--fleet`` and its like gets the option of its own.

    Examples
    --------
    >>> spread(["evaluate", "--fleet", "a.yaml", "b.yaml", "--seeds", "3"])
    ['evaluate', '--fleet', 'a.yaml', '--fleet', 'b.yaml', '--seeds', '3']
    """
    found: list[str] = []
    option = ""
    pending = False
    for position, word in enumerate(words):
        if word == "--":
            return [*found, *words[position:]]
        if word in _LISTS:
            option, pending = word, True
            found.append(word)
        elif word.startswith("-") and word != "-":
            option = ""
            found.append(_PROTOCOL_FLAGS.get(word, word))
        elif option:
            found += [word] if pending else [option, word]
            pending = False
        else:
            found.append(word)
    return found


def program_name(path: str) -> str:
    """Return what users call the program, from the path it was started by.

    Examples
    --------
    >>> program_name("/usr/bin/kubectl-drapolicy")
    'kubectl drapolicy'
    """
    name = Path(path).name.removesuffix(".exe")
    if name == "__main__.py":
        return "python -m drapolicy"
    if name.startswith("kubectl-"):
        return "kubectl " + name.removeprefix("kubectl-").replace("_", "-")
    return name if name.startswith("drapolicy") else "drapolicy"


def told(error: DrapolicyError) -> str:
    """Return an error's text, a line for each fault, in order."""
    from drapolicy.cli.output import plain

    faults = error.faults if isinstance(error, InputError) else ()
    text = str(error)
    if faults:
        text = text[: len(text) - len("\n".join(map(str, faults)))]
    lines = [plain(line) for line in text.splitlines() if line]
    return "\n".join([*lines, *(plain(str(fault)) for fault in sorted(faults, key=lambda f: (f.file, f.document)))])


def _say(text: str, code: int) -> int:
    from drapolicy.cli.output import plain

    lines = [plain(line) for line in text.splitlines()] or ["unknown error"]
    sys.stdout.flush()
    sys.stderr.write("\n".join([f"drapolicy: {lines[0]}", *lines[1:]]) + "\n")
    return code


def _drop_output() -> None:
    """Let go of output that cannot be written, which would fail again when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _lenient_streams() -> None:
    """Write what the terminal's encoding lacks as an escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
