"""The form as people meet it: in JupyterLab, in a browser, without a network."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: make browser")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make browser")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: make browser")
expect = playwright.expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path"),
]

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120
HOST = "127.0.0.1"
# Four cards, bridged in pairs; the first is taken.
TAKEN = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: other, namespace: default}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.nvidia.com}}]}}
status: {allocation: {devices: {results: [{request: gpu, driver: gpu.nvidia.com, pool: node-00, device: gpu-0}]}}}
"""
CELLS = (
    "import drapolicy as dp\nfleet = dp.workload.fleet('a100-bridged-4')",
    "dp.view.placement(fleet, dp.place(fleet, dp.workload.claims({'gpu': (2, 'gpu.nvidia.com')})))",
    f"dp.view.form(fleet, taken=dp.loads({TAKEN!r}))",
)
# Chromium itself calls home, at every start, unless each of its reasons is switched off.
FLAGS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
)
# What JupyterLab would ask of a network: its news, its catalogue of extensions.
SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}", pytrace=False)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on a notebook that shows the form; all that it reads and writes of a home is in a new folder."""
    home = tmp_path_factory.mktemp("lab")
    work = home / "work"
    work.mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, work / "form.ipynb")
    for plugin, settings in SETTINGS.items():
        package, name = plugin.split(":")
        file = home / "config" / "lab" / "user-settings" / package / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings))
    folders = {
        "HOME": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    environment = os.environ | {key: str(home / name) for key, name in folders.items()} | {"PYTHONPATH": str(ROOT)}
    port = free_port()
    options = {
        "ServerApp.ip": HOST,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": work,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": "",
        "LabApp.news_url": "",
        "LabApp.extension_manager": "readonly",
        "LabApp.user_settings_dir": home / "config" / "lab" / "user-settings",
        "LabApp.workspaces_dir": home / "workspaces",
    }
    command = [sys.executable, "-m", "jupyterlab", *(f"--{key}={value}" for key, value in options.items())]
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=work)
        try:
            wait_for(f"http://{HOST}:{port}/api", process, log)
            yield f"http://{HOST}:{port}"
        finally:
            process.send_signal(signal.SIGTERM)  # it shuts its kernels down, and ends
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """Addresses that the page asked for."""
    return []


@pytest.fixture(scope="module")
def page(lab: str, asked: list[str]) -> Iterator[Any]:
    """The notebook with all its cells run; whatever the page asks for elsewhere is noted and refused."""

    def gate(route: Any) -> None:
        if urlsplit(route.request.url).hostname == HOST:
            route.continue_()
        else:
            route.abort()

    with playwright.sync_playwright() as driver:
        expect.set_options(timeout=1000 * SECONDS)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        context = browser.new_context(viewport={"width": 1200, "height": 1000})
        context.set_default_timeout(1000 * SECONDS)
        context.on("request", lambda request: asked.append(request.url))
        context.route("**/*", gate)
        tab = context.new_page()
        tab.on("websocket", lambda opened: asked.append(opened.url))
        tab.goto(f"{lab}/lab/tree/form.ipynb?reset")
        tab.locator(".jp-Notebook .jp-CodeCell").nth(len(CELLS) - 1).wait_for()
        # What is run before the kernel is connected is dropped; the cells' own indicator is idle from the start.
        tab.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        tab.get_by_role("menuitem", name="Run", exact=True).click()
        tab.locator("[data-command='runmenu:run-all']").click()
        try:
            picture(tab).wait_for()
        except playwright.TimeoutError:
            pytest.fail(f"the form was not shown:\n{tab.locator('.jp-Notebook').inner_text()}", pytrace=False)
        yield tab
        browser.close()


def picture(page: Any) -> Any:
    """The placement that is shown; its label says it in words."""
    return page.locator(".widget-html svg[role=img][aria-label^='form/claim']")


def score(page: Any) -> Any:
    return page.locator(".widget-html svg[role=img][aria-label^='Score by term']")


def choose(page: Any, policy: str, count: int) -> None:
    """Use the controls as people do: the list, and the slider by its keys."""
    page.get_by_label("policy").select_option(policy)
    slider = page.get_by_role("slider")
    slider.press("Home")
    for _ in range(count - 1):
        slider.press("ArrowRight")


@pytest.mark.parametrize(
    ("policy", "count", "devices", "terms"),
    [
        ("kube-scheduler", 2, "gpu-1, gpu-2", None),
        ("bandwidth", 1, "gpu-1", "inside 0,"),
        ("bandwidth", 2, "gpu-2, gpu-3", "inside 300000,"),
        ("bandwidth", 3, "gpu-1, gpu-2, gpu-3", "inside 320000,"),
    ],
)
def test_picture_and_score_follow_the_controls(
    page: Any, policy: str, count: int, devices: str, terms: str | None
) -> None:
    """A policy is chosen, the slider is moved: the page shows the devices, their links and the score by term."""
    choose(page, policy, count)
    expect(picture(page)).to_have_attribute("aria-label", re.compile(f"{policy} → node-00: devices = {devices}( |$)"))
    links = count * (count - 1) // 2
    expect(picture(page).get_by_text(re.compile(r"^\S+ [\d,]+ MB/s$"))).to_have_count(links)
    if terms is None:
        expect(score(page)).to_have_count(0)
        expect(page.get_by_text(f"{policy} gives no score")).to_be_visible()
    else:
        expect(score(page)).to_have_attribute("aria-label", re.compile(terms))


def test_a_count_that_cannot_be_shows_why(page: Any) -> None:
    """The reason is that of Kubernetes; there is no traceback, no score, and the next choice works again."""
    choose(page, "bandwidth", 4)
    expect(page.get_by_text("form/claim stays pending")).to_be_visible()
    expect(page.get_by_text("0/1 nodes are available: 1 cannot allocate all claims.")).to_be_visible()
    expect(score(page)).to_have_count(0)
    expect(page.get_by_text("Traceback")).to_have_count(0)
    expect(page.locator("[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)
    choose(page, "bandwidth", 2)
    expect(score(page)).to_have_count(1)


def test_a_static_picture_is_seen_whole(page: Any) -> None:
    """JupyterLab shows an SVG in its own size, and cuts off what has no room beside the file browser."""
    image = page.locator(".jp-RenderedSVG img")
    output = page.locator(".jp-OutputArea-output.jp-RenderedSVG")
    shown, room = image.bounding_box(), output.bounding_box()
    assert shown["width"] > 700
    assert shown["x"] + shown["width"] <= room["x"] + room["width"]


def test_the_page_asks_for_nothing_elsewhere(page: Any, asked: list[str]) -> None:
    """Notebook, widgets and pictures come from the server on this machine, and only from there."""

    def elsewhere() -> list[str]:
        return [url for url in asked if urlsplit(url).hostname not in {HOST, None}]

    choose(page, "packing", 2)
    expect(score(page)).to_have_attribute("aria-label", re.compile("chances_lost"))
    assert len(asked) > 20
    assert elsewhere() == []
    page.evaluate("fetch('http://example.invalid/').catch(() => null)")
    assert elsewhere() == ["http://example.invalid/"]
    asked.remove("http://example.invalid/")
