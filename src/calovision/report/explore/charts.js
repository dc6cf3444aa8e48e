// Charts: ROC curves, score, mass, significance.

const CONFIG = { displayModeBar: false, responsive: true };
const DASHES = { "-": "solid", "--": "dash", ":": "dot", "-.": "dashdot" };
const isNarrow = () => window.innerWidth < 600;

function layout(x, y, more = {}) {
  const axis = { gridcolor: "#e6eaee", zerolinecolor: "#c8d0d8", linecolor: "#5a6675", ticks: "outside", exponentformat: "power" };
  return {
    font: { family: "system-ui, sans-serif", size: 13, color: "#1c2430" },
    margin: { l: 72, r: 12, t: 10, b: 50 },
    autosize: true,
    paper_bgcolor: "#fff", plot_bgcolor: "#fff",
    dragmode: isNarrow() ? false : "zoom",
    hovermode: "closest",
    hoverlabel: { align: "left", font: { size: 12 } },
    legend: { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom", font: { size: isNarrow() ? 11 : 12 }, itemclick: false, itemdoubleclick: false },
    xaxis: { ...axis, title: { text: plain(x), standoff: 8 }, ...(more.xaxis ?? {}) },
    yaxis: { ...axis, title: { text: plain(y), standoff: 6 }, ...(more.yaxis ?? {}) },
    shapes: more.shapes ?? [],
    uirevision: more.keep,
  };
}

// Axis of the contents: on a logarithmic one ticks at powers of ten, between them only where there are few of these.
function contentAxis(traces, isLog) {
  if (!isLog) return { type: "linear" };
  const values = traces.flatMap((one) => one.y).filter((one) => one > 0);
  const decades = values.length ? Math.log10(Math.max(...values) / Math.min(...values)) : 0;
  return { type: "log", dtick: decades > 1.3 ? Math.ceil(decades / 8) : "D2" };
}

function draw(id, traces, style) {
  Plotly.react(byId(id), traces, style, CONFIG);
}

// -- ROC ------------------------------------------------------------------------------------------

const shown = (background) => (state.axis === "rejection" ? background.map((b) => (b > 0 ? 1 / b : null)) : background.map((b) => (b > 0 ? b : null)));

function stepWords(one, k, title) {
  const lines = [
    title,
    `threshold ${digits(one.threshold[k], 4)}`,
    `signal ${interval(one.signal.efficiency[k], one.signal.low[k], one.signal.high[k])}, n_eff ${events(one.signal.n_eff[k])}`,
    `background ${interval(one.background.efficiency[k], one.background.low[k], one.background.high[k])}, n_eff ${events(one.background.n_eff[k])}`,
    ...DATA.classes.map((of, label) => `${of.title}: ${whole(one.passed[label][k])} of ${plural(NOUN, of.n)}`),
  ];
  return lines.map(plain).join("<br>");
}

function drawRoc() {
  const traces = question().curves.map((one, c) => {
    const about = DATA.classifiers[c], isMine = c === state.classifier;
    return {
      x: one.signal.efficiency, y: shown(one.background.efficiency), name: plain(about.title), mode: "lines",
      line: { color: about.color, dash: DASHES[about.line], width: isMine ? 3.5 : 1.5 }, opacity: isMine ? 1 : 0.75,
      hoverinfo: "text", hovertext: one.threshold.map((_, k) => stepWords(one, k, about.title)), meta: c,
    };
  });
  for (const cut of DATA.cuts) {
    traces.push({
      x: [cut.signal[0]], y: shown([cut.background[0]]), name: plain(cut.title), mode: "markers", meta: -1,
      marker: { symbol: "star", size: 12, color: "#000" }, hoverinfo: "text",
      hovertext: [[cut.title, `signal ${interval(...cut.signal)}`, `background ${interval(...cut.background)}`, `n_eff of the background ${events(cut.background[3])}`].map(plain).join("<br>")],
    });
  }
  const mine = curve(), k = state.step, about = DATA.classifiers[state.classifier];
  const ends = shown([mine.background.efficiency[k], mine.background.low[k], mine.background.high[k]]);
  const [low, high] = state.axis === "rejection" ? [ends[2], ends[1]] : [ends[1], ends[2]];
  const bar = (plus, minus, around) => ({ type: "data", symmetric: false, array: [plus === null ? 0 : plus - around], arrayminus: [minus === null ? 0 : around - minus], color: "#000", thickness: 1.2, width: 3 });
  traces.push({
    x: [mine.signal.efficiency[k]], y: [ends[0]], mode: "markers", showlegend: false, meta: -1, hoverinfo: "text",
    hovertext: [stepWords(mine, k, about.title)], marker: { size: 12, color: about.color, line: { color: "#000", width: 2 } },
    error_x: bar(mine.signal.high[k], mine.signal.low[k], mine.signal.efficiency[k]), error_y: ends[0] === null ? undefined : bar(high, low, ends[0]),
  });
  const title = state.axis === "rejection" ? "1 / background efficiency" : "Background efficiency";
  draw("roc", traces.map((one) => ({ ...one, showlegend: false })), layout("Signal efficiency", title, { yaxis: contentAxis(traces, true), xaxis: { range: [-0.02, 1.02] }, keep: `${state.question}${state.axis}` }));
  byId("roc-words").textContent = "Point at a curve for its threshold, efficiencies and numbers of events; click to put the threshold there.";
}

// Legend of the curves, whose entries choose the classifier.
function drawLegend() {
  const entries = DATA.classifiers.map((about, c) => {
    const item = element("li"), button = element("button", "", { type: "button", "data-classifier": c, "aria-pressed": c === state.classifier });
    const swatch = element("span", "", { class: "swatch" });
    swatch.style.borderTop = `3px ${{ "-": "solid", "--": "dashed", ":": "dotted", "-.": "dashed" }[about.line]} ${about.color}`;
    button.append(swatch, element("span", about.title));
    item.append(button);
    return item;
  });
  const cuts = DATA.cuts.map((cut) => element("li", `\u2605 ${cut.title}`, { class: "cut" }));
  byId("roc-legend").replaceChildren(...entries, ...cuts);
}

// -- histograms -----------------------------------------------------------------------------------

const sum = (values) => values.reduce((total, one) => total + one, 0);
const positive = (values) => (state.log ? values.map((one) => (one > 0 ? one : null)) : values);
const faint = (color) => `${color}22`;

// Outline of a histogram, closed at its ends.
function outline(edges, contents) {
  return { x: [...edges], y: [...contents, contents[contents.length - 1]], line: { shape: "hv", width: 1.8 } };
}

function scaleOf(contents) {
  const total = sum(contents);
  return state.norm === "shape" ? (total > 0 ? 1 / total : 0) : 1;
}

function binWords(edges, contents, errors, title) {
  const lines = contents.map((one, k) => `${plain(title)}<br>${digits(edges[k])} to ${digits(edges[k + 1])}: ${digits(one)} \u00b1 ${digits(errors[k])}`);
  return [...lines, lines[lines.length - 1]];
}

const yTitle = () => (state.norm === "shape" ? "Share of each class" : `Expected events at ${digits(DATA.search.luminosity_fb, 4)}\u00a0/fb`);

function drawScore() {
  const { score, threshold } = curve(), about = DATA.classifiers[state.classifier];
  const traces = DATA.classes.map((of, label) => {
    const scale = scaleOf(score.sums[label]), contents = score.sums[label].map((one) => one * scale);
    const line = outline(score.edges, positive(contents));
    return { ...line, line: { ...line.line, color: of.color }, mode: "lines", name: plain(of.title), fill: state.log ? "none" : "tozeroy", fillcolor: faint(of.color), hoverinfo: "text", hovertext: binWords(score.edges, contents, score.errors[label].map((one) => one * scale), of.title) };
  });
  const cut = threshold[state.step], [low, high] = [score.edges[0], score.edges[score.edges.length - 1]];
  const at = Math.min(Math.max(cut, low), high);
  const shapes = [
    { type: "rect", xref: "x", yref: "paper", x0: at, x1: high, y0: 0, y1: 1, fillcolor: "rgba(26,86,160,0.08)", line: { width: 0 }, layer: "below" },
    { type: "line", xref: "x", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line: { color: "#1a56a0", width: 2, dash: "dash" } },
  ];
  const words = about.is_logit ? (DATA.is_search ? "Output of the classifier (logit)" : "Discriminant (log of the ratio)") : about.title;
  draw("score", traces, layout(words, yTitle(), { yaxis: contentAxis(traces, state.log), xaxis: { range: [low, high] }, shapes, keep: `${state.question},${state.classifier},${state.norm},${state.log}` }));
  byId("score-words").textContent = `${about.title}; what is right of the dashed line passes. Outermost bins hold what lies beyond.`;
}

const decoded = new Map();

// Sums and errors of the mass at a step: by class, [sums, errors] of the bins.
function massAfter(one, step) {
  if (!decoded.has(one)) decoded.set(one, one.mass.map((text) => new Float32Array(bytesOf(text))));
  const n_bins = question().mass.edges.length - 1, n_steps = one.threshold.length;
  return DATA.classes.map((_, label) => decoded.get(one).map((all) => {
    const start = (label * n_steps + step) * n_bins;
    return [...all.slice(start, start + n_bins)];
  }));
}

function drawMass() {
  const before = question().mass;
  if (!before) return;
  const after = massAfter(curve(), state.step);
  const middles = before.edges.slice(1).map((edge, k) => (edge + before.edges[k]) / 2);
  const traces = [];
  DATA.classes.forEach((of, label) => {
    const scale = scaleOf(before.sums[label]), contents = before.sums[label].map((one) => one * scale);
    const line = outline(before.edges, positive(contents));
    traces.push({ ...line, line: { ...line.line, color: of.color }, mode: "lines", name: plain(of.title), legendgroup: label, hoverinfo: "text", hovertext: binWords(before.edges, contents, before.errors[label].map((one) => one * scale), `${of.title}, before`) });
    const [sums, errors] = after[label], own = scaleOf(sums);
    const passed = sums.map((one) => one * own), bars = errors.map((one) => one * own);
    const filled = passed.map((one, k) => (errors[k] > 0 ? one : null)); // bins without events are left out
    traces.push({
      x: middles, y: positive(filled), mode: "markers", showlegend: false, legendgroup: label,
      marker: { color: of.color, size: 6 }, error_y: { type: "data", array: bars, color: of.color, thickness: 1, width: 0 },
      hoverinfo: "text", hovertext: binWords(before.edges, passed, bars, `${of.title}, after`),
    });
  });
  draw("mass", traces, layout(DATA.mass.title, yTitle(), { yaxis: contentAxis(traces, state.log), keep: `${state.question},${state.norm},${state.log}` }));
  byId("mass-words").textContent = "Lines before, points after the threshold; the last bin holds what lies beyond.";
}

// -- significance ---------------------------------------------------------------------------------

function drawSignificance() {
  const search = DATA.search;
  if (!search) return;
  const one = curve(), found = one.significance, x = one.signal.efficiency;
  const isFew = one.background.n_eff.map((n) => n < search.least_n_eff);
  const words = (values) => values.map((value, k) => plain(`Z = ${digits(value)}: ${events(found.signal[k])} over ${events(found.background[k])} events, n_eff ${events(one.background.n_eff[k])}`));
  const traces = [];
  for (const [name, title, color] of [["plain", "background known", "#1a56a0"], ["systematic", `background to ${percent(search.uncertainty)}`, "#bd1f01"]]) {
    const of = (few) => found[name].map((value, k) => (isFew[k] === few ? value : null));
    traces.push({ x, y: of(false), mode: "lines", name: plain(title), legendgroup: name, line: { color, width: 2 }, hoverinfo: "text", hovertext: words(found[name]) });
    traces.push({ x, y: of(true), mode: "lines", showlegend: false, legendgroup: name, line: { color, width: 1.5, dash: "dot" }, opacity: 0.5, hoverinfo: "text", hovertext: words(found[name]) });
    traces.push({ x: [x[state.step]], y: [found[name][state.step]], mode: "markers", showlegend: false, legendgroup: name, marker: { color, size: 10, line: { color: "#000", width: 1.5 } }, hoverinfo: "text", hovertext: [words(found[name])[state.step]] });
  }
  draw("significance", traces, layout("Signal efficiency", "Z, standard deviations", { xaxis: { range: [-0.02, 1.02] }, yaxis: { rangemode: "tozero" }, keep: String(state.classifier) }));
  byId("significance-words").textContent = significanceWords(found);
  byId("formula").textContent = `Expected significance: the Asimov significance of one counting experiment, Z\u00b2 = 2 [(s + b) ln(1 + s/b) \u2212 s]; with an uncertainty \u03c3 = ${percent(search.uncertainty)} of b, `
    + "Z\u00b2 = 2 [(s + b) ln((s + b)(b + \u03c3\u00b2) / (b\u00b2 + (s + b) \u03c3\u00b2)) \u2212 (b\u00b2/\u03c3\u00b2) ln(1 + \u03c3\u00b2 s / (b (b + \u03c3\u00b2)))] (Cowan 2012, eq. 20). "
    + `Dotted where fewer than ${digits(search.least_n_eff)} effective background events pass. The best threshold of these same events is optimistic; the reach in the report chooses it on others.`;
}

function significanceWords(found) {
  const search = DATA.search, k = state.step;
  return found.plain[k] === null
    ? "No background event is left at this threshold, so that there is no number."
    : `Here s = ${events(found.signal[k])} and b = ${events(found.background[k])} expected events at ${digits(search.luminosity_fb, 4)}\u00a0/fb: Z = ${digits(found.plain[k])}, with the uncertainty of the background ${digits(found.systematic[k])}.`;
}
