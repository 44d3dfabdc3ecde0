# Only `runtally serve`: no shell, no packages, no root. docs/deploy.md shows how to run it.
#
#   docker build -t runtally .
#
# `tests/stack/run containers` builds the stage `prebuilt` from what was compiled outside, so that it pulls no image.

FROM scratch AS runtime
ENV HOME=/data
USER 65532:65532
WORKDIR /data
EXPOSE 9100
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["/usr/bin/runtally", "health"]
# SIGTERM drains: the process ends after the model calls in flight.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/runtally"]
CMD ["serve", "--data", "/data", "--bind", "0.0.0.0"]

FROM runtime AS prebuilt
COPY --chown=65532:65532 . /

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package runtally && deploy/root_filesystem target/release/runtally /root-filesystem

FROM runtime
COPY --from=build --chown=65532:65532 /root-filesystem /
