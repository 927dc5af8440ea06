"""As gunicorn.conf.py, with a small application and little patience, so that tests are quick."""

import os

from app.serving import connection, worker

connection.REQUEST_SECONDS = float(os.environ.get("REQUEST_SECONDS", "300"))
connection.LINGER_SECONDS = 0.5
worker.MOST_HELD = int(os.environ.get("MOST_HELD", "128000000"))

wsgi_app = "tests.serving.application:application"
bind = [os.environ["BIND"]]
workers = 1
worker_class = "app.serving.worker.PatientWorker"
threads = 4
worker_connections = 300
keepalive = 1
limit_request_line = 8190
sendfile = False
control_socket_disable = True
loglevel = "critical"
