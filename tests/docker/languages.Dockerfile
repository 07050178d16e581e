# What the official images of Go, Node.js, Maven and Temurin stand for where there is no image registry: their toolchains, this
# machine's or Debian's, on the base image. `toolchains.tar` is made by test_languages.py.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
# Java's packages want the folder of manuals, which the base image is without.
RUN mkdir -p /usr/share/man/man1 && apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends maven default-jdk-headless \
    && rm -rf /var/lib/apt/lists/*
ADD toolchains.tar /
ENV PATH=/usr/local/go/bin:$PATH NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
