// Gallery: rows filtered, sorted, in pages of small pictures.

const PER_PAGE = 12;
const SMALL = { left: 1, right: 1, top: 1, bottom: 1 };
let listed = []; // rows after filters, sorted

// Columns that rows are sorted by: key -> title and numbers.
function columns() {
  const found = new Map();
  found.set("d", { title: `score of ${DATA.classifiers[state.classifier].title}, as in the cut`, values: GALLERY.decisions[state.question][state.classifier] });
  GALLERY.scores.forEach((one, k) => found.set(`s${k}`, one));
  GALLERY.variables.forEach((one, k) => found.set(`v${k}`, one));
  found.set("w", { title: "weight", values: GALLERY.weight });
  found.set("n", { title: "event number", values: GALLERY.number.map(Number) });
  return found;
}

function filtered() {
  const cut = curve().threshold[state.step], decisions = GALLERY.decisions[state.question][state.classifier];
  const limits = [state.from, state.to], variable = GALLERY.variables[state.variable];
  const isIn = (value) => value !== null && (limits[0] === "" || value >= limits[0]) && (limits[1] === "" || value <= limits[1]);
  const hasLimits = variable && (limits[0] !== "" || limits[1] !== "");
  return GALLERY.class.map((_, row) => row).filter((row) => (state.of < 0 || GALLERY.class[row] === state.of)
    && (state.passes === "all" || (decisions[row] >= cut) === (state.passes === "yes"))
    && (state.origin === "all" || GALLERY.is_extreme[row] === (state.origin === "extreme"))
    && (!hasLimits || isIn(variable.values[row])));
}

function sorted(rows) {
  const { values } = columns().get(state.sort) ?? columns().get("d"), sign = state.order === "down" ? -1 : 1;
  const key = (row) => (values[row] === null ? Infinity : sign * values[row]); // what has no number comes last
  return [...rows].sort((one, other) => key(one) - key(other) || one - other);
}

const lastPage = () => Math.max(Math.ceil(listed.length / PER_PAGE) - 1, 0);

function drawGallery() {
  if (!GALLERY) return;
  listed = sorted(filtered());
  state.page = Math.min(state.page, lastPage());
  const rows = listed.slice(state.page * PER_PAGE, (state.page + 1) * PER_PAGE);
  if (!listed.includes(state.row)) state.row = rows[0] ?? null;
  const first = state.page * PER_PAGE;
  byId("page-now").textContent = rows.length ? `${first + 1}${DASH}${first + rows.length} of ${whole(listed.length)}` : `no ${NOUN} passes these filters`;
  byId("page-back").disabled = state.page === 0;
  byId("page-on").disabled = state.page >= lastPage();
  byId("thumbnails").replaceChildren(...rows.map(thumbnail));
  drawDetail();
}

function thumbnail(row) {
  const item = element("li"), button = element("button", "", { type: "button", "data-row": row, "aria-pressed": row === state.row, title: rowTitle(row) });
  const { eta, phi } = GALLERY.images, ratio = Math.min((phi[phi.length - 1] - phi[0]) / (eta[eta.length - 1] - eta[0]), 2);
  const canvas = element("canvas", "", { width: 220, height: Math.round(220 * ratio), "aria-hidden": "true" });
  paint(canvas, row, chosenChannels()[0], wholeView(), SMALL);
  const { title, values } = columns().get(state.sort) ?? columns().get("d");
  const of = element("span", DATA.classes[GALLERY.class[row]].title, { class: "of" });
  of.style.borderColor = DATA.classes[GALLERY.class[row]].color;
  button.append(canvas, of, element("span", digits(values[row]), { class: "value", title }));
  item.append(button);
  return item;
}

function drawDetail() {
  byId("detail").hidden = state.row === null;
  if (state.row === null) return;
  const place = listed.indexOf(state.row);
  byId("row-back").disabled = place <= 0;
  byId("row-on").disabled = place >= listed.length - 1;
  for (const button of byId("thumbnails").querySelectorAll("button")) button.setAttribute("aria-pressed", Number(button.dataset.row) === state.row);
  drawFacts();
  drawPanels();
}

function chooseRow(row) {
  state.row = row;
  drawDetail();
  writeAddress();
}

// The row so many places on in the list, on whatever page it is.
function goOn(places, { withFocus = false } = {}) {
  const place = listed.indexOf(state.row) + places;
  if (place < 0 || place >= listed.length) return;
  state.row = listed[place];
  const page = Math.floor(place / PER_PAGE);
  if (page !== state.page) {
    state.page = page;
    drawGallery();
  } else {
    drawDetail();
  }
  if (withFocus) byId("thumbnails").querySelector(`[data-row="${state.row}"]`)?.focus();
  writeAddress();
}

function galleryWords() {
  const chosen = GALLERY.class.length, extreme = GALLERY.is_extreme.filter(Boolean).length;
  const others = chosen < GALLERY.n_tested
    ? `${plural(NOUN, chosen)} of the ${whole(GALLERY.n_tested)} that the classifiers are compared on: ${whole(chosen - extreme)} drawn at random with the seed ${GALLERY.seed}, the same number of each class as far as there are so many, whatever their weights`
    : `All ${whole(chosen)} ${NOUN}s that the classifiers are compared on`;
  const ends = extreme ? `, and ${whole(extreme)} with the highest and the lowest scores of ${DATA.classifiers[0].title} in each class` : "";
  const small = GALLERY.images.channels.length > 1 ? " Small pictures show the first of the chosen channels." : "";
  const jets = DATA.is_of_jets ? " The circle has the radius of the jets, around the centre of the image." : " Circles are fat jets, numbered by pT; the image goes on across \u03c6 = \u03c0, the dashed line.";
  return `${others}${ends}.${small}${hasCircles() ? jets : ""}`;
}
