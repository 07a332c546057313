"""As much of Prefect's REST API as the dispatcher uses, for drills that must not wait for it."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4


class SmallPrefect:
    """A server with flow runs by id; the same idempotency key gives the same one."""

    def __init__(self) -> None:
        self.flow_runs: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, str] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._build_handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def count(self, run_id: str) -> int:
        return sum(one["name"] == run_id for one in self.flow_runs.values())

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/create_flow_run"):
            return self._create(body)
        _, _, flow_run_id, *rest = [*path.split("/"), ""]
        if path.startswith("/flow_runs/"):
            if rest[0] == "set_state":
                self.flow_runs[flow_run_id]["state"] = body["state"]
            return self.flow_runs[flow_run_id]
        return {"id": "any"}

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        found = self.by_key.get(body.get("idempotency_key", ""))
        flow_run_id = found or str(uuid4())
        if not found:
            self.flow_runs[flow_run_id] = {**body, "id": flow_run_id}
            self.by_key[body.get("idempotency_key", flow_run_id)] = flow_run_id
        return self.flow_runs[flow_run_id]

    def _build_handler(self) -> type[BaseHTTPRequestHandler]:
        prefect = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                text = json.dumps(prefect.answer(self.path, json.loads(sent or b"{}"))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST  # noqa: N815 (the name that http.server calls)

            def log_message(self, *_words: object) -> None:
                pass

        return Handler
