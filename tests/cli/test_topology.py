"""``drapolicy topology``: pictures read, made, compared and joined to a fleet."""

from __future__ import annotations

import io
import json
import re
import sys
from types import SimpleNamespace

import pytest
import yaml

from drapolicy import topology
from drapolicy.topology import node_link, nvidia_smi
from drapolicy.topology.generate import KINDS, from_text, generate
from drapolicy.topology.read import load_text

PAIR = "\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tNV4\t X \n"
XPU = """\
         GPU 0/0|GPU 1/0|CPU Affinity
GPU 0/0  S      |XL8    |0-23,48-71
GPU 1/0  XL8    |S      |24-47,72-95
"""
SLICE = """\
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: {node}-gpus}}
spec:
  driver: gpu.nvidia.com
  nodeName: {node}
  pool: {{name: {node}, generation: 1, resourceSliceCount: 1}}
  devices:
  - {{name: gpu-0, attributes: {{type: {{string: gpu}}, index: {{int: 0}}}}}}
  - {{name: gpu-7, attributes: {{type: {{string: gpu}}, index: {{int: {other}}}}}}}
"""
ROOT = """\
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: {device}}}
spec:
  driver: {driver}
  nodeName: n1
  pool: {{name: n1, generation: 1, resourceSliceCount: 1}}
  devices:
  - {{name: {device}, attributes: {{resource.kubernetes.io/pcieRoot: {{string: "{root}"}}}}}}
"""


@pytest.fixture
def pair(tmp_path):
    """A file with two linked GPUs."""
    path = tmp_path / "topo.txt"
    path.write_text(PAIR)
    return path


@pytest.fixture
def standard_input(monkeypatch):
    """Give a text on standard input."""

    def give(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))

    return give


def test_facts_of_every_real_file_are_printed_or_it_is_refused(run, shared):
    """JSON has each known fact under its name; what is no topology is refused with its name, and nothing is printed."""
    for name, known in json.loads((shared / "topology/facts.json").read_text()).items():
        file = shared / "topology" / name
        ran = run("topology", "read", "-o", "json", file)
        if known["kind"] == "refused":
            assert (ran.code, ran.out) == (2, ""), name
            assert ran.err.startswith(f"drapolicy: {file}: "), name
        else:
            assert (ran.code, ran.err) == (0, ""), name
            told = json.loads(ran.out)
            assert {field: told[field] for field in known} == known, name
            assert told["vertices"], name


def test_a_file_is_told_with_what_all_formats_have(run, pair):
    """Beside the facts stand file, format, and how many vertices and links of each kind there are."""
    told = json.loads(run("topology", "read", "-o", "json", pair, "--product", "A100").out)
    assert (told["kind"], told["gpu_pairs"]) == ("nvidia-smi", {"NV4": 1})
    assert (told["file"], told["format"]) == (str(pair), "nvidia-smi topo -m")
    assert (told["vertices"], told["links"]["NV"]) == ({"gpu": 2, "host": 1}, 1)
    assert (told["experimental"], told["failed"], told["notes"]) == (False, 0, [])


def test_what_documentation_alone_tells_is_experimental(run, tmp_path):
    """A format that is read after the vendor's pages is marked, in JSON and in the table."""
    path = tmp_path / "xpu.txt"
    path.write_text(XPU)
    told = json.loads(run("topology", "read", "-o", "json", path).out)
    assert told["experimental"] is True
    assert "experimental" in told["notes"][0]
    assert "experimental, read after the vendor's documentation" in run("topology", "read", path).out


@pytest.mark.parametrize(
    ("product", "note"),
    [
        ("", "the file tells no product: links have the rates of an A100"),
        ("abacus", "product 'abacus' is not known: "),
        ("Tesla V100-SXM2-16GB", ""),
    ],
)
def test_rates_that_are_assumed_are_told(run, pair, product, note):
    """A matrix names no product, so that links are those of a common one unless somebody says what they are."""
    notes = json.loads(run("topology", "read", pair, "--product", product, "-o", "json").out)["notes"]
    assert [told.startswith(note) for told in notes] == [True] * bool(note)


def test_facts_are_a_table(run, pair):
    """Lists and counts are written on one line each."""
    lines = dict(line.split(maxsplit=1) for line in run("topology", "read", pair).out.splitlines() if " " in line)
    assert lines["columns"] == "GPU0, GPU1"
    assert lines["gpu_pairs"] == "NV4: 1"
    assert lines["nvlink_list"] == "GPU0 GPU1 NV4"
    assert lines["symmetric"] == "true"


def test_several_files_are_an_object_each(run, pair, tmp_path):
    """With more than one file, objects are by file; a file given twice is read once."""
    other = tmp_path / "other.txt"
    other.write_text(PAIR.replace("NV4", "SYS"))
    told = yaml.safe_load(run("topology", "read", "-o", "yaml", pair, other, pair).out)
    assert {file: facts["gpu_pairs"] for file, facts in told.items()} == {
        str(pair): {"NV4": 1},
        str(other): {"SYS": 1},
    }
    assert run("topology", "read", pair, other).out.count("FACT") == 2


def test_standard_input_is_read(run, standard_input):
    """What a tool prints can be piped."""
    standard_input("\ufeff" + PAIR)
    assert json.loads(run("topology", "read", "-o", "json", "-").out)["file"] == "-"


def test_a_picture_is_saved(run, pair, tmp_path):
    """The saved picture is that of the file, as fast as the product makes its links."""
    saved = tmp_path / "machine.json"
    assert run("topology", "read", pair, "--product", "NVIDIA H100 80GB HBM3", "--save", saved).code == 0
    assert topology.load(saved) == topology.read(pair, product="NVIDIA H100 80GB HBM3") != topology.read(pair)
    assert json.loads(run("topology", "read", "-o", "json", saved).out)["kind"] == "drapolicy-topology"


def test_faults_of_all_files_are_told_together(run, pair, tmp_path):
    """Each fault has file, line and column; nothing is printed or saved beside."""
    bad, worse = tmp_path / "bad.txt", tmp_path / "worse.txt"
    bad.write_text(PAIR.replace("NV4\t X", "NVX\t X"))
    worse.write_text("hello\n")
    ran = run("topology", "read", pair, bad, worse)
    assert (ran.code, ran.out) == (2, "")
    assert f"{bad}: " in ran.err
    assert "line 3, column" in ran.err
    assert f"{worse}: is of no known format" in ran.err
    saved = tmp_path / "machine.json"
    assert run("topology", "read", bad, "--save", saved).code == 2
    assert not saved.exists()


def test_what_xml_declares_is_refused_where_it_stands(run, tmp_path):
    """A document that would grow by its entities is refused as what it is, by line and column."""
    path = tmp_path / "bomb.xml"
    path.write_text('<!DOCTYPE topology [\n <!ENTITY a "aaaa">\n]>\n<topology version="2.0">&a;</topology>', "utf-8")
    ran = run("topology", "read", path)
    assert (ran.code, ran.out) == (2, "")
    assert "line 2" in ran.err
    assert "entit" in ran.err


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_made_is_read_back(run, kind):
    """Every kind is written as JSON that is the picture."""
    ran = run("topology", "generate", kind)
    assert load_text(ran.out).topology() == topology.generate(kind)


def test_parameters_and_failures_are_taken(run):
    """Parameters are read from text; the seed chooses which links have failed, and a part is of all links."""
    words = ("--param", "shape=2x2", "--param", "host=1,1", "--param", "wrap=false", "--seed", "3")
    made = node_link.parse(run("topology", "generate", "torus", *words, "--failures", "1").out)
    given = {"shape": (2, 2), "host": (1, 1), "wrap": False}
    assert made == topology.generate("torus", failures=1, seed=3, **given)
    half = node_link.parse(run("topology", "generate", "torus", *words, "--failures", "0.5").out)
    assert half == topology.generate("torus", failures=0.5, seed=3, **given)


def test_a_made_machine_is_written_as_nvidia_smi_does(run):
    """The letters are a matrix that is read again; of several hosts one is named."""
    matrix = nvidia_smi.parse(run("topology", "generate", "dgx-1-v100", "-o", "nvidia-smi").out)
    assert matrix.letters(matrix.names.index("GPU0"), matrix.names.index("GPU3")) == "NV2"
    ran = run("topology", "generate", "gb200-nvl72", "-o", "nvidia-smi")
    assert (ran.code, ran.out) == (2, "")
    assert "the picture has 18; choose with --host: rack0/tray0," in ran.err
    tray = nvidia_smi.parse(run("topology", "generate", "gb200-nvl72", "-o", "nvidia-smi", "--host", "rack0/tray1").out)
    assert len(tray.gpus) == 4


def test_a_made_machine_is_counted(run):
    """The table has kinds and numbers, and says where the structure is from."""
    out = run("topology", "generate", "pcie", "--param", "cards=3", "-o", "table").out
    assert "gpu: 3" in out
    assert "made up from the parameters" in out


def test_kinds_are_listed(run):
    """Without a kind, or with --list, kinds or the parameters of one are told."""
    listed = run("topology", "generate")
    assert listed.out == run("topology", "generate", "--list").out
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == list(KINDS)
    rows = json.loads(run("topology", "generate", "-o", "json").out)
    assert {row["kind"]: list(row["params"]) for row in rows} == {name: list(k.params) for name, k in KINDS.items()}
    one = run("topology", "generate", "torus", "--list").out
    assert "chips along each axis" in one
    assert "ISCA 2023" in one


@pytest.mark.parametrize("kind", KINDS)
def test_help_after_a_kind_has_its_parameters(run, kind):
    """Each with a default that --param takes; without a kind, help has the kinds."""
    told = run("topology", "generate", kind, "--help").out
    assert f"Parameters of {kind}" in told
    given = re.findall(r"^  (\w+)=(\S*)", told, re.MULTILINE)
    assert [name for name, _ in given] == list(KINDS[kind].params)
    one_word = {name: text for name, text in given if name != "product"}
    assert generate(kind, **from_text(kind, one_word)) == generate(kind)
    assert f"  {kind} " in run("topology", "generate", "--help").out


def test_help_knows_other_names(run):
    """What vendors call a kind is answered for the kind."""
    assert "Parameters of hgx-h100" in run("topology", "generate", "DGX-H100", "--help").out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("generate", "nix"), "kind: 'nix' is unknown; use one of dgx-1-p100"),
        (("generate", "nix", "--list"), "kind: 'nix' is unknown"),
        (("generate", "pcie", "--param", "cards"), "pcie: --param: 'cards' is not NAME=VALUE"),
        (("generate", "pcie", "--param", "cards=x"), "pcie: cards: 'x' is not an integer from 1 to 16"),
        (("generate", "pcie", "--param", "card=1"), "pcie: card: is no parameter; it has cards"),
        (("generate", "pcie", "--param", "cards=1", "--param", "cards=2"), "pcie: cards: is given twice"),
        (("generate", "pcie", "--failures", "few"), "pcie: --failures: 'few' is neither a count nor a part"),
        (("generate", "pcie", "--failures", "nan"), "is neither a count nor a part"),
        (("generate", "pcie", "--failures", "-1"), "is neither a count nor a part"),
        (("generate", "pcie", "--failures", "9999"), "9999 links cannot fail"),
        (("generate", "--failures", "1"), "a list has no --failures"),
        (("generate", "-o", "nvidia-smi"), "a list is written as json or table"),
        (("generate", "cpu-nic", "-o", "nvidia-smi", "--host", "h"), "'h' is no host of the picture"),
        (("diff", "-", "-"), "standard input can be only one of the two"),
        (("diff", "nowhere.txt", "-"), "nowhere.txt: no such file"),
        (("read", "nowhere.txt"), "nowhere.txt: no such file"),
        (("read", "a.txt", "b.txt", "--save", "c.json"), "save one picture at a time"),
        (("bind", "-", "--topology", "-"), "standard input is the fleet already"),
    ],
)
def test_wrong_arguments_are_named(run, words, reason):
    """Code 2, a message that names the argument and what to give; nothing is printed."""
    ran = run("topology", *words)
    assert (ran.code, ran.out) == (2, "")
    assert reason in ran.err


def test_a_failed_link_is_a_difference(run, pair, tmp_path, standard_input):
    """What changed is told, and between which devices bandwidth went down."""
    before = topology.generate("dgx-1-v100")
    file = tmp_path / "before.json"
    topology.save(before, file)
    standard_input(node_link.dumps(before.with_failed(("GPU0", "GPU3"))))
    out = run("topology", "diff", file, "-").out
    assert "~ GPU0 - GPU3: failed: False -> True" in out
    assert "GPU0 - GPU3: 50000 -> " in out
    standard_input(node_link.dumps(before.with_failed(("GPU0", "GPU3"))))
    told = json.loads(run("topology", "diff", "-o", "json", file, "-").out)
    assert told["same"] is False
    assert ("GPU0", "GPU3") in [(row["a"], row["b"]) for row in told["bandwidth"]]
    assert run("topology", "diff", file, file).out == "no difference\n"
    assert "\n- GPU5 and its " in run("topology", "diff", file, pair).out


def test_a_fleet_is_joined(run, pair, tmp_path):
    """Nodes that are alike are told once; what did not match is told on both sides."""
    path = tmp_path / "fleet.yaml"
    path.write_text(
        "---\n".join(SLICE.format(node=node, other=other) for node, other in (("a", 1), ("b", 1), ("c", 7)))
    )
    ran = run("topology", "bind", path, "--topology", pair)
    assert (ran.code, ran.err) == (0, "")
    lines = [line.split(maxsplit=3) for line in ran.out.splitlines()]
    assert ["a,", "b"] in lines
    assert lines.count(["gpu-7", "gpu.nvidia.com", "GPU1", "by index"]) == 1
    told = json.loads(run("topology", "bind", path, "--topology", pair, "-o", "json").out)
    assert told["without"] == []
    gpu = {"driver": "gpu.nvidia.com", "pool": "c", "device": "gpu-7"}
    assert told["nodes"]["a"]["bound"][1] == {**gpu, "pool": "a", "vertex": "GPU1", "by": "index"}
    (device,), (vertex,) = told["nodes"]["c"]["devices"], told["nodes"]["c"]["vertices"]
    assert {field: device[field] for field in gpu} == gpu
    assert device["why"]
    assert vertex["vertex"] == "GPU1"
    assert vertex["why"]


def test_a_fleet_of_something_else_is_told(run, fleet, pair):
    """Of a node on which nothing matches both sides are listed with the reasons."""
    ran = run("topology", "bind", fleet, "--topology", pair, "-o", "json")
    told = json.loads(ran.out)
    assert (ran.code, told["nodes"], told["without"]) == (0, {}, ["n1"])
    found = told["unmatched"]["n1"]
    assert [device["device"] for device in found["devices"]] == ["gpu-0", "gpu-1", "gpu-2"]
    assert [vertex["vertex"] for vertex in found["vertices"]] == ["GPU0", "GPU1"]
    assert all(row["why"] for row in (*found["devices"], *found["vertices"]))
    out = run("topology", "bind", fleet, "--topology", pair).out
    assert out.endswith("0 nodes got links, 1 did not\nwithout: n1\n")
    assert "gpu-2" in out


def test_hosts_that_are_no_nodes_are_told(run, fleet, tmp_path):
    """Devices of a network's picture whose host no node is named after are listed."""
    path = tmp_path / "network.json"
    topology.save(topology.generate("fat-tree", nodes=2), path)
    told = json.loads(run("topology", "bind", fleet, "--topology", path, "-o", "json").out)
    assert {row["why"] for row in told["vertices"]} == {"no node is called node0", "no node is called node1"}
    out = run("topology", "bind", fleet, "--topology", path).out
    assert sum("not bound: no node is called node1" in line for line in out.splitlines()) == 1


def test_constraints_that_can_never_hold_are_told(run, pair, tmp_path):
    """Where two drivers publish PCIe roots and none is the same, matchAttribute over them is said to be in vain."""
    path = tmp_path / "fleet.yaml"
    roots = (("gpu.nvidia.com", "gpu-0", "pci0008:00"), ("dra.net", "net-0", "pci0000:00"))
    path.write_text("---\n".join(ROOT.format(driver=driver, device=name, root=root) for driver, name, root in roots))
    said = "matchAttribute resource.kubernetes.io/pcieRoot can never hold between"
    assert f"note: {said}" in run("topology", "bind", path, "--topology", pair).out
    told = json.loads(run("topology", "bind", path, "--topology", pair, "-o", "json").out)
    ((node, found),) = {**told["nodes"], **told["unmatched"]}.items()
    assert (node, len(found["notes"])) == ("n1", 1)
    assert found["notes"][0].startswith(said)
