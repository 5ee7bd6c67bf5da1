"""Pods that ask for CPU, memory and other resources of their node, by hand."""

from __future__ import annotations

from drapolicy.api.core import Container, Pod, PodSpec, ResourceRequirements
from drapolicy.api.quantity import Quantity

GPU = "example.com/gpu"
"""An extended resource."""


def amounts(**given: str) -> dict[str, Quantity]:
    """Return amounts by resource; ``gpu``, ``huge`` and ``storage`` stand for names that are no Python names."""
    names = {"gpu": GPU, "huge": "hugepages-2Mi", "storage": "ephemeral-storage"}
    return {names.get(name, name): Quantity(text) for name, text in given.items()}


def needs(**requests: str) -> ResourceRequirements:
    """Return requests of these amounts."""
    return ResourceRequirements(requests=amounts(**requests))


def container(always: bool = False, limits: dict[str, Quantity] | None = None, **requests: str) -> Container:
    """Return a container; ``always`` makes a sidecar of an init container."""
    resources = ResourceRequirements(requests=amounts(**requests), limits=limits or {})
    return Container(name="c", resources=resources, restart_policy="Always" if always else None)


def pod(*containers: Container, init: list[Container] | None = None, **spec: object) -> Pod:
    """Return a pod of these containers."""
    return Pod(spec=PodSpec(containers=list(containers), init_containers=init or [], **spec))  # type: ignore[arg-type]
