# The image for CI systems that run a job's commands in a shell inside of it: the program of the other image, in Debian.
# Nothing is compiled here, so it is the same file that was tested.
ARG PROGRAM=port-mcp-auth:test
FROM ${PROGRAM} AS program

FROM debian:bookworm-slim
COPY --from=program /port-mcp-auth /usr/local/bin/port-mcp-auth

ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="port-mcp-auth with a shell" \
      org.opencontainers.image.description="Runs AI agents with Port's MCP server, in CI systems that need a shell in the image" \
      org.opencontainers.image.source="https://github.com/org/port-mcp-auth" \
      org.opencontainers.image.documentation="https://github.com/org/port-mcp-auth/blob/v1/docs/ci.md" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
