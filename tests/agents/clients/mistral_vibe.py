"""Mistral Vibe. https://docs.mistral.ai/mistral-vibe/introduction/configuration"""

from agents.client import PROMPT, Client
from agents.model import NAME


class MistralVibe(Client):
    program = "bin/vibe"
    config = "home/.vibe/config.toml"  # its models are in the same file

    def base_config(self, run):
        return f"""\
active_model = "{NAME}"
enable_telemetry = false
enable_auto_update = false

[[providers]]
name = "{NAME}"
api_base = "{run.model}/v1"
api_key_env_var = ""

[[models]]
name = "{NAME}"
provider = "{NAME}"
alias = "{NAME}"
"""

    def arguments(self, run):
        return ["-p", PROMPT, "--output", "streaming", "--trust", "--auto-approve", *run.given]
