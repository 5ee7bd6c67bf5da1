"""The report: whole, safe, small and the same every time."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from drapolicy.errors import UnknownReferenceError
from drapolicy.evaluate import Results
from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.charts import colours
from drapolicy.evaluate.metrics import LEGEND
from drapolicy.evaluate.provenance import Provenance
from drapolicy.evaluate.report import report, write_report
from drapolicy.evaluate.sections import MACHINE

EVIL = "<script>document.title='owned'</script>]]>\"'&\x00\u202e"


def cell(scenario: str, policy: str, seed: int, slowdown: float, placed: float = 100.0) -> Cell:
    return Cell(
        key=f"{scenario}-{policy}-{seed}",
        version="1.2.3",
        inputs={"fleet": "f" * 64, "workload": "a" * 64},
        scenario=scenario,
        policy=policy,
        seed=seed,
        arrivals=50,
        decisions=60,
        metrics={"slowdown": slowdown, "wait": 10 * slowdown, "placed": placed, "bandwidth": None, "used": 50.0},
        slowdowns=[1.0 + slowdown * i / 50 for i in range(50)],
        queue=[i % 7 for i in range(120)],
        reasons={"cannot allocate all claims": [2], "Insufficient cpu": [1]} if placed < 100 else {},
        unmodelled={},
        seconds=0.5,
        held=[float(i % 100) for i in range(120)],
        waits=[slowdown * i for i in range(101)],
        classes={"pair": [50, 6, 3 if placed < 100 else 0, 17]},
        heat_nodes=["node-0", "node-1"],
        heat=[0, 50, 100, -1],
        bounds={"slowdown": 1.0},
        decision_us=[1.0 + i for i in range(101)],
    )


def results(scenario: str = "small", ours: str = "bandwidth") -> Results:
    stock = [cell(scenario, "kube-scheduler", seed, 3.0 + seed % 3 / 10, placed=94.0) for seed in range(9)]
    return Results((*stock, *(cell(scenario, ours, seed, 1.5 + seed % 3 / 20) for seed in range(9))))


class Tags(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_a_report_answers_first(tmp_path: Path) -> None:
    """One sentence a scenario: who wins, by how much; the winner is marked in the table."""
    text = write_report(results(), tmp_path / "r.html", title="A title", notes=["A note."]).read_text(encoding="utf-8")
    assert "bandwidth wins: slowdown 1.55 x against 3.10 x of kube-scheduler, 50 % lower" in text
    assert "Ranking by slowdown: 1 bandwidth; 2 kube-scheduler" in text
    assert "bandwidth beats kube-scheduler on slowdown by 1.55" in text
    assert re.search(r'<tr class="win"><th scope="row" data-value="bandwidth">.*bandwidth <span title="winner">★', text)
    assert "<h1>A title</h1>" in text
    assert "A note." in text
    assert "9 seeds" in text
    assert f"sha256:{'f' * 64}" in text


def test_a_report_says_what_the_figures_of_topology_mean() -> None:
    """The legend stands below each table, and both figures have a column of their own."""
    text = report(results())
    assert LEGEND in text
    assert "placed [%]" in text
    assert "bandwidth [%]" not in text


def test_the_bound_stands_beside_every_policy() -> None:
    """What no policy can be better than has a row, and each mean says how far it is from there."""
    text = report(results())
    assert re.search(r'<th scope="row">bound</th><td></td>\s*<td>1.00</td>', text)
    assert text.count(" from bound</small>") == 2
    assert "0.550 from bound" in text
    assert "No bound is known for wait, placed, used." in text


def test_bounds_are_told_of_plays_that_they_hold_for() -> None:
    """Of waits and times to the end only where every pod got its devices; the two gaps have no bound to be told."""
    cells = [msgspec.structs.replace(c, bounds={"wait": 5.0, "completion": 7.0}) for c in results().cells]
    text = report(Results(tuple(cells)))
    assert text.count("<small>no bound for such plays</small>") == 1
    assert "10.5 from bound" in text


def test_refusals_stand_by_class_and_reason() -> None:
    """How many of a class came, were refused, which arrival first, and never started, in all and for each reason."""
    text = report(results())
    assert "<small>cannot allocate all claims</small>" in text
    row = re.search(r'<tr><th scope="row">kube-scheduler</th><td class="name">pair</td>.*?</tr>', text, re.DOTALL)
    assert row is not None
    assert re.findall(r'data-value="([^"]*)"', row[0]) == ["450", "54", "17.0", "27", "18", "9"]


def test_charts_without_data_are_left_out() -> None:
    """A cell that keeps no courses gives tables and the charts of its metric alone."""
    bare = [
        msgspec.structs.replace(c, held=[], queue=[], waits=[], slowdowns=[], decision_us=[], heat=[], heat_nodes=[])
        for c in results().cells
    ]
    text = report(Results(tuple(bare)))
    assert text.count("<svg") == 1
    assert "Nodes over time" not in text
    assert report(results()).count('src="data:image/png;base64,') == 2


def test_where_results_come_from_is_told() -> None:
    """Release, machines, dates and code stand at the end."""
    told = Provenance({"small": "1.36, default gates"}, ("host (os): 18 cells",), ("python 3",), "c" * 64, 18)
    text = report(results(), provenance=told)
    for part in ("1.36, default gates", "host (os): 18 cells", "python 3", f"sha256:{'c' * 64}", "18 of 18 plays"):
        assert part in text


def test_a_report_needs_nothing_else() -> None:
    """One script that the page names by its hash, no request, charts inside, under 400 KB."""
    text = report(results())
    tags = Tags(text).tags
    assert not {"iframe", "object", "embed", "base", "form"} & {tag for tag, _ in tags}
    assert not [a for _, a in tags for key in a if key.startswith("on")]
    assert all((a["src"] or "").startswith("data:image/png;base64,") for _, a in tags if "src" in a)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in text
    links = [a["href"] or "" for _, a in tags if "href" in a]
    assert all(link.startswith(("#", "data:,")) for link in links)
    assert set(re.findall(r"https?://[^\"' <]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in text
    assert text.count("<svg") == 6  # the metric, held, queue and three distributions; bandwidth has no meaning here
    assert len(text.encode()) < 400_000


def test_names_are_data() -> None:
    """Markup in names of scenarios, policies, notes and reasons stays text, in the page and in its charts."""
    found = results(EVIL, EVIL)
    evil = {
        "version": EVIL,
        "classes": {EVIL: [3, 2, 1, 1]},
        "heat_nodes": [EVIL, EVIL],
        "reasons": {EVIL: [1]},
        "unmodelled": {EVIL: 1},
        "inputs": {EVIL: EVIL},
    }
    found = Results(tuple(msgspec.structs.replace(c, **evil) for c in found.cells))
    text = report(found, title=EVIL, notes=[EVIL])
    assert [tag for tag, _ in Tags(text).tags].count("script") == 1
    assert text.count("<script") == 1
    assert "&lt;script&gt;" in text
    assert "\x00" not in text
    assert "\u202e" not in text


def test_pictures_have_labels_and_ids_of_their_own() -> None:
    """Screen readers hear each chart's numbers; ids do not clash between charts."""
    tags = Tags(report(results())).tags
    labels = [a.get("aria-label") or "" for tag, a in tags if tag == "svg"]
    assert all(labels)
    assert "kube-scheduler 3.10 x; bandwidth 1.55 x" in labels[0]
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all("scope" in a for tag, a in tags if tag == "th")


def test_the_same_results_give_the_same_report() -> None:
    """Nothing in it depends on the clock or the process."""
    assert report(results()) == report(results())


def test_what_depends_on_the_machine_comes_last() -> None:
    """The same cells played elsewhere, by a slower machine, are the same page up to its last part."""
    slower = [
        msgspec.structs.replace(c, seconds=9.0, decision_us=[70.0 + percent for percent in range(101)])
        for c in results().cells
    ]
    here, there = report(results()), report(Results(tuple(slower)), provenance=Provenance(machines=("other (os)",)))
    head = f'<h2 id="machine">{MACHINE}</h2>'
    assert here.split(head)[0] == there.split(head)[0]
    row = re.search(r'<tr><th scope="row">small</th><td class="name">bandwidth</td>.*</tr>', there.split(head)[1])
    assert row is not None
    assert re.findall(r'data-value="([^"]*)"', row[0]) == ["9.00", "120", "169"]
    assert "How long decisions took" in there.split(head)[1]


def test_a_policy_has_one_colour() -> None:
    """Colours go with names, not with positions."""
    both, alone = colours(["kube-scheduler", "first-fit", "mine"]), colours(["first-fit"])
    assert both["first-fit"] == alone["first-fit"]
    assert len(set(both.values())) == 3


def test_the_metric_can_be_chosen_and_must_exist() -> None:
    """The winner is named by the metric that was asked for."""
    assert "by used" in report(results(), metric="used")
    with pytest.raises(UnknownReferenceError, match="metric 'speed': unknown"):
        report(results(), metric="speed")


def test_results_without_the_stock_scheduler_are_refused() -> None:
    """There is nothing to compare with."""
    with pytest.raises(UnknownReferenceError, match="no kube-scheduler"):
        report(Results((cell("small", "bandwidth", 0, 1.0),)))


@pytest.mark.parametrize("seeds", [0, 1])
def test_few_results_still_make_a_page(seeds: int) -> None:
    """No cells, or one seed without an interval, are no reason to fail."""
    text = report(Results(results().cells[:seeds]))
    assert "nan" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL).lower().split()
    assert "</html>" in text


def test_half_a_report_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing fails, the old file stays and nothing is left behind."""
    target = tmp_path / "r.html"
    target.write_text("old")

    def full(*_args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        write_report(results(), target)
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    assert target.read_text() == "old"


def test_results_show_themselves_in_a_notebook() -> None:
    """A table of means and the verdict, with names escaped."""
    text = results(EVIL)._repr_html_()
    assert "<script" not in text
    assert "<td>3.100</td>" in text
    assert "bandwidth wins" in text


@pytest.mark.browser
def test_a_browser_sorts_and_asks_for_nothing(tmp_path: Path) -> None:
    """Chromium opens the page from a file: a click sorts, again turns around, nothing is asked for or complained of."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make browser")
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("needs Chromium, e.g. Debian's package chromium")
    page_file = write_report(results(EVIL, EVIL), tmp_path / "report.html")
    asked: list[str] = []
    said: list[str] = []
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(page_file.as_uri())
        read = "rows => rows.map(row => row.cells[2].dataset.value)"
        before = page.eval_on_selector_all("table.wide tbody tr", read)
        head = page.locator("table.wide thead th").nth(2).get_by_role("button")
        head.click()
        up = page.eval_on_selector_all("table.wide tbody tr", read)
        head.click()
        down = page.eval_on_selector_all("table.wide tbody tr", read)
        title = page.title()
        seen = page.eval_on_selector_all("img", "all => all.every(one => one.naturalWidth === 2)")
        width = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        chromium.close()
    assert up == sorted(before, key=float)
    assert down == up[::-1]
    assert (title, seen, width) == ("Policies compared", True, True)
    assert [url for url in asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert said == []
