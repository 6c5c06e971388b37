// The panel that shows cited lines in their context: at the side, or from below on a phone.

import { documentLines } from "./api.js";
import { byId, el, isNarrow } from "./dom.js";

const CONTEXT = 40; // lines above and below the cited ones
let opener = null;

export const isOpen = () => !byId("panel").hidden;

/** Open a citation; focus comes back to `from` when the panel closes. */
export async function openCitation(citation, from) {
  opener = from;
  show(citation);
  const body = byId("panel-body");
  body.replaceChildren(el("p", { class: "wait" }, "Reading…"));
  try {
    fill(body, await documentLines(citation, CONTEXT));
  } catch (error) {
    body.replaceChildren(el("p", { class: "problem", role: "alert" }, error.message));
  }
}

function show(citation) {
  byId("panel-title").textContent = citation.uri;
  byId("panel-note").replaceChildren(
    el("span", { class: "tag" }, span(citation)),
    el("span", {}, citation.licence || "licence unknown"),
  );
  const lines = `${citation.start_line}-${citation.end_line}`;
  const id = encodeURIComponent(citation.doc_id);
  byId("panel-whole").href = `/documents/${id}?lines=${lines}#L${citation.start_line}`;
  byId("panel").hidden = false;
  byId("shade").hidden = !isNarrow();
  byId("page").inert = isNarrow();
  document.body.classList.add("with-panel");
  byId("panel-title").focus({ preventScroll: true });
}

const span = ({ start_line: a, end_line: b }) => (a === b ? `line ${a}` : `lines ${a}–${b}`);

function fill(body, found) {
  const rows = found.lines.map((line) =>
    el("tr", { class: line.cited ? "cited" : null },
      el("td", { class: "number" }, String(line.number)),
      el("td", {}, el("code", {}, line.text)),
    ),
  );
  body.replaceChildren(el("table", { class: "lines" }, el("tbody", {}, ...rows)));
  const cited = body.querySelector(".cited");
  if (cited) body.scrollTop = cited.offsetTop - Math.min(96, body.clientHeight / 3);
}

export function closePanel() {
  byId("panel").hidden = true;
  byId("shade").hidden = true;
  byId("page").inert = false;
  document.body.classList.remove("with-panel");
  opener?.focus();
  opener = null;
}

byId("panel-close").addEventListener("click", closePanel);
byId("shade").addEventListener("click", closePanel);
