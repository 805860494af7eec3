#!/usr/bin/env python3
"""Tests of layers: python3 tools/ci/test_layers.py"""

import importlib.machinery
import importlib.util
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader("layers", str(Path(__file__).with_name("layers")))
layers = importlib.util.module_from_spec(importlib.util.spec_from_loader("layers", LOADER))
sys.modules["layers"] = layers  # its data classes look themselves up here
LOADER.exec_module(layers)

TABLE = ["main", "lib testing", "top", "left right", "low"]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.write("lib.rs", "mod top; mod left; mod right; mod low;")

    def write(self, path, text):
        path = self.folder / path
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def wrong(self):
        return layers.check(self.folder, "src", TABLE)[1]

    def assert_fine(self, **files):
        for name, text in files.items():
            self.write(f"{name.replace('__', '/')}.rs", text)
        self.assertEqual(self.wrong(), [])


class Layers(Case):
    def test_an_upper_layer_uses_lower_ones(self):
        self.assert_fine(
            top="use crate::{left::Left, right::{self, Right}};\nfn f() -> crate::low::Low { right::g() }",
            left="pub struct Left(crate::low::Low);",
            right="pub struct Right;\npub fn g() {}",
            low="pub struct Low;",
        )

    def test_an_upward_use_is_found_with_its_line(self):
        self.write("top.rs", "pub struct Top;")
        self.write("low.rs", "use std::fmt;\n\nuse crate::top::Top;")
        self.assertEqual(self.wrong(), ["src/low.rs:3: low (a lower layer) uses top::Top (an upper layer)"])

    def test_an_upward_path_is_found_wherever_it_stands(self):
        self.write("top.rs", "pub struct Top;")
        self.write("low/mod.rs", "mod part;")
        for text in (
            "fn f() {\n    use crate::top;\n}",
            "fn f() {\n    crate::top::Top;\n}",
            "fn f(\n  x: super::super::top::Top) {}",
            "mod inner {\n    use super::super::super::top::Top;\n}",
            "use crate::{\n    top::{Top as Other}};",
            "pub use\n crate::top::*;",
            "use super::super::low::{self};\nuse super::super::top as low_too;",
        ):
            self.write("low/part.rs", text)
            [line] = self.wrong()
            self.assertIn("src/low/part.rs:2: low (a lower layer) uses top", line, text)

    def test_a_use_through_a_re_export_counts_for_the_file_that_defines_it(self):
        self.write("lib.rs", "mod top; mod low; pub use top::Top; pub fn run() {}")
        self.write("top/mod.rs", "mod part; pub use part::*;")
        self.write("top/part.rs", "pub struct Top;")
        self.write("low.rs", "use crate::Top;\nuse crate::run;")
        self.assertEqual(
            self.wrong(),
            [
                "src/low.rs:1: low (a lower layer) uses top::part::Top (an upper layer)",
                "src/low.rs:2: low (a lower layer) uses crate::run (an upper layer)",
            ],
        )

    def test_layers_in_one_row_do_not_use_each_other(self):
        self.write("left.rs", "use crate::right::Right;")
        self.write("right.rs", "pub struct Right;")
        self.assertEqual(self.wrong(), ["src/left.rs:1: left uses right::Right (a layer beside it)"])

    def test_a_module_that_the_table_lacks_is_named(self):
        self.write("other/mod.rs", "")
        self.write("other/part.rs", "use crate::low::Low;")
        self.assertEqual(self.wrong(), ["src/other/mod.rs: other is not a layer: name it in the table in tools/ci/layers"])


class NotCounted(Case):
    def setUp(self):
        super().setUp()
        self.write("top.rs", "pub struct Top;")

    def test_tests(self):
        self.assert_fine(
            low="""\
                mod shown;
                #[cfg(test)]
                use crate::top::{Top};
                #[cfg(test)]
                #[allow(dead_code)]
                pub(crate) mod tests { use crate::top::Top; fn f() { if true {} } }
                #[cfg(test)] mod more;
                #[cfg(all(test, unix))] pub const fn f() -> crate::top::Top { crate::top::Top }
                """,
            low__more="use crate::top::Top;",
            low__more__deep="use crate::top::Top;",
            low__shown="#![cfg(test)]\nuse crate::top::Top;",
        )

    def test_code_after_a_test(self):
        for test in ("mod t { }", "use a::{b};", "const A: B = B { c: 1 };", "mod t;", "fn f() { { } }"):
            self.write("low.rs", f"#[cfg(test)]\n{test}\nuse crate::top::Top;")
            self.assertEqual(self.wrong(), ["src/low.rs:3: low (a lower layer) uses top::Top (an upper layer)"], test)

    def test_comments_and_strings(self):
        self.assert_fine(
            low="""\
                //! crate::top::Top
                /* use crate::top::Top;
                   use crate::top::Top; */
                const A: &str = "crate::top::Top \\" crate::top::Top";
                const B: &str = r#"" crate::top::Top"#;
                const C: char = '"'; // crate::top::Top
                const D: char = '\\''; /// [`crate::top::Top`]
                """
        )

    def test_lines_after_comments_and_strings(self):
        self.write("low.rs", "const A: &str = \"a\nb\"; /* '\n */ fn f<'a>(b: &'a str) {} // '\nuse crate::top::Top;")
        self.assertEqual(self.wrong(), ["src/low.rs:4: low (a lower layer) uses top::Top (an upper layer)"])

    def test_lib_and_testing(self):
        self.assert_fine(lib="mod low; mod testing; use low::Low; pub struct Own;", testing="use crate::low::Low;", low="pub struct Low;")


class Circles(Case):
    def setUp(self):
        super().setUp()
        self.write("low/mod.rs", "mod a; mod b; mod c; mod d;")

    def test_a_circle_within_a_layer_is_found(self):
        self.write("low/a.rs", "use super::b::B; pub struct A;")
        self.write("low/b.rs", "use crate::low::c::C; pub struct B;")
        self.write("low/c.rs", "use super::{a::A}; pub struct C;")
        self.write("low/d.rs", "use super::a::A;")
        self.assertEqual(self.wrong(), ["src/low/a.rs -> src/low/b.rs -> src/low/c.rs -> src/low/a.rs"])
        self.assertEqual(layers.count(self.folder, "src"), "src: a circle of 3 files")

    def test_the_shortest_way_around_is_shown(self):
        self.write("low/a.rs", "use super::b::B; pub struct A;")
        self.write("low/b.rs", "use super::{c::C, d::D}; pub struct B;")
        self.write("low/c.rs", "use super::{a::A, b::B}; pub struct C;")
        self.write("low/d.rs", "use super::a::A; pub struct D;")
        self.assertEqual(self.wrong(), ["src/low/b.rs -> src/low/c.rs -> src/low/b.rs"])
        self.assertEqual(layers.count(self.folder, "src"), "src: a circle of 4 files")

    def test_a_child_may_use_its_parent_if_the_parent_only_re_exports_it(self):
        self.assert_fine(
            low__mod="mod child; mod other; pub use child::Child; pub(crate) use other::*; pub struct Own;",
            low__child="use super::Own; pub struct Child;",
            low__other="use super::{Child, Own}; pub struct Other;",
        )

    def test_a_child_may_use_what_its_parent_only_imports(self):
        self.assert_fine(
            top="pub mod child; use crate::low::Low; fn f() { child::g(); }",
            top__child="use super::Low; pub fn g() {}",
            low="pub struct Low;",
        )

    def test_a_parent_that_uses_its_child_is_not_used_by_it(self):
        self.write("low/child.rs", "use super::Own; pub struct Child; pub fn f() {}")
        for text in (
            "use child::Child;",
            "use self::child::Child;",
            "pub use child::Child; struct Holds(Child);",
            "pub use child::*; struct Holds(Child);",
            "fn g() { child::f(); }",
        ):
            self.write("low/mod.rs", f"mod child; pub struct Own; {text}")
            self.assertEqual(self.wrong(), ["src/low/child.rs -> src/low/mod.rs -> src/low/child.rs"], text)

    def test_a_use_of_all_counts_for_what_is_mentioned(self):
        self.write("low/mod.rs", "mod child; use child::Child; pub struct Own;")
        self.write("low/child.rs", "use super::*; pub struct Child;")
        self.assertEqual(self.wrong(), [])
        self.write("low/child.rs", "use super::*; pub struct Child(Own);")
        self.assertEqual(len(self.wrong()), 1)


if __name__ == "__main__":
    unittest.main()
