"""Reading: files, folders, streams and texts become typed objects, or one error that names every fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from drapolicy.api.encode import list_of, to_builtins
from drapolicy.api.expand import expand as expand_workloads
from drapolicy.api.kinds import CLUSTER_SCOPED
from drapolicy.api.objects import Objects, Origin
from drapolicy.api.reader import Place, Reader, without_garbage_collection
from drapolicy.api.sources import MAX_BYTES, Source, texts
from drapolicy.api.values import ReadFault
from drapolicy.api.versions.rewriting import check_version
from drapolicy.errors import Fault, InputError
from drapolicy.release import Release
from drapolicy.release import release as default_release


def load(
    *sources: Source,
    strict: bool = True,
    defaults: bool = True,
    expand: bool = True,
    validate: bool = True,
    release: Release | None = None,
    max_bytes: int = MAX_BYTES,
) -> Objects:
    """Read objects from files, folders, standard input and streams, YAML or JSON, plain or gzipped.

    Parameters
    ----------
    *sources
        Paths of files or folders, ``-`` for standard input, or binary streams; see `drapolicy.api.sources.texts`.
    strict
        Whether an unknown field is an error; otherwise it is named in ``ignored_fields`` of the result.
    defaults
        Whether to fill unset fields as the API server does (K8s S16).
    expand
        Whether the pod templates of workloads become pods and claim templates claims, as the controllers make them;
        see `drapolicy.api.expand.expand`. Otherwise workloads are skipped.
    validate
        Whether to apply the validation of the API server.
    release
        Kubernetes release whose API is read: a version that it does not serve is refused, a field that it does not
        have is unknown (K8s S1). 1.37 with its default gates if left out.
    max_bytes
        Largest text that is read from one file, decompressed.

    Returns
    -------
    Objects
        Each kind in the order of the input.

    Raises
    ------
    InputError
        If anything is wrong with any source; it carries all faults of all sources, in the order of the input.
    """
    reader = _reader(release, strict=strict, defaults=defaults, validate=validate, keep_workloads=expand)
    return _load(reader, texts(*sources, max_bytes=max_bytes), expand=expand)


def loads(
    text: str | bytes,
    name: str = "<text>",
    *,
    strict: bool = True,
    defaults: bool = True,
    expand: bool = True,
    validate: bool = True,
    release: Release | None = None,
) -> Objects:
    """Read objects from a text; ``name`` stands for the file in messages, everything else is as in `load`.

    Raises
    ------
    InputError
        As `load` does.

    Examples
    --------
    >>> text = '''
    ... apiVersion: resource.k8s.io/v1
    ... kind: DeviceClass
    ... metadata: {name: gpu.example.com}
    ... '''
    >>> loads(text).classes[0].metadata.name
    'gpu.example.com'
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    reader = _reader(release, strict=strict, defaults=defaults, validate=validate, keep_workloads=expand)
    return _load(reader, [(name, data)], expand=expand)


def stream(
    *sources: Source,
    strict: bool = True,
    defaults: bool = True,
    validate: bool = True,
    release: Release | None = None,
    max_bytes: int = MAX_BYTES,
) -> Iterator[Objects]:
    """Yield the objects of one file after the other, so that memory holds one file's text at a time.

    Workloads are skipped and counted: their pods may need templates and nodes of other files, which `load` has.

    Parameters
    ----------
    *sources, strict, defaults, validate, release, max_bytes
        As in `load`.

    Yields
    ------
    Objects
        The objects of one file that have no fault.

    Raises
    ------
    InputError
        After the last file, if anything is wrong with any of them; what was yielded must then be dropped.
    """
    reader = _reader(release, strict=strict, defaults=defaults, validate=validate, keep_workloads=False)
    for name, data in texts(*sources, max_bytes=max_bytes):
        reader.skipped.clear()
        reader.ignored.clear()
        yield Objects.of(reader.read(name, data), reader.skipped, reader.ignored, reader.places)
    reader.raise_faults()


def rewrite(
    *sources: Source,
    version: str,
    strict: bool = True,
    release: Release | None = None,
    max_bytes: int = MAX_BYTES,
) -> tuple[list[dict[str, Any]], tuple[Fault, ...]]:
    """Return the documents of files with the objects of ``resource.k8s.io`` in another API version.

    Parameters
    ----------
    *sources, strict, release, max_bytes
        As in `load`; ``release`` is the one that the files are read by.
    version
        For example ``v1beta1``.

    Returns
    -------
    documents : list of dict
        As plain values, in the order of the input; a list stays one document. Objects of other groups are as they
        were, those of the group are neither completed nor validated.
    ignored : tuple of Fault
        Unknown fields that were left out because reading was not strict.

    Raises
    ------
    InputError
        For an unknown version, and with everything that cannot be read or that the version cannot hold.
    """
    check_version(version)
    reader = _reader(release, strict=strict, defaults=False, validate=False, keep_others=True)
    made: list[dict[str, Any]] = []

    def rewritten(place: Place, thing: Any) -> dict[str, Any]:
        try:
            return thing if isinstance(thing, dict) else to_builtins(thing, version)
        except InputError as error:
            for fault in error.faults:
                place.fault(fault.object, fault.path, fault.message)
            return {}

    for name, data in texts(*sources, max_bytes=max_bytes):
        for place, things in reader.documents(name, data):
            plain = [rewritten(place, thing) for thing in things]
            made += [list_of(plain)] if place.is_list else plain
            reader.places.clear()  # files that are for different clusters may repeat names
    reader.raise_faults()
    return made, tuple(reader.ignored)


def _reader(release: Release | None, **options: bool) -> Reader:
    return Reader(release or default_release(), **options)


def _load(reader: Reader, named: Iterable[tuple[str, bytes | ReadFault]], *, expand: bool) -> Objects:
    """Read all texts to the end, then raise the faults or return the objects."""
    with without_garbage_collection():
        found = [item for name, data in named for item in reader.read(name, data)]
        reader.raise_faults()
        if expand:
            found = expand_workloads(found)
            _place_named(found, reader.places)
    return Objects.of(found, reader.skipped, reader.ignored, reader.places)


def _place_named(objects: Iterable[Any], places: dict[tuple[str, str, str], Origin]) -> None:
    """Add the places of objects that got a name from ``generateName``."""
    for item in objects:
        kind, meta = type(item).__name__, item.metadata
        namespace = "" if kind in CLUSTER_SCOPED else meta.namespace
        begun = places.get((kind, namespace, f"{meta.generate_name}*")) if meta.generate_name else None
        if begun is not None:
            places.setdefault((kind, namespace, meta.name), begun)
