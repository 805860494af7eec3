#!/usr/bin/env python3
"""Lays out, as files, what the linters can't find by themselves.

    extract.py OUT

From every Markdown file: each fenced YAML block. A block with `jobs:` is a workflow, or all of one but its head; a list
of steps is wrapped in a job; a block with `runs:` is an action; anything else only has to parse. From every workflow and
action: each `run:` script that is bash, with its `${{ }}` expressions replaced by a word. Lines keep their numbers, so
that a finding in `docs-usage.md.12.yml:40` is line 40 of docs/usage.md.

    OUT/docs/.github/workflows/*.yml      OUT/docs/*/action.yml      OUT/run/*.sh
"""

import re
import sys
from pathlib import Path

import yaml
from common import actions_and_workflows, fenced_blocks, flat, markdown_files, run_scripts, shown

EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)

# What a block that begins with `jobs:` needs before it, and a list of steps around it, to be a whole workflow.
BEFORE_JOBS = """\
name: {name}
on: {{workflow_dispatch: {{}}}}
permissions: {{}}
"""
BEFORE_STEPS = (
    BEFORE_JOBS
    + """\
jobs:
  example:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
"""
)


def padded(line, text, head=""):
    """`head`, and below it `text` so far down that its first line is `line`, if there is room."""
    return head + "\n" * (line - 1 - head.count("\n")) + text


def workflow_of(name, line, text):
    """The block as a workflow or action file: (kind, content), or (None, None) if it is neither."""
    data = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes nothing but strings
    if isinstance(data, dict) and "jobs" in data:
        return "workflow", padded(line, text, "" if "on" in data else BEFORE_JOBS.format(name=name))
    if isinstance(data, dict) and "runs" in data:
        return "action", padded(line, text)
    steps = data.get("steps") if isinstance(data, dict) and set(data) == {"steps"} else None
    if steps is not None:
        text = "\n".join(["", *text.splitlines()[1:]])
        data = steps
    if isinstance(data, list) and data and all(isinstance(s, dict) and {"uses", "run"} & set(s) for s in data):
        inside = "".join(f"      {row}\n" if row else "\n" for row in text.splitlines())
        return "workflow", padded(line, inside, BEFORE_STEPS.format(name=name))
    return None, None


def main():
    out = Path(sys.argv[1])
    workflows = out / "docs/.github/workflows"
    runs = out / "run"
    workflows.mkdir(parents=True, exist_ok=True)
    runs.mkdir(parents=True, exist_ok=True)
    problems = 0
    found = {"workflow": 0, "action": 0, "fragment": 0}

    for path in markdown_files():
        for language, line, text in fenced_blocks(path):
            if language not in ("yaml", "yml"):
                continue
            name = f"{flat(path)}.{line}"
            try:
                kind, content = workflow_of(name, line, text)
            except yaml.YAMLError as error:
                print(f"{shown(path)}:{line}: this YAML block does not parse: {error}", file=sys.stderr)
                problems += 1
                continue
            found[kind or "fragment"] += 1
            if kind == "workflow":
                (workflows / f"{name}.yml").write_text(content)
            elif kind == "action":
                (out / "docs" / name).mkdir(exist_ok=True)
                (out / "docs" / name / "action.yml").write_text(content)

    scripts = 0
    for path in [*actions_and_workflows(), *sorted(workflows.glob("*.yml"))]:
        for line, shell, script in run_scripts(path):
            if not shell.startswith("bash"):
                continue
            text = "#!/usr/bin/env bash\n" + padded(line, EXPRESSION.sub("expression", script)).removeprefix("\n")
            name = path.name if path.is_relative_to(out) else flat(path)
            (runs / f"{name}.{line}.sh").write_text(text)
            scripts += 1

    print(
        f"from Markdown: {found['workflow']} workflows, {found['action']} actions, {found['fragment']} fragments; "
        f"from workflows and actions: {scripts} scripts"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
