#!/usr/bin/env python3
"""The steps of a release that are more than a line. .github/workflows/release.yml says when each of them runs.

    release.py prepare VERSION|major|minor|patch   by hand, for the pull request: Cargo.toml, Cargo.lock, CHANGELOG.md
    release.py plan                                checks that Cargo.toml's version can be released; prints it
    release.py notes VERSION                       the changelog's section, for the release page
    release.py publish VERSION DIGEST              makes the release's commits, and tags them vX.Y.Z
    release.py move-major VERSION                  vX points at vX.Y.Z

A release is two commits on top of the one that was tested. In the first, action.yml names the image by its digest; in
the second, claude/action.yml names the first by its hash. So whoever pins a release pins all of it. They are on no
branch: on main, action.yml goes on saying `image: Dockerfile`. They are made through GitHub's API with `gh`: GitHub
signs them, and no git credentials are needed.
"""

import argparse
import base64
import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = "org/port-mcp-auth"
IMAGE = f"ghcr.io/{REPOSITORY}"
ADDRESS = f"https://github.com/{REPOSITORY}"

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
UNRELEASED = "## [Unreleased]"


class Refusal(Exception):
    """Why the release can't go on, for a person to read."""


def parse(version):
    match = VERSION.fullmatch(version)
    if not match:
        raise Refusal(f"{version!r} is no version: write it as 1.2.3, without v and without a suffix")
    return tuple(int(part) for part in match.groups())


def shown(version):
    return ".".join(map(str, version))


def followers(version):
    """The three versions that may come after this one."""
    major, minor, patch = version
    return {"patch": (major, minor, patch + 1), "minor": (major, minor + 1, 0), "major": (major + 1, 0, 0)}


def replaced(text, pattern, replacement, where):
    """`text` with the one match of `pattern` replaced; none or several are an error."""
    text, count = re.subn(pattern, lambda match: match.expand(replacement), text, flags=re.MULTILINE)
    if count != 1:
        raise Refusal(f"{where}: expected one line like {pattern!r}, found {count}")
    return text


# The version in Cargo.toml and Cargo.lock.

WORKSPACE_VERSION = r'(?<=^\[workspace\.package\]\nversion = ")[^"]*(?="$)'


def cargo_version(manifest):
    match = re.search(WORKSPACE_VERSION, manifest, re.MULTILINE)
    if not match:
        raise Refusal("Cargo.toml: [workspace.package] must begin with its version")
    return match[0]


def own_packages(lock):
    """(name, version) of the packages in Cargo.lock that come from this repository: they have no source."""
    for block in lock.split("\n\n"):
        if block.startswith("[[package]]") and "\nsource = " not in block:
            yield (
                re.search(r'^name = "(.*)"$', block, re.MULTILINE)[1],
                re.search(r'^version = "(.*)"$', block, re.MULTILINE)[1],
            )


def with_lock_version(lock, version):
    blocks = lock.split("\n\n")
    for at, block in enumerate(blocks):
        if block.startswith("[[package]]") and "\nsource = " not in block:
            blocks[at] = replaced(block, r'^version = ".*"$', f'version = "{version}"', "Cargo.lock")
    return "\n\n".join(blocks)


# CHANGELOG.md, in the form of keepachangelog.com.


def section(changelog, heading):
    """What stands under a heading of the second level, without the link definitions at the end of the file."""
    match = re.search(rf"^{re.escape(heading)}[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not match:
        raise Refusal(f"CHANGELOG.md has no section {heading}")
    return re.sub(r"^\[[^\]]+\]: \S+\n?", "", match[1], flags=re.MULTILINE).strip()


def notes(changelog, version):
    heading = f"## [{version}]"
    text = section(changelog, heading)
    if not text:
        raise Refusal(f"CHANGELOG.md: nothing stands under {heading}")
    if not re.search(rf"^{re.escape(heading)} - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        raise Refusal(f"CHANGELOG.md: the heading must be `{heading} - YYYY-MM-DD`")
    return text


def with_section(changelog, version, date, previous):
    """What was unreleased becomes the section of `version`."""
    if not section(changelog, UNRELEASED):
        raise Refusal(f"CHANGELOG.md: nothing stands under {UNRELEASED}, so there is nothing to release")
    if f"## [{version}]" in changelog:
        raise Refusal(f"CHANGELOG.md has a section {version} already")
    changelog = replaced(changelog, rf"^{re.escape(UNRELEASED)}$", f"{UNRELEASED}\n\n## [{version}] - {date}", "CHANGELOG.md")
    changelog = re.sub(r"^\[Unreleased\]: .*\n?", "", changelog, flags=re.MULTILINE)
    link = f"compare/v{previous}...v{version}" if previous else f"releases/tag/v{version}"
    links = f"[Unreleased]: {ADDRESS}/compare/v{version}...HEAD\n[{version}]: {ADDRESS}/{link}\n"
    first = re.search(r"^\[\d+\.\d+\.\d+\]: ", changelog, re.MULTILINE)
    if first:
        return changelog[: first.start()] + links + changelog[first.start() :]
    return changelog.rstrip("\n") + "\n\n" + links


# action.yml and claude/action.yml.


def pinned_image(action, version, digest):
    if not DIGEST.fullmatch(digest):
        raise Refusal(f"{digest!r} is no digest: sha256: and 64 hexadecimal digits")
    return replaced(action, r"^( +)image: Dockerfile$", rf"\1image: docker://{IMAGE}:v{version}@{digest}", "action.yml")


def pinned_use(action, version, commit):
    """The composite action uses the commit that names the image; a file can't name the commit that it is part of."""
    major = parse(version)[0]
    return replaced(
        action,
        rf"^( +(?:- )?)uses: {REPOSITORY}@v{major}(?: +#.*)?$",
        rf"\1uses: {REPOSITORY}@{commit} # for v{version}",
        "claude/action.yml",
    )


# What the commands do.


def released(root):
    """All released versions, the newest last."""
    tags = subprocess.run(["git", "tag", "--list", "v*"], cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted(parse(tag[1:]) for tag in tags.split() if VERSION.fullmatch(tag[1:]))


def prepare(root, wanted, today):
    manifest, lock, changelog = (root / name for name in ("Cargo.toml", "Cargo.lock", "CHANGELOG.md"))
    before = released(root)
    if wanted in ("major", "minor", "patch"):
        if not before:
            raise Refusal("nothing is released yet: name the first version")
        version = shown(followers(before[-1])[wanted])
    else:
        version = shown(parse(wanted))
    allowed(version, before)
    texts = {
        manifest: replaced(manifest.read_text(), WORKSPACE_VERSION, version, "Cargo.toml"),
        lock: with_lock_version(lock.read_text(), version),
        changelog: with_section(changelog.read_text(), version, today, shown(before[-1]) if before else None),
    }
    for path, text in texts.items():  # all or nothing: every refusal is behind us
        path.write_text(text)
    return version


def allowed(version, before):
    """A version follows the newest one without a gap."""
    if not before:
        return
    newest = before[-1]
    if parse(version) not in followers(newest).values():
        ways = ", ".join(shown(follower) for follower in followers(newest).values())
        raise Refusal(f"{version} can't follow {shown(newest)}: it is {ways}")


def plan(root):
    """Everything that can be wrong is found here, before anything is built."""
    version = cargo_version((root / "Cargo.toml").read_text())
    major = parse(version)[0]
    allowed(version, released(root))
    for name, locked in own_packages((root / "Cargo.lock").read_text()):
        if locked != version:
            raise Refusal(f"Cargo.lock has {name} {locked}, Cargo.toml says {version}")
    notes((root / "CHANGELOG.md").read_text(), version)
    pinned_image((root / "action.yml").read_text(), version, "sha256:" + "0" * 64)
    pinned_use((root / "claude/action.yml").read_text(), version, "0" * 40)
    if f"uses: {REPOSITORY}@v{major} " not in (root / ".github/workflows/release.yml").read_text():
        raise Refusal(f"release.yml must try {REPOSITORY}@v{major} in the end")
    return {"version": version, "tag": f"v{version}", "major": f"v{major}"}


def github(method, path, body=None):
    """One call of GitHub's API."""
    words = ["gh", "api", "--method", method, f"repos/{os.environ['GITHUB_REPOSITORY']}/{path}"]
    if body is not None:
        words += ["--input", "-"]
    return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, input=json.dumps(body) if body else None).stdout)


def tags(prefix):
    """The tags that begin like this, with their commits."""
    refs = github("GET", f"git/matching-refs/tags/{prefix}")
    return {ref["ref"].removeprefix("refs/tags/"): ref["object"]["sha"] for ref in refs}


def commit_with(parent, path, content, message):
    """A commit on top of `parent` that changes one file."""
    base = github("GET", f"git/commits/{parent}")["tree"]["sha"]
    file = {"path": path, "mode": "100644", "type": "blob", "content": content}
    tree = github("POST", "git/trees", {"base_tree": base, "tree": [file]})["sha"]
    return github("POST", "git/commits", {"message": message, "tree": tree, "parents": [parent]})["sha"]


def publish(root, version, digest):
    head = os.environ["GITHUB_SHA"]
    image = pinned_image((root / "action.yml").read_text(), version, digest)
    composite = (root / "claude/action.yml").read_text()
    pinned_use(composite, version, head)  # whatever is wrong with it, now
    if before := tags(f"v{version}").get(f"v{version}"):
        # A job that is run again after it failed further down.
        there = base64.b64decode(github("GET", f"contents/action.yml?ref={before}")["content"]).decode()
        if there != image:
            raise Refusal(f"v{version} is there already, and is not {digest}")
        return before
    text = f"Use the image of v{version}\n\nIt was built from {head} and tested by its digest."
    first = commit_with(head, "action.yml", image, text)
    text = f"Release v{version}\n\nThe composite action uses the commit before this one."
    last = commit_with(first, "claude/action.yml", pinned_use(composite, version, first), text)
    github("POST", "git/refs", {"ref": f"refs/tags/v{version}", "sha": last})
    return last


def move_major(version):
    major = f"v{parse(version)[0]}"
    there = tags(major)
    commit = there[f"v{version}"]
    if major in there:
        github("PATCH", f"git/refs/tags/{major}", {"sha": commit, "force": True})
    else:
        github("POST", "git/refs", {"ref": f"refs/tags/{major}", "sha": commit})
    return commit


def main(words, root):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare").add_argument("version")
    commands.add_parser("plan")
    commands.add_parser("notes").add_argument("version")
    publish_parser = commands.add_parser("publish")
    publish_parser.add_argument("version")
    publish_parser.add_argument("digest")
    commands.add_parser("move-major").add_argument("version")
    given = parser.parse_args(words)
    match given.command:
        case "prepare":
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            print(prepare(root, given.version, today))
        case "plan":
            print("\n".join(f"{name}={value}" for name, value in plan(root).items()))
        case "notes":
            print(notes((root / "CHANGELOG.md").read_text(), given.version))
        case "publish":
            print(f"commit={publish(root, given.version, given.digest)}")
        case "move-major":
            print(f"commit={move_major(given.version)}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:], Path(__file__).resolve().parents[2])
    except Refusal as refusal:
        sys.exit(f"release: {refusal}")
