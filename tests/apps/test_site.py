"""The page, its assets, its description, and feedback through the server."""

import json
import re
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from groundup.apps.feedback import FeedbackStore
from groundup.apps.site import assets


def test_the_page_and_all_it_names_are_served(http: httpx.Client) -> None:
    page = http.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    names = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert {"/static/app.js", "/static/app.css", "/static/icon.svg"} <= set(names)
    for name in names:
        assert http.get(name).status_code == 200


def test_assets_keep_the_content_policy() -> None:
    for name, asset in assets().items():
        text = asset.content.decode()
        outside = re.findall(
            r"(?:https?:)?//[a-z][\w.-]+\.[a-z]+", text.replace("//www.w3.org", "")
        )
        assert not outside, f"{name} names {outside}"
        assert "innerHTML" not in text
        assert "insertAdjacentHTML" not in text
        assert "document.write" not in text
        assert "eval(" not in text
        if name.endswith(".html"):
            assert not re.search(r"<[^>]+\s(?:style|on\w+)=", text)
            assert not re.search(r"<script(?![^>]*src=)", text)


def test_every_import_of_a_script_exists() -> None:
    found = assets()
    for name, asset in found.items():
        for other in re.findall(r'from "\./([\w.]+)"', asset.content.decode()):
            assert other in found, f"{name} imports {other}"


def test_assets_are_cached_by_their_content(http: httpx.Client) -> None:
    first = http.get("/static/app.css")
    again = http.get("/static/app.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_about(http: httpx.Client, service: Any) -> None:
    found = http.get("/about").json()
    assert found["model"] == "tiny"
    assert found["documents"] == len(service.library.documents)
    assert found["parameters"] > 0
    assert found["gates"][0]["passed"] is True
    assert found["examples"]
    for question in found["examples"]:
        assert service.assistant.answer(question).citations


def judge(http: httpx.Client, **body: Any) -> httpx.Response:
    return http.post("/feedback", json=body)


def test_feedback_on_an_answer_is_stored_with_the_servers_own_words(live: Any) -> None:
    ask = [{"role": "user", "content": "What is the signature of shlex.join?"}]
    done = live.openai().chat.completions.create(model="tiny", messages=ask)
    with live.client() as http:
        found = judge(
            http,
            answer_id=done.id,
            rating="down",
            comment="wrong",
            consent=True,
            question="forged",
            answer="forged",
        )
    assert found.status_code == 201
    assert found.json()["verified"] is True
    kept = next(f for f in FeedbackStore(live.state).all() if f.answer_id == done.id)
    assert kept.question == "What is the signature of shlex.join?"
    assert kept.answer == done.choices[0].message.content
    assert kept.citations[0]["uri"].endswith("shlex.py")
    assert (kept.rating, kept.comment, kept.consent, kept.release) == (
        "down",
        "wrong",
        True,
        "tiny",
    )


def test_feedback_on_an_unknown_answer_is_marked(http: httpx.Client) -> None:
    found = judge(http, answer_id="gone", rating="up", question="q", answer="a")
    assert found.json()["verified"] is False


def test_bad_feedback_is_refused(http: httpx.Client) -> None:
    good = {"answer_id": "x", "rating": "up", "question": "q", "answer": "a"}
    for bad in (
        {"rating": "meh"},
        {"comment": 3},
        {"comment": "x" * 4001},
        {"consent": "yes"},
        {"answer_id": ""},
        {"question": None},
    ):
        found = judge(http, **{**good, **bad})
        assert found.status_code == 400
        assert found.json()["error"]["param"] == next(iter(bad))


def test_health_and_metrics(http: httpx.Client) -> None:
    assert http.get("/healthz").json()["status"] == "ok"
    http.get("/nowhere")
    found = http.get("/metrics")
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(found.text)}
    requests = {
        (s.labels["route"], s.labels["status"]): s.value
        for s in families["groundup_requests"].samples
    }
    assert requests["healthz", "200"] >= 1
    assert requests["other", "404"] >= 1
    assert "groundup_request_seconds" in families
    info = families["groundup_build_info"].samples[0]
    assert info.labels["release"] == "tiny"


def test_answers_are_counted(live: Any) -> None:
    def total(name: str) -> float:
        with live.client() as http:
            families = text_string_to_metric_families(http.get("/metrics").text)
        return sum(s.value for f in families for s in f.samples if s.name == name)

    names = ("groundup_tokens_total", "groundup_answers_total", "groundup_joules_total")
    before = [total(name) for name in names]
    ask = [{"role": "user", "content": "What is bisect?"}]
    live.openai().chat.completions.create(model="tiny", messages=ask)
    live.openai().completions.create(model="tiny-lm", prompt="x", max_tokens=100, seed=1)
    after = [total(name) for name in names]
    assert after[0] > before[0]
    assert after[1] == before[1] + 1
    assert after[2] > before[2]


def test_the_openai_wire_is_json(http: httpx.Client) -> None:
    body = {"model": "tiny", "messages": [{"role": "user", "content": "x"}], "stream": True}
    with http.stream("POST", "/v1/chat/completions", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [line for line in answer.iter_lines() if line]
    assert events[-1] == "data: [DONE]"
    assert all(json.loads(event.removeprefix("data: ")) for event in events[:-1])
