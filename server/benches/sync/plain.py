"""Sends new rows of a SQLite table to a file or to /users/track: a simple script without checkpoints or retries."""

import http.client
import json
import os
import sqlite3
import sys
from urllib.parse import urlsplit

SINCE = ""


def objects(path):
    rows = sqlite3.connect(path).execute(
        "SELECT EXTERNAL_ID, PAYLOAD FROM users WHERE UPDATED_AT > ? ORDER BY UPDATED_AT", (SINCE,)
    )
    for external_id, payload in rows:
        yield {"external_id": external_id, **json.loads(payload)}


def batches(items, size):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def into_service(path, url):
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    for batch in batches(objects(path), 75):
        body = json.dumps({"attributes": batch})
        headers = {"Content-Type": "application/json", "Authorization": "Bearer secret"}
        connection.request("POST", "/users/track", body, headers)
        response = connection.getresponse()
        if response.status != 201 or "errors" in json.loads(response.read()):
            sys.exit(f"refused: {response.status}")


def into_file(path, name):
    with open(name, "w", encoding="utf-8") as file:
        for item in objects(path):
            file.write(json.dumps(item, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


source, destination = sys.argv[1:]
if destination.startswith("http://"):
    into_service(source, destination)
else:
    into_file(source, destination)
