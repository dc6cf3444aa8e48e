// Sparse images: contents of cells, colours, and a picture on a canvas.

const COLOURS = [[255, 255, 255], [254, 227, 184], [253, 177, 110], [241, 110, 91], [190, 55, 110], [112, 30, 120], [38, 12, 72], [8, 4, 24]];
const SHARE_OF_DARKEST = 1e-3; // of the largest content: at most so far down goes a logarithmic scale
const TURN = 2 * Math.PI;

// Table of all float16.
const HALVES = new Float32Array(65536).map((_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1, power = (bits >> 10) & 31, fraction = bits & 1023;
  if (power === 0) return sign * fraction * 2 ** -24;
  return power === 31 ? NaN : sign * (1 + fraction / 1024) * 2 ** (power - 15);
});

// Cells of a row: arrays of channel, eta, phi and content.
const images = new Map();

function imageOf(row) {
  if (images.has(row)) return images.get(row);
  const of = GALLERY.images, [, nEta, nPhi] = of.shape;
  const cells = new (of.cell_bytes === 2 ? Uint16Array : Uint32Array)(bytesOf(of.cells[row]));
  const halves = new Uint16Array(bytesOf(of.values[row]));
  const channels = of.channels.map(() => ({ eta: [], phi: [], content: [], largest: 0, lowest: Infinity }));
  cells.forEach((cell, k) => {
    const c = Math.floor(cell / (nEta * nPhi)), content = HALVES[halves[k]] * of.scales[c];
    channels[c].eta.push(Math.floor(cell / nPhi) % nEta);
    channels[c].phi.push(cell % nPhi);
    channels[c].content.push(content);
    channels[c].largest = Math.max(channels[c].largest, content);
    if (content > 0) channels[c].lowest = Math.min(channels[c].lowest, content);
  });
  for (const one of channels) one.lowest = Math.max(one.lowest, one.largest * SHARE_OF_DARKEST); // lightest colour
  images.set(row, channels);
  return channels;
}

function colourOf(share) {
  const place = Math.min(Math.max(share, 0), 1) * (COLOURS.length - 1), k = Math.min(Math.floor(place), COLOURS.length - 2);
  return `rgb(${COLOURS[k].map((one, part) => Math.round(one + (place - k) * (COLOURS[k + 1][part] - one))).join(",")})`;
}

// Part of the scale of colours that a content takes; a filled cell is never as white as an empty one.
function shareOf(content, { largest, lowest }) {
  if (!(content > 0)) return 0.06;
  const decades = Math.log(largest / lowest);
  const share = state.loglike ? (decades > 0 ? Math.log(content / lowest) / decades : 1) : content / largest;
  return 0.12 + 0.88 * Math.max(share, 0);
}

const isRound = () => !DATA.is_of_jets; // the image is the whole circle in phi

// Frame of a picture: what part of eta and phi it shows, and where on the canvas.
function frameOf(canvas, view, margin) {
  const { eta, phi } = GALLERY.images, zoom = view.zoom;
  const spanEta = (eta[eta.length - 1] - eta[0]) / zoom, spanPhi = (phi[phi.length - 1] - phi[0]) / zoom;
  const width = canvas.width - margin.left - margin.right, height = canvas.height - margin.top - margin.bottom;
  const left = view.eta - spanEta / 2, bottom = view.phi - spanPhi / 2;
  return {
    left, bottom, spanEta, spanPhi, width, height, margin,
    x: (value) => margin.left + ((value - left) / spanEta) * width,
    y: (value) => margin.top + height - ((value - bottom) / spanPhi) * height,
  };
}

const wholeView = () => {
  const { eta, phi } = GALLERY.images;
  return { zoom: 1, eta: (eta[0] + eta[eta.length - 1]) / 2, phi: (phi[0] + phi[phi.length - 1]) / 2 };
};

// Turns by which something in phi is seen in a frame.
function turnsIn(frame, low, high) {
  if (!isRound()) return [0];
  const first = Math.ceil((frame.bottom - high) / TURN), last = Math.floor((frame.bottom + frame.spanPhi - low) / TURN);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, k) => first + k);
}

function paint(canvas, row, channel, view, margin) {
  const context = canvas.getContext("2d"), frame = frameOf(canvas, view, margin), { eta, phi } = GALLERY.images;
  const cells = imageOf(row)[channel];
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.save();
  context.beginPath();
  context.rect(margin.left, margin.top, frame.width, frame.height);
  context.clip();
  cells.content.forEach((content, k) => {
    const [low, high] = [phi[cells.phi[k]], phi[cells.phi[k] + 1]], [left, right] = [eta[cells.eta[k]], eta[cells.eta[k] + 1]];
    context.fillStyle = colourOf(shareOf(content, cells));
    for (const turn of turnsIn(frame, low, high)) {
      const x = frame.x(left), y = frame.y(high + turn * TURN);
      context.fillRect(x, y, Math.max(frame.x(right) - x, 1), Math.max(frame.y(low + turn * TURN) - y, 1));
    }
  });
  if (state.jets) paintJets(context, row, frame);
  context.restore();
  context.strokeStyle = "#5a6675";
  context.lineWidth = Math.max(canvas.width / 500, 1);
  context.strokeRect(margin.left, margin.top, frame.width, frame.height);
  return frame;
}

// Circles of the radius of the jets, numbered by pT; of a jet image one around its centre.
function paintJets(context, row, frame) {
  const radius = GALLERY.images.radius, unit = frame.width / frame.spanEta, tall = frame.height / frame.spanPhi;
  if (!radius) return;
  context.strokeStyle = "#0b6e4f";
  context.fillStyle = "#0b6e4f";
  context.lineWidth = Math.max(frame.width / 200, 1.2);
  context.font = `bold ${Math.max(Math.round(frame.width / 20), 10)}px system-ui, sans-serif`;
  jetsOf(row).forEach(([, eta, phi], k) => {
    for (const turn of turnsIn(frame, phi - radius, phi + radius)) {
      const x = frame.x(eta), y = frame.y(phi + turn * TURN);
      context.beginPath();
      context.ellipse(x, y, radius * unit, radius * tall, 0, 0, TURN);
      context.stroke();
      if (!DATA.is_of_jets && frame.width > 150) context.fillText(String(k + 1), x + 0.72 * radius * unit, y - 0.72 * radius * tall);
    }
  });
}

const hasCircles = () => Boolean(GALLERY.images.radius) && (DATA.is_of_jets || GALLERY.jets !== null);

// Fat jets of a row, those of zero pT left out.
function jetsOf(row) {
  if (DATA.is_of_jets) return [[0, 0, 0, 0]];
  return GALLERY.jets === null ? [] : GALLERY.jets[row].filter(([pt]) => pt > 0);
}
