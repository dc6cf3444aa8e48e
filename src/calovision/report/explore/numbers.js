// Numbers and texts as a reader sees them.

const MINUS = "\u2212", DASH = "\u2013", NONE = "none";

function digits(value, n = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  if (value === 0) return "0";
  const size = Math.abs(value);
  let text;
  if (size >= 1e-3 && size < 1e6) {
    const rounded = Number(value.toPrecision(n));
    text = Math.abs(rounded) >= 10 ** n ? Math.round(value).toLocaleString("en-US") : rounded.toString();
    if (size >= 1000) text = Math.round(Number(value.toPrecision(Math.max(n, 4)))).toLocaleString("en-US");
  } else if (size < 1e300) {
    const [mantissa, power] = value.toExponential(n - 1).split("e");
    text = `${Number(mantissa)}\u00b710${superscript(Number(power))}`;
  } else {
    text = value > 0 ? "no limit" : "missing"; // the ends of float64 stand for what is no number
  }
  return text.replace("-", MINUS);
}

const superscript = (power) => [...String(power)].map((one) => "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"["-0123456789".indexOf(one)]).join("");

// Numbers of events: 0.123, 45.6, 1,206, 5.89 M.
function events(value) {
  if (value === null || value === undefined) return NONE;
  if (Math.abs(value) >= 1e6 && Math.abs(value) < 1e12) return `${Number((value / 1e6).toPrecision(3))}\u00a0M`.replace("-", MINUS);
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US").replace("-", MINUS) : digits(value);
}

const whole = (value) => value.toLocaleString("en-US");
const interval = (value, low, high) => (low === null || low === undefined ? digits(value) : `${digits(value)} (${digits(low)}${DASH}${high === null ? "no limit" : digits(high)})`);
const percent = (share) => (share === null ? NONE : `${digits(100 * share)}\u00a0%`);
const probability = (logit) => 1 / (1 + Math.exp(-logit));
const plural = (noun, n) => `${whole(n)} ${noun}${n === 1 ? "" : "s"}`;

// Text for plotly, which reads tags, entities and formulas.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\$/g, "&#36;");

const byId = (id) => document.getElementById(id);

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function fillTable(table, header, rows) {
  const head = element("thead"), body = element("tbody"), first = element("tr");
  header.forEach((title, column) => first.append(element("th", title, column ? { scope: "col", class: "number" } : { scope: "col" })));
  head.append(first);
  for (const cells of rows) {
    const row = element("tr");
    cells.forEach((cell, column) => {
      const made = column ? element("td", "", { class: "number" }) : element("th", "", { scope: "row" });
      if (cell instanceof Node) made.append(cell);
      else made.textContent = cell;
      row.append(made);
    });
    body.append(row);
  }
  table.replaceChildren(head, body);
}

function fillSelect(select, titles) {
  select.replaceChildren(...titles.map((title, k) => element("option", title, { value: k })));
}

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k += 1) bytes[k] = text.charCodeAt(k);
  return bytes.buffer;
}
