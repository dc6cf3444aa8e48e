// One row large: a panel for each channel, with a view that zooms and turns around phi, and its facts.

const MARGIN = { left: 44, right: 8, top: 6, bottom: 34 };
const frames = new Map(); // canvas -> frame of what it shows
const view = () => {
  const all = wholeView();
  return { zoom: state.zoom, eta: state.eta ?? all.eta, phi: state.phi ?? all.phi };
};

// Keeps the view in the image: eta at its edges, phi around the circle.
function moveTo(eta, phi, zoom = state.zoom) {
  const of = GALLERY.images, all = wholeView();
  const limit = (value, edges) => {
    const half = (edges[edges.length - 1] - edges[0]) / (2 * zoom);
    return Math.min(Math.max(value, edges[0] + half), edges[edges.length - 1] - half);
  };
  state.zoom = zoom;
  state.eta = limit(eta, of.eta);
  state.phi = isRound() ? wrapped(phi) : limit(phi, of.phi);
  if (Math.abs(state.eta - all.eta) < 1e-9) state.eta = null;
  if (Math.abs(state.phi - all.phi) < 1e-9) state.phi = null;
}

const wrapped = (phi) => phi - TURN * Math.floor((phi + Math.PI) / TURN);

const chosenChannels = () => {
  const names = GALLERY.images.channels.map((_, k) => k);
  const chosen = state.channels === "" ? names : state.channels.split(",").map(Number).filter((k) => names.includes(k));
  return chosen.length ? chosen : names.slice(0, 1);
};

function makePanels() {
  byId("panels").replaceChildren(...chosenChannels().map((channel) => {
    const panel = element("div", "", { class: "panel" });
    const canvas = element("canvas", "", { role: "img", "data-channel": channel });
    panel.append(element("p", GALLERY.images.channels[channel], { class: "channel" }), canvas, colourBar(channel));
    addPointer(canvas, channel);
    return panel;
  }));
}

function colourBar(channel) {
  const bar = element("div", "", { class: "bar", "data-channel": channel });
  const stops = Array.from({ length: 9 }, (_, k) => colourOf(0.12 + (0.88 * k) / 8));
  const strip = element("span", "", { class: "strip" });
  strip.style.background = `linear-gradient(to right, ${stops.join(",")})`;
  bar.append(element("span", "", { class: "low" }), strip, element("span", "", { class: "high" }));
  return bar;
}

function sizeOf(canvas) {
  const { eta, phi } = GALLERY.images, density = Math.min(window.devicePixelRatio || 1, 2);
  const ratio = Math.min((phi[phi.length - 1] - phi[0]) / (eta[eta.length - 1] - eta[0]), 2);
  const width = Math.round(Math.max(canvas.clientWidth, 200) * density), margin = Object.fromEntries(Object.entries(MARGIN).map(([name, one]) => [name, one * density]));
  const height = Math.round((width - margin.left - margin.right) * ratio + margin.top + margin.bottom);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return { margin, density };
}

function drawPanels() {
  if (state.row === null || !GALLERY) return;
  for (const canvas of byId("panels").querySelectorAll("canvas")) {
    const channel = Number(canvas.dataset.channel), { margin, density } = sizeOf(canvas);
    const frame = paint(canvas, state.row, channel, view(), margin);
    frames.set(canvas, { ...frame, density });
    paintAxes(canvas, frame, density);
    const { largest, lowest, content } = imageOf(state.row)[channel];
    canvas.setAttribute("aria-label", `${GALLERY.images.channels[channel]} of the ${NOUN}: ${content.length} cells, the largest ${digits(largest)}`);
    const bar = byId("panels").querySelector(`.bar[data-channel="${channel}"]`);
    bar.querySelector(".low").textContent = state.loglike && largest > 0 ? digits(lowest) : "0";
    bar.querySelector(".high").textContent = digits(largest);
  }
  const shown = view(), all = GALLERY.images;
  Object.assign(byId("zoom"), { value: shown.zoom });
  Object.assign(byId("centre-eta"), { min: all.eta[0], max: all.eta[all.eta.length - 1], value: shown.eta, disabled: shown.zoom === 1 });
  Object.assign(byId("centre-phi"), { min: all.phi[0], max: all.phi[all.phi.length - 1], value: shown.phi, disabled: !isRound() && shown.zoom === 1 });
}

const stepOf = (span) => [0.05, 0.1, 0.2, 0.5, 1, 2].find((one) => span / one <= 7) ?? 5;

// Round numbers in phi, wherever the circle was turned to.
function ticksInPhi(frame) {
  const [low, high] = [frame.bottom, frame.bottom + frame.spanPhi], step = stepOf(frame.spanPhi);
  if (!isRound()) return ticks(low, high);
  const round = ticks(-Math.PI, Math.PI, step);
  return turnsIn(frame, -Math.PI, Math.PI).flatMap((turn) => round.map((one) => one + turn * TURN)).filter((one) => one >= low && one <= high);
}

function ticks(low, high, step = stepOf(high - low)) {
  return Array.from({ length: 200 }, (_, k) => (Math.ceil(low / step) + k) * step).filter((one) => one <= high + 1e-9);
}

function paintAxes(canvas, frame, density) {
  const context = canvas.getContext("2d"), { margin } = frame, foot = canvas.height - margin.bottom;
  context.fillStyle = "#1c2430";
  context.strokeStyle = "#5a6675";
  context.font = `${11 * density}px system-ui, sans-serif`;
  context.textAlign = "center";
  const name = (value) => (Math.abs(value) < 1e-9 ? "0" : String(Math.round(value * 100) / 100).replace("-", MINUS));
  for (const value of ticks(frame.left, frame.left + frame.spanEta)) {
    context.fillRect(frame.x(value), foot, density, 4 * density);
    context.fillText(name(value), frame.x(value), foot + 15 * density);
  }
  context.fillText(DATA.is_of_jets ? "\u0394\u03b7" : "\u03b7", margin.left + frame.width / 2, foot + 29 * density);
  context.textAlign = "right";
  for (const value of ticksInPhi(frame)) {
    context.fillRect(margin.left - 4 * density, frame.y(value), 4 * density, density);
    context.fillText(name(isRound() ? wrapped(value) : value), margin.left - 6 * density, frame.y(value) + 4 * density);
  }
  context.save();
  context.translate(11 * density, margin.top + frame.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(DATA.is_of_jets ? "\u0394\u03c6 [rad]" : "\u03c6 [rad]", 0, 0);
  context.restore();
  if (!isRound()) return;
  context.setLineDash([4 * density, 4 * density]); // phi = pi, where the file's image begins and ends
  for (const turn of turnsIn(frame, Math.PI, Math.PI)) {
    const y = frame.y(Math.PI + turn * TURN);
    if (y > margin.top + 1 && y < foot - 1) {
      context.beginPath();
      context.moveTo(margin.left, y);
      context.lineTo(margin.left + frame.width, y);
      context.stroke();
    }
  }
  context.setLineDash([]);
}

// Place in eta and phi under a pointer.
function placeOf(canvas, event) {
  const frame = frames.get(canvas), box = canvas.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * canvas.width, y = ((event.clientY - box.top) / box.height) * canvas.height;
  return {
    eta: frame.left + ((x - frame.margin.left) / frame.width) * frame.spanEta,
    phi: frame.bottom + ((frame.margin.top + frame.height - y) / frame.height) * frame.spanPhi,
  };
}

function addPointer(canvas, channel) {
  let start = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" && state.zoom === 1) return; // a finger scrolls the page
    start = { at: placeOf(canvas, event), from: view() };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = placeOf(canvas, event);
    byId("cell-now").textContent = cellWords(at, channel);
    if (!start) return;
    moveTo(view().eta + start.at.eta - at.eta, view().phi + start.at.phi - at.phi);
    drawPanels();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      if (start) writeAddress();
      start = null;
    });
  }
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.altKey) return; // the wheel alone scrolls the page
    event.preventDefault();
    moveTo(view().eta, view().phi, Math.min(Math.max(state.zoom * (event.deltaY < 0 ? 1.25 : 0.8), 1), 8));
    drawPanels();
    writeAddress();
  }, { passive: false });
}

function cellWords(at, channel) {
  const of = GALLERY.images, phi = isRound() ? wrapped(at.phi) : at.phi;
  const find = (edges, value) => edges.findIndex((edge, k) => k + 1 < edges.length && value >= edge && value < edges[k + 1]);
  const [i, j] = [find(of.eta, at.eta), find(of.phi, phi)];
  if (i < 0 || j < 0) return "Outside the image.";
  const cells = imageOf(state.row)[channel];
  const k = cells.content.findIndex((_, one) => cells.eta[one] === i && cells.phi[one] === j);
  return `\u03b7 ${digits(at.eta)}, \u03c6 ${digits(phi)}: ${of.channels[channel]} ${k < 0 ? "0" : digits(cells.content[k])}`;
}

// -- facts ----------------------------------------------------------------------------------------

function rowTitle(row) {
  const jet = GALLERY.jet_index === null ? "" : `, jet ${GALLERY.jet_index[row] + 1}`;
  return `${DATA.classes[GALLERY.class[row]].title}: ${GALLERY.sample[row]}, event ${GALLERY.number[row]}${jet}`;
}

function drawFacts() {
  const row = state.row;
  byId("detail-title").textContent = rowTitle(row);
  const decision = GALLERY.decisions[state.question][state.classifier][row], cut = curve().threshold[state.step];
  const verdict = decision >= cut ? "passes" : "fails";
  const about = DATA.classifiers[state.classifier];
  const scores = GALLERY.scores.map((one) => [one.title, one.is_logit ? `${digits(one.values[row])} (output ${digits(probability(one.values[row]))})` : digits(one.values[row])]);
  fillTable(byId("row-scores"), ["Score", ""], [
    ["true class", DATA.classes[GALLERY.class[row]].title],
    [`threshold of ${about.title}`, `${verdict} (${digits(decision, 4)}, cut at ${digits(cut, 4)})`],
    ["chosen", GALLERY.is_extreme[row] ? "for its score" : "at random"],
    ["weight", digits(GALLERY.weight[row])],
    ...scores,
  ]);
  const jets = DATA.is_of_jets ? [] : jetsOf(row);
  byId("row-jets-frame").hidden = !jets.length;
  fillTable(byId("row-jets"), ["Fat jet", "pT [GeV]", "\u03b7", "\u03c6", "mass [GeV]", ""], jets.map(([pt, eta, phi, mass], k) => {
    const button = element("button", "centre", { type: "button", "data-jet": k, "aria-label": `Centre the image on jet ${k + 1}` });
    return [String(k + 1), digits(pt), digits(eta), digits(phi), digits(mass), button];
  }));
  fillTable(byId("row-variables"), ["Variable", ""], GALLERY.variables.map((one) => [one.title, digits(one.values[row])]));
}

function centreOn(jet) {
  const [, eta, phi] = jetsOf(state.row)[jet];
  moveTo(eta, phi, Math.max(state.zoom, 2));
  drawPanels();
  writeAddress();
}
