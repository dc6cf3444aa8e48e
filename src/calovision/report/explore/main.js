// What a reader does, and the page at its start.

function drawCharts() {
  drawNow();
  drawRoc();
  drawScore();
  drawMass();
  drawSignificance();
  drawPassing();
  drawConfusion();
  drawPoints();
}

let isWaiting = false;

// All that depends on the threshold, once for each picture of the screen.
function drawSoon() {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    drawCharts();
    if (state.passes === "all") drawDetail(); else drawGallery();
    writeAddress();
  });
}

function setStep(step) {
  state.step = Math.min(Math.max(step, 0), lastStep());
  byId("step").value = state.step;
  drawSoon();
}

// The step of another curve with the signal efficiency that there was.
function keepEfficiency(efficiency) {
  const all = curve().signal.efficiency;
  state.step = all.reduce((best, one, k) => (Math.abs(one - efficiency) < Math.abs(all[best] - efficiency) ? k : best), 0);
}

function setCurve(questionNumber, classifier) {
  const efficiency = curve().signal.efficiency[state.step];
  Object.assign(state, { question: questionNumber, classifier });
  keepEfficiency(efficiency);
  drawAll();
}

function showControls() {
  byId("question").value = state.question;
  byId("classifier").value = state.classifier;
  Object.assign(byId("step"), { max: lastStep(), value: state.step });
  for (const name of ["axis", "norm", "order", "passes", "origin"]) byId(name).value = state[name];
  byId("confusion-side").value = state.side;
  byId("log").checked = state.log;
  for (const button of byId("roc-legend").querySelectorAll("button")) button.setAttribute("aria-pressed", Number(button.dataset.classifier) === state.classifier);
  if (!GALLERY) return;
  fillSelect(byId("sort"), [...columns().values()].map((one) => one.title));
  [...columns().keys()].forEach((key, k) => (byId("sort").options[k].value = key));
  if (!columns().has(state.sort)) state.sort = "d";
  if (state.variable >= GALLERY.variables.length) state.variable = 0;
  if (state.row !== null && !(Number.isInteger(state.row) && state.row >= 0 && state.row < GALLERY.class.length)) state.row = null;
  byId("sort").value = state.sort;
  byId("of-class").value = state.of;
  byId("variable").value = state.variable;
  byId("at-least").value = state.from;
  byId("at-most").value = state.to;
  byId("log-image").checked = state.loglike;
  byId("with-jets").checked = state.jets;
  for (const box of byId("channels").querySelectorAll("input")) box.checked = chosenChannels().includes(Number(box.value));
}

function drawAll() {
  showControls();
  drawCharts();
  if (GALLERY) {
    makePanels();
    drawGallery();
  }
  writeAddress();
}

function fillPage() {
  const counted = DATA.classes.map((of) => `${of.title} ${whole(of.n)} (n_eff ${events(of.n_eff)})`).join(", ");
  const folds = DATA.n_folds ? `all ${NOUN}s, each scored by networks that did not see it (${DATA.n_folds} folds)` : `the test ${NOUN}s`;
  byId("about").textContent = `Of ${folds}: ${counted}. n_eff is the number of unweighted ${NOUN}s with the same statistical uncertainty.`;
  fillSelect(byId("question"), DATA.questions.map((one) => one.title));
  byId("question-label").hidden = DATA.questions.length === 1;
  fillSelect(byId("classifier"), DATA.classifiers.map((one) => one.title));
  byId("mass-figure").hidden = !DATA.mass;
  for (const id of ["significance-figure", "formula"]) byId(id).hidden = !DATA.search;
  document.body.classList.toggle("with-classes", DATA.confusion.length > 0);
  drawLegend();
  byId("norm").parentElement.hidden = !DATA.is_search;
  byId("gallery").hidden = !GALLERY;
  if (!GALLERY) return;
  byId("gallery-words").textContent = galleryWords();
  fillSelect(byId("of-class"), ["all", ...DATA.classes.map((of) => of.title)]);
  [...byId("of-class").options].forEach((one, k) => (one.value = k - 1));
  fillSelect(byId("variable"), GALLERY.variables.map((one) => one.title));
  for (const id of ["variable", "at-least", "at-most"]) byId(id).parentElement.hidden = !GALLERY.variables.length;
  byId("with-jets-label").hidden = !hasCircles();
  byId("channels").replaceChildren(...GALLERY.images.channels.map((title, k) => {
    const label = element("label"), box = element("input", "", { type: "checkbox", value: k });
    label.append(box, ` ${title}`);
    return label;
  }));
}

const on = (id, name, act) => byId(id).addEventListener(name, act);

function listenToCharts() {
  on("question", "change", (event) => setCurve(Number(event.target.value), state.classifier));
  on("classifier", "change", (event) => setCurve(state.question, Number(event.target.value)));
  on("step", "input", (event) => setStep(Number(event.target.value)));
  on("tighter", "click", () => setStep(state.step - 1));
  on("looser", "click", () => setStep(state.step + 1));
  on("roc-legend", "click", (event) => {
    const button = event.target.closest("button");
    if (button) setCurve(state.question, Number(button.dataset.classifier));
  });
  on("points", "click", (event) => event.target.dataset.step && setStep(Number(event.target.dataset.step)));
  for (const name of ["axis", "norm"]) on(name, "change", (event) => { state[name] = event.target.value; drawSoon(); });
  on("log", "change", (event) => { state.log = Number(event.target.checked); drawSoon(); });
  on("confusion-side", "change", (event) => { state.side = Number(event.target.value); drawSoon(); });
  byId("roc").on("plotly_click", (event) => {
    const classifier = event.points[0].data.meta;
    if (classifier < 0) return;
    Object.assign(state, { classifier, step: event.points[0].pointIndex });
    drawAll();
  });
}

function listenToGallery() {
  const choose = (id, name, value) => on(id, "change", (event) => {
    state[name] = value(event.target);
    state.page = 0;
    drawGallery();
    writeAddress();
  });
  for (const name of ["sort", "order", "passes", "origin"]) choose(name, name, (target) => target.value);
  choose("of-class", "of", (target) => Number(target.value));
  choose("variable", "variable", (target) => Number(target.value));
  const limit = (target) => (target.value === "" ? "" : Number(target.value));
  choose("at-least", "from", limit);
  choose("at-most", "to", limit);
  const redraw = (id, name) => on(id, "change", (event) => { state[name] = Number(event.target.checked); drawGallery(); writeAddress(); });
  redraw("log-image", "loglike");
  redraw("with-jets", "jets");
  on("channels", "change", () => {
    const boxes = [...byId("channels").querySelectorAll("input")], chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    state.channels = chosen.length === boxes.length ? "" : chosen.join(",") || "0";
    drawAll();
  });
  on("page-back", "click", () => { state.page -= 1; state.row = listed[state.page * PER_PAGE]; drawGallery(); writeAddress(); });
  on("page-on", "click", () => { state.page += 1; state.row = listed[state.page * PER_PAGE]; drawGallery(); writeAddress(); });
  on("thumbnails", "click", (event) => {
    const button = event.target.closest("button");
    if (button) chooseRow(Number(button.dataset.row));
  });
  on("thumbnails", "keydown", (event) => {
    const places = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (places === undefined) return;
    event.preventDefault();
    state.row = Number(event.target.closest("button").dataset.row);
    goOn(places, { withFocus: true });
  });
  on("row-back", "click", () => goOn(-1));
  on("row-on", "click", () => goOn(1));
  listenToDetail();
}

function listenToDetail() {
  const move = (id, act) => {
    on(id, "input", (event) => { act(Number(event.target.value)); drawPanels(); });
    on(id, "change", writeAddress);
  };
  move("zoom", (value) => moveTo(view().eta, view().phi, value));
  move("centre-eta", (value) => moveTo(value, view().phi));
  move("centre-phi", (value) => moveTo(view().eta, value));
  on("whole", "click", () => { Object.assign(state, { zoom: 1, eta: null, phi: null }); drawPanels(); writeAddress(); });
  on("row-jets", "click", (event) => event.target.dataset.jet && centreOn(Number(event.target.dataset.jet)));
}

let width = window.innerWidth;

window.addEventListener("resize", () => {
  if (window.innerWidth === width) return; // a phone's bars come and go
  width = window.innerWidth;
  drawSoon();
});
window.addEventListener("hashchange", () => {
  if (location.hash === written) return;
  readAddress();
  drawAll();
});

fillPage();
readAddress();
drawAll();
listenToCharts();
if (GALLERY) listenToGallery();
document.documentElement.dataset.ready = "yes";
