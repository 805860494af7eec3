"""The exchange as a Python script does it, with `requests`."""

import os

import requests

answer = requests.post(
    f"{os.environ['INPUT_AUTH_BASE_URL']}/auth/access_token",
    json={"clientId": os.environ["INPUT_CLIENT_ID"], "clientSecret": os.environ["INPUT_CLIENT_SECRET"]},
    headers={"accept": "application/json"},
    timeout=60,
)
answer.raise_for_status()
token = answer.json()["accessToken"]
print(f"::add-mask::{token}")
with open(os.environ["GITHUB_OUTPUT"], "a") as output:
    output.write(f"access_token={token}\n")
