"""A stand-in for the model behind an agent. It asks for one tool, then for one that the agent must not have, and ends.

It answers as Anthropic's Messages, OpenAI's Responses and Chat Completions, and Gemini's generateContent do, streamed or not, and as
far as Auggie needs it, as Augment's own API.
"""

import json
import re
import threading
import time
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "stand-in"
SEARCH = re.compile(
    r"tool_?search|search_?tools?|search_tool_functions", re.IGNORECASE
)  # Some agents show tools only after a search for them,
CALLER = re.compile(r"(use|call)_?tool|tool_?(use|call)", re.IGNORECASE)  # and some call those through one more tool.
PROGRAM = "run_typescript"  # Others call them from a program that the model writes.
SEARCHES = 20
PAUSE = 1  # second between searches, for servers that come up late


@dataclass(frozen=True)
class Tool:
    """What the agent offers."""

    name: str
    schema: dict
    namespace: str | None = None


@dataclass(frozen=True)
class Call:
    """What the model asks for."""

    name: str
    arguments: dict
    namespace: str | None = None

    def names(self, tool):
        return tool in self.name or tool in json.dumps(self.arguments)


@dataclass
class Turn:
    """What every protocol says in its own words."""

    tools: list[Tool]
    calls: list[Call]
    text: str


class Plan:
    """What to ask for next: the wanted tool, and then the forbidden one, if there is one."""

    def __init__(self, wanted, forbidden):
        self.wanted, self.forbidden = wanted, forbidden
        self.query = wanted  # what to search for, where the agent has a search
        self.tempted = self.ended = False

    def next(self, turn):
        """The next call, or None at the end."""
        call = self.call(turn)
        self.ended = call is None
        return call

    def call(self, turn):
        made = [call for call in turn.calls if not SEARCH.fullmatch(call.name)]
        first = next((call for call in made if call.names(self.wanted)), None)
        if first is None:
            return self.reach(turn)
        if self.tempted or self.forbidden is None:  # Some agents drop a call that they refuse, so the conversation doesn't tell.
            return None
        self.tempted = True
        # The same call with the other name, whether the agent offers it or not.
        arguments = json.loads(json.dumps(first.arguments).replace(self.wanted, self.forbidden))
        return replace(first, name=first.name.replace(self.wanted, self.forbidden), arguments=arguments)

    def reach(self, turn):
        """The call of the wanted tool, or a step towards it."""
        for tool in turn.tools:
            if tool.name.endswith(self.wanted) or tool.name.startswith(f"{self.wanted}_"):
                return Call(tool.name, {}, tool.namespace)
        caller = next((tool for tool in turn.tools if CALLER.fullmatch(tool.name)), None)
        searches = [call for call in turn.calls if SEARCH.fullmatch(call.name)]
        found = re.search(rf"[\w.:/-]+[_/.]{self.wanted}", turn.text)
        if caller and searches and found:
            return Call(caller.name, self.filled(caller, found[0]))
        if found and searches and any(tool.name == PROGRAM for tool in turn.tools):
            return Call(PROGRAM, {"code": f"async function main() {{ return await tools.{found[0]}({{}}); }}"})
        search = next((tool for tool in turn.tools if SEARCH.fullmatch(tool.name)), None)
        if search is None or len(searches) == SEARCHES:
            return None
        if searches:
            time.sleep(PAUSE)
        return Call(search.name, {"query": self.query})

    @staticmethod
    def filled(caller, name):
        """Arguments for a tool that calls another one: its name, and no arguments."""
        arguments = {}
        for key, value in caller.schema.get("properties", {}).items():
            if key == "id" or key.endswith("name"):
                arguments[key] = name
            elif value.get("type") == "object":
                arguments[key] = {}
        return arguments


class Anthropic:
    """https://platform.claude.com/docs/en/api/messages"""

    path = re.compile(r"/messages$")

    def read(self, body):
        tools = [Tool(tool["name"], tool.get("input_schema", {})) for tool in body.get("tools", [])]
        blocks = [block for message in body["messages"] if isinstance(message["content"], list) for block in message["content"]]
        calls = [Call(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
        return Turn(tools, calls, json.dumps([block for block in blocks if block["type"] == "tool_result"]))

    def write(self, body, call, number):
        """The events of a stream, and the whole answer."""
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": body["model"], "stop_sequence": None}
        usage = {"input_tokens": 1, "output_tokens": 1}
        if call:
            block = {"type": "tool_use", "id": f"toolu_{number}", "name": call.name, "input": call.arguments}
            empty, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(call.arguments)}
        else:
            block = {"type": "text", "text": "Done."}
            empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": "Done."}
        reason = "tool_use" if call else "end_turn"
        events = [
            {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": usage}},
            {"type": "content_block_start", "index": 0, "content_block": empty},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ]
        return events, {**message, "content": [block], "stop_reason": reason, "usage": usage}


class Responses:
    """https://platform.openai.com/docs/api-reference/responses"""

    path = re.compile(r"/responses$")

    def read(self, body):
        tools = []
        for tool in body.get("tools", []):
            if tool["type"] == "namespace":
                tools += [Tool(inner["name"], inner.get("parameters", {}), tool["name"]) for inner in tool["tools"]]
            elif tool["type"] == "function":
                tools.append(Tool(tool["name"], tool.get("parameters", {})))
        items = body["input"] if isinstance(body["input"], list) else []
        made = [item for item in items if item.get("type") == "function_call"]
        calls = [Call(item["name"], json.loads(item["arguments"]), item.get("namespace")) for item in made]
        return Turn(tools, calls, json.dumps([item for item in items if item.get("type") == "function_call_output"]))

    def write(self, body, call, number):
        if call:
            arguments = json.dumps(call.arguments)
            item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": call.name, "arguments": arguments}
            if call.namespace:
                item["namespace"] = call.namespace
            empty = {**item, "arguments": ""}
            piece = {"type": "response.function_call_arguments.done", "item_id": item["id"], "output_index": 0, "arguments": arguments}
        else:
            part = {"type": "output_text", "text": "Done.", "annotations": []}
            item = {"type": "message", "id": f"msg_{number}", "role": "assistant", "content": [part]}
            empty = {**item, "content": []}
            at = {"item_id": item["id"], "output_index": 0, "content_index": 0}
            piece = {"type": "response.output_text.delta", **at, "delta": "Done."}
        item["status"], empty["status"] = "completed", "in_progress"
        answer = {"id": f"resp_{number}", "object": "response", "created_at": 0, "model": body["model"]}
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        whole = {
            **answer,
            "status": "completed",
            "output": [item],
            "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, **details},
        }
        events = [
            {"type": "response.created", "response": {**answer, "status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": empty},
            piece,
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
        ]
        return [{**event, "sequence_number": place} for place, event in enumerate(events)], whole


class Chat:
    """https://platform.openai.com/docs/api-reference/chat"""

    path = re.compile(r"/chat/completions$")

    def read(self, body):
        offered = [tool["function"] for tool in body.get("tools", []) if tool["type"] == "function"]
        tools = [Tool(tool["name"], tool.get("parameters", {})) for tool in offered]
        made = [call["function"] for message in body["messages"] for call in message.get("tool_calls") or []]
        calls = [Call(call["name"], json.loads(call["arguments"] or "{}")) for call in made]
        return Turn(tools, calls, json.dumps([message for message in body["messages"] if message["role"] == "tool"]))

    def write(self, body, call, number):
        if call:
            function = {"name": call.name, "arguments": json.dumps(call.arguments)}
            message = {"content": None, "tool_calls": [{"index": 0, "id": f"call_{number}", "type": "function", "function": function}]}
        else:
            message = {"content": "Done."}
        message = {"role": "assistant", **message}
        reason = "tool_calls" if call else "stop"
        answer = {"id": f"chat_{number}", "created": 0, "model": body["model"]}
        usage = {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}

        def chunk(delta, finish=None):
            return {**answer, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

        events = [chunk(message), {**chunk({}, reason), **usage}, "[DONE]"]
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return events, {**answer, "object": "chat.completion", "choices": [choice], **usage}


class Gemini:
    """https://ai.google.dev/api/generate-content"""

    path = re.compile(r":(stream)?[gG]enerateContent$")

    def read(self, body):
        offered = [tool for group in body.get("tools", []) for tool in group.get("functionDeclarations", [])]
        tools = [Tool(tool["name"], tool.get("parametersJsonSchema") or tool.get("parameters", {})) for tool in offered]
        parts = [part for content in body["contents"] for part in content["parts"]]
        made = [part["functionCall"] for part in parts if "functionCall" in part]
        calls = [Call(call["name"], call.get("args", {})) for call in made]
        return Turn(tools, calls, json.dumps([part for part in parts if "functionResponse" in part]))

    def write(self, _body, call, _number):
        part = {"functionCall": {"name": call.name, "args": call.arguments}} if call else {"text": "Done."}
        candidate = {"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [part]}}
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        whole = {"candidates": [candidate], "usageMetadata": usage}
        return [whole], whole


class Augment:
    """As seen with Auggie 0.36.0: the API is not documented."""

    path = re.compile(r"/chat-stream$")
    TOOL_USE, FINISHED, CALLS = 5, 1, 3

    def read(self, body):
        tools = [Tool(tool["name"], json.loads(tool["input_schema_json"])) for tool in body.get("tool_definitions") or []]
        nodes = [node for turn in body["chat_history"] for node in turn.get("response_nodes") or []]
        made = [node["tool_use"] for node in nodes if node["type"] == self.TOOL_USE]
        return Turn(tools, [Call(call["tool_name"], json.loads(call["input_json"])) for call in made], "")

    def write(self, _body, call, number):
        if not call:
            answer = {"text": "Done.", "nodes": [{"id": 1, "type": 0, "content": "Done."}], "stop_reason": self.FINISHED}
            return [answer], answer
        use = {"tool_use_id": f"call_{number}", "tool_name": call.name, "input_json": json.dumps(call.arguments)}
        answer = {"text": "", "nodes": [{"id": 1, "type": self.TOOL_USE, "content": "", "tool_use": use}], "stop_reason": self.CALLS}
        return [answer], answer


PROTOCOLS = (Anthropic(), Responses(), Chat(), Gemini(), Augment())

# What is asked for before the first turn, beside what any answer does for.
LENGTHS = {"suggested_prefix_char_count": 1000, "suggested_suffix_char_count": 1000}
OTHERS = {
    "/get-models": {
        "default_model": NAME,
        "models": [{"name": NAME, "display_name": NAME, **LENGTHS}],
        "feature_flags": {},
        "languages": [],
        "user": {"id": NAME, "email": "stand-in@example.com"},
        "user_tier": "PROFESSIONAL",
    },
    "/agents/list-remote-tools": {"tools": []},
}


def event(value):
    """One event of a stream."""
    if isinstance(value, str):
        return f"data: {value}\n\n"
    head = f"event: {value['type']}\n" if "type" in value else ""
    return f"{head}data: {json.dumps(value)}\n\n"


class Handler(BaseHTTPRequestHandler):
    """HTTP around it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        data = self.body()
        path = self.path.partition("?")[0]
        protocol = next((protocol for protocol in PROTOCOLS if protocol.path.search(path)), None)
        if protocol is None:  # Counting tokens, telemetry.
            return self.reply("application/json", json.dumps(OTHERS.get(path, {"input_tokens": 1, "totalTokens": 1})))
        body = json.loads(data)
        turn = protocol.read(body)
        # Titles and summaries are asked for without tools.
        call = self.server.plan.next(turn) if turn.tools else None
        self.server.turns.append((path, sorted(tool.name for tool in turn.tools), call))
        events, whole = protocol.write(body, call, len(self.server.turns))
        if body.get("stream") or "streamGenerateContent" in path:
            return self.reply("text/event-stream", "".join(map(event, events)))
        return self.reply("application/json", f"{json.dumps(whole)}\n")  # Augment's are lines

    def do_GET(self):
        model = {"id": NAME, "object": "model", "created": 0, "owned_by": NAME}
        self.reply("application/json", json.dumps({"object": "list", "data": [model]}))

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def reply(self, kind, text):
        data = text.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """The stand-in, on a free port of loopback."""

    daemon_threads = True

    def __init__(self, wanted, forbidden):
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan = Plan(wanted, forbidden)
        self.turns = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """An agent that hangs up is no error."""
