// Markdown to DOM nodes: paragraphs, headings, lists, quotes, code, emphasis, citation marks.
// There is no HTML path: whatever the text holds ends in text nodes. Links lead only to citations.

import { el } from "./dom.js";

const INLINE = /(`+)([\s\S]*?[^`])\1(?!`)|\*\*(?=\S)([\s\S]*?\S)\*\*|\*(?=[^\s*])([^*]*?[^\s*])\*|\[(\d{1,3})\]/g;
const ITEM = /^(\s*)(?:[-*+]|\d{1,3}[.)])\s+(.*)$/;

/** Render text; `cite(number)` returns the node of a citation mark, or null when there is none. */
export function render(text, cite) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const blocks = [];
  for (let i = 0; i < lines.length; ) {
    const [node, next] = block(lines, i, cite);
    if (node) blocks.push(node);
    i = next;
  }
  return blocks;
}

function block(lines, i, cite) {
  const line = lines[i];
  if (!line.trim()) return [null, i + 1];
  if (/^\s*(```|~~~)/.test(line)) return fenced(lines, i);
  const heading = /^(#{1,6})\s+(.*)$/.exec(line);
  if (heading) return [el("h3", {}, ...inline(heading[2], cite)), i + 1];
  if (/^\s*>/.test(line)) return quote(lines, i, cite);
  if (ITEM.test(line)) return list(lines, i, cite);
  return paragraph(lines, i, cite);
}

function fenced(lines, start) {
  const fence = /^\s*(`{3,}|~{3,})/.exec(lines[start])[1];
  let end = start + 1;
  while (end < lines.length && !lines[end].trim().startsWith(fence)) end += 1;
  const code = el("code", {}, lines.slice(start + 1, end).join("\n"));
  return [el("pre", { tabindex: "0" }, code), end + 1];
}

function quote(lines, start, cite) {
  let end = start;
  while (end < lines.length && /^\s*>/.test(lines[end])) end += 1;
  const inside = lines.slice(start, end).map((line) => line.replace(/^\s*> ?/, ""));
  return [el("blockquote", {}, ...render(inside.join("\n"), cite)), end];
}

function list(lines, start, cite) {
  const ordered = /^\s*\d/.test(lines[start]);
  const items = [];
  let end = start;
  for (; end < lines.length && lines[end].trim(); end += 1) {
    const item = ITEM.exec(lines[end]);
    if (item && /^\s*\d/.test(lines[end]) !== ordered) break;
    if (item) items.push(item[2]);
    else if (/^\s+/.test(lines[end])) items[items.length - 1] += `\n${lines[end].trim()}`;
    else break;
  }
  const nodes = items.map((item) => el("li", {}, ...inline(item, cite)));
  return [el(ordered ? "ol" : "ul", {}, ...nodes), end];
}

function paragraph(lines, start, cite) {
  let end = start;
  const stops = (line) => !line.trim() || /^\s*(```|~~~|>|#{1,6}\s)/.test(line) || ITEM.test(line);
  do end += 1;
  while (end < lines.length && !stops(lines[end]));
  const text = lines.slice(start, end).join("\n");
  const onlyMarks = /^\s*(\[\d{1,3}\]\s*)+$/.test(text); // they belong to the block above
  return [el("p", { class: onlyMarks ? "marks" : null }, ...inline(text, cite)), end];
}

function inline(text, cite) {
  const nodes = [];
  let last = 0;
  for (const found of text.matchAll(INLINE)) {
    const [all, , code, bold, slanted, number] = found;
    let node = null;
    if (code !== undefined) node = el("code", {}, code.replace(/^ (.*) $/, "$1"));
    else if (bold !== undefined) node = el("strong", {}, ...inline(bold, cite));
    else if (slanted !== undefined) node = el("em", {}, ...inline(slanted, cite));
    else node = cite(Number(number));
    if (!node) continue;
    nodes.push(text.slice(last, found.index), node);
    last = found.index + all.length;
  }
  nodes.push(text.slice(last));
  return nodes;
}
