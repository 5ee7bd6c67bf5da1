"""Experiments in Python: the file is run, and counts in keys with what it takes from its folder."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Final

from drapolicy.errors import DrapolicyError, ParseError
from drapolicy.evaluate.experiment import Experiment

MODULE: Final = "drapolicy_experiment"


def of_python(file: Path) -> Experiment:
    """Run a Python file and return its experiment, with the digest of its code and of what it takes from its folder.

    Raises
    ------
    ParseError
        For a file that cannot be run, or has no object ``experiment``.
    """
    import cloudpickle

    spec = importlib.util.spec_from_file_location(MODULE, file)
    if spec is None or spec.loader is None or not file.is_file():
        message = f"{file}: cannot be read; give a Python file"
        raise ParseError(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except DrapolicyError:
        raise
    except (Exception, SystemExit) as error:
        message = f"{file}{_line_of(error, file)}: {type(error).__name__}: {error}"
        raise ParseError(message) from error
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
    found = getattr(module, "experiment", None)
    if not isinstance(found, Experiment):
        message = f"{file}: has no experiment; write experiment = drapolicy.evaluate.Experiment(...)"
        raise ParseError(message)
    digest = hashlib.sha256()
    for own in _of_its_folder(module, Path(folder)):
        cloudpickle.register_pickle_by_value(own)  # other processes do not have this file
        digest.update(Path(str(own.__file__)).read_bytes() + b"\0")
    return replace(found, source=digest.hexdigest(), name=found.name or file.stem)


def _line_of(error: BaseException, file: Path) -> str:
    """Return the last line of the file that led to an error."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f": line {line}" if line else ""


def _of_its_folder(module: ModuleType, folder: Path) -> Iterator[ModuleType]:
    """Yield a module and those beside it that are loaded, in the order of their names."""
    yield module
    installed = [Path(sysconfig.get_path(kind)) for kind in ("stdlib", "purelib", "platlib")]
    for name in sorted(sys.modules):
        other = sys.modules[name]
        file = getattr(other, "__file__", None)
        if not file or name in {MODULE, "__main__"} or name.partition(".")[0] == "drapolicy":
            continue
        path = Path(file).resolve()
        if path.is_relative_to(folder) and not any(path.is_relative_to(root) for root in installed):
            yield other
