#!/usr/bin/env python3
"""Tests of release.py: python3 tools/release/test_release.py"""

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from unittest import mock

import release
from release import Refusal

MANIFEST = """\
[workspace]
members = ["tests/sandbox"]

[workspace.package]
version = "1.1.0"
edition = "2024"

[workspace.dependencies]
serde = { version = "1.1.0" }
"""

LOCK = """\
version = 4

[[package]]
name = "port-mcp-auth"
version = "1.1.0"
dependencies = [
 "serde",
]

[[package]]
name = "port-sandbox"
version = "1.1.0"

[[package]]
name = "serde"
version = "1.1.0"
source = "registry+https://example.com/index"
"""

CHANGELOG = """\
# Changelog

All changes that a user can notice.

## [Unreleased]

### Added

- A thing, see [the docs][docs].

## [1.1.0] - 2026-10-01

### Fixed

- `## [1.0.0]` in code is no heading.

## [1.0.0] - 2026-09-01

First release.

[docs]: https://example.com
[Unreleased]: https://github.com/org/port-mcp-auth/compare/v1.1.0...HEAD
[1.1.0]: https://github.com/org/port-mcp-auth/compare/v1.0.0...v1.1.0
[1.0.0]: https://github.com/org/port-mcp-auth/releases/tag/v1.0.0
"""

ACTION = """\
name: Port MCP auth
inputs:
  client_id:
    description: "Not an image: Dockerfile"
runs:
  using: docker
  image: Dockerfile
"""

COMPOSITE = """\
runs:
  using: composite
  steps:
    - id: port
      uses: org/port-mcp-auth@v1 # a release puts a commit here
      with:
        region: eu
"""

WORKFLOW = """\
jobs:
  smoke:
    steps:
      - uses: org/port-mcp-auth@v1 # what was just released
"""

NATIVE = """\
{
  "version": null,
  "sha256": {
    "aarch64-unknown-linux-gnu": null,
    "x86_64-unknown-linux-gnu": null
  }
}
"""

DIGEST = "sha256:" + "0123456789abcdef" * 4
OTHER_DIGEST = "sha256:" + "0" * 64
FAKES = Path(__file__).resolve().parent / "fakes"


class Case(unittest.TestCase):
    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name, text in {
            "Cargo.toml": MANIFEST,
            "Cargo.lock": LOCK,
            "CHANGELOG.md": CHANGELOG,
            "action.yml": ACTION,
            "claude/action.yml": COMPOSITE,
            ".github/workflows/release.yml": WORKFLOW,
        }.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        self.git("init", "--quiet")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")

    def git(self, *words):
        names = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *names, *words], cwd=self.root, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def read(self, name):
        return (self.root / name).read_text()

    def change(self, name, old, new):
        text = self.read(name)
        self.assertIn(old, text)
        (self.root / name).write_text(text.replace(old, new))

    def refuses(self, why, function, *words):
        before = {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file() and ".git/" not in str(path)}
        with self.assertRaisesRegex(Refusal, why):
            function(*words)
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content, f"{path.name} changed all the same")


class Prepare(Case):
    def test_all_three_files_follow(self):
        self.git("tag", "v1.0.0")
        self.git("tag", "v1.1.0")
        self.git("tag", "v1")
        self.assertEqual(release.prepare(self.root, "minor", "2026-11-22"), "1.2.0")
        self.assertIn('[workspace.package]\nversion = "1.2.0"\n', self.read("Cargo.toml"))
        self.assertIn('serde = { version = "1.1.0" }', self.read("Cargo.toml"))
        self.assertEqual(list(release.own_packages(self.read("Cargo.lock"))), [("port-mcp-auth", "1.2.0"), ("port-sandbox", "1.2.0")])
        self.assertIn('name = "serde"\nversion = "1.1.0"\nsource', self.read("Cargo.lock"))
        self.assertEqual(self.read("Cargo.lock").count("\n"), LOCK.count("\n"))
        changelog = self.read("CHANGELOG.md")
        self.assertIn("## [Unreleased]\n\n## [1.2.0] - 2026-11-22\n\n### Added\n\n- A thing", changelog)
        self.assertIn(
            "[Unreleased]: https://github.com/org/port-mcp-auth/compare/v1.2.0...HEAD\n"
            "[1.2.0]: https://github.com/org/port-mcp-auth/compare/v1.1.0...v1.2.0\n"
            "[1.1.0]: ",
            changelog,
        )
        self.assertEqual(changelog.count("[Unreleased]: "), 1)
        self.git("commit", "--quiet", "--allow-empty", "--message", "y")
        self.assertEqual(release.plan(self.root), {"version": "1.2.0", "tag": "v1.2.0", "major": "v1"})

    def test_each_part(self):
        self.assertEqual(release.followers((1, 9, 9)), {"patch": (1, 9, 10), "minor": (1, 10, 0), "major": (2, 0, 0)})

    def test_first_release(self):
        self.refuses("name the first version", release.prepare, self.root, "minor", "2026-11-22")
        (self.root / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\nFirst.\n")
        release.prepare(self.root, "1.0.0", "2026-11-22")
        self.assertEqual(
            self.read("CHANGELOG.md"),
            "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-11-22\n\nFirst.\n\n"
            "[Unreleased]: https://github.com/org/port-mcp-auth/compare/v1.0.0...HEAD\n"
            "[1.0.0]: https://github.com/org/port-mcp-auth/releases/tag/v1.0.0\n",
        )

    def test_refusals(self):
        self.git("tag", "v1.1.0")
        for version in ("v1.2.0", "1.2", "1.2.0-rc.1", "1.02.0", "", "1.2.0\n"):
            with self.subTest(version):
                self.refuses("is no version", release.prepare, self.root, version, "2026-11-22")
        for version in ("1.1.0", "1.0.9", "1.1.2", "1.3.0", "3.0.0", "2.1.0"):
            with self.subTest(version):
                self.refuses("it is 1.1.1, 1.2.0, 2.0.0", release.prepare, self.root, version, "2026-11-22")
        self.change("CHANGELOG.md", "### Added\n\n- A thing, see [the docs][docs].\n\n", "")
        self.refuses("nothing to release", release.prepare, self.root, "1.2.0", "2026-11-22")


class Plan(Case):
    def test_good(self):
        self.git("tag", "v1.0.0")
        self.assertEqual(release.plan(self.root), {"version": "1.1.0", "tag": "v1.1.0", "major": "v1"})
        self.assertEqual(self.read("action.yml"), ACTION)

    def test_versions_count_as_numbers(self):
        for tag in ("v1.0.0", "v1.0.9", "v1.0.10", "v1", "vnext", "v1.0.11-rc.1"):
            self.git("tag", tag)
        self.assertEqual(release.released(self.root), [(1, 0, 0), (1, 0, 9), (1, 0, 10)])
        release.plan(self.root)

    def test_the_way_on_for_a_release_that_was_begun(self):
        self.git("tag", "v1.1.0")
        self.refuses('choose "Re-run failed jobs"', release.plan, self.root)

    def test_the_native_action_needs_its_file(self):
        (self.root / "native").mkdir()
        self.refuses("native/binaries.json: expected an object", release.plan, self.root)

    def test_refusals(self):
        (self.root / "native").mkdir()
        (self.root / "native/binaries.json").write_text(NATIVE)
        self.git("tag", "v1.0.0")
        for name, old, new, why in (
            ("Cargo.toml", 'version = "1.1.0"\nedition', 'version = "1.3.0"\nedition', "can't follow 1.0.0"),
            ("Cargo.toml", 'version = "1.1.0"\nedition', "edition", "must begin with its version"),
            (
                "Cargo.lock",
                'name = "port-sandbox"\nversion = "1.1.0"',
                'name = "port-sandbox"\nversion = "1.0.0"',
                "port-sandbox 1.0.0",
            ),
            ("CHANGELOG.md", "## [1.1.0] - 2026-10-01", "## [1.1.1] - 2026-10-01", r"no section ## \[1.1.0\]"),
            ("CHANGELOG.md", "## [1.1.0] - 2026-10-01", "## [1.1.0] - soon", "YYYY-MM-DD"),
            ("action.yml", "image: Dockerfile", "image: docker://elsewhere", "action.yml: expected one line"),
            ("claude/action.yml", "port-mcp-auth@v1", "port-mcp-auth@v2", "claude/action.yml: expected one line"),
            (".github/workflows/release.yml", "port-mcp-auth@v1", "port-mcp-auth@main", "must try"),
            ("native/binaries.json", '"version": null', '"version": "1.0.0"', "native/binaries.json: expected an object"),
            ("native/binaries.json", "x86_64-", "riscv64-", "native/binaries.json: expected an object"),
            ("native/binaries.json", NATIVE, "[]", "native/binaries.json: expected an object"),
            ("native/binaries.json", NATIVE, "not JSON", "native/binaries.json: expected an object"),
        ):
            with self.subTest(name, why=why):
                text = self.read(name)
                self.change(name, old, new)
                self.refuses(why, release.plan, self.root)
                (self.root / name).write_text(text)


class Notes(Case):
    def test_section_without_links_and_neighbours(self):
        self.assertEqual(release.notes(CHANGELOG, "1.1.0"), "### Fixed\n\n- `## [1.0.0]` in code is no heading.")
        self.assertEqual(release.notes(CHANGELOG, "1.0.0"), "First release.")

    def test_refusals(self):
        self.refuses("no section", release.notes, CHANGELOG, "1.0")
        self.refuses("nothing stands under", release.notes, "## [1.0.0] - 2026-01-01\n\n## [0.9.0]\n", "1.0.0")


class Pin(unittest.TestCase):
    def test_the_image(self):
        self.assertEqual(
            release.pinned_image(ACTION, "1.1.0", DIGEST),
            ACTION.replace("  image: Dockerfile", f"  image: docker://ghcr.io/org/port-mcp-auth:v1.1.0@{DIGEST}"),
        )

    def test_the_composite(self):
        wanted = COMPOSITE.replace("@v1 # a release puts a commit here", "@c0ffee # for v1.1.0")
        self.assertEqual(release.pinned_use(COMPOSITE, "1.1.0", "c0ffee"), wanted)

    def test_refusals(self):
        for digest in ("", "sha256:12", DIGEST + "0", DIGEST.upper(), DIGEST.replace(":", "-"), DIGEST + "\n"):
            with self.subTest(digest), self.assertRaisesRegex(Refusal, "is no digest"):
                release.pinned_image(ACTION, "1.1.0", digest)
        with self.assertRaisesRegex(Refusal, "claude/action.yml: expected one line"):
            release.pinned_use(COMPOSITE, "2.0.0", "c0ffee")
        with self.assertRaisesRegex(Refusal, "action.yml: expected one line"):
            release.pinned_image(release.pinned_image(ACTION, "1.1.0", DIGEST), "1.1.0", DIGEST)


class OnGitHub(Case):
    """With a `gh` that keeps what it is told: see fakes/gh."""

    def setUp(self):
        super().setUp()
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "all files")
        self.state = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.git("init", "--quiet", "--bare", str(self.state / "origin.git"))
        self.head = self.push()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "binaries").mkdir()
        for target in release.TARGETS:
            (self.folder / "binaries" / f"port-mcp-auth-{target}").write_text(f"for {target}")
        (self.folder / "manual").mkdir()
        (self.folder / "manual" / release.MANUAL).write_text("the man page and the completions")
        variables = {
            "FAKE_STATE": str(self.state),
            "GH_TOKEN": "contents=write",
            "GITHUB_REPOSITORY": "org/port-mcp-auth",
            "GITHUB_SHA": self.head,
            "PATH": f"{FAKES}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        self.enterContext(mock.patch.dict(os.environ, variables))
        self.enterContext(contextlib.redirect_stderr(io.StringIO()))
        stderr = os.dup(2)  # that of the fakes
        self.addCleanup(os.close, stderr)
        self.addCleanup(os.dup2, stderr, 2)
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), 2)

    def push(self):
        self.git("push", "--quiet", "--force", str(self.state / "origin.git"), "HEAD:refs/heads/main")
        return self.git("rev-parse", "HEAD")

    def origin(self, *words):
        return self.git("--git-dir", str(self.state / "origin.git"), *words)

    def calls(self):
        """What changed something, since the last time."""
        file = self.state / "calls"
        made = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return made

    def publish(self, version="1.1.0", digest=DIGEST):
        return release.publish(self.root, version, digest, self.folder)

    def make_release(self, version="1.1.0"):
        return release.release(self.root, version, self.folder)

    def pages(self, change=None):
        file = self.state / "github.json"
        pages = json.loads(file.read_text())
        if change:
            change(pages)
            file.write_text(json.dumps(pages))
        return pages

    def interrupted_at(self, wanted, step, seen):
        """`step` fails at each of these calls in turn, before, in the middle of and after its effect, and is run again."""
        start = self.state / "start.tar"
        pack = ["tar", "--create", "--file", str(start), "--exclude=start.tar", "--directory", str(self.state), "."]
        subprocess.run(pack, check=True)
        step()
        made, right = self.calls(), seen()
        self.assertLessEqual(set(wanted), set(made))
        for number, call in enumerate(made):
            for mode in wanted.get(call, []):
                with self.subTest(call, mode=mode):
                    subprocess.run(["find", str(self.state), "-mindepth", "1", "!", "-name", "start.tar", "-delete"], check=True)
                    subprocess.run(["tar", "--extract", "--file", str(start), "--directory", str(self.state)], check=True)
                    with mock.patch.dict(os.environ, FAKE_INTERRUPT=f"{number}:{mode}"), self.assertRaises(Refusal):
                        step()
                    self.calls()
                    step()
                    self.calls()
                    self.assertEqual(seen(), right)


class Publish(OnGitHub):
    def test_two_commits_and_a_tag(self):
        last = self.publish()
        self.assertEqual(self.origin("rev-parse", "v1.1.0"), last)
        self.assertEqual(self.origin("rev-parse", "v1.1.0~2"), self.head)
        self.assertEqual(self.origin("diff", "--name-only", self.head, "v1.1.0~1"), "action.yml")
        self.assertEqual(self.origin("diff", "--name-only", "v1.1.0~1", "v1.1.0"), "claude/action.yml")
        self.assertIn(f"v1.1.0@{DIGEST}", self.origin("show", "v1.1.0:action.yml"))
        first = self.origin("rev-parse", "v1.1.0~1")
        self.assertIn(f"uses: org/port-mcp-auth@{first} # for v1.1.0\n", self.origin("show", "v1.1.0:claude/action.yml"))

    def test_the_native_action_names_the_binaries(self):
        (self.root / "native").mkdir()
        (self.root / "native/binaries.json").write_text(NATIVE)
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "native")
        os.environ["GITHUB_SHA"] = self.push()
        self.publish()
        self.assertEqual(self.origin("diff", "--name-only", "v1.1.0~2", "v1.1.0~1").split(), ["action.yml", "native/binaries.json"])
        sums = {target: hashlib.sha256(f"for {target}".encode()).hexdigest() for target in release.TARGETS}
        self.assertEqual(json.loads(self.origin("show", "v1.1.0~1:native/binaries.json")), {"version": "1.1.0", "sha256": sums})
        self.calls()
        self.publish()
        (self.folder / "binaries/port-mcp-auth-x86_64-unknown-linux-gnu").write_text("another build")
        self.refuses("there already", self.publish)

    def test_run_again(self):
        """A later step failed, and the job is run again: the same digest is fine, another one is not."""
        last = self.publish()
        self.calls()
        self.assertEqual(self.publish(), last)
        self.refuses("there already", self.publish, "1.1.0", OTHER_DIGEST)
        self.git("commit", "--quiet", "--allow-empty", "--message", "more")
        os.environ["GITHUB_SHA"] = self.push()
        self.refuses("there already", self.publish)
        self.assertEqual(set(self.calls()), {"gh api POST git/trees"})
        self.assertEqual(self.origin("rev-parse", "v1.1.0"), last)

    def test_interrupted(self):
        """tools/release/rehearse tries the other calls too."""
        wanted = {"gh api POST git/commits": ["after"], "gh api POST refs/tags/v1.1.0": ["before", "after"]}
        self.interrupted_at(wanted, self.publish, lambda: self.origin("log", "-2", "--format=%B", "--stat", "v1.1.0"))

    def test_nothing_is_written_if_a_file_does_not_fit(self):
        self.refuses("is no digest", self.publish, "1.1.0", "sha256:0")
        self.change("claude/action.yml", "port-mcp-auth@v1", "port-mcp-auth@main")
        self.refuses("expected one line", self.publish)
        (self.folder / "binaries/port-mcp-auth-x86_64-unknown-linux-gnu").unlink()
        self.refuses("expected the binaries", self.publish)
        (self.folder / "manual" / release.MANUAL).unlink()
        self.refuses("manual.tar.gz is missing", self.publish)
        self.assertEqual(self.calls(), [])

    def test_another_digest_gets_no_tag_of_the_image(self):
        self.publish()
        self.refuses("there already", release.tag_image, self.root, "1.1.0", OTHER_DIGEST, self.folder)

    def test_major_is_made_and_moves(self):
        self.origin("tag", "v1.0.0", self.head)
        self.origin("tag", "v10", self.head)  # begins with v1 too
        release.move_major("1.0.0")
        self.assertEqual(self.calls(), ["gh api POST refs/tags/v1"])
        last = self.publish()
        self.calls()
        release.move_major("1.1.0")
        self.assertEqual(self.calls(), ["gh api PATCH git/refs/tags/v1"])
        self.assertEqual(self.origin("rev-parse", "v1"), last)
        release.move_major("1.1.0")
        self.refuses("v1 stays where it is: v1.1.0 is newer", release.move_major, "1.0.0")
        self.assertEqual(self.calls(), [])


class Page(OnGitHub):
    def setUp(self):
        super().setUp()
        self.origin("tag", "v1.1.0", self.head)

    def assets(self):
        return {page["tag_name"]: sorted((a["name"], a["state"], a["digest"]) for a in page["assets"]) for page in self.pages()}

    def test_a_draft_with_files_that_is_published_last(self):
        self.make_release()
        made = self.calls()
        self.assertEqual(made, ["gh api POST releases", "gh release upload (in parts)", "gh api PATCH releases/1"])
        (page,) = self.pages()
        self.assertEqual((page["tag_name"], page["name"], page["draft"], page["latest"]), ("v1.1.0", "v1.1.0", False, True))
        self.assertEqual(page["body"], release.notes(CHANGELOG, "1.1.0"))
        downloads = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for path in (*(self.folder / "binaries").iterdir(), *(self.folder / "manual").iterdir(), self.folder / "SHA256SUMS"):
            shutil.copy(path, downloads)
        sums = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=downloads, capture_output=True, check=True)
        self.assertEqual(sums.stdout.count(b": OK\n"), 3)
        self.assertEqual({asset["name"] for asset in page["assets"]}, {path.name for path in downloads.iterdir()})
        self.make_release()
        self.assertEqual(self.calls(), [])

    def test_interrupted(self):
        wanted = {
            "gh api POST releases": ["before", "after"],
            "gh release upload (in parts)": ["before", "half", "after"],
            "gh api PATCH releases/1": ["before", "after"],
        }
        self.interrupted_at(wanted, self.make_release, self.assets)

    def interrupt_before_it_is_published(self):
        with mock.patch.dict(os.environ, FAKE_INTERRUPT="2:before"), self.assertRaises(Refusal):
            self.make_release()
        self.calls()

    def test_a_draft_with_other_files(self):
        self.interrupt_before_it_is_published()
        self.pages(lambda pages: pages[0]["assets"][0].update(digest=OTHER_DIGEST))
        self.refuses("another file.*delete the draft", self.make_release)
        self.pages(lambda pages: pages[0]["assets"][0].update(name="more"))
        self.refuses("files that are not of this release: more", self.make_release)
        self.assertEqual(self.calls(), [])

    def test_a_published_release_with_other_files(self):
        self.make_release()
        self.calls()
        self.pages(lambda pages: pages[0]["assets"].pop())
        self.refuses("published without .*: release the next version", self.make_release)
        self.pages(lambda pages: pages[0]["assets"][0].update(digest=None))
        self.refuses("is another file", self.make_release)
        self.assertEqual(self.calls(), [])

    def test_two_drafts(self):
        self.interrupt_before_it_is_published()
        self.pages(lambda pages: pages.append(dict(pages[0])))
        self.refuses("2 releases for v1.1.0: delete the drafts", self.make_release)

    def test_no_tag(self):
        self.refuses("there is no tag v1.0.0", self.make_release, "1.0.0")

    def test_an_older_release_is_not_the_latest(self):
        self.origin("tag", "v2.0.0", self.head)
        self.make_release()
        self.assertNotIn("latest", self.pages()[0])

    def test_a_release_that_can_be_changed_is_a_warning(self):
        (self.state / "mutable").touch()
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.make_release()
        self.assertIn("::warning::v1.1.0 can be changed", said.getvalue())


class Pull(unittest.TestCase):
    """Against a `docker` of a few lines."""

    def pull(self, script):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "docker").chmod(0o755)
        variables = {"PATH": f"{folder}:{os.environ['PATH']}", "DOCKER_CONFIG": "/with/a/login"}
        with mock.patch.dict(os.environ, variables), contextlib.redirect_stderr(io.StringIO()):
            release.pull(DIGEST)

    def test_without_the_login_of_the_job(self):
        self.pull(
            f'test "$*" = "pull --quiet {release.IMAGE}@{DIGEST}" && test "$DOCKER_CONFIG" != /with/a/login && test -z "$(ls "$DOCKER_CONFIG")"'
        )

    def test_private(self):
        for said in ("unauthorized", "error from registry: denied"):
            with self.subTest(said), self.assertRaisesRegex(Refusal, r'(?s)packages/container/port-mcp-auth/settings.*"Change visibility"'):
                self.pull(f"echo 'Error response from daemon: {said}' >&2; exit 1")

    def test_other_failures_are_not_blamed_on_the_visibility(self):
        with self.assertRaisesRegex(Refusal, "can't be pulled, for the reason above"):
            self.pull("echo 'net/http: TLS handshake timeout' >&2; exit 1")


class Shell(unittest.TestCase):
    """Against a `docker` of a few lines, whose containers have a program named like the path in them, or one and the same."""

    def check(self, program):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "docker").write_text(f'#!/bin/sh\ncase "$1" in create) echo container ;; cp) echo "{program}" >"$3" ;; esac\n')
        (folder / "docker").chmod(0o755)
        with mock.patch.dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"):
            release.check_shell(DIGEST, OTHER_DIGEST)

    def test_the_same_program(self):
        self.check("program")

    def test_another_program(self):
        with self.assertRaisesRegex(Refusal, "has another program"):
            self.check("$2")


class Pack(unittest.TestCase):
    names = ("man/man1/port-mcp-auth.1", "zsh/site-functions/_port-mcp-auth")

    def packed(self, names, mode, time):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in names:
            path = folder / "share" / name
            path.parent.mkdir(parents=True)
            path.write_text(name)
            path.chmod(mode)
            os.utime(path, (time, time))
        release.pack(folder / "share", folder / "out")
        return folder / "out/manual" / release.MANUAL

    def test_the_same_files_give_the_same_archive(self):
        one, other = self.packed(self.names, 0o600, 1), self.packed(reversed(self.names), 0o755, 2)
        self.assertEqual(one.read_bytes(), other.read_bytes())

    def test_everybody_can_read_what_is_unpacked(self):
        archive = self.packed(self.names, 0o600, 1)
        subprocess.run(["tar", "--extract", "--gzip", "--file", archive.name], cwd=archive.parent, check=True)
        for name in self.names:
            path = archive.parent / name
            self.assertEqual((path.read_text(), path.stat().st_mode & 0o044), (name, 0o044))

    def test_nothing_to_pack(self):
        with self.assertRaisesRegex(Refusal, "no files to pack"):
            self.packed((), 0o600, 1)


class Refused(unittest.TestCase):
    def said(self, **variables):
        with mock.patch.dict(os.environ, variables), contextlib.redirect_stderr(io.StringIO()) as said:
            with self.assertRaises(SystemExit) as end:
                release.refused(Refusal("100%\nsure"))
            return said.getvalue(), end.exception.code

    def test_on_a_runner(self):
        self.assertEqual(self.said(GITHUB_ACTIONS="true"), ("::error title=Release::100%25%0Asure\n", 1))

    def test_by_hand(self):
        self.assertEqual(self.said(GITHUB_ACTIONS=""), ("", "release: 100%\nsure"))


class ThisRepository(unittest.TestCase):
    """The real files have the form that the release needs: better found here than on the day."""

    root = Path(__file__).resolve().parents[2]

    def test_pin_fits_action_yml(self):
        text = release.pinned_image((self.root / "action.yml").read_text(), "1.2.3", DIGEST)
        self.assertIn(f"  image: docker://ghcr.io/org/port-mcp-auth:v1.2.3@{DIGEST}\n", text)

    def test_the_workflow_builds_every_target(self):
        workflow = (self.root / ".github/workflows/release.yml").read_text()
        self.assertEqual(sorted(re.findall(r"target: (\S+)$", workflow, re.MULTILINE)), list(release.TARGETS))

    def test_binstall_takes_the_files_of_the_release(self):
        package = tomllib.loads((self.root / "Cargo.toml").read_text())["package"]
        found = package["metadata"]["binstall"]
        urls = dict.fromkeys(release.TARGETS, found["pkg-url"])
        urls |= {target: override["pkg-url"] for target, override in found["overrides"].items()}
        for target, url in urls.items():
            for name, value in {"repo": release.ADDRESS, "version": "1.2.3", "name": package["name"], "target": target}.items():
                url = url.replace(f"{{ {name} }}", value)
            with self.subTest(target):
                file = f"port-mcp-auth-{target.replace('musl', 'gnu')}"
                self.assertEqual(url, f"{release.ADDRESS}/releases/download/v1.2.3/{file}")

    def test_pin_fits_the_native_action(self):
        release.first_files(self.root, "1.2.3", DIGEST, dict.fromkeys(release.TARGETS, "0" * 64))

    def test_pin_fits_the_composite_action(self):
        version = release.cargo_version((self.root / "Cargo.toml").read_text())
        text = release.pinned_use((self.root / "claude/action.yml").read_text(), version, "c0ffee")
        self.assertIn(f"uses: org/port-mcp-auth@c0ffee # for v{version}\n", text)

    def test_changelog_can_be_released(self):
        changelog = (self.root / "CHANGELOG.md").read_text()
        if not release.section(changelog, release.UNRELEASED):
            release.notes(changelog, release.cargo_version((self.root / "Cargo.toml").read_text()))

    def test_lock_and_manifest_agree(self):
        version = release.cargo_version((self.root / "Cargo.toml").read_text())
        for _, locked in release.own_packages((self.root / "Cargo.lock").read_text()):
            self.assertEqual(locked, version)


if __name__ == "__main__":
    unittest.main()
