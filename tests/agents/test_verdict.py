"""Tests of the verdict: python3 -m unittest agents.test_verdict, in tests/

Each takes the log of a run in which all went well, spoils one thing, and looks whether the verdict sees it.
"""

import copy
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

from harness import read_log

from agents.client import Client
from agents.files import Files
from agents.run import FORBIDDEN, WANTED, Result, Variant, judge, judge_wrong, missing

TOKEN, WRONG = "the-token-0123456789", "the-token-9876543210"
WRITES = frozenset({"upsert_entity"})


def request(method, status=200, token=TOKEN, **more):
    """A line of the sandbox's log."""
    headers = [["authorization", f"Bearer {token}"], ["x-read-only-mode", "1"], ["x-allowed-actions-to-run", ""]]
    return {
        "method": "POST",
        "path": "/mcp/v1",
        "headers": headers,
        "rpc_method": method,
        "status": status,
        "tool": None,
        "tools": None,
    } | more


GOOD = (
    request("initialize"),
    request("notifications/initialized", 202),
    request("tools/list", tools=[WANTED, FORBIDDEN]),
    request("tools/call", tool=WANTED),
)
INITIALIZE, _, LIST, CALL = range(4)


class Verdict(unittest.TestCase):
    def judged(self, requests, client=None):
        result = Result()
        run = SimpleNamespace(client=client or Client("codex"), variant=Variant())
        judge(run, requests, TOKEN, WRITES, result)
        return result

    def spoilt(self, spoil):
        requests = copy.deepcopy(list(GOOD))
        spoil(requests)
        result = self.judged(requests)
        self.assertFalse(result.passed)
        return result

    def header(self, place, name, *values):
        """The fault that comes of other values of a header."""

        def spoil(requests):
            kept = [pair for pair in requests[place]["headers"] if pair[0] != name]
            requests[place]["headers"] = kept + [[name, value] for value in values]

        self.assertTrue(self.spoilt(spoil).faults)

    def test_a_good_run_passes(self):
        self.assertTrue(self.judged(GOOD).passed)

    def test_nothing_may_be_missing(self):
        for place in (INITIALIZE, LIST, CALL):
            result = self.spoilt(lambda requests, place=place: requests.pop(place))
            self.assertEqual(result.missing, [GOOD[place]["rpc_method"]])
            self.assertTrue(result.may_pass_later)

    def test_what_was_refused_did_not_come(self):
        for place in (INITIALIZE, LIST, CALL):
            result = self.spoilt(lambda requests, place=place: requests[place].update(status=401))
            self.assertEqual(result.missing, [GOOD[place]["rpc_method"]])

    def test_another_tool_is_not_the_tool(self):
        self.assertEqual(self.spoilt(lambda requests: requests[CALL].update(tool=FORBIDDEN)).missing, ["tools/call"])

    def test_the_newest_protocol_has_no_initialize(self):
        self.assertTrue(self.judged([request("server/discover"), *GOOD[LIST:]]).passed)

    def test_an_agent_without_an_account_need_not_call(self):
        client = Client("amp")
        client.calls_tools = False
        self.assertEqual(missing(client, GOOD[:CALL]), [])
        self.assertTrue(self.judged(GOOD[:CALL], client).passed)

    def test_headers_are_exact(self):
        for place in (INITIALIZE, LIST, CALL):
            self.header(place, "authorization")
            self.header(place, "authorization", f"Bearer {WRONG}")
            self.header(place, "authorization", TOKEN)
            self.header(place, "authorization", f"Bearer {TOKEN}", f"Bearer {TOKEN}")
            self.header(place, "x-read-only-mode")
            self.header(place, "x-read-only-mode", "0")
            self.header(place, "x-allowed-actions-to-run")
            self.header(place, "x-allowed-actions-to-run", "restart_service")

    def test_no_variable_is_left(self):
        for text in ("${PORT_TOKEN}", "$PORT_TOKEN", "{env:PORT_TOKEN}", "${{ secrets.PORT_TOKEN }}", "${env:PORT_TOKEN}"):
            self.header(1, "authorization", f"Bearer {text}")
            self.header(1, "x-something", text)

    def test_no_write_tool_is_listed(self):
        self.assertTrue(self.spoilt(lambda requests: requests[LIST]["tools"].append("upsert_entity")).faults)

    def test_a_fault_gets_no_second_attempt(self):
        requests = [request("tools/list", tools=["upsert_entity"])]
        self.assertFalse(self.judged(requests).may_pass_later)


class WrongToken(unittest.TestCase):
    def judged(self, *requests):
        result = Result()
        judge_wrong(requests, WRONG, result)
        return result

    def test_it_must_be_shown_and_refused(self):
        self.assertTrue(self.judged(request("initialize", 401, WRONG)).passed)
        self.assertTrue(self.judged().missing)
        self.assertTrue(self.judged(request("initialize", None, WRONG)).missing)

    def test_nothing_may_succeed(self):
        for method in ("initialize", "server/discover", "tools/list", "tools/call"):
            self.assertTrue(self.judged(request("initialize", 401, WRONG), request(method, 200, WRONG)).faults)

    def test_the_right_one_must_not_come_from_elsewhere(self):
        self.assertTrue(self.judged(request("initialize", 401, WRONG), request("initialize", 401, TOKEN)).faults)


class InFiles(unittest.TestCase):
    def test_a_file_with_the_token_is_found_even_if_it_is_gone_later(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "home/.agent/sessions.db"
            path.parent.mkdir(parents=True)
            files = Files(folder, TOKEN, "requests.jsonl")
            for text, found in (("nothing", set()), (f"\0 {TOKEN}", {"home/.agent/sessions.db"}), ("gone", {"home/.agent/sessions.db"})):
                path.write_text(text)
                files.look()
                self.assertEqual(files.found, found)
            (Path(folder) / "requests.jsonl").write_text(TOKEN)
            files.look()
            self.assertEqual(len(files.found), 1)


class Log(unittest.TestCase):
    def test_a_line_that_is_still_being_written_counts_when_it_has_its_end(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "requests.jsonl"
            whole, begun = '{"tool": "\u2028"}\n'.encode(), '{"tool": "ü"}\n'.encode()
            for length in range(len(begun)):
                path.write_bytes(whole + begun[:length])
                self.assertEqual(read_log(path), [{"tool": "\u2028"}])
            path.write_bytes(whole + begun)
            self.assertEqual(len(read_log(path)), 2)


if __name__ == "__main__":
    unittest.main()
