# The sidecar with both engines, for an unprivileged user on a read-only root that holds an interpreter, its libraries and
# nothing else: no shell, no package manager. `docker exec` runs `sidecar` and `python` there.
#
#   make image                                     on the official base
#   make image BASE_IMAGE=local/python:3.11-slim   on another one with Python 3.11 or later, venv and pip
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/sidecar
COPY requirements.lock requirements-dev.lock /src/
RUN python -m pip --python /opt/sidecar/bin/python install --no-compile -r /src/requirements.lock
COPY pyproject.toml README.md LICENSE /src/
COPY clients/python /src/clients/python
COPY sidecar /src/sidecar
# The build back end comes in the pinned version too.
RUN PIP_CONSTRAINT=/src/requirements-dev.lock \
    python -m pip --python /opt/sidecar/bin/python install --no-compile --no-deps /src/clients/python /src
# The root of the image, and the proof that it holds what a command needs: nothing of this stage is seen from there.
COPY tools/image_root.py /src/tools/image_root.py
RUN python /src/tools/image_root.py /opt/sidecar /image \
    && chroot /image /opt/sidecar/bin/sidecar version && chroot /image /opt/sidecar/bin/sidecar config show

FROM scratch
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="quic-p2p-sidecar" \
      org.opencontainers.image.description="A peer-to-peer sidecar: QUIC between sidecars, gRPC to the app beside each" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.vendor="The quic-p2p-sidecar authors" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /image /
# What grpcurl and the like may be told instead of asking for reflection.
COPY proto/overlay.v1.binpb /usr/share/quic-p2p-sidecar/overlay.v1.binpb
ENV PATH=/opt/sidecar/bin \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    SIDECAR_STATE_DIR=/var/lib/sidecar \
    SIDECAR_GRPC_ENDPOINT=unix:/run/sidecar/grpc.sock \
    SIDECAR_ADMIN_ENDPOINT=127.0.0.1:7402 \
    SIDECAR_ENDPOINT=unix:/run/sidecar/grpc.sock
USER 65532:65532
WORKDIR /var/lib/sidecar
VOLUME ["/var/lib/sidecar", "/run/sidecar"]
EXPOSE 7400/udp
STOPSIGNAL SIGTERM
# Plain Python without site packages: some 40 ms, where importing grpc takes ten times as long.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-I", "-S", "-c", "import os, socket, sys\nhost, _, port = os.environ['SIDECAR_ADMIN_ENDPOINT'].rpartition(':')\ns = socket.create_connection((host.strip('[]'), int(port)), 2)\ns.sendall(b'GET /livez HTTP/1.1\\r\\nHost: sidecar\\r\\nConnection: close\\r\\n\\r\\n')\nsys.exit(b' 200 ' not in s.recv(64))"]
ENTRYPOINT ["sidecar"]
CMD ["run"]
