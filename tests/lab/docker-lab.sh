#!/usr/bin/env bash
# docker-lab.sh - a real Docker engine on a machine without an image registry: the base image is made with debootstrap.
#
#   docker-lab.sh dockerd                 start dockerd if none answers (no systemd needed)
#   docker-lab.sh stop                    stop the dockerd that `dockerd` started, and no other
#   docker-lab.sh base                    debootstrap -> docker import -> $BASE_TAG, if it is not there yet
#   docker-lab.sh build DIR TAG [ARGS...] docker build on that base
#   docker-lab.sh compose ARGS...         docker-compose with the client that can build
#
# Root, and: apt-get install --no-install-recommends docker.io docker-compose debootstrap iptables
set -euo pipefail

apt_mirror() {  # what apt uses here
  sed -n 's|^URIs: *||p; s|^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*|\2|p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null | head -1 || true
}

BASE_TAG=${BASE_TAG:-local/python:3.11-slim}
SUITE=${SUITE:-bookworm}
MIRROR=${MIRROR:-$(apt_mirror)}
INCLUDE=${INCLUDE:-ca-certificates,python3,python3-venv,python3-pip}
CA_DIR=${CA_DIR:-/usr/local/share/ca-certificates}   # extra root CAs of the host (public certificates)
RUN_DIR=${RUN_DIR:-/run/docker-lab}
# docker.io's client builds by itself (BuildKit is in it); newer static ones on PATH want the buildx plugin.
DOCKER=${DOCKER:-/usr/bin/docker}
export DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1

say() { printf '[docker-lab] %s\n' "$*" >&2; }
die() { say "ERROR: $*"; exit 1; }

cmd_dockerd() {
  "$DOCKER" info >/dev/null 2>&1 && return 0
  command -v dockerd >/dev/null || die "no dockerd: apt-get install --no-install-recommends docker.io iptables"
  mkdir -p "$RUN_DIR"
  say "starting dockerd, log in $RUN_DIR/dockerd.log"
  nohup dockerd >"$RUN_DIR/dockerd.log" 2>&1 </dev/null &
  echo $! >"$RUN_DIR/dockerd.pid"
  local tries
  for tries in $(seq 120); do
    "$DOCKER" info >/dev/null 2>&1 && return 0
    kill -0 "$(cat "$RUN_DIR/dockerd.pid")" 2>/dev/null || break
    sleep 0.5
  done
  tail -20 "$RUN_DIR/dockerd.log" >&2
  die "dockerd did not come up (try $tries)"
}

cmd_stop() {
  local pid tries
  [ -f "$RUN_DIR/dockerd.pid" ] || return 0
  pid=$(cat "$RUN_DIR/dockerd.pid")
  # The number may be another process's by now: only a dockerd is ended.
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
    say "stopping dockerd ($pid)"
    kill "$pid"
    for tries in $(seq 60); do
      [ -d "/proc/$pid" ] || break
      sleep 0.5
    done
    [ ! -d "/proc/$pid" ] || die "dockerd ($pid) still runs after $tries tries"
  fi
  rm -f "$RUN_DIR/dockerd.pid"
}

cmd_base() {
  cmd_dockerd
  if "$DOCKER" image inspect "$BASE_TAG" >/dev/null 2>&1; then return 0; fi
  command -v debootstrap >/dev/null || die "no debootstrap: apt-get install debootstrap"
  [ -n "$MIRROR" ] || die "no Debian mirror in /etc/apt; name one: MIRROR=..."
  local root certificate started=$SECONDS
  root=$(mktemp -d /var/tmp/docker-lab.XXXXXX)
  # shellcheck disable=SC2064
  trap "rm -rf --one-file-system '$root' '$root.log'" EXIT
  say "debootstrap $SUITE minbase + $INCLUDE"
  debootstrap --variant=minbase --include="$INCLUDE" "$SUITE" "$root" "$MIRROR" >"$root.log" 2>&1 \
    || { tail -20 "$root.log" >&2; die "debootstrap failed"; }
  # Trust what the host trusts, so that pip inside the image works as it does outside. Never publish this image.
  for certificate in "$CA_DIR"/*.crt; do
    [ ! -e "$certificate" ] || install -m 644 -D -t "$root/usr/local/share/ca-certificates" "$certificate"
  done
  chroot "$root" update-ca-certificates >/dev/null 2>&1
  printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
  # Behave like the official python:*-slim image: `python` exists, and nothing is there that nobody runs.
  ln -sf python3 "$root/usr/bin/python"
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/log/apt/* \
    "$root"/usr/share/{doc,man,info,locale}/* "$root"/tmp/*
  find "$root/usr" -name __pycache__ -type d -prune -exec rm -rf {} +
  tar -C "$root" -cf - . | "$DOCKER" import \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8' \
    --change 'CMD ["python3"]' - "$BASE_TAG" >/dev/null
  say "base image $BASE_TAG after $((SECONDS - started)) s: $("$DOCKER" image inspect -f '{{.Size}}' "$BASE_TAG" | numfmt --to=iec)"
}

cmd_build() {
  local folder=$1 tag=$2
  shift 2
  cmd_base
  "$DOCKER" build --progress=plain --build-arg "BASE_IMAGE=$BASE_TAG" -t "$tag" "$@" "$folder"
}

cmd_compose() { PATH=$(dirname "$DOCKER"):$PATH BASE_IMAGE=$BASE_TAG docker-compose "$@"; }

case ${1:-help} in
  dockerd | stop | base | build | compose)
    command=$1
    shift
    "cmd_$command" "$@"
    ;;
  *) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" ;;
esac
