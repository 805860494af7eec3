#!/usr/bin/env python3
"""Runs tools/ci/live against the sandbox: it gives a whole table, and prints neither the secret nor a token."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests/common"))

from harness import ROOT, Sandbox


class Live(unittest.TestCase):
    def test_prints_a_table_and_no_secret(self):
        with tempfile.TemporaryDirectory() as folder:
            sandbox = Sandbox(folder)
            self.addCleanup(sandbox.stop)
            environment = {
                "PATH": os.environ["PATH"],
                "PORT_CLIENT_ID": sandbox.client_id,
                "PORT_CLIENT_SECRET": sandbox.client_secret,
                "PORT_AUTH_BASE_URL": sandbox.url("auth_base_url", "127.0.0.1", "http"),
                "PORT_MCP_URL": sandbox.url("mcp_url", "127.0.0.1", "http"),
            }
            done = subprocess.run([ROOT / "tools/ci/live"], env=environment, stdout=subprocess.PIPE, text=True, check=True)
        rows = done.stdout.splitlines()
        self.assertEqual(rows[:2], ["| question | answer |", "|---|---|"])
        self.assertTrue(all(re.fullmatch(r"\| [^|]+ \| [^|]+ \|", row) for row in rows[2:]), done.stdout)
        self.assertIn("| does the MCP server take a token of `api`? | yes, 47 tools |", rows)
        self.assertIn("| `mcp`: hidden by an empty `x-allowed-actions-to-run` | `run_action` |", rows)
        self.assertIn("| `mcp`: does that header cover `trigger_run`? | not its offer; whether calls are refused: not asked |", rows)
        self.assertIn("| `mcp`: arguments of `run_action` (* required) | `actionIdentifier*`, `properties` |", rows)
        self.assertIn("| does the MCP server offer prompts, resources? | `prompts` |", rows)
        self.assertIn(
            "| `mcp`: answer to a wrong secret | 401 `error`: invalid_client, `error_description`: client authentication failed |", rows
        )
        self.assertNotIn(sandbox.client_secret, done.stdout)
        self.assertNotIn("eyJ", done.stdout, "a token")


if __name__ == "__main__":
    unittest.main()
