#!/usr/bin/env python3
"""Tests of release.py: python3 tools/release/test_release.py"""

import base64
import json
import os
import subprocess
import tempfile
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

DIGEST = "sha256:" + "0123456789abcdef" * 4


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
        subprocess.run(["git", *names, *words], cwd=self.root, check=True)

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

    def test_refusals(self):
        self.git("tag", "v1.0.0")
        for name, old, new, why in (
            ("Cargo.toml", 'version = "1.1.0"\nedition', 'version = "1.0.0"\nedition', "can't follow 1.0.0"),
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


class Publish(Case):
    """Against a `gh` that notes what it is asked."""

    def setUp(self):
        super().setUp()
        self.asked, self.answers = [], {}
        self.enterContext(mock.patch.object(release.subprocess, "run", self.run_gh))
        self.enterContext(mock.patch.dict(os.environ, GITHUB_REPOSITORY="org/port-mcp-auth", GITHUB_SHA="headsha"))

    def run_gh(self, words, **options):
        self.assertEqual(words[:3], ["gh", "api", "--method"])
        method, path = words[3], words[4].removeprefix("repos/org/port-mcp-auth/")
        body = json.loads(options["input"]) if options["input"] else None
        self.assertEqual(words[5:], ["--input", "-"] if body else [])
        self.asked.append((method, path, body))
        return mock.Mock(stdout=json.dumps(self.answers.get((method, path), dict)()))

    def test_two_commits_and_a_tag(self):
        trees, commits = iter(("tree1", "tree2")), iter(("commit1", "commit2"))
        self.answers = {
            ("GET", "git/commits/headsha"): lambda: {"tree": {"sha": "headtree"}},
            ("GET", "git/commits/commit1"): lambda: {"tree": {"sha": "tree1"}},
            ("POST", "git/trees"): lambda: {"sha": next(trees)},
            ("POST", "git/commits"): lambda: {"sha": next(commits)},
        }
        self.assertEqual(release.publish(self.root, "1.1.0", DIGEST), "commit2")
        written = [body for method, path, body in self.asked if path == "git/trees"]
        self.assertEqual([tree["base_tree"] for tree in written], ["headtree", "tree1"])
        (action,), (composite,) = (tree["tree"] for tree in written)
        self.assertEqual((action["path"], composite["path"]), ("action.yml", "claude/action.yml"))
        self.assertIn(f"v1.1.0@{DIGEST}\n", action["content"])
        self.assertIn("uses: org/port-mcp-auth@commit1 # for v1.1.0\n", composite["content"])
        made = [body for _, path, body in self.asked if path == "git/commits"]
        self.assertEqual([(c["tree"], c["parents"]) for c in made], [("tree1", ["headsha"]), ("tree2", ["commit1"])])
        self.assertEqual(self.asked[-1], ("POST", "git/refs", {"ref": "refs/tags/v1.1.0", "sha": "commit2"}))

    def test_run_again(self):
        """A later step failed, and the job is run again: the same digest is fine, another one is not."""
        tag = {"ref": "refs/tags/v1.1.0", "object": {"sha": "commit2"}}
        self.answers[("GET", "git/matching-refs/tags/v1.1.0")] = lambda: [tag]
        image = release.pinned_image(ACTION, "1.1.0", DIGEST)
        content = {"content": base64.b64encode(image.encode()).decode()}
        self.answers[("GET", "contents/action.yml?ref=commit2")] = lambda: content
        self.assertEqual(release.publish(self.root, "1.1.0", DIGEST), "commit2")
        self.refuses("there already", release.publish, self.root, "1.1.0", "sha256:" + "0" * 64)
        self.assertEqual({method for method, _, _ in self.asked}, {"GET"})

    def test_nothing_is_written_if_a_file_does_not_fit(self):
        self.refuses("is no digest", release.publish, self.root, "1.1.0", "sha256:0")
        self.change("claude/action.yml", "port-mcp-auth@v1", "port-mcp-auth@main")
        self.refuses("expected one line", release.publish, self.root, "1.1.0", DIGEST)
        self.assertEqual(self.asked, [])

    def test_major_moves_or_is_made(self):
        path = "git/matching-refs/tags/v1"
        new = {"ref": "refs/tags/v1.1.0", "object": {"sha": "newcommit"}}
        self.answers[("GET", path)] = lambda: [{"ref": "refs/tags/v1", "object": {"sha": "old"}}, new]
        release.move_major("1.1.0")
        self.assertEqual(self.asked[-1], ("PATCH", "git/refs/tags/v1", {"sha": "newcommit", "force": True}))
        # v10 begins with v1 too, and is another major.
        self.answers[("GET", path)] = lambda: [{"ref": "refs/tags/v10", "object": {"sha": "other"}}, new]
        release.move_major("1.1.0")
        self.assertEqual(self.asked[-1], ("POST", "git/refs", {"ref": "refs/tags/v1", "sha": "newcommit"}))


class ThisRepository(unittest.TestCase):
    """The real files have the form that the release needs: better found here than on the day."""

    root = Path(__file__).resolve().parents[2]

    def test_pin_fits_action_yml(self):
        text = release.pinned_image((self.root / "action.yml").read_text(), "1.2.3", DIGEST)
        self.assertIn(f"  image: docker://ghcr.io/org/port-mcp-auth:v1.2.3@{DIGEST}\n", text)

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
