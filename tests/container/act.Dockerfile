# What act takes for `ubuntu-latest`: enough for steps that are shell scripts, and what `claude/` needs of a hosted runner.
FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends jq openssl \
  && rm -rf /var/lib/apt/lists/*
