// State of the page, which stands in its address: a link opens the same view.

const DATA = JSON.parse(byId("content").textContent);
const NOUN = DATA.noun;
const GALLERY = DATA.gallery;
DATA.is_of_jets = NOUN === "jet";

const DEFAULTS = {
  question: 0, classifier: 0, step: null, axis: DATA.axis, norm: DATA.is_search ? "events" : "shape", log: 1, side: 0,
  sort: "d", order: "down", of: -1, passes: "all", origin: "all", variable: 0, from: "", to: "", page: 0, row: null,
  channels: "", loglike: 1, jets: 1, zoom: 1, eta: null, phi: null,
};
const WORDS = { axis: ["efficiency", "rejection"], norm: ["events", "shape"], order: ["down", "up"], passes: ["all", "yes", "no"], origin: ["all", "random", "extreme"] };
const state = { ...DEFAULTS };

const question = () => DATA.questions[state.question];
const curve = () => question().curves[state.classifier];
const lastStep = () => curve().threshold.length - 1;

// Whole number between two, or what there is if the address has none.
function within(text, low, high, otherwise) {
  const value = Number(text);
  return text !== "" && Number.isInteger(value) && value >= low && value <= high ? value : otherwise;
}

const finite = (text, otherwise) => (text !== "" && Number.isFinite(Number(text)) ? Number(text) : otherwise);

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const text = (name) => given.get(name) ?? "";
  Object.assign(state, DEFAULTS);
  state.question = within(text("question"), 0, DATA.questions.length - 1, 0);
  state.classifier = within(text("classifier"), 0, DATA.classifiers.length - 1, 0);
  state.step = within(text("step"), 0, lastStep(), firstStep());
  for (const [name, words] of Object.entries(WORDS)) if (words.includes(text(name))) state[name] = text(name);
  for (const name of ["log", "loglike", "jets", "side"]) state[name] = within(text(name), 0, 1, DEFAULTS[name]);
  if (!DATA.is_search) state.norm = "shape";
  state.page = within(text("page"), 0, 1e6, 0);
  state.zoom = Math.min(Math.max(finite(text("zoom"), 1), 1), 8);
  for (const name of ["eta", "phi", "row"]) state[name] = finite(text(name), null);
  for (const name of ["from", "to"]) state[name] = finite(text(name), "");
  state.channels = /^[0-9]+(,[0-9]+)*$/.test(text("channels")) ? text("channels") : "";
  if (/^(d|n|w|[sv][0-9]+)$/.test(text("sort"))) state.sort = text("sort");
  state.of = within(text("of"), -1, DATA.classes.length - 1, -1);
  state.variable = within(text("variable"), 0, 1e6, 0);
}

// Step that the page opens with: in a search the last working point that is measured, the signal region's if it is; else the middle one.
function firstStep() {
  const points = curve().points, measured = points.filter((one) => !one.is_extrapolated);
  if (!points.length) return Math.floor(lastStep() / 2);
  if (DATA.is_search && measured.length) return measured[measured.length - 1].step;
  return points[Math.floor((points.length - 1) / 2)].step;
}

function address() {
  const changed = Object.entries(state).filter(([name, value]) => value !== DEFAULTS[name] && value !== null && value !== "");
  const values = changed.map(([name, value]) => [name, typeof value === "number" ? String(Math.round(value * 1e4) / 1e4) : value]);
  return `#${new URLSearchParams(values)}`;
}

let written = location.hash;

function writeAddress() {
  written = address();
  byId("link").href = written;
  try {
    history.replaceState(null, "", written);
  } catch (error) { // a browser that lets no file rewrite its address
    location.replace(written);
  }
}
