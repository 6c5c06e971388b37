// The receipt: a core sample through the layers, from the answer down to the ground.

import { el } from "./dom.js";

const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
const PREFIXED = new Set(["J", "L", "g", "s", "B"]);

/** Format a number with its unit for people. */
export function quantity(value, unit) {
  if (unit === "USD") return dollars(value);
  if (value === 0) return unit ? `0 ${unit}` : "0";
  if (unit === "s" && value >= 1) return duration(value);
  if (PREFIXED.has(unit)) {
    const [size, prefix] = PREFIXES.find(([least]) => Math.abs(value) >= least) ?? PREFIXES.at(-1);
    return `${digits(value / size)} ${prefix}${unit}`;
  }
  return `${value.toLocaleString("en", { maximumFractionDigits: 2 })} ${unit}`.trim();
}

const digits = (value) => Number(value.toPrecision(3)).toLocaleString("en");

function duration(seconds) {
  if (seconds < 90) return `${digits(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 90 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${digits(seconds / 3600)} h`;
}

function dollars(value) {
  if (value >= 0.01 || value === 0) return `$${value.toFixed(2)}`;
  const places = Math.min(12, 1 - Math.floor(Math.log10(value)));
  return `$${value.toFixed(places)}`;
}

const value = (row) => (row.value === null ? row.text : quantity(row.value, row.unit));

function interval(row) {
  if (row.low === null || row.low === row.high) return null;
  return el("span", { class: "interval" }, `${quantity(row.low, row.unit)} – ${quantity(row.high, row.unit)}`);
}

const badge = (row) => el("span", { class: `basis ${row.basis}` }, row.basis);

function line(row) {
  return el("div", { class: "row" },
    el("dt", {}, row.item, badge(row)),
    el("dd", { class: row.value === null ? "words" : "figure" }, value(row), interval(row)),
    row.source ? el("dd", { class: "source" }, row.source) : null,
  );
}

function layers(rows) {
  const byFloor = Map.groupBy(rows, (row) => row.floor);
  return [...byFloor].sort(([a], [b]) => b - a).map(([floor, inside]) =>
    el("li", { class: `floor floor-${floor}` },
      el("p", { class: "layer" }, el("b", {}, String(floor)), ` ${inside[0].layer}`),
      el("dl", {}, ...inside.map(line)),
    ),
  );
}

const find = (receipt, item) => receipt.rows.find((row) => row.item === item && row.value !== null);

/** The short form for the button: time, energy, cost. */
export function summary(receipt) {
  const parts = [find(receipt, "time of this answer"), find(receipt, "energy of this answer"), receipt.total_usd];
  return parts.filter((row) => row && row.value !== null).map((row) => quantity(row.value, row.unit)).join(" · ");
}

/** The whole receipt. */
export function receiptView(receipt) {
  return el("div", { class: "receipt" },
    el("p", { class: "receipt-head" },
      el("b", {}, "Receipt"), ` release ${receipt.release}, made ${receipt.created}`),
    el("ol", { class: "core" }, ...layers(receipt.rows)),
    el("div", { class: "total" }, el("span", {}, "Cost of this answer ", badge(receipt.total_usd)),
      el("b", {}, value(receipt.total_usd)), interval(receipt.total_usd)),
    el("p", { class: "receipt-foot" },
      el("b", {}, "measured"), " was read from a meter, a clock or a file. ",
      el("b", {}, "planned"), " rests on a sourced rate or an estimate; its interval stands below it."),
  );
}
