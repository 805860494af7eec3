#!/usr/bin/env python3
"""Every link between the project's own documents leads somewhere: the file is there, and so is the heading.

Addresses on the web are not asked: a check that depends on other people's servers fails for other people's reasons.
"""

import re
import sys
import urllib.parse

from common import ROOT, markdown_files, outside_fences, shown

CODE = re.compile(r"(`+)(?:(?!\1).)*?\1")
INLINE = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s+\"[^\"]*\")?$")
ATTRIBUTE = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"")
HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*$")
ANCHOR = re.compile(r"<a\b[^>]*\b(?:id|name)=\"([^\"]+)\"")


def slug(heading):
    """The anchor that GitHub makes of a heading."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"[*`]|<[^>]+>", "", text).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(path):
    found, seen = set(), {}
    for _, line in outside_fences(path):
        found.update(ANCHOR.findall(line))
        heading = HEADING.match(line)
        if heading:
            base = slug(heading[2])
            count = seen.get(base, 0)
            seen[base] = count + 1
            found.add(base if count == 0 else f"{base}-{count}")
    return found


def targets(line):
    reference = REFERENCE.match(line)
    if reference:
        yield reference[1]
    line = CODE.sub("", line)
    yield from INLINE.findall(line)
    yield from ATTRIBUTE.findall(line)


def fault(path, target):
    """What is wrong with a link, or None."""
    if target.startswith("mailto:"):
        return None
    url = urllib.parse.urlsplit(target)
    if url.scheme or url.netloc:
        return None if url.scheme in ("https", "http") else f"unknown kind of address: {target}"
    file = path
    if url.path:
        if url.path.startswith("/"):
            return f"{target}: write it relative to this file, so that it works in a clone too"
        file = (path.parent / urllib.parse.unquote(url.path)).resolve()
        if not file.is_relative_to(ROOT):
            return f"{target}: outside of the repository"
        if not file.exists():
            return f"{target}: no such file"
    if url.fragment and file.suffix == ".md" and url.fragment not in anchors(file):
        return f"{target}: {shown(file)} has no such heading"
    return None


def main():
    problems = links = 0
    for path in markdown_files():
        for number, line in outside_fences(path):
            for target in targets(line):
                links += 1
                why = fault(path, target)
                if why:
                    problems += 1
                    print(f"{shown(path)}:{number}: {why}", file=sys.stderr)
    print(f"{links} links")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
