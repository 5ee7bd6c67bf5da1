"""What docs/upstream says of Kubernetes' own defects is what every release answers, and drapolicy too."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import drapolicy as dp
from drapolicy.policies.place import place_all
from drapolicy.release import MINORS, Release, release
from drapolicy.release.gates import GATES
from drapolicy.testing.lines import reference
from drapolicy.testing.oracle import FOLDER, Oracle

UPSTREAM = Path(__file__).resolve().parents[2] / "docs" / "upstream"
PATCHES = {"1.34": "1.34.13", "1.35": "1.35.10", "1.36": "1.36.6", "1.37": "1.37.2"}
LACKING = "lacks it"
KINDS = {"fatal": "abort", "node": "node error", "timeout": "timeout", "panic": "panic", "new": "no allocator"}
# An order that Go draws has a chance of at least 1 in 8 for each of two entries of a map.
DRAWS = 250

Quirk = dict[str, Any]

QUIRKS: list[Quirk] = yaml.safe_load((UPSTREAM / "quirks.yaml").read_text(encoding="utf-8"))
ALLOCATED = [quirk for quirk in QUIRKS if "answers" in quirk and not quirk.get("cluster")]
PLACED = [quirk for quirk in QUIRKS if quirk.get("cluster")]


def answers(quirk: Quirk, minor: str) -> list[str]:
    """Upstream's documented answers: one, or all that a random order gives."""
    told = quirk["answers"]
    told = told[minor] if isinstance(told, dict) else told[0] if isinstance(told, list) else told
    return told if isinstance(told, list) else [told]


def affected(quirk: Quirk, minor: str) -> bool | None:
    """Whether a release shows the quirk; None where it lacks what the quirk is about."""
    if "affected" in quirk:
        return minor in quirk["affected"]
    told = answers(quirk, minor)
    return None if told == [LACKING] else told != [quirk["expected"]]


def kubernetes(quirk: Quirk, minor: str) -> Release:
    """The release with the quirk's gates, those that it has."""
    known = {name for name, row in GATES.items() if row[MINORS.index(minor)] is not None}
    return release(minor, gates={name: on for name, on in quirk.get("gates", {}).items() if name in known})


def line(quirk: Quirk, minor: str) -> dict[str, Any]:
    """The case as a line of the protocol, with the defaults that the API server sets."""
    path = UPSTREAM / "cases" / f"{quirk['case']}.yaml"
    objects = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    of_kind = {kind: [item for item in objects if item["kind"] == kind] for kind in {item["kind"] for item in objects}}
    claims = of_kind["ResourceClaim"]
    for spec in (spec for claim in claims for spec in wishes(claim)):
        if spec.setdefault("allocationMode", "ExactCount") == "ExactCount":
            spec.setdefault("count", 1)
    return {
        "features": dict.fromkeys(sorted(kubernetes(quirk, minor).features), True),
        "node": of_kind["Node"][0],
        "classes": of_kind.get("DeviceClass", []),
        "slices": of_kind.get("ResourceSlice", []),
        "claims": [claim for claim in claims if "status" not in claim],
        "allocated": {"claims": [claim for claim in claims if "status" in claim]},
        **({"timeoutMs": quirk["timeoutMs"]} if "timeoutMs" in quirk else {}),
    }


def wishes(claim: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for request in claim["spec"]["devices"]["requests"]:
        yield from request.get("firstAvailable", [request.get("exactly")])


def told(asked: dict[str, Any], answer: dict[str, Any]) -> str:
    """An answer of the protocol as the data write it."""
    if answer.get("error"):
        if answer["errorKind"] == "input":
            return LACKING
        return f"{KINDS[answer['errorKind']]}: {answer['error'].splitlines()[0]}"
    if not answer["fit"]:
        return "no fit"
    claims = [
        (claim["metadata"]["name"], " ".join(parts(result["devices"], asked["node"]["metadata"]["name"])) or "nothing")
        for claim, result in zip(asked["claims"], answer["results"], strict=True)
    ]
    return claims[0][1] if len(claims) == 1 else "; ".join(f"{name}: {text}" for name, text in claims)


def parts(devices: dict[str, Any], node: str) -> Iterator[str]:
    for result in devices.get("results") or []:
        alone = result["driver"] == "gpu.example.com"
        pool = "" if alone and result["pool"] == node else f"{result['pool']}/"
        amounts = ", ".join(f"{key} {amount}" for key, amount in sorted(result.get("consumedCapacity", {}).items()))
        yield (
            f"{result['request']}={'' if alone else result['driver'] + '/'}{pool}{result['device']}"
            + (f"({amounts})" if amounts else "")
            + (" tolerating" if result.get("tolerations") else "")
        )
    for entry in devices.get("config") or []:
        yield f"config {entry['source']}[{','.join(entry.get('requests') or [])}]"


@pytest.fixture(scope="module")
def oracles() -> Iterator[dict[str, Oracle]]:
    missing = [minor for minor in MINORS if not (FOLDER / f"oracle-{minor}").is_file()]
    if missing:
        pytest.skip(f"oracles of {', '.join(missing)} are not built: make oracle")
    running = {minor: Oracle(minor) for minor in MINORS}
    yield running
    for oracle in running.values():
        oracle.close()


def cases(quirks: list[Quirk]) -> list[Any]:
    return [pytest.param(quirk, minor, id=f"{quirk['id']}-{minor}") for quirk in quirks for minor in MINORS]


@pytest.mark.go
@pytest.mark.parametrize(("quirk", "minor"), cases(ALLOCATED))
def test_upstream_answers_as_documented(oracles: dict[str, Oracle], quirk: Quirk, minor: str) -> None:
    """Each answer that is written down is given, and no other; random ones in as many attempts as it takes."""
    asked, want = line(quirk, minor), answers(quirk, minor)
    got = Counter(told(asked, oracles[minor].ask(asked)) for _ in range(DRAWS if len(want) > 1 else 2))
    assert sorted(got) == sorted(want)


@pytest.mark.parametrize(("quirk", "minor"), cases(ALLOCATED))
def test_drapolicy_answers_as_upstream(quirk: Quirk, minor: str) -> None:
    """Of random answers the first is given; where upstream panics, what it would have answered."""
    asked = line(quirk, minor)
    want = quirk.get("drapolicy", {}).get(minor, answers(quirk, minor)[0])
    assert told(asked, reference([asked], minor)[0]) == want


@pytest.mark.parametrize(("quirk", "minor"), cases(PLACED))
def test_drapolicy_places_as_the_scheduler(quirk: Quirk, minor: str) -> None:
    """What the scheduler does around the allocator is done for its release."""
    text = (UPSTREAM / "cases" / f"{quirk['case']}.yaml").read_text(encoding="utf-8")
    served = quirk.get("versions", {}).get(minor, "v1alpha3")
    objects = dp.loads(text.replace("resource.k8s.io/v1alpha3", f"resource.k8s.io/{served}"))
    (placement,) = place_all(dp.build(objects, kubernetes(quirk, minor)), objects, "kube-scheduler")
    node = placement.node if len(objects.nodes) == 1 else "one of the nodes"
    assert (node if placement.placed else placement.message) == answers(quirk, minor)[0]


@pytest.mark.parametrize("path", sorted((UPSTREAM / "cases").glob("*.yaml")), ids=lambda path: path.stem)
def test_cases_could_be_pasted(path: Path) -> None:
    """The objects of a case are valid, or the page says why the API server would refuse them."""
    users = [quirk for quirk in QUIRKS if quirk.get("case") == path.stem]
    assert users
    if not any("invalid" in quirk for quirk in users):
        objects = dp.loads(path.read_text(encoding="utf-8"))
        assert objects.claims
    assert len(path.read_text(encoding="utf-8").splitlines()) < 65


def test_the_quirks_are_numbered() -> None:
    """Numbers go up, so that nothing that cites one finds another."""
    numbers = [int(quirk["id"][1:]) for quirk in QUIRKS]
    assert numbers == sorted(set(numbers))
    assert {quirk["case"][:3].upper().replace("Q0", "Q") for quirk in QUIRKS if "case" in quirk} <= {
        quirk["id"] for quirk in QUIRKS
    }


def test_the_page_tells_the_data(page: Callable[[str, str], None]) -> None:
    """Nobody reads a table that the tests above do not hold."""
    page("quirks.md", render())


def test_an_answer_that_is_wrong_is_seen() -> None:
    """Another device, another amount and another outcome are other texts."""
    quirk = next(quirk for quirk in QUIRKS if quirk["id"] == "Q32")
    asked = line(quirk, "1.37")
    result = {"request": "r", "driver": "gpu.example.com", "pool": "n1", "device": "b"}
    texts = {
        told(asked, {"fit": True, "results": [{"devices": {"results": [{**result, **more}]}}]})
        for more in ({}, {"device": "c"}, {"pool": "p"}, {"driver": "x"}, {"consumedCapacity": {"memory": "1"}})
    }
    assert len(texts | {told(asked, {"fit": False}), told(asked, {"error": "e", "errorKind": "fatal"})}) == 7


def render() -> str:
    """The page."""
    intro = (UPSTREAM / "quirks.intro.md").read_text(encoding="utf-8")
    head = "| | | " + " | ".join(PATCHES.values()) + " |\n|---|---|" + "---|" * len(MINORS) + "\n"
    rows = "".join(
        f"| [{quirk['id']}](#{anchor(quirk)}) | {quirk['title']} | {' | '.join(shows(quirk, m) for m in MINORS)} |\n"
        for quirk in QUIRKS
    )
    return intro + "\n" + head + rows + "".join(map(section, QUIRKS))


def shows(quirk: Quirk, minor: str) -> str:
    return {True: "yes", False: "no", None: "–"}[affected(quirk, minor)]


def anchor(quirk: Quirk) -> str:
    return re.sub(r"[^a-z0-9 -]", "", f"{quirk['id']} {quirk['title']}".lower()).replace(" ", "-")


def section(quirk: Quirk) -> str:
    lines = [f"\n## {quirk['id']} {quirk['title']}\n", wrapped(quirk["text"]), ""]
    lines += [wrapped(f"**One would expect:** {quirk['why']}"), ""]
    lines.append("| | " + " | ".join(PATCHES.values()) + " |\n|---|" + "---|" * len(MINORS))
    lines.append(f"| affected | {' | '.join(shows(quirk, minor) for minor in MINORS)} |\n")
    if "answers" in quirk:
        lines += [*answered(quirk), ""]
    if "source" in quirk:
        lines += [wrapped(f"By reading {quirk['source']}; no scheduler was run."), ""]
    if "invalid" in quirk:
        lines += [wrapped(quirk["invalid"]), ""]
    if "case" in quirk:
        gates = ",".join(f"{name}={str(on).lower()}" for name, on in quirk.get("gates", {}).items())
        lines.append(
            f"Case: [{quirk['case']}.yaml](cases/{quirk['case']}.yaml)" + (f", with\n`{gates}`" if gates else "")
        )
    return "\n".join(lines).rstrip("\n") + "\n"


def answered(quirk: Quirk) -> Iterator[str]:
    """One line for each answer, with the releases that give it."""
    by_text: dict[str, list[str]] = {}
    for minor in MINORS:
        by_text.setdefault(" or ".join(f"`{text}`" for text in answers(quirk, minor)), []).append(minor)
    for text, minors in by_text.items():
        yield f"- {'all' if len(minors) == len(MINORS) else ', '.join(minors)}: {text.replace(f'`{LACKING}`', LACKING)}"
    for minor, text in quirk.get("drapolicy", {}).items():
        yield f"- drapolicy for {minor}: `{text}`"


def wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)
