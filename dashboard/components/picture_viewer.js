// Pictures of one part side by side, zoomed and moved together. Every panel is an SVG whose unit is
// a pixel of the anomaly map, so original, mask, map and outlines lie in register at any zoom.
// Names come from disk, so they are only ever set as text.

const SVG = "http://www.w3.org/2000/svg";
const MOST_ZOOM = 40;
const WHEEL_PER_DOUBLING = 300;
const TOLD_AFTER_MS = 250;
const LOST_AFTER_MS = 3000;
const KEPT_SAMPLES = 40;
const REGION_ROOM = 1.5; // of the region's own size
const rooms = new WeakMap();
const IGNORES_KEYS =
  'input, textarea, select, canvas, [contenteditable="true"], [role="slider"], [role="combobox"],' +
  '[role="listbox"], [role="radiogroup"], [role="tablist"], [role="dialog"], [role="menu"], .gallery';

function drawn(name, parent, attributes = {}) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent.append(node);
  return node;
}

function paintPanel(room, panel, sample, svg) {
  svg.replaceChildren();
  const layer = sample.layers[panel.method];
  const whole = { x: 0, y: 0, width: sample.width, height: sample.height };
  const picture = (href, at = whole) =>
    href && drawn("image", svg, { href, ...at, preserveAspectRatio: "none" });
  const own = layer?.image ? layer : sample; // the method saw another part of the file
  const border = (d, name) => {
    for (const part of d ? ["edge", "line"] : []) {
      drawn("path", svg, { d, transform: layer?.scale ?? "", class: `${part} ${name}` });
    }
  };
  if (panel.kind === "truth") {
    picture(sample.truth);
  } else if (panel.kind === "heat") {
    picture(layer.heat);
  } else {
    picture(own.image);
    if (own.detail) picture(own.detail.url, { ...own.detail, url: "" });
  }
  if (panel.kind === "overlay" && room.shows.H) {
    picture(layer.overlay)?.setAttribute("opacity", room.data.opacity);
  }
  if (panel.kind !== "truth" && room.shows.G) border((layer ?? sample).truthBorder, "truth");
  if (panel.kind !== "image" && panel.kind !== "heat" && room.shows.O) border(layer?.border, "found");
  if (panel.kind !== "overlay" || !layer) return;
  for (const region of layer.regions) {
    const [left, top] = region.box;
    drawn("text", svg, { x: left, y: top, class: "number" }).textContent = region.number;
  }
}

function paint(room) {
  const sample = room.samples.get(room.shown);
  room.root.classList.toggle("waiting", !sample);
  document.documentElement.dataset.sample = room.shown;
  document.dispatchEvent(new Event("sample-shown")); // to the gallery
  if (!sample) return;
  room.line.replaceChildren();
  made("strong", room.line, "", sample.title);
  for (const [text, kind] of sample.marks) made("span", room.line, `mark ${kind}`, text);
  made("span", room.line, "place", sample.place);
  room.panels.forEach(({ panel, svg, absent, figure }) => {
    const missing = sample.absent[panel.kind] ?? sample.absent[panel.method] ?? "";
    absent.textContent = missing;
    figure.classList.toggle("missing", Boolean(missing));
    svg.setAttribute("aria-label", `${panel.title}: ${sample.about}`);
    figure.querySelector(".under").textContent = sample.under?.[panel.method] ?? "";
    if (!missing) paintPanel(room, panel, sample, svg);
  });
  const { width, height } = sample;
  room.map.replaceChildren();
  room.map.setAttribute("viewBox", `0 0 ${width} ${height}`);
  drawn("image", room.map, { href: sample.image, width, height, preserveAspectRatio: "none" });
  paintRegions(room, sample);
  place(room);
}

function paintRegions(room, sample) {
  const layer = sample.layers[room.data.listed];
  room.list.replaceChildren();
  if (!layer) return;
  made("p", room.list, "summary", layer.summary);
  for (const region of layer.regions) {
    const button = made("button", room.list, region.hit ?? "", region.text);
    button.type = "button";
    button.onclick = () => {
      const [left, top, right, bottom] = region.box;
      const part = Math.max((right - left) / sample.width, (bottom - top) / sample.height);
      const centre = [(left + right) / 2 / sample.width, (top + bottom) / 2 / sample.height];
      look(room, 1 / Math.max(REGION_ROOM * part, 1 / MOST_ZOOM), ...centre);
    };
  }
}

function place(room) {
  const sample = room.samples.get(room.shown);
  if (!sample) return;
  const [zoom, x, y] = room.view;
  const width = sample.width / zoom;
  const height = sample.height / zoom;
  const left = x * sample.width - width / 2;
  const top = y * sample.height - height / 2;
  for (const { svg, figure } of room.panels) {
    svg.setAttribute("viewBox", `${left} ${top} ${width} ${height}`);
    svg.style.setProperty("--unit", `${width / (svg.clientWidth || 300)}px`);
    figure.style.setProperty("--aspect", sample.width / sample.height);
  }
  room.frame?.remove();
  room.frame = drawn("rect", room.map, { class: "frame", x: left, y: top, width, height });
  room.root.classList.toggle("zoomed", zoom > 1);
}

function look(room, zoom, x, y) {
  const near = within(zoom, 1, MOST_ZOOM);
  const half = 0.5 / near;
  room.view = [near, within(x, half, 1 - half), within(y, half, 1 - half)];
  place(room);
  clearTimeout(room.telling);
  room.telling = setTimeout(() => {
    const told = room.view.map((value) => Math.round(value * 1e4) / 1e4);
    if (String(told) === String(room.told)) return;
    room.told = told;
    const address = new URL(location.href);
    if (told[0] > 1) address.searchParams.set("zoom", told.join(","));
    else address.searchParams.delete("zoom");
    history.replaceState(history.state, "", address);
    room.send("view", told);
  }, TOLD_AFTER_MS);
}

// Zoom by a factor so that what is under a point of the panel stays there.
function zoomAt(room, svg, point, factor) {
  const box = svg.getBoundingClientRect();
  const [zoom, x, y] = room.view;
  const move = 1 / zoom - 1 / within(zoom * factor, 1, MOST_ZOOM);
  const at = [(point.clientX - box.left) / box.width, (point.clientY - box.top) / box.height];
  look(room, zoom * factor, x + (at[0] - 0.5) * move, y + (at[1] - 0.5) * move);
}

function followPointers(room, svg) {
  const pointers = new Map();
  svg.onpointerdown = (event) => {
    pointers.set(event.pointerId, event);
    if (room.view[0] > 1 || pointers.size > 1) svg.setPointerCapture(event.pointerId);
  };
  svg.onpointermove = (event) => {
    const before = pointers.get(event.pointerId);
    if (!before || !event.buttons) return void pointers.delete(event.pointerId);
    const [zoom, x, y] = room.view;
    const box = svg.getBoundingClientRect();
    pointers.set(event.pointerId, event);
    if (pointers.size === 1 && zoom > 1) {
      const right = (event.clientX - before.clientX) / box.width / zoom;
      const down = (event.clientY - before.clientY) / box.height / zoom;
      look(room, zoom, x - right, y - down);
    } else if (pointers.size === 2) {
      const [other] = [...pointers.values()].filter((one) => one.pointerId !== event.pointerId);
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      zoomAt(room, svg, other, apart(event) / Math.max(apart(before), 1));
    }
  };
  svg.onpointerup = svg.onpointercancel = ({ pointerId }) => pointers.delete(pointerId);
  svg.ondblclick = () => look(room, 1, 0.5, 0.5);
  svg.onwheel = (event) => {
    if (room.view[0] === 1 && event.deltaY > 0) return; // the page scrolls on
    event.preventDefault();
    zoomAt(room, svg, event, 2 ** (-event.deltaY / WHEEL_PER_DOUBLING));
  };
}

function step(room, by) {
  const { names } = room.data, at = names.indexOf(room.shown);
  room.shown = room.wanted = names[(at + by + names.length) % names.length];
  paint(room);
  room.asked = performance.now();
  room.send("sample", room.wanted);
}

function onKey(room, event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const from = event.composedPath().filter((node) => node instanceof Element);
  if (from.some((node) => node.matches(IGNORES_KEYS))) return;
  const key = /^Key[GHO]$/.test(event.code) ? event.code[3] : event.key; // in every alphabet
  const acts = {
    ArrowLeft: () => step(room, -1),
    ArrowRight: () => step(room, 1),
    ArrowUp: room.data.methods && (() => room.send("method", -1)),
    ArrowDown: room.data.methods && (() => room.send("method", 1)),
    0: () => look(room, 1, 0.5, 0.5),
    "?": () => toggleHelp(room),
  };
  if (key in room.shows) acts[key] = () => toggle(room, key);
  if (!acts[key] || (event.repeat && key in room.shows)) return;
  event.preventDefault();
  acts[key]();
}

function toggle(room, key) {
  const button = room.tools.querySelector(`[data-key="${key}"]`);
  if (!button) return;
  room.shows[key] = !room.shows[key];
  button.ariaPressed = String(room.shows[key]);
  paint(room);
}

function toggleHelp(room) {
  const hidden = room.help.toggleAttribute("hidden");
  room.tools.querySelector('[data-key="?"]').ariaExpanded = String(!hidden);
}

function furnish(room, parent) {
  room.root = parent.querySelector(".viewer");
  room.root.replaceChildren();
  const head = made("div", room.root, "head");
  (room.line = made("p", head, "line")).ariaLive = "polite";
  room.tools = made("div", head, "tools");
  (room.help = made("div", room.root, "help")).hidden = true;
  room.row = made("div", room.root, "row");
  room.list = made("div", room.root, "regions");
  room.map = drawn("svg", room.root, { class: "map", "aria-hidden": "true" });
}

function tool(room, key, label, act) {
  const button = made("button", room.tools, "", label);
  button.type = "button";
  button.dataset.key = key;
  button.onclick = act;
  return button;
}

function label(room, { labels, panels }) {
  room.tools.replaceChildren();
  tool(room, "ArrowLeft", "←", () => step(room, -1)).setAttribute("aria-label", labels.previous);
  tool(room, "ArrowRight", "→", () => step(room, 1)).setAttribute("aria-label", labels.next);
  for (const key of ["G", "H", "O"].filter((one) => labels[one])) {
    tool(room, key, labels[key], () => toggle(room, key)).ariaPressed = String(room.shows[key]);
  }
  tool(room, "0", labels.reset, () => look(room, 1, 0.5, 0.5));
  tool(room, "?", "?", () => toggleHelp(room)).setAttribute("aria-label", labels.help);
  room.help.replaceChildren(...labels.keys.map((text) => made("p", room.help, "", text)));
  room.row.replaceChildren();
  room.row.dataset.count = panels.length;
  room.panels = panels.map((panel) => {
    const figure = made("figure", room.row, "");
    const view = made("div", figure, "view");
    const svg = drawn("svg", view, { role: "img", preserveAspectRatio: "none" });
    followPointers(room, svg);
    made("figcaption", figure, "", panel.title);
    made("p", figure, "under");
    return { panel, figure, svg, absent: made("p", view, "absent") };
  });
  room.panels[0]?.figure.firstChild.append(room.map);
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let room = rooms.get(parentElement);
  if (!room?.root?.isConnected) {
    room = { samples: new Map(), shows: { G: Boolean(data.truth), H: true, O: true }, told: [], view: data.view };
    furnish(room, parentElement);
    rooms.set(parentElement, room);
  }
  room.send = (name, value) => (name === "view" ? setStateValue : setTriggerValue)(name, value);
  const before = room.data;
  room.data = data;
  if (before?.version !== data.version) room.samples.clear();
  for (const [name, sample] of Object.entries(data.samples)) {
    room.samples.delete(name); // so that the latest stand last
    room.samples.set(name, sample);
  }
  for (const name of [...room.samples.keys()].slice(0, -KEPT_SAMPLES)) room.samples.delete(name);
  // The server may still be answering an earlier key press, or have missed one.
  const late = performance.now() > room.asked + LOST_AFTER_MS;
  if (late || room.wanted === data.chosen || !data.names.includes(room.wanted)) room.wanted = null;
  const here = room.shown ?? data.chosen;
  room.shown = room.wanted ?? data.chosen;
  // Chosen further down on the page: bring it into sight.
  if (room.shown !== here && room.root.getBoundingClientRect().top < 0) room.root.scrollIntoView();
  const moved = String(before?.view) !== String(data.view) && String(data.view) !== String(room.told);
  if (moved) room.view = room.told = data.view;
  const shape = ({ labels, panels }) => JSON.stringify([labels, panels]);
  if (!before || shape(before) !== shape(data)) label(room, data);
  paint(room);
  const alone = new AbortController();
  document.addEventListener("keydown", (event) => onKey(room, event), { signal: alone.signal });
  window.addEventListener("resize", () => place(room), { signal: alone.signal });
  return () => alone.abort();
}
