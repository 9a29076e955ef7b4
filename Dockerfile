# docs/guides/docker.md says how to run it.
FROM python:3.12-slim AS build
# a fleet needs postgres too: --build-arg EXTRAS=fast,postgres
ARG EXTRAS=fast
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY robotq robotq
RUN python -m venv /opt/robotq && /opt/robotq/bin/pip install --no-cache-dir ".[${EXTRAS}]"

FROM python:3.12-slim
COPY --from=build /opt/robotq /opt/robotq
RUN useradd --uid 8090 --user-group --no-create-home --home-dir /data --groups dialout robotq \
    && install -d -o robotq -g robotq -m 0750 /data
ENV PATH=/opt/robotq/bin:$PATH PYTHONUNBUFFERED=1
USER robotq
WORKDIR /data
VOLUME /data
EXPOSE 8090
# the daemon ends in order by this, so a running command gets its seconds
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8090/health', timeout=4)"]
ENTRYPOINT ["robotq"]
CMD ["serve", "--data", "/data"]
