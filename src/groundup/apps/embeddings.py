"""`/v1/embeddings`: vectors of the encoder that was trained for this release."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from groundup.apps.body import read_object
from groundup.apps.errors import ApiError
from groundup.apps.models import require_model
from groundup.apps.service import Service
from groundup.apps.sse import while_connected
from groundup.apps.state import state_of
from groundup.apps.wire import EmbeddingRequest, read_embedding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


async def embeddings(request: Request) -> JSONResponse:
    """Answer `POST /v1/embeddings`."""
    state = state_of(request)
    service = state.service
    asked = read_embedding(await read_object(request, state.config.body_limit_bytes))
    require_model(service, asked.model, service.encoder_name, service.release.name)
    texts = _texts(service, asked)
    vectors = await while_connected(request, state.worker.call(lambda: _embed(service, texts)))
    tokens = sum(len(service.model.encode(text)) for text in texts)
    state.metrics.add("groundup_tokens_total", tokens, kind="prompt")
    return JSONResponse(_list(asked, vectors, tokens))


def _texts(service: Service, asked: EmbeddingRequest) -> list[str]:
    """Token ids are read back as text, since the encoder may split it in its own way."""
    texts = []
    for item in asked.inputs:
        if isinstance(item, str):
            texts.append(item)
            continue
        if not all(0 <= token < len(service.model.table) for token in item):
            raise ApiError(
                400, f"found token ids outside 0..{len(service.model.table) - 1}", "input"
            )
        texts.append(service.model.decode(item))
    return texts


def _embed(service: Service, texts: list[str]) -> NDArray[np.float32]:
    """Vectors of shape (texts, width), float32, in small batches so that memory stays flat."""
    import numpy as np

    batches = [texts[i : i + 32] for i in range(0, len(texts), 32)]
    return np.concatenate([service.encoder.encode(batch) for batch in batches]).astype(
        "<f4", copy=False
    )


def _list(asked: EmbeddingRequest, vectors: NDArray[np.float32], tokens: int) -> dict[str, Any]:
    """OpenAI's list of embeddings; base64 holds little-endian float32."""
    data = [
        {
            "object": "embedding",
            "index": i,
            "embedding": base64.b64encode(row.tobytes()).decode() if asked.base64 else row.tolist(),
        }
        for i, row in enumerate(vectors)
    ]
    counts = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": asked.model, "usage": counts}
