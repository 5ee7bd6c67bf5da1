"""Experiments from files: YAML, checked to the last word, or Python, which is run."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from drapolicy.errors import DrapolicyError, Fault, InputError, ParseError
from drapolicy.evaluate.experiment import SEEDS, Experiment
from drapolicy.evaluate.metrics import METRICS
from drapolicy.evaluate.scenarios import of_dataset, of_files, of_folder
from drapolicy.policies import COMPARED, Policy, Rule
from drapolicy.policies import policy as policy_of
from drapolicy.release import Release, release
from drapolicy.simulate import Scenario, read_incidents
from drapolicy.simulate.discipline import KUBERNETES, discipline
from drapolicy.simulate.incidents import checked
from drapolicy.workload.embedded import ABOUT

MAX_BYTES: Final = 1 << 20
MAX_SEEDS: Final = 100_000
MODULE: Final = "drapolicy_experiment"

_BASE: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FIELDS: Final = ("name", "kubernetes", "scenarios", "policies", "seeds", "metric", "check")
_KUBERNETES: Final = ("release", "gates")
_SCENARIO: Final = ("name", "embedded", "folder", "fleet", "workload", "topology", "queue", "incidents")
_POLICY: Final = ("policy", "name", "draws")

T = TypeVar("T")


def read_experiment(path: str | Path, *, strict: bool = True) -> Experiment:
    """Return the experiment of a file.

    Parameters
    ----------
    path
        ``*.yaml``, ``*.yml`` or ``*.json`` in the form of docs/experiments.md, or ``*.py`` with an object
        ``experiment``. A Python file is run with all rights of the user: never one from people that you do not trust.
    strict
        Whether unknown fields of Kubernetes' objects are errors.

    Raises
    ------
    InputError
        With every fault of the file and of the files that it names, each with its line.
    """
    file = Path(path)
    if file.suffix == ".py":
        return _of_python(file)
    if file.suffix not in {".yaml", ".yml", ".json"}:
        message = f"{file}: no experiment by its name; give a file that ends in .yaml, .yml, .json or .py"
        raise ParseError(message)
    data = file.read_bytes()
    if len(data) > MAX_BYTES:
        message = f"{file}: {len(data):,} bytes are too many for an experiment; {MAX_BYTES:,} at most"
        raise ParseError(message)
    return _Reader(file, strict=strict).read(data)


class _Reader:
    """Walks the nodes of a YAML document, which know their lines, and collects what is wrong."""

    def __init__(self, file: Path, *, strict: bool) -> None:
        self.file = file
        self.strict = strict
        self.draws: dict[str, int] = {}
        self.faults: list[Fault] = []

    def read(self, data: bytes) -> Experiment:
        """Return the experiment of a file's content."""
        top = self._composed(data)
        fields = self._mapping(top, "", _FIELDS)
        kubernetes = self._release(fields.get("kubernetes"))
        metric = self._text(fields["metric"], "metric") if "metric" in fields else None
        if metric is not None and metric not in METRICS:
            self._fault(fields["metric"], "metric", f"{metric!r} is unknown; use one of {', '.join(METRICS)}")
        if "scenarios" not in fields:
            self._fault(top, "scenarios", "missing; name at least one fleet with a workload")
        scenarios = self._listed(fields.get("scenarios"), "scenarios", self._scenario(kubernetes))
        policies: list[Policy | str] = list(COMPARED)
        if "policies" in fields:
            policies = [*self._listed(fields["policies"], "policies", self._policy)]
        seeds = self._seeds(fields["seeds"]) if "seeds" in fields else tuple(range(SEEDS))
        name = self._text(fields["name"], "name") if "name" in fields else self.file.stem
        check = self._bool(fields.get("check"), "check")
        self._end()
        return Experiment(scenarios, policies, seeds, self.draws, name, metric, check)

    def _end(self) -> None:
        if self.faults:
            raise InputError(faults=self.faults)

    def _fault(self, node: yaml.Node | None, path: str, message: str) -> None:
        line = f"line {node.start_mark.line + 1}" if node is not None else ""
        self.faults.append(Fault(str(self.file), -1, line, path, message))

    @contextmanager
    def _caught(self, node: yaml.Node, path: str) -> Iterator[None]:
        """Keep what goes wrong with a value, so that the others are looked at too."""
        try:
            yield
        except InputError as error:
            if error.faults:
                self.faults += [one for one in error.faults if one not in self.faults]
            else:
                self._fault(node, path, str(error))
        except DrapolicyError as error:
            self._fault(node, path, str(error))
        except OSError as error:
            self._fault(node, path, f"{error.filename}: {(error.strerror or str(error)).lower()}")

    def _composed(self, data: bytes) -> yaml.Node:
        try:
            documents = list(yaml.compose_all(data.decode("utf-8-sig"), Loader=_BASE))
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = f"line {mark.line + 1}" if mark is not None else ""
            problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
            fault = Fault(str(self.file), -1, line, "", f"not YAML: {problem}; mend the file")
            raise ParseError(faults=[fault]) from error
        if len(documents) != 1 or documents[0] is None:
            self._fault(None, "", f"{len(documents)} documents; an experiment is one")
            self._end()
        node: yaml.Node = documents[0]
        return node

    def _mapping(self, node: yaml.Node, path: str, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        """Return the fields of a mapping; unknown ones and doubled ones are faults."""
        if not isinstance(node, yaml.MappingNode):
            self._fault(node, path, f"has to be a mapping with fields of {', '.join(known)}")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            where = f"{path}.{name}".lstrip(".")
            if name not in known:
                self._fault(key, where, f"is unknown; use one of {', '.join(known)}")
            elif name in found:
                self._fault(key, where, "is given twice; give it once")
            else:
                found[name] = value
        return found

    def _listed(self, node: yaml.Node | None, path: str, read: Callable[[yaml.Node, str], T | None]) -> list[T]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self._fault(node, path, "has to be a list of at least one")
            return []
        read_all = [read(inner, f"{path}[{n}]") for n, inner in enumerate(node.value)]
        return [value for value in read_all if value is not None]

    def _text(self, node: yaml.Node, path: str) -> str:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str" and node.value:
            text: str = node.value
            return text
        self._fault(node, path, "has to be a text; put it in quotes")
        return ""

    def _texts(self, node: yaml.Node, path: str) -> list[str]:
        if isinstance(node, yaml.SequenceNode):
            return [text for text in self._listed(node, path, self._text) if text]
        return [text] if (text := self._text(node, path)) else []

    def _bool(self, node: yaml.Node | None, path: str) -> bool:
        if node is None:
            return False
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:bool":
            return node.value.lower() in {"true", "yes", "on"}
        self._fault(node, path, "has to be true or false")
        return False

    def _whole(self, node: yaml.Node, path: str) -> int | None:
        if isinstance(node, yaml.ScalarNode) and node.value.isascii() and node.value.isdigit() and len(node.value) < 19:
            return int(node.value)
        self._fault(node, path, "has to be a whole number from 0 on")
        return None

    def _release(self, node: yaml.Node | None) -> Release:
        if node is None:
            return release()
        if isinstance(node, yaml.ScalarNode):
            fields: dict[str, yaml.Node] = {"release": node}
        else:
            fields = self._mapping(node, "kubernetes", _KUBERNETES)
        gates: dict[str, bool] = {}
        if isinstance(fields.get("gates"), yaml.MappingNode):
            for key, value in fields["gates"].value:
                gates[str(key.value)] = self._bool(value, f"kubernetes.gates.{key.value}")
        elif "gates" in fields:
            self._fault(fields["gates"], "kubernetes.gates", "has to be a mapping of gates to true or false")
        minor = fields["release"].value if "release" in fields else release().minor
        made = [release()]
        with self._caught(node, "kubernetes"):
            made.append(release(str(minor), gates=gates))
        return made[-1]

    def _seeds(self, node: yaml.Node) -> tuple[int, ...]:
        if isinstance(node, yaml.SequenceNode):
            return tuple(self._listed(node, "seeds", self._whole))
        first, dash, last = str(node.value).partition("-") if isinstance(node, yaml.ScalarNode) else ("", "", "")
        ends = [end.strip() for end in ((first, last) if dash else ("0", first))]
        if not all(end.isascii() and end.isdigit() and len(end) < 19 for end in ends):
            self._fault(node, "seeds", "has to be a number of seeds, a range like 0-19, or a list")
            return ()
        low, high = int(ends[0]), int(ends[1]) + bool(dash)
        if not 0 < high - low <= MAX_SEEDS:
            self._fault(node, "seeds", f"has to be from 1 to {MAX_SEEDS:,} seeds")
            return ()
        return tuple(range(low, high))

    def _policy(self, node: yaml.Node, path: str) -> Policy | None:
        if isinstance(node, yaml.ScalarNode):
            fields: dict[str, yaml.Node] = {"policy": node}
        else:
            fields = self._mapping(node, path, _POLICY)
            if fields and "policy" not in fields:
                self._fault(node, f"{path}.policy", "missing; name a policy")
        if "policy" not in fields:
            return None
        made: list[Policy] = []
        with self._caught(node, path):
            found = policy_of(self._text(fields["policy"], path))
            if "name" in fields and not isinstance(found, Rule):
                message = f"policy {found.name} cannot be called otherwise; leave it out"
                self._fault(fields["name"], f"{path}.name", message)
            elif "name" in fields and isinstance(found, Rule):
                found = replace(found, name=self._text(fields["name"], f"{path}.name"))
            if "draws" in fields:
                self.draws[found.name] = self._whole(fields["draws"], f"{path}.draws") or 0
            made.append(found)
        return made[0] if made else None

    def _scenario(self, kubernetes: Release) -> Callable[[yaml.Node, str], Scenario | None]:
        def read(node: yaml.Node, path: str) -> Scenario | None:
            if isinstance(node, yaml.ScalarNode):
                fields: dict[str, yaml.Node] = {"embedded": node}
            else:
                fields = self._mapping(node, path, _SCENARIO)
            ways = [way for way in ("embedded", "folder", "fleet") if way in fields]
            if fields and len(ways) != 1:
                self._fault(node, path, "has to have one of embedded, folder, or fleet with workload")
            stray = {"embedded": ("workload", "topology"), "folder": ("workload", "topology")}
            for way in ways:
                for other in stray.get(way, ()):
                    if other in fields:
                        self._fault(fields[other], f"{path}.{other}", f"goes with fleet, not with {way}; leave it out")
            if len(ways) != 1:
                return None
            name = self._text(fields["name"], f"{path}.name") if "name" in fields else ""
            queue = KUBERNETES
            if "queue" in fields:
                with self._caught(fields["queue"], f"{path}.queue"):
                    queue = discipline(self._text(fields["queue"], f"{path}.queue"))
            with self._caught(node, path):
                found = getattr(self, f"_of_{ways[0]}")(fields, path, kubernetes)
                if found is not None:
                    made: Scenario = replace(found, name=name or found.name, queue=queue)
                    return self._with_incidents(made, fields, path)
            return None

        return read

    def _with_incidents(self, scenario: Scenario, fields: dict[str, yaml.Node], path: str) -> Scenario:
        if "incidents" not in fields:
            return scenario
        name = self._text(fields["incidents"], f"{path}.incidents")
        return replace(scenario, incidents=checked(scenario.fleet, read_incidents(self.file.parent / name)))

    def _of_embedded(self, fields: dict[str, yaml.Node], path: str, kubernetes: Release) -> Scenario | None:
        name = self._text(fields["embedded"], path)
        if name not in ABOUT:
            self._fault(fields["embedded"], path, f"{name!r} does not come along; use one of {', '.join(ABOUT)}")
            return None
        return of_dataset(name, kubernetes)

    def _of_folder(self, fields: dict[str, yaml.Node], path: str, kubernetes: Release) -> Scenario | None:
        folder = self._text(fields["folder"], f"{path}.folder")
        return of_folder(self.file.parent / folder, kubernetes) if folder else None

    def _of_fleet(self, fields: dict[str, yaml.Node], path: str, kubernetes: Release) -> Scenario | None:
        def here(field: str) -> list[str]:
            texts = self._texts(fields[field], f"{path}.{field}") if field in fields else []
            return [str(self.file.parent / text) for text in texts]

        if "workload" not in fields:
            self._fault(fields["fleet"], f"{path}.workload", "missing; name the files with pods and claims")
        fleet, workload, topology = here("fleet"), here("workload"), here("topology")
        if not fleet or not workload:
            return None
        found, _ = of_files(
            fleet,
            workload,
            topology=topology[0] if topology else None,
            release=kubernetes,
            strict=self.strict,
        )
        return found


def _of_python(file: Path) -> Experiment:
    """Run a Python file and return its experiment, with the digest of its code and of what it takes from its folder."""
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
    except Exception as error:
        message = f"{file}: {type(error).__name__}: {error}"
        raise ParseError(message) from error
    finally:
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


def _of_its_folder(module: Any, folder: Path) -> Iterator[Any]:
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
