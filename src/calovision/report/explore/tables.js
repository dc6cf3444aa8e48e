// Tables beside the charts: what passes, confusion, working points.

function drawNow() {
  const one = curve(), k = state.step, about = DATA.classifiers[state.classifier];
  const output = about.is_logit && DATA.is_search ? ` (output ${digits(probability(one.threshold[k]))})` : "";
  byId("now").replaceChildren(
    element("span", `threshold ${digits(one.threshold[k], 4)}${output}`),
    element("span", `signal ${interval(one.signal.efficiency[k], one.signal.low[k], one.signal.high[k])}`),
    element("span", `background ${interval(one.background.efficiency[k], one.background.low[k], one.background.high[k])}`),
    element("span", `AUC ${digits(one.auc, 4)}`),
  );
  byId("step").setAttribute("aria-valuetext", `threshold ${digits(one.threshold[k], 4)}, signal efficiency ${digits(one.signal.efficiency[k])}, background efficiency ${digits(one.background.efficiency[k])}`);
}

const sideOf = (label) => (question().signal.includes(label) ? "signal" : question().background.includes(label) ? "background" : "");

function drawPassing() {
  const one = curve(), k = state.step, search = DATA.search;
  const header = ["Class", `${NOUN}s`, "efficiency"];
  if (search) header.push("expected events");
  const rows = DATA.classes.map((of, label) => {
    const row = [of.title, `${whole(one.passed[label][k])} of ${whole(of.n)}`, digits(one.efficiency[label][k])];
    if (search) row.push(`${events(one.efficiency[label][k] * search.expected[label])} of ${events(search.expected[label])}`);
    return row;
  });
  fillTable(byId("passing"), header, rows);
  const sides = DATA.classes.map((of, label) => [of.title, sideOf(label)]).filter(([, side]) => side).map(([title, side]) => `${title}: ${side}`);
  byId("passing-words").textContent = `Efficiencies are weighted; ${NOUN}s are counted without weights. ${sides.join(", ")}. Effective ${NOUN}s that pass: signal ${events(one.signal.n_eff[k])}, background ${events(one.background.n_eff[k])}.`;
}

function shaded(share) {
  const cell = element("span", digits(share), { class: "share" });
  cell.style.setProperty("--share", `${Math.round(100 * Math.min(Math.max(share ?? 0, 0), 1))}%`);
  return cell;
}

function drawConfusion() {
  const titles = DATA.classes.map((of) => of.title), hasMany = DATA.confusion.length > 0;
  byId("confusion-options").hidden = !hasMany;
  if (hasMany) {
    const matrix = DATA.confusion[state.classifier][state.side];
    fillTable(byId("confusion"), ["true \\ predicted", ...titles], titles.map((title, label) => [title, ...matrix[label].map(shaded)]));
    byId("confusion-words").textContent = "Predicted is the most probable class, whatever the threshold. Rows of a class count by their weights, every class the same.";
    return;
  }
  const one = curve(), k = state.step, [back, front] = [0, 1];
  const matrix = [back, front].map((label) => [1 - one.efficiency[label][k], one.efficiency[label][k]]);
  fillTable(byId("confusion"), ["true \\ predicted", ...titles], titles.map((title, label) => [title, ...matrix[label].map(shaded)]));
  byId("confusion-words").textContent = `What passes the threshold is taken for ${titles[front]}. Shares of the weights of each true class.`;
}

function drawPoints() {
  const points = curve().points;
  const rows = points.map((point) => {
    const button = element("button", "go there", { type: "button", "data-step": point.step, "aria-label": `Threshold of ${point.title}` });
    const mark = point.is_extrapolated ? " \u2020" : "";
    const value = point.is_limit ? `above ${digits(point.low)}` : interval(point.value, point.low, point.high) + mark;
    return [point.title, value, button];
  });
  const isRejection = points.length > 0 && points[0].kind === "rejection";
  fillTable(byId("points"), isRejection ? ["Signal efficiency", "1 / background efficiency", ""] : ["Background efficiency", "signal efficiency", ""], rows);
  byId("points-words").textContent = `As in the report, with 68\u00a0% intervals; between two thresholds it takes a part of the ${NOUN}s. The slider goes to the last threshold that does not exceed the point.`
    + (points.some((one) => one.is_extrapolated) ? " \u2020 rests on less than one effective background event." : "");
}
