# The console, served by gunicorn. It talks to AWS (ENCANTE_AWS=aws); the sandbox is for
# `make run` on a machine of one's own and is not started here.
#
#   docker build -t encante .
#   docker run --name encante -p 127.0.0.1:8080:8080 -v encante:/data \
#       -e AWS_REGION -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY -e AWS_SESSION_TOKEN encante
#   docker exec encante python -m app.cli link          prints a link that signs in
#
# Several of them, with PostgreSQL and a load balancer: compose.yaml.
# On EC2 or ECS leave the keys out: boto3 finds the role by itself.
# For others than this machine: docs/deployment.md.

FROM node:22-slim AS browser
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

RUN useradd --create-home --uid 10001 encante \
    && install --directory --owner=encante --group=encante --mode=0700 /data

WORKDIR /srv/encante
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt

COPY . .
COPY --from=browser /build/node_modules ./node_modules
RUN python -m scripts.vendor --copy-only && rm -r node_modules && python -m compileall -q app

# Inside the container it listens on every address, so it must be told where people open it: by
# itself it is for the machine that its port is published on (-p 127.0.0.1:8080:8080). For others:
# -e ENCANTE_PUBLIC_URL=https://console.example.com, and a proxy that does TLS.
ENV ENCANTE_AWS=aws \
    ENCANTE_BIND=0.0.0.0 \
    ENCANTE_PUBLIC_URL=http://127.0.0.1:8080 \
    ENCANTE_PORT=8080 \
    ENCANTE_DATA=/data \
    ENCANTE_LOG_FORMAT=json

USER encante
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "app.cli", "health"]
# The console brings its database up to date itself when it starts.
CMD ["gunicorn", "--config", "gunicorn.conf.py"]
