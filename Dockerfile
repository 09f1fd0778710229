# stanlocal itself as an image: with the engine's socket mounted, a runner needs nothing but Docker.
#
#   docker build -t stanlocal .
#   docker run --rm -v /var/run/docker.sock:/var/run/docker.sock stanlocal up
#
# BASE is any Linux with Python 3.11 or later; pin it by its digest: --build-arg BASE=python@sha256:…
# BUILD_BASE, the same by default, also needs Python's venv module. Nothing of it is in the image.
ARG BASE=python:3.13-slim-bookworm
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS build
WORKDIR /src
COPY LICENSE README.md pyproject.toml requirements.lock requirements-run.lock ./
COPY stanlocal stanlocal
# Everything is pinned by hashes: first what builds the wheel, out of all pins, then what the wheel needs.
RUN python3 -m venv /build \
    && awk '/^[a-z]/ { wanted = $1 ~ /^(hatchling|packaging|pathspec|pluggy|trove-classifiers)==/ } wanted' \
        requirements.lock > build.lock \
    && /build/bin/pip install --no-cache-dir --quiet --only-binary :all: --require-hashes -r build.lock \
    && /build/bin/hatchling build -t wheel -d /wheel \
    && python3 -m venv --without-pip /opt/stanlocal \
    && pip="/build/bin/pip --python /opt/stanlocal/bin/python" \
    && $pip install --no-cache-dir --quiet --only-binary :all: --require-hashes -r requirements-run.lock \
    && $pip install --no-cache-dir --quiet --no-deps --no-index /wheel/*.whl
COPY scripts/image-entrypoint /opt/stanlocal/bin/image-entrypoint

FROM ${BASE}
COPY --from=build /opt/stanlocal /opt/stanlocal
# A home for whichever user runs it; mount a volume there to keep histories of groups.
RUN mkdir -m 1777 /var/lib/stanlocal /work
ENV PATH=/opt/stanlocal/bin:$PATH HOME=/var/lib/stanlocal PYTHONDONTWRITEBYTECODE=1
WORKDIR /work
ENTRYPOINT ["image-entrypoint"]
CMD ["--help"]
