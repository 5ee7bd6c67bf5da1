"""Arguments, exit codes and errors of the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from drapolicy import __version__
from drapolicy.cli import boundary
from drapolicy.policies import POLICIES


@pytest.mark.parametrize("words", [["--version"], ["version"]])
def test_the_version_is_told(run, words):
    """Both ways to ask for the version print it."""
    assert run(*words).out == f"drapolicy {__version__}\n"


@pytest.mark.parametrize("command", ["validate", "allocate", "evaluate", "policies"])
def test_help_has_examples(run, command):
    """Help of every command ends well and shows how it is called."""
    ran = run(command, "--help")
    assert ran.code == 0
    assert f"drapolicy {command}" in ran.out.partition("Example")[2]


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["allocate", "--nothing"],
        ["allocate", "x.yaml", "-o", "xml"],
        ["evaluate", "--seeds", "0"],
        ["evaluate", "extra.yaml"],
        ["validate"],
        ["allocate", "--jsonl", "x.yaml"],
        ["allocate", "x.yaml", "--seed", "-1"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_refused(run, words):
    """Arguments that make no sense end with code 2 and a line that says so."""
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "Error: " in ran.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--policy", "nope"], "drapolicy: policy 'nope': unknown; use one of kube-scheduler,"),
        (["--k8s", "1.33"], "drapolicy: Kubernetes 1.33: not supported; use 1.34, 1.35, 1.36 or 1.37"),
        (["--topology", "nowhere.txt"], "nowhere.txt"),
    ],
)
def test_unknown_names_are_refused(run, fleet, claims, words, message):
    """What an option names must exist."""
    ran = run("allocate", fleet, claims(1), *words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_an_unexpected_error_is_a_bug(run, fleet, claims, monkeypatch):
    """An error that nobody foresaw is one line and code 70; the traceback comes on request."""

    def broken(*_args, **_options):
        raise RuntimeError("boom")

    monkeypatch.setattr("drapolicy.cli.allocate.place_all", broken)
    monkeypatch.delenv("DRAPOLICY_DEBUG", raising=False)
    ran = run("allocate", fleet, claims(1))
    assert (ran.code, ran.out) == (70, "")
    assert ran.err.startswith("drapolicy: this is a bug of drapolicy: RuntimeError: boom\n")
    assert "Traceback" not in ran.err
    monkeypatch.setenv("DRAPOLICY_DEBUG", "1")
    assert "Traceback" in run("allocate", fleet, claims(1)).err


def test_an_interrupt_ends_with_130(run, fleet, claims, monkeypatch):
    """Ctrl-C ends a command with a line."""

    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("drapolicy.cli.allocate.place_all", interrupted)
    ran = run("allocate", fleet, claims(1))
    assert (ran.code, ran.out, ran.err) == (130, "", "drapolicy: interrupted\n")


def test_nobody_has_to_read_to_the_end(root):
    """A reader that goes away is no error to talk about, and not taken for pending claims."""
    command = [sys.executable, "-m", "drapolicy", "policies"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_a_full_disk_is_an_error(root):
    """Output that cannot be written is told, not lost."""
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        command = [sys.executable, "-m", "drapolicy", "policies"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=root, check=False)
    assert (done.returncode, done.stderr) == (2, "drapolicy: no space left on device\n")


def test_output_has_no_colours_on_a_pipe(spawn):
    """What is read by programs has no escape sequences and is never cut, even if a variable asks for colours."""
    ran = spawn("policies", FORCE_COLOR="1", COLUMNS="20")
    assert ran.returncode == 0
    assert "\x1b" not in ran.stdout
    assert "…" not in ran.stdout
    assert len(ran.stdout.splitlines()) == 1 + len(POLICIES)


def test_an_encoding_without_a_character_is_no_error(spawn):
    """What the output's encoding lacks is written as an escape."""
    ran = spawn("evaluate", "--help", PYTHONIOENCODING="ascii")
    assert ran.returncode == 0
    ran = spawn("validate", "nö.yaml", PYTHONIOENCODING="ascii")
    assert ran.returncode == 2
    assert "n\\xf6.yaml" in ran.stderr


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/usr/bin/kubectl-drapolicy", "kubectl drapolicy"),
        ("/usr/bin/drapolicy", "drapolicy"),
        ("C:/bin/drapolicy.exe", "drapolicy"),
        ("/x/drapolicy/__main__.py", "python -m drapolicy"),
        ("/x/pytest", "drapolicy"),
    ],
)
def test_the_program_is_called_as_it_was_started(path, name):
    """Help calls the program as its user does."""
    assert boundary.program_name(path) == name


@pytest.mark.parametrize(
    ("words", "spread"),
    [
        ("evaluate --fleet a b --workload c d", "evaluate --fleet a --fleet b --workload c --workload d"),
        ("allocate --fleet a --claims - b -o yaml", "allocate --fleet a --claims - --claims b -o yaml"),
        ("allocate --fleet=a b", "allocate --fleet=a b"),
        ("allocate -o yaml a b", "allocate -o yaml a b"),
        ("allocate --fleet -- a b", "allocate --fleet -- a b"),
        ("allocate --jsonl -timing -node-outcomes=false", "allocate --jsonl --timing --no-node-outcomes"),
    ],
)
def test_several_files_may_follow_an_option(words, spread):
    """``--fleet *.yaml`` takes all files up to the next option."""
    assert boundary.spread(words.split()) == spread.split()


def test_commands_import_what_they_need_only(root):
    """The parser itself needs neither tables nor numbers, so that help is quick."""
    code = (
        "import sys, types, pathlib; package = types.ModuleType('drapolicy');"
        "package.__path__ = [str(pathlib.Path('drapolicy').resolve())]; sys.modules['drapolicy'] = package;"
        "import drapolicy.cli.app; print([m for m in ('numpy', 'rich.table', 'yaml', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout == "[]\n"
