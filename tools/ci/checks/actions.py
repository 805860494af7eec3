#!/usr/bin/env python3
"""The actions of this repository, and every workflow that uses one, agree.

    actions.py [WORKFLOW...]

Without this, a renamed output would leave an example in the docs, or the composite action, reading an empty string.
Checked: each `with:` key is an input, required inputs are given, each `steps.<id>.outputs.<name>` is an output; our own
action files describe everything and say what the Marketplace takes; foreign actions are pinned by commit, with the
version in a comment. The WORKFLOWs are examples from the docs: they may name foreign actions by tag.
"""

import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "tests/common"))

import harness
from common import ROOT, action_files, child, children, compose, shown, step_lists, workflow_files

REPOSITORY = "org/port-mcp-auth"
# From the Marketplace's rules: one line, shown in a card.
LONGEST_DESCRIPTION = 124
COLOURS = {"white", "black", "yellow", "blue", "green", "orange", "red", "purple", "gray-dark"}
RELEASED_IMAGE = re.compile(r"docker://[a-z0-9./-]+:v\d+\.\d+\.\d+@sha256:[0-9a-f]{64}")
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
VERSION_COMMENT = re.compile(r"# v\d+(\.\d+)*$")
OUTPUT = re.compile(r"\bsteps\.([A-Za-z_][\w-]*)\.outputs\.([A-Za-z_][\w-]*)")


class Interface:
    """What an action or a reusable workflow takes and gives."""

    def __init__(self, document):
        on = child(document, "on", "workflow_call")
        self.inputs = children(child(document if on is None else on, "inputs"))
        self.secrets = children(child(on, "secrets"))
        self.outputs = set(children(child(document if on is None else on, "outputs")))

    @staticmethod
    def required(declared):
        return {
            name
            for name, (_, node) in declared.items()
            if child(node, "default") is None and getattr(child(node, "required"), "value", "") == "true"
        }


class Checker:
    def __init__(self):
        self.problems = 0
        self.uses = 0
        self.cache = {}

    def complain(self, path, node, text):
        self.problems += 1
        print(f"{shown(path)}:{node.start_mark.line + 1}: {text}", file=sys.stderr)

    def interface(self, uses):
        """The interface behind a `uses:` that means this repository; None for a foreign one."""
        uses = uses.removeprefix("https://github.com/")
        if uses.startswith(("./", "$/")):
            inside = uses[2:].strip("/")
        elif uses.split("@")[0] == REPOSITORY:
            inside = ""
        elif uses.startswith(f"{REPOSITORY}/"):
            inside = uses.split("@")[0].removeprefix(f"{REPOSITORY}/")
        else:
            return None
        file = ROOT / inside if inside.endswith((".yml", ".yaml")) else ROOT / inside / "action.yml"
        if file not in self.cache:
            self.cache[file] = Interface(compose(file)) if file.exists() else "missing"
        return self.cache[file]

    def call(self, path, uses, holder):
        """One `uses:` with its `with:` and `secrets:`; its interface if it is ours."""
        self.uses += 1
        interface = self.interface(uses.value)
        if interface == "missing":
            self.complain(path, uses, f"{uses.value}: no such action or workflow in this repository")
            return None
        if interface is None:
            return None
        for word, declared in (("with", interface.inputs), ("secrets", interface.secrets)):
            block = child(holder, word)
            if word == "secrets" and getattr(block, "value", None) == "inherit":
                continue
            given = children(block)
            for name, (key, _) in given.items():
                if name not in declared:
                    self.complain(path, key, f"{uses.value} has no {word} key {name}")
            for name in sorted(Interface.required(declared) - set(given)):
                self.complain(path, uses, f"{uses.value} needs {name} under `{word}:`")
        return interface

    def document(self, path, foreign_by_tag=False):
        """All calls and all references of one workflow or action file."""
        text = path.read_text()
        lines = text.splitlines()
        document = compose(path)
        for _, job in children(child(document, "jobs")).values():
            uses = child(job, "uses")
            if uses is not None:
                self.call(path, uses, job)
        for holder, steps in step_lists(document):
            known = {}
            for step in steps:
                name, uses = child(step, "id"), child(step, "uses")
                if uses is not None:
                    self.call(path, uses, step)
                    if not foreign_by_tag and self.interface(uses.value) is None:
                        self.pin(path, uses, lines[uses.start_mark.line])
                if name is not None:
                    known[name.value] = self.interface(uses.value) if uses is not None else None
            end = document.end_mark.index if child(document, "runs") is holder else holder.end_mark.index
            start = 0 if child(document, "runs") is holder else holder.start_mark.index
            for match in OUTPUT.finditer(text, start, end):
                step, output = match.groups()
                where = f"{shown(path)}:{text.count(chr(10), 0, match.start()) + 1}"
                if step not in known:
                    self.problems += 1
                    print(f"{where}: no step here has the id {step}", file=sys.stderr)
                elif isinstance(known[step], Interface) and output not in known[step].outputs:
                    self.problems += 1
                    print(f"{where}: the action of step {step} has no output {output}", file=sys.stderr)

    def pin(self, path, uses, line):
        if not uses.value.startswith("docker://") and not PINNED.fullmatch(uses.value):
            self.complain(path, uses, f"{uses.value}: pin it by commit, `owner/name@<40 hex digits> # v1.2.3`")
        elif not VERSION_COMMENT.search(line):
            self.complain(path, uses, f"{uses.value}: say which version that commit is, in a comment `# v1.2.3`")

    def description(self, path, document):
        """What an action file says about itself."""
        top = document.value[0][0]
        text = getattr(child(document, "description"), "value", "")
        if not text or len(text) > LONGEST_DESCRIPTION or "\n" in text:
            self.complain(path, top, f"the description has {len(text)} characters; 1 to {LONGEST_DESCRIPTION}, one line")
        if path == ROOT / "action.yml":
            icon, colour = child(document, "branding", "icon"), child(document, "branding", "color")
            if getattr(icon, "value", "") not in ("lock", "shield"):
                self.complain(path, icon or top, "branding.icon is lock or shield (`key` is not one of the allowed icons)")
            if getattr(colour, "value", "") not in COLOURS:
                self.complain(path, colour or top, "branding.color is not one of the allowed colours")
        for kind in ("inputs", "outputs"):
            for name, (key, node) in children(child(document, kind)).items():
                if not getattr(child(node, "description"), "value", "").strip():
                    self.complain(path, key, f"{kind}.{name} has no description")
        if path == ROOT / "action.yml":
            declared = {
                name: getattr(child(node, "default"), "value", "") for name, (_, node) in children(child(document, "inputs")).items()
            }
            if harness.declared_inputs() != declared:
                self.complain(path, top, "tests/common/harness.py reads other inputs: two blanks before a name, four before default")
        image = child(document, "runs", "image")
        if image is not None and image.value != "Dockerfile" and not RELEASED_IMAGE.fullmatch(image.value):
            self.complain(path, image, "runs.image is Dockerfile, or an image by tag and digest")
        for word in ("args", "env", "entrypoint"):
            node = child(document, "runs", word)
            if node is not None and image is not None:
                self.complain(path, node, f"runs.{word}: a container's arguments and settings show in `docker inspect`")


def main():
    checker = Checker()
    for path in action_files():
        checker.description(path, compose(path))
        checker.document(path)
    for path in workflow_files():
        checker.document(path)
    for name in sys.argv[1:]:
        checker.document(Path(name), foreign_by_tag=True)
    print(f"{checker.uses} uses")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
