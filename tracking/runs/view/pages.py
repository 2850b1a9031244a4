"""MLflow's pages as `trialbook ui` serves them: for models, and without the assistant.

MLflow's server runs it as an application of its own (`--app-name trialbook`). No other module
imports it, since that builds MLflow's whole application.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mlflow.server.fastapi_app import app as of_mlflow

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_ASSISTANT = "/mlflow/assistant"
_REFUSED = b'{"detail": "The assistant is switched off here."}'
_NONE = {
    "/config": b'{"providers": {}, "projects": {}, "remote_access_allowed": false}',
    "/providers": b'{"providers": [], "resolved": null, "gateway_vendor_options": {}}',
}
"""What the pages ask at their start: none is set up. They tell of a refusal on the console."""
_FIRST = b"""<script>try{
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
localStorage.getItem("mlflow.workflowType_v1") ||
localStorage.setItem("mlflow.workflowType_v1", '"machine_learning"');
}catch(error){}</script><style>[data-assistant-ui]{display:none!important}</style>"""
"""What the first page begins with: else the assistant's panel takes a fourth of it, and an address
without a mode opens the pages for language models."""


class Pages:
    """MLflow's application, less its assistant. It is an ASGI application.

    The assistant can run programs on the machine that serves the pages, for whoever opens them
    there; nothing of MLflow's settings switches it off.
    """

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request; all but the assistant's is MLflow's answer."""
        path = scope.get("path", "")
        if scope["type"] in ("http", "websocket") and _ASSISTANT in path:
            await _refuse(scope, send)
        elif scope["type"] == "http" and path in ("/", "/index.html"):
            page = _FirstPage(send)
            await of_mlflow(scope, receive, page.send)
        else:
            await of_mlflow(scope, receive, send)


async def _refuse(scope: Message, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    asked = scope["path"].partition(_ASSISTANT)[2] if scope["method"] == "GET" else ""
    headers = [(b"content-type", b"application/json")]
    status = 200 if asked in _NONE else 404
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": _NONE.get(asked, _REFUSED)})


class _FirstPage:
    """Sends an answer on; a page gets a beginning of our own."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message = {}
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_whole()

    async def _send_whole(self) -> None:
        headers = self._start["headers"]
        if any(name == b"content-type" and b"text/html" in value for name, value in headers):
            self._body = self._body.replace(b"<head>", b"<head>" + _FIRST, 1)
            changed = (b"content-length", b"etag", b"last-modified")
            headers = [pair for pair in headers if pair[0] not in changed]
            headers.append((b"content-length", str(len(self._body)).encode()))
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": self._body})


app = Pages()
