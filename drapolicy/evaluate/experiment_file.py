"""Experiments from files: YAML, checked to the last word, or Python, which is run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import yaml

from drapolicy.errors import ParseError
from drapolicy.evaluate.experiment import SEEDS, Experiment
from drapolicy.evaluate.experiment_python import of_python
from drapolicy.evaluate.metrics import METRICS
from drapolicy.evaluate.scenarios import of_dataset, of_files, of_folder
from drapolicy.evaluate.yaml_nodes import Nodes, whole
from drapolicy.policies import COMPARED, Policy, Rule
from drapolicy.policies import policy as policy_of
from drapolicy.release import release
from drapolicy.simulate import Scenario, read_incidents
from drapolicy.simulate.discipline import KUBERNETES, discipline
from drapolicy.simulate.incidents import checked
from drapolicy.text import instead
from drapolicy.workload.embedded import ABOUT

MAX_BYTES: Final = 1 << 20
MAX_SEEDS: Final = 100_000

_FIELDS: Final = ("name", "kubernetes", "scenarios", "policies", "seeds", "metric", "check")
_KUBERNETES: Final = ("release", "gates")
_WAYS: Final = ("embedded", "folder", "fleet")
_SCENARIO: Final = ("name", *_WAYS, "workload", "topology", "queue", "incidents")
_POLICY: Final = ("policy", "name", "draws")


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
        return of_python(file)
    if file.suffix not in {".yaml", ".yml", ".json"}:
        message = f"{file}: no experiment by its name; give a file that ends in .yaml, .yml, .json or .py"
        raise ParseError(message)
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        message = f"{file}: too long for an experiment; {MAX_BYTES:,} bytes at most"
        raise ParseError(message)
    return _Reader(file, strict=strict).read(data)


class _Reader(Nodes):
    """Reads the fields of an experiment."""

    def __init__(self, file: Path, *, strict: bool) -> None:
        super().__init__(file)
        self.strict = strict
        self.kubernetes = release()
        self.draws: dict[str, int] = {}
        self.named: dict[tuple[str, str], str] = {}

    def read(self, data: bytes) -> Experiment:
        """Return the experiment of a file's content."""
        top = self.document(data)
        fields = self.mapping(top, "", _FIELDS)
        if "kubernetes" in fields:
            self._release(fields["kubernetes"])
        metric = self.text(fields.get("metric"), "metric") or None
        if metric is not None and metric not in METRICS:
            self.fault(fields["metric"], "metric", f"{metric!r} is unknown; {instead(metric, METRICS)}")
        scenarios: list[Scenario] = []
        if "scenarios" in fields:
            scenarios = self.each(fields["scenarios"], "scenarios", self._scenario)
        else:
            self.fault(top, "scenarios", "missing; name at least one fleet with a workload")
        policies: list[Policy | str] = list(COMPARED)
        if "policies" in fields:
            policies = [*self.each(fields["policies"], "policies", self._policy)]
        seeds = self._seeds(fields["seeds"]) if "seeds" in fields else tuple(range(SEEDS))
        name = self.text(fields.get("name"), "name") or self.file.stem
        check = self.flag(fields.get("check"), "check")
        self.end()
        return Experiment(scenarios, policies, seeds, self.draws, name, metric, check)

    def _once(self, node: yaml.Node, path: str, name: str) -> None:
        """Keep a fault if a scenario or policy before has the name."""
        what = path.partition("[")[0]
        first = self.named.setdefault((what, name), path)
        if first != path:
            self.fault(node, path, f"{name} is {first} too; give each a name of its own")

    def _release(self, node: yaml.Node) -> None:
        fields = self.fields(node, "kubernetes", _KUBERNETES, "release")
        gates: dict[str, bool] = {}
        if isinstance(fields.get("gates"), yaml.MappingNode):
            for key, value in fields["gates"].value:
                gates[str(key.value)] = self.flag(value, f"kubernetes.gates.{key.value}")
        elif "gates" in fields:
            self.fault(fields["gates"], "kubernetes.gates", "has to be a mapping of gates to true or false")
        minor = fields["release"].value if "release" in fields else release().minor
        with self.caught(node, "kubernetes"):
            self.kubernetes = release(str(minor), gates=gates)

    def _seeds(self, node: yaml.Node) -> Iterable[int]:
        if isinstance(node, yaml.SequenceNode):
            return self.each(node, "seeds", self.whole)
        first, dash, last = str(node.value).partition("-") if isinstance(node, yaml.ScalarNode) else ("", "", "")
        low, high = (whole(first), whole(last)) if dash else (0, whole(first))
        if low is None or high is None:
            self.fault(node, "seeds", "has to be a number of seeds, a range like 0-19, or a list")
            return ()
        found = range(low, high + bool(dash))
        if not 0 < high + bool(dash) - low <= MAX_SEEDS:
            self.fault(node, "seeds", f"has to be from 1 to {MAX_SEEDS:,} seeds, the lower end of a range first")
            return ()
        return found

    def _policy(self, node: yaml.Node, path: str) -> Policy | None:
        fields = self.fields(node, path, _POLICY, "policy")
        if fields and "policy" not in fields:
            self.fault(node, f"{path}.policy", "missing; name a policy")
        text, name = self.text(fields.get("policy"), path), self.text(fields.get("name"), f"{path}.name")
        draws = self.whole(fields["draws"], f"{path}.draws") if "draws" in fields else None
        if not text:
            return None
        made: list[Policy] = []
        with self.caught(node, path):
            found = policy_of(text)
            if name and not isinstance(found, Rule):
                message = f"policy {found.name} cannot be called otherwise; leave it out"
                self.fault(fields["name"], f"{path}.name", message)
            elif name and isinstance(found, Rule):
                found = replace(found, name=name)
            self._once(node, path, found.name)
            if draws is not None:
                self.draws[found.name] = draws
            made.append(found)
        return made[0] if made else None

    def _scenario(self, node: yaml.Node, path: str) -> Scenario | None:
        fields = self.fields(node, path, _SCENARIO, "embedded")
        ways = [way for way in _WAYS if way in fields]
        if fields and len(ways) != 1:
            self.fault(node, path, "has to have one of embedded, folder, or fleet with workload")
        if len(ways) != 1:
            return None
        (way,) = ways
        for other in ("workload", "topology"):
            if other in fields and way != "fleet":
                self.fault(fields[other], f"{path}.{other}", f"goes with fleet, not with {way}; leave it out")
        name = self.text(fields.get("name"), f"{path}.name")
        incidents = self.text(fields.get("incidents"), f"{path}.incidents")
        queue = KUBERNETES
        if "queue" in fields:
            with self.caught(fields["queue"], f"{path}.queue"):
                queue = discipline(self.text(fields["queue"], f"{path}.queue") or KUBERNETES.name)
        found = None
        with self.caught(node, path):
            found = getattr(self, f"_of_{way}")(fields, path)
        befalls = None
        if incidents:
            with self.caught(fields["incidents"], f"{path}.incidents"):
                befalls = read_incidents(self.file.parent / incidents)
        if found is None:
            return None
        made: Scenario = replace(found, name=name or found.name, queue=queue)
        self._once(node, path, made.name)
        if befalls is not None:
            with self.caught(fields["incidents"], f"{path}.incidents"):
                made = replace(made, incidents=checked(made.fleet, befalls))
        return made

    def _of_embedded(self, fields: dict[str, yaml.Node], path: str) -> Scenario | None:
        name = self.text(fields["embedded"], path)
        if name and name not in ABOUT:
            self.fault(fields["embedded"], path, f"{name!r} does not come along; {instead(name, ABOUT)}")
        return of_dataset(name, self.kubernetes) if name in ABOUT else None

    def _of_folder(self, fields: dict[str, yaml.Node], path: str) -> Scenario | None:
        folder = self.text(fields["folder"], f"{path}.folder")
        return of_folder(self.file.parent / folder, self.kubernetes) if folder else None

    def _of_fleet(self, fields: dict[str, yaml.Node], path: str) -> Scenario | None:
        if "workload" not in fields:
            self.fault(fields["fleet"], f"{path}.workload", "missing; name the files with pods and claims")
        fleet, workload = (
            [str(self.file.parent / text) for text in self.texts(fields.get(field), f"{path}.{field}")]
            for field in ("fleet", "workload")
        )
        topology = self.text(fields.get("topology"), f"{path}.topology")
        if not fleet or not workload:
            return None
        links = self.file.parent / topology if topology else None
        found, _ = of_files(fleet, workload, topology=links, release=self.kubernetes, strict=self.strict)
        return found
