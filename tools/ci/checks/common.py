"""What the checks share: which files there are, and what is in them."""

import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})\s*(?P<language>[\w+-]*).*$")


def files(*patterns):
    """The files of the project, tracked or new but not ignored, as paths below ROOT."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted({ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()})


def markdown_files():
    return files("*.md")


def workflow_files():
    return files(".github/workflows/*.yml", ".github/workflows/*.yaml", "tests/container/workflows/*.yml", "tests/native/*.yml")


def action_files():
    return files("action.yml", "*/action.yml")


def actions_and_workflows():
    return [*action_files(), *workflow_files()]


def shown(path):
    """The path as a reader of the log wants it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def flat(path):
    """The path as one file name."""
    return shown(path).replace("/", "-").lstrip(".-")


# A block after this comment shows what not to do, or what somebody else wrote. The reason must be there.
NOT_LINTED = re.compile(r"^ *<!-- not linted: \S.*-->$")


def fenced_blocks(path):
    """(language, number of the first line, text) of each fenced block; the language of one not to lint is empty."""
    lines = path.read_text().splitlines()
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        at += 1
        if not opening:
            continue
        indent, first, block = len(opening["indent"]), at + 1, []
        while at < len(lines) and lines[at].strip() != opening["fence"]:
            block.append(lines[at][indent:] if lines[at][:indent].isspace() else lines[at])
            at += 1
        at += 1
        exempt = first > 2 and NOT_LINTED.match(lines[first - 3])
        yield "" if exempt else opening["language"].lower(), first, "\n".join(block) + "\n"


def outside_fences(path):
    """(line number, line) of everything that is not inside a fenced block."""
    closing = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if closing is None and fence:
            closing = fence["fence"]
        elif closing is not None:
            if line.strip() == closing:
                closing = None
        else:
            yield number, line


def children(node):
    """A mapping node as {key: (key node, value node)}; empty for anything else."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: (key, value) for key, value in node.value}


def child(node, *names):
    """The node below `node` under these keys, or None."""
    for name in names:
        found = children(node).get(name)
        if found is None:
            return None
        node = found[1]
    return node


def compose(path):
    return yaml.compose(path.read_text(), Loader=yaml.BaseLoader)


def step_lists(document):
    """(job or action node, steps) for each job of a workflow, or for a composite action."""
    jobs = child(document, "jobs")
    holders = [value for _, value in children(jobs).values()] if jobs else [child(document, "runs")]
    for holder in holders:
        steps = child(holder, "steps")
        if isinstance(steps, yaml.SequenceNode):
            yield holder, steps.value


def run_scripts(path):
    """(line, shell, script) of each `run:`."""
    document = compose(path)
    for holder, steps in step_lists(document):
        for step in steps:
            run = child(step, "run")
            if run is None:
                continue
            shells = (
                child(step, "shell"),
                child(holder, "defaults", "run", "shell"),
                child(document, "defaults", "run", "shell"),
            )
            shell = next((node.value for node in shells if node is not None), "bash")
            first = run.start_mark.line + (2 if run.style in ("|", ">") else 1)
            yield first, shell, run.value
