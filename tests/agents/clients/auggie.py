"""Auggie, with a simulated API of Augment's. https://docs.augmentcode.com/cli/integrations"""

import json

from agents.client import PROMPT, Client


class Auggie(Client):
    program = "@augmentcode/auggie/augment.mjs"
    config = "home/.augment/settings.json"

    def environment(self, run):
        session = {"accessToken": "none", "tenantURL": f"{run.model}/", "scopes": ["read", "write"]}
        return {"AUGMENT_SESSION_AUTH": json.dumps(session), "AUGMENT_DISABLE_AUTO_UPDATE": "1"}

    def arguments(self, run):
        return ["--print", PROMPT, *run.given]
