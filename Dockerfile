# The image that `uses:` runs: one static binary, a link to it, and nothing else. No shell, no certificates on disk (the
# roots are compiled in), no user: the runner's files belong to root. It builds in BuildKit and in the classic builder.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /build

# First the dependencies, which change seldom, with an empty program in place of ours. Of the sandbox cargo wants only the
# manifest, to read the workspace; neither it nor anything that only tests need is compiled here.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY tests/sandbox/Cargo.toml tests/sandbox/
RUN mkdir -p src tests/sandbox/src \
  && echo '//! Empty.' >src/lib.rs \
  && cp src/lib.rs tests/sandbox/src/ \
  && cp src/lib.rs src/main.rs && echo 'fn main() {}' >>src/main.rs \
  && cargo build --release --locked --package port-mcp-auth

# Then our own code. The empty files are newer than the sources, so cargo has to be told that they changed. The link has the name by
# which the runner starts the clean-up at the end of the job.
#
# On x86-64 the linker leaves out the tables for unwinding, an eighth of the program: a panic ends it, and nothing unwinds. It also
# packs the relocations. The linker for Arm is another one, and the program is smaller there.
#
# The same program runs outside of the image, on any Linux. There, the static C library would load the machine's modules for looking up
# names (/etc/nsswitch.conf). They are made for that machine's C library, and a program with another one crashes: this one did with
# glibc 2.31, 2.41 and 2.42, where `hosts` named resolve, mymachines, myhostname or mdns. So no module is loaded. Names come from
# /etc/hosts and DNS, in those three, in 2.36, and where there is no C library. tests/container/test has a module that must not be loaded.
COPY src src
ARG REVISION
ARG BUILD
RUN touch src/lib.rs src/main.rs \
  && echo 'SECTIONS { /DISCARD/ : { *(.eh_frame) } } INSERT AFTER .text;' >without-tables.ld \
  && echo 'void *__wrap___libc_dlopen_mode(void) { return 0; }' >without-modules.c \
  && cc -O2 -c without-modules.c \
  && set -- -C link-arg=/build/without-modules.o -C link-arg=-Wl,--wrap=__libc_dlopen_mode \
  && if [ "$(uname -m)" = x86_64 ]; then \
    set -- "$@" -C link-arg=-Wl,-z,pack-relative-relocs -C link-arg=-Wl,-T,/build/without-tables.ld; \
  fi \
  && PORT_MCP_AUTH_COMMIT="${REVISION:-unknown}" PORT_MCP_AUTH_BUILD="${BUILD:-unknown}" \
    cargo rustc --release --locked --package port-mcp-auth --bin port-mcp-auth -- "$@" \
  && mkdir /image \
  && cp target/*/release/port-mcp-auth /image/ \
  && ln -s port-mcp-auth /image/cleanup

FROM scratch
COPY --from=build /image /
ENTRYPOINT ["/port-mcp-auth"]

ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="port-mcp-auth" \
      org.opencontainers.image.description="Port client credentials in, a masked token and a ready MCP config out" \
      org.opencontainers.image.source="https://github.com/org/port-mcp-auth" \
      org.opencontainers.image.documentation="https://github.com/org/port-mcp-auth#readme" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
