"""Reads what callgrind wrote. https://valgrind.org/docs/manual/cl-format.html"""

import collections
import re

NAMED = re.compile(r"^(?P<key>c?f[niel]|c?ob|cfi|cfl)=(?:\((?P<id>\d+)\))?(?: ?(?P<name>.*))?$")
COST = re.compile(r"^(?:[+-]?\d+|\*)(?: (?P<cost>\d+))?$")


class Costs:
    """Instructions by (source file, function), without those of what the function calls. Inlined lines count for their own file."""

    def __init__(self, text):
        self.own = collections.Counter()
        names = {"file": {}, "function": {}}
        file = function = ""
        called = False  # whether the next line is the cost of a call
        for line in text.splitlines():
            if found := NAMED.match(line):
                kind = "function" if found["key"].endswith("fn") else "file"
                if found["key"] in ("ob", "cob"):
                    continue
                if found["name"]:
                    names[kind][found["id"]] = found["name"]
                name = names[kind].get(found["id"], found["name"] or "")
                if found["key"] == "fn":
                    function = name
                elif found["key"] in ("fl", "fi", "fe"):
                    file = name
            elif line.startswith("calls="):
                called = True
            elif found := COST.match(line):
                if not called:
                    self.own[file, function] += int(found["cost"] or 0)
                called = False

    @property
    def total(self):
        return self.own.total()
