// Small helpers to build the page; text only ever enters it as text nodes.

/** Make an element: properties by name (class, aria-*, data-* as attributes), then children. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Say something to screen readers. */
export function announce(text) {
  byId("status").textContent = text;
}

/** Whether the page is shown as on a phone. */
export const isNarrow = () => window.matchMedia("(max-width: 760px)").matches;

const SVG = "http://www.w3.org/2000/svg";
const THUMB = "M7 10v10H4V10zM7 10l4-7c1.7 0 2.7 1.1 2.4 2.8L12.8 9H18.5c1.300 0 2.200 1.200 1.900 2.4l-1.600 6.800c-.2 1-1.1 1.800-2.200 1.800H7";

/** A thumb, drawn, since not every machine has a font with one. */
export function thumb(rating) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `drawn ${rating}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", THUMB);
  svg.append(path);
  return svg;
}
