"""Writing: what is written reads back, for every reader of YAML."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import inspect

from drapolicy import api
from drapolicy.api import Objects, Quantity, core, resource
from drapolicy.api.kinds import CORE_TYPES, RESOURCE_TYPES
from drapolicy.api.versions.rewriting import version_of
from drapolicy.api.versions.served import SERVED, VERSIONS, is_served
from drapolicy.errors import InputError
from drapolicy.release import MINORS, release

DATA = Path(__file__).parents[1] / "data"

AWKWARD = [
    *(
        "y",
        "n",
        "Y",
        "N",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "False",
        "null",
        "~",
        "",
        "=",
        "<<",
        "-",
        "?",
        ":",
        "*a",
        "&a",
        "!x",
    ),
    *(
        "0777",
        "0o17",
        "0x1F",
        "0b11",
        "1_000",
        "1e3",
        "1E+3",
        "1.0",
        ".5",
        "5.",
        "-0",
        "+1",
        ".inf",
        "-.INF",
        ".NaN",
        "nan",
    ),
    *(
        "12:30",
        "190:20:30",
        "1:2:3.5",
        "2001-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "007",
        "1,000",
        "1g.5gb",
        "80Gi",
        "1.2.3",
    ),
    *(
        "a: b",
        "a #b",
        "#a",
        " a",
        "a ",
        "a\nb",
        "a\n",
        "\na",
        " a\nb",
        "a\n\n",
        "a \nb",
        "\t",
        "a\tb\nc",
        "---",
        "...",
        "- a",
        "{",
        "[",
        "@",
        "`",
        "%",
        "|",
        ">",
        "'",
        '"',
        "\\",
    ),
    *("\u0085", "\u2028", "\ufeff", "\x7f", "\x00", "é", "\U0001f600", "{{ .x }}"),
]


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a type that the structs use."""
    match kind:
        case inspect.UnionType(types=types):
            return st.one_of(*(values(option) for option in types))
        case inspect.NoneType():
            return st.none()
        case inspect.StructType(cls=cls, fields=fields):
            made = {
                field.name: values(field.type)
                for field in fields
                if field.encode_name != "__source__" and (field.name != "api_version" or not hasattr(cls, "metadata"))
            }
            some = st.lists(st.sampled_from(sorted(made)), max_size=4, unique=True)
            return some.flatmap(lambda names: st.fixed_dictionaries({name: made[name] for name in names})).map(
                lambda given: complete(cls, given)
            )
        case inspect.ListType(item_type=item):
            return st.lists(values(item), max_size=2)
        case inspect.DictType(value_type=value):
            return st.dictionaries(TEXT, values(value), max_size=2)
        case inspect.IntType(ge=ge, le=le):
            return st.integers(ge, le)
        case inspect.BoolType():
            return st.booleans()
        case inspect.StrType():
            return TEXT
        case inspect.CustomType():
            return QUANTITIES
        case inspect.AnyType():
            return st.dictionaries(TEXT, ANYTHING, max_size=2)
    raise NotImplementedError(kind)


def complete(cls: type[Any], given: dict[str, Any]) -> Any:
    """Build a struct whose required fields, all quantities, may be missing."""
    missing = [field.name for field in msgspec.structs.fields(cls) if field.required and field.name not in given]
    return cls(**given, **{name: Quantity("1") for name in missing})


TEXT = st.one_of(st.sampled_from(AWKWARD[:-1]), st.text(st.characters(codec="utf-8"), max_size=6)).filter(
    lambda text: "{{" not in text and text != "__source__"
)
QUANTITIES = st.builds(
    lambda number, suffix: Quantity(f"{number}{suffix}"),
    st.integers(-(10**6), 10**6),
    st.sampled_from(["", "n", "m", "k", "Ki", "Gi", "E", "Ei", "e3"]),
)
ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXT,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXT, inner, max_size=2)),
    max_leaves=4,
)
OBJECTS = st.one_of(*(values(inspect.type_info(kind)) for kind in [*RESOURCE_TYPES.values(), *CORE_TYPES.values()]))


def read(text: str, minor: str = "1.37") -> Objects:
    return api.loads(text, validate=False, defaults=False, expand=False, release=release(minor))


def holding(made: Any, version: str) -> str:
    """Return the newest release that serves this kind in this version and has all fields of the object."""
    kind = type(made).__name__
    for minor in reversed(MINORS):
        if kind not in SERVED:
            return minor
        if is_served(kind, version, minor) and not api.absent_fields(api.to_builtins(made), kind, release(minor)):
            return minor
    return ""


@pytest.mark.parametrize("form", ["yaml", "json"])
@given(made=OBJECTS)
def test_what_is_written_reads_back(form: str, made: Any) -> None:
    """Reading undoes writing for any object that some release can have: every field, any text, any quantity."""
    text = api.dump(made, form)
    minor = holding(made, version_of(api.to_builtins(made)["apiVersion"]))
    assume(minor)
    (back,) = read(text, minor)
    assert back == made


@pytest.mark.parametrize("version", VERSIONS)
@given(made=OBJECTS)
def test_what_is_written_in_another_version_reads_back(version: str, made: Any) -> None:
    """Every version that takes an object gives it back."""
    try:
        doc = api.to_builtins(made, version)
    except InputError:
        assume(False)
    assert doc["apiVersion"] in {f"resource.k8s.io/{version}", "v1"}
    minor = holding(made, version)
    assume(minor)
    (back,) = read(json.dumps(doc, default=float), minor)
    assert back == made
    assert api.to_builtins(back, version) == doc


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("name", sorted(path.name for path in (DATA / "good").iterdir()))
def test_good_files_come_back(name: str, form: str) -> None:
    """Whole inputs survive a round trip, generated pods and claims included."""
    objects = api.load(DATA / "good" / name)
    back = read(api.dump(objects, form))
    assert list(back) == list(objects)
    assert api.dump(back, form) == api.dump(objects, form)


@pytest.mark.parametrize("text", AWKWARD)
def test_text_stays_text_for_other_readers(text: str) -> None:
    """A reader of plain YAML 1.1 gets the same text back, as key and as value."""
    made = resource.DeviceClass(metadata=core.ObjectMeta(name="a", annotations={text: text}))
    assert yaml.safe_load(api.dump(made))["metadata"]["annotations"] == {text: text}


@pytest.mark.parametrize(
    "text", ["y", "n", "12:30", "0o17", "1e3", "0777", "2001-01-01", "1_0", "1:30.5", ".5", "0x", "=", "<<"]
)
def test_text_that_some_reader_misreads_is_quoted(text: str) -> None:
    """Readers disagree about these; quoted, they are text to all."""
    made = resource.DeviceClass(metadata=core.ObjectMeta(name=text))
    assert f'name: "{text}"\n' in api.dump(made)


@pytest.mark.parametrize(
    "text",
    ["gpu.example.com", "80Gi", "1g.5gb", "n1", "1.2.3", "resource.kubernetes.io/pcieRoot", "NVIDIA H100 80GB HBM3"],
)
def test_harmless_text_stays_plain(text: str) -> None:
    """Quotes stand only where they are needed."""
    made = resource.DeviceClass(metadata=core.ObjectMeta(name=text))
    assert f"name: {text}\n" in api.dump(made)


def test_the_order_is_that_of_kubernetes() -> None:
    """Version and kind come first, then metadata, spec and status; generation 0 is written."""
    claim = resource.ResourceClaim(
        status=resource.ResourceClaimStatus(allocation=resource.AllocationResult()),
        spec=resource.ResourceClaimSpec(devices=resource.DeviceClaim(requests=[resource.DeviceRequest(name="r")])),
        metadata=core.ObjectMeta(namespace="x", name="a"),
    )
    assert list(api.to_builtins(claim)) == ["apiVersion", "kind", "metadata", "spec", "status"]
    made = api.to_builtins(
        resource.ResourceSlice(spec=resource.ResourceSliceSpec(pool=resource.ResourcePool(name="p")))
    )
    assert made == {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {},
        "spec": {"pool": {"name": "p", "generation": 0}},
    }


def test_several_objects_are_documents_or_a_list() -> None:
    """YAML gets one document for each object, JSON a v1 List; one object stands alone."""
    nodes = [core.Node(metadata=core.ObjectMeta(name=name)) for name in "ab"]
    assert api.dump(nodes).count("---\n") == 1
    assert [item["metadata"]["name"] for item in json.loads(api.dump(nodes, "json"))["items"]] == ["a", "b"]
    assert json.loads(api.dump(nodes[0], "json"))["kind"] == "Node"
    assert api.dump(Objects()) == ""
    with pytest.raises(ValueError, match="format must be 'yaml' or 'json', not 'xml'"):
        api.dump(nodes, "xml")


def test_parts_of_objects_are_written_as_they_are() -> None:
    """An allocation alone is plain values too, without version and kind."""
    made = resource.DeviceCapacity(value=Quantity("1024Mi"))
    assert api.to_builtins(made) == {"value": "1Gi"}


def test_fields_that_are_not_modelled_come_back() -> None:
    """A pod keeps what was read with it; what was changed in the object wins, by name of the container."""
    text = """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  restartPolicy: Never
  nodeName: old
  containers:
  - {name: a, image: x, command: [run], securityContext: {privileged: true}}
  - {name: b, image: z, args: [--fast]}
  affinity: {podAffinity: {anything: [1]}}
  securityContext: {runAsUser: 1}
status: {phase: Running, podIP: 10.0.0.1}
"""
    (pod,) = read(text).pods
    assert api.to_builtins(pod) == yaml.safe_load(text)
    changed = msgspec.structs.replace(
        pod, spec=msgspec.structs.replace(pod.spec, node_name="new", containers=pod.spec.containers[1:])
    )
    expected = yaml.safe_load(text)
    expected["spec"]["nodeName"] = "new"
    del expected["spec"]["containers"][0]
    assert api.to_builtins(changed) == expected


def test_numbers_in_parameters_keep_their_digits() -> None:
    """Opaque parameters are the driver's; JSON gives their numbers back as written."""
    text = (
        '{"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "a"}, "spec": {"config": '
        '[{"opaque": {"driver": "d", "parameters": {"a": 12345678901234567890123, "b": 0.1234567890123456789, "c": 1.5}}}]}}'
    )
    (made,) = read(text).classes
    parameters = made.spec.config[0].opaque.parameters
    assert parameters == {"a": 12345678901234567890123, "b": Decimal("0.1234567890123456789"), "c": 1.5}
    assert "0.1234567890123456789" in api.dump(made, "json")
    assert read(api.dump(made, "json")).classes == (made,)


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_has_not_are_refused(form: str, number: float) -> None:
    """NaN in parameters cannot be written."""
    opaque = resource.OpaqueDeviceConfiguration(driver="d", parameters={"a": [number]})
    made = resource.DeviceClass(
        spec=resource.DeviceClassSpec(config=[resource.DeviceClassConfiguration(opaque=opaque)])
    )
    with pytest.raises(ValueError, match="is no number of JSON"):
        api.dump(made, form)
