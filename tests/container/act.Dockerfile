# What act takes for `ubuntu-latest`: enough for steps that are shell scripts.
FROM debian:bookworm-slim
