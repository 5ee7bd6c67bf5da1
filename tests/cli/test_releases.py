"""``--k8s``, ``--feature-gates`` and ``drapolicy gates``."""

from __future__ import annotations

import json

import pytest

from drapolicy.cli.releases import called, chosen
from drapolicy.release import MINORS, release
from drapolicy.release.gates import GATES, NEEDS


@pytest.mark.parametrize(
    ("texts", "gates"),
    [
        ([], {}),
        (["DRAListTypeAttributes=true"], {"DRAListTypeAttributes": True}),
        (
            ["DRAListTypeAttributes=true,DRAPartitionableDevices=false"],
            {"DRAListTypeAttributes": True} | {"DRAPartitionableDevices": False},
        ),
        (
            ["DRAListTypeAttributes=T", "DRAPartitionableDevices=0"],
            {"DRAListTypeAttributes": True} | {"DRAPartitionableDevices": False},
        ),
        ([" DRAListTypeAttributes = true , "], {"DRAListTypeAttributes": True}),
        (["DRAListTypeAttributes=true", "DRAListTypeAttributes=false"], {}),
    ],
    ids=str,
)
def test_gates_are_read_as_kubernetes_reads_them(texts, gates):
    """Spaces and empty parts do not matter, the option may be repeated, and the last word counts."""
    assert chosen("1.36", texts) == release("1.36", gates=gates)


@pytest.mark.parametrize("minor", MINORS)
def test_a_stage_is_turned_on_as_a_whole(minor):
    """``AllAlpha`` means all alpha gates that are not named, and no other."""
    column = MINORS.index(minor)
    alpha = {name for name, row in GATES.items() if (gate := row[column]) and gate.stage == "alpha"}
    assert alpha
    assert chosen(minor, ["AllAlpha=true"]).gates == release(minor).gates | alpha
    left = min(alpha - {needed for names in NEEDS.values() for needed in names})
    assert left not in chosen(minor, [f"AllAlpha=true,{left}=false"]).gates


def test_beta_gates_are_turned_off_as_a_whole():
    """Of 1.36 what is GA stays."""
    on = chosen("1.36", ["AllBeta=false"]).gates
    assert on == {"DRAAdminAccess", "DRAPrioritizedList"}


@pytest.mark.parametrize("command", ["allocate", "validate", "evaluate", "gates", "jsonl"])
@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ("DRAListTypeAttributes", "says neither true nor false; write DRAListTypeAttributes=true"),
        ("DRAListTypeAttributes=yes", "'yes' is no boolean; write DRAListTypeAttributes=true or"),
        ("Nope=true", "feature gate Nope is unknown; known are DRAAdminAccess, "),
        ("DRAAdminAccess=false", "feature gate DRAAdminAccess is locked to true; leave it out"),
        ("DRAResourceClaimDeviceStatus=false", "needs DRAResourceClaimDeviceStatus; turn it on too"),
    ],
)
def test_wrong_gates_are_refused_by_every_command(run, tmp_path, command, gates, message):
    """With code 2 and a line that names the gate and what to do, before anything is read or played."""
    words = {
        "allocate": ["allocate", tmp_path / "none.yaml"],
        "validate": ["validate", tmp_path / "none.yaml"],
        "evaluate": ["evaluate", "--out", tmp_path / "out"],
        "gates": ["gates"],
        "jsonl": ["allocate", "--jsonl"],
    }[command]
    ran = run(*words, "--k8s", "1.36", "--feature-gates", gates)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert not (tmp_path / "out").exists()


def test_gates_are_listed_with_stage_and_lock(run):
    """What the release does not have is not listed; what was asked for counts."""
    ran = run("gates", "--k8s", "1.36", "--feature-gates", "DRAListTypeAttributes=true")
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["DRAAdminAccess", "GA", "on", "locked"] in rows
    assert ["DRADeviceTaintRules", "beta", "off"] in rows
    assert ["DRAListTypeAttributes", "alpha", "on"] in rows
    assert "DRADerivedAttributes" not in ran.out
    ran = run("gates", "--k8s", "1.34", "-o", "json")
    assert {"name": "DRAConsumableCapacity", "stage": "alpha", "on": False, "locked": False} in json.loads(ran.out)


def test_the_result_says_what_decided(run, fleet, claims):
    """Release and changed gates stand in the last line of the table."""
    gates = "DRAListTypeAttributes=true,DRAPartitionableDevices=false"
    ran = run("allocate", fleet, claims(1), "--k8s", "1.36", "--feature-gates", gates)
    assert (ran.code, ran.err) == (0, "")
    told = "Kubernetes 1.36 (DRAListTypeAttributes=true, DRAPartitionableDevices=false)"
    assert ran.out.splitlines()[-1] == f"1 of 1 placed by kube-scheduler, {told}"
    assert called(release("1.35")) == "Kubernetes 1.35"


@pytest.mark.parametrize(("minor", "random"), [("1.34", True), ("1.35", True), ("1.36", False), ("1.37", False)])
def test_an_order_that_is_random_upstream_is_told(run, fleet, claims, minor, random):
    """Whoever compares devices with a cluster must know that they need not be the same."""
    ran = run("allocate", fleet, claims(1), "--k8s", minor)
    assert ran.code == 0
    assert ("tries pools in random order" in ran.err) == random


def test_a_gate_changes_the_decision(run, fleet, tmp_path):
    """A prioritized list ends the attempt where its gate is off."""
    listed = tmp_path / "listed.yaml"
    listed.write_text(
        "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: c, namespace: default}\n"
        "spec: {devices: {requests: [{name: r, firstAvailable: [{name: a, deviceClassName: gpu}]}]}}\n"
    )
    assert run("allocate", fleet, listed, "--k8s", "1.36").code == 0
    ran = run("allocate", fleet, listed, "--k8s", "1.36", "--feature-gates", "DRAPrioritizedList=false")
    assert (ran.code, "feature is disabled" in ran.out) == (1, True)


def test_what_an_incomplete_pool_means_follows_the_release(run, fleet, tmp_path):
    """1.34 allocates from it where later releases wait for the rest."""
    cut = tmp_path / "cut.yaml"
    cut.write_text(fleet.read_text().replace("resourceSliceCount: 1", "resourceSliceCount: 2"))
    assert "1.34 allocates its devices all the same" in run("validate", cut, "--k8s", "1.34").out
    assert "allocates none of its devices" in run("validate", cut, "--k8s", "1.35").out
