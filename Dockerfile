# Two images of the project, by `docker build --target worker .` and `docker build .`:
#
#   worker   the scoring worker and what it imports, nothing that trains, serves or draws; MLflow by HTTP or from an SQLite file
#   whole    all processes (drift agent, trainer, ledger, gateway) and loanctl; it can be a worker, too
#
# The order of the stages is that of their needs: the classic builder works through all of them up to the target.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS uv
RUN python -m venv /opt/uv && /opt/uv/bin/python -m pip install --quiet "uv>=0.8,<1"
WORKDIR /app
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1
# Dependencies first: they change less often than we do.
COPY pyproject.toml uv.lock README.md LICENSE ./

FROM uv AS worker-build
RUN /opt/uv/bin/uv sync --frozen --only-group worker --no-install-project
COPY schemas schemas
COPY scorecard scorecard
COPY streams streams
# Only these packages are there to be installed. Libraries bring their tests.
RUN /opt/uv/bin/uv pip install --quiet --no-deps --compile-bytecode . \
    && find .venv -type d -name tests -prune -exec rm -r {} +

FROM ${PYTHON_IMAGE} AS process
# Bundles, compiled kernels and the worker's seat outlive a container where /var/lib/loan is a volume.
RUN useradd --create-home --uid 10001 loan && mkdir -p /var/lib/loan && chown loan /var/lib/loan
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LOAN_CACHE_DIR=/var/lib/loan \
    NUMBA_CACHE_DIR=/var/lib/loan/numba \
    LOAN_WEB_HOST=0.0.0.0 \
    LOAN_WEB_PORT=8101
WORKDIR /home/loan
VOLUME /var/lib/loan
EXPOSE 8101
# Alive, not ready: a worker that waits for its first champion must not be restarted for it.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['LOAN_WEB_PORT'] + '/health', timeout=2)"]
CMD ["python", "-m", "streams"]

FROM process AS worker
USER loan
# Last, so that nothing above is laid down with it.
COPY --from=worker-build /app/.venv /app/.venv

FROM uv AS build
# A gigabyte for graphics cards, which XGBoost names and we never use.
ENV WITHOUT="--no-install-package nvidia-nccl-cu12 --no-install-package nvidia-nccl-cu13"
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project $WITHOUT
COPY . .
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-editable $WITHOUT

FROM process AS whole
# OpenMP for LightGBM; other libraries bring their own.
RUN ldconfig -p | grep -q libgomp.so.1 || { apt-get update && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*; }
USER loan
COPY --from=build /app/.venv /app/.venv
