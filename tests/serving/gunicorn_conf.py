"""As gunicorn.conf.py, with a small application and little patience, so that tests are quick."""

import os

from app.serving import connection

connection.REQUEST_SECONDS = float(os.environ.get("REQUEST_SECONDS", "30"))
connection.LINGER_SECONDS = 0.5

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
