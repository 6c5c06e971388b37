// The chat: asks, streams, shows sources, receipt and feedback under each answer.

import { about, ask, sendFeedback } from "./api.js";
import { announce, byId, el, thumb } from "./dom.js";
import { render } from "./markdown.js";
import { closePanel, isOpen, openCitation } from "./panel.js";
import { receiptView, summary } from "./receipt.js";

const TURNS_KEPT = 8; // messages of history sent along
const link = new URLSearchParams(location.search);
const history = [];
let model = "";
let running = null;

// ---- one turn -------------------------------------------------------------------------------

async function turn(question) {
  byId("empty").hidden = true;
  byId("fresh").hidden = false;
  const answer = el("div", { class: "answer", "data-ai-generated": "true", "aria-busy": "true" });
  const prose = el("div", { class: "prose" }, el("span", { class: "caret", "aria-label": "Answering" }));
  answer.append(prose);
  const article = el("article", { class: "turn" },
    el("h2", { class: "question" }, el("span", { class: "hidden" }, "You asked: "), question), answer);
  byId("talk").append(article);
  article.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
  await fillAnswer(question, answer, prose);
  answer.removeAttribute("aria-busy");
}

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

async function fillAnswer(question, answer, prose) {
  let text = "";
  let painted = false;
  const paint = () => {
    painted = false;
    if (running) prose.replaceChildren(...render(text, () => null), el("span", { class: "caret" }));
  };
  busy(true);
  announce("Answering…");
  try {
    const messages = [...history.slice(-TURNS_KEPT), { role: "user", content: question }];
    const extra = await ask(model, messages, running.signal, (piece) => {
      text += piece;
      if (!painted) requestAnimationFrame(paint);
      painted = true;
    });
    busy(false);
    finish(question, text, extra, answer, prose);
  } catch (error) {
    busy(false);
    prose.replaceChildren(...render(text, () => null));
    if (error.name === "AbortError") stopped(answer);
    else failed(error, question, answer);
  }
}

function finish(question, text, extra, answer, prose) {
  const citations = extra?.citations ?? [];
  prose.replaceChildren(...render(text, (number) => mark(citations, number)));
  answer.classList.toggle("abstained", Boolean(extra?.abstained));
  if (extra?.abstained) answer.prepend(el("p", { class: "label" }, "No answer found"));
  if (citations.length) answer.append(sources(citations));
  answer.append(tools(question, text, extra));
  history.push({ role: "user", content: question }, { role: "assistant", content: text });
  announce(`Answer ready. ${citations.length} citation${citations.length === 1 ? "" : "s"}.`);
  follow(answer);
}

function stopped(answer) {
  answer.append(el("p", { class: "note" }, "Stopped."));
  announce("Stopped.");
}

function failed(error, question, answer) {
  const again = el("button", { class: "plain", type: "button", onclick: () => {
    answer.closest(".turn").remove();
    start(question);
  } }, "Try again");
  answer.append(el("div", { class: "problem", role: "alert" }, el("p", {}, error.message), again));
}

// ---- citations ------------------------------------------------------------------------------

const place = ({ uri, start_line: a, end_line: b }) => (a === b ? `${uri}:${a}` : `${uri}:${a}–${b}`);

function opener(citation, properties, ...children) {
  const button = el("button", { type: "button", ...properties }, ...children);
  if (citation.doc_id) button.addEventListener("click", () => openCitation(citation, button));
  else button.disabled = true;
  return button;
}

function mark(citations, number) {
  const citation = citations[number - 1];
  if (!citation) return null;
  const label = `Citation ${number}: ${place(citation)}`;
  return opener(citation, { class: "mark", "aria-label": label, title: label }, String(number));
}

function sources(citations) {
  const chips = citations.map((citation, i) =>
    el("li", {}, opener(citation, { class: "chip", title: `Show ${place(citation)}` },
      el("b", {}, String(i + 1)), el("span", {}, place(citation)))));
  return el("ol", { class: "sources", "aria-label": "Cited lines" }, ...chips);
}

// ---- receipt and feedback -------------------------------------------------------------------

function tools(question, text, extra) {
  const bar = el("div", { class: "tools" }, el("span", { class: "ai" }, "AI-generated"));
  const below = el("div", { class: "below" });
  if (extra?.receipt) bar.append(receiptButton(extra.receipt, below));
  if (extra?.answer_id) bar.append(...thumbs(question, text, extra.answer_id, below));
  return el("div", {}, bar, below);
}

function receiptButton(receipt, below) {
  const view = receiptView(receipt);
  view.hidden = true;
  below.append(view);
  const button = el("button", { class: "plain receipt-button", type: "button", "aria-expanded": "false" },
    el("span", { class: "strip", "aria-hidden": "true" }), "Receipt",
    el("span", { class: "sum" }, summary(receipt)));
  button.addEventListener("click", () => {
    view.hidden = !view.hidden;
    button.setAttribute("aria-expanded", String(!view.hidden));
  });
  return button;
}

function thumbs(question, text, answerId, below) {
  const judgement = { answer_id: answerId, question, answer: text };
  const make = (rating, label) => {
    const button = el("button", { class: "plain round thumb", type: "button", "aria-label": label,
      title: label, "aria-pressed": "false" }, thumb(rating));
    button.addEventListener("click", () => judge({ ...judgement, rating }, button, below));
    return button;
  };
  return [el("span", { class: "space" }), make("up", "Good answer"), make("down", "Bad answer")];
}

async function judge(judgement, button, below) {
  for (const other of button.parentElement.querySelectorAll(".thumb")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  below.querySelector(".judge")?.remove();
  const form = judgeForm(judgement);
  below.append(form);
  await store(judgement, form, "Stored. Thank you.");
}

function judgeForm(judgement) {
  const id = `comment-${judgement.answer_id}`;
  const comment = el("textarea", { id, rows: "2", maxlength: "4000", placeholder: "What was good or wrong? (optional)" });
  const consent = el("input", { type: "checkbox", id: `${id}-consent` });
  const form = el("form", { class: "judge" },
    el("label", { class: "hidden", for: id }, "Comment"), comment,
    el("div", { class: "judge-row" }, consent,
      el("label", { for: consent.id }, "This question and answer may train the next model"),
      el("button", { class: "plain", type: "submit" }, "Send")),
    el("p", { class: "note", role: "status" }));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const more = { comment: comment.value, consent: consent.checked };
    if (await store({ ...judgement, ...more }, form, "Stored with your comment.")) {
      form.replaceChildren(form.lastElementChild);
    }
  });
  return form;
}

async function store(judgement, form, thanks) {
  const note = form.lastElementChild;
  try {
    await sendFeedback(judgement);
    note.textContent = thanks;
    return true;
  } catch (error) {
    note.textContent = `Not stored: ${error.message}`;
    return false;
  }
}

// ---- the page -------------------------------------------------------------------------------

function busy(on) {
  running = on ? new AbortController() : null;
  byId("send").hidden = on;
  byId("stop").hidden = !on;
}

function start(question) {
  if (running || !question.trim()) return;
  byId("question").value = "";
  grow();
  turn(question.trim());
}

function grow() {
  const box = byId("question");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, innerHeight * 0.4)}px`;
}

/** `?open=receipt|citation` opens that part of a linked answer; a link never judges one. */
function follow(answer) {
  const selector = { receipt: ".receipt-button", citation: ".chip" }[link.get("open")];
  if (selector) answer.querySelector(selector)?.click();
  link.delete("open");
}

const SCHEMES = ["auto", "light", "dark"];

function paintScheme(scheme) {
  document.documentElement.dataset.theme = scheme;
  const label = `Colour scheme: ${scheme}`;
  byId("theme").setAttribute("aria-label", label);
  byId("theme").title = label;
}

const remembered = () => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // storage is off; the scheme is then chosen anew on each visit
  }
};

function nextScheme() {
  const now = document.documentElement.dataset.theme;
  const scheme = SCHEMES[(SCHEMES.indexOf(now) + 1) % SCHEMES.length];
  paintScheme(scheme);
  try {
    localStorage.setItem("theme", scheme);
  } catch {
    // storage is off; nothing to remember
  }
}

const count = (number) => number.toLocaleString("en");
const short = (number) => Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(number);

async function describe() {
  const facts = await about();
  model = facts.model;
  document.title = facts.title;
  byId("title").textContent = facts.title;
  byId("model").textContent = `${facts.model} · ${short(facts.parameters)} parameters`;
  byId("about").textContent =
    `Each answer quotes its lines from ${count(facts.documents)} documents and carries a receipt: ` +
    "the model, its training data, energy, water, carbon and cost.";
  byId("examples").replaceChildren(...facts.examples.map((question) =>
    el("li", {}, el("button", { type: "button", onclick: () => start(question) }, question))));
}

function wire() {
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    start(byId("question").value);
  });
  byId("question").addEventListener("input", grow);
  byId("question").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    start(byId("question").value);
  });
  byId("stop").addEventListener("click", () => running?.abort());
  byId("theme").addEventListener("click", nextScheme);
  byId("fresh").addEventListener("click", () => { location.href = "/"; });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (isOpen()) closePanel();
    else running?.abort();
  });
}

async function main() {
  const asked = link.get("theme") ?? remembered();
  paintScheme(SCHEMES.includes(asked) ? asked : "auto");
  wire();
  try {
    await describe();
  } catch (error) {
    byId("about").textContent = error.message;
    byId("about").setAttribute("role", "alert");
    return;
  }
  if (link.get("q")) start(link.get("q"));
  else byId("question").focus();
}

main();
