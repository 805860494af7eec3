"""Droid, as a reader of the client `generic`. https://docs.factory.ai/cli/configuration/mcp"""

from agents.clients import droid


class GenericDroid(droid.Droid):
    client, pin = "generic", "droid"
