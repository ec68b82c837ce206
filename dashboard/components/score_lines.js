// How the scores of good and defective parts lie, with one or two lines to be dragged. Counts
// follow here, without the server; it is told where a line was let go and what was clicked.

const rooms = new WeakMap();
const STEPS = 200; // of a line, by key, over the whole axis

const short = (value) => String(Number(value.toPrecision(4)));

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// How many of the ascending scores are above a value.
function above(scores, value) {
  let low = 0;
  let high = scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle] > value) high = middle;
    else low = middle + 1;
  }
  return scores.length - low;
}

const part = ({ edges }, value) => (value - edges[0]) / (edges.at(-1) - edges[0]);

function paintBars(room) {
  const { data, bars } = room;
  bars.replaceChildren();
  const shares = ["good", "defective", "held"].map((kind) => {
    const total = Math.max(data[kind].length, 1);
    return data.counts[kind].map((count) => count / total);
  });
  const tallest = Math.max(...shares.flat(), 1e-9);
  room.unit.textContent = filled(data.labels.unit, { tallest: (100 * tallest).toFixed(0) });
  ["good", "defective", "held"].forEach((kind, at) => {
    shares[at].forEach((share, bin) => {
      const count = data.counts[kind][bin];
      if (!count) return;
      const ends = [data.edges[bin], data.edges[bin + 1]];
      const bar = made(kind === "held" ? "span" : "button", bars, `bar ${kind}`);
      bar.style.left = `${100 * part(data, ends[0])}%`;
      bar.style.width = `${100 * (part(data, ends[1]) - part(data, ends[0]))}%`;
      bar.style.height = `${(100 * share) / tallest}%`;
      const values = { kind: data.labels[kind], count, low: short(ends[0]), high: short(ends[1]) };
      bar.title = filled(data.labels.bar, values);
      if (kind === "held") return;
      bar.type = "button";
      bar.tabIndex = -1; // the table below opens the same pictures
      bar.setAttribute("aria-label", bar.title);
      bar.onclick = () => room.send("open", [...ends.map(String), kind, "score"]);
    });
  });
}

function paintLines(room) {
  const { data, lines, zone } = room;
  room.handles.forEach((handle, at) => {
    handle.hidden = at === 0 && !zone;
    handle.style.left = `${100 * within(part(data, lines[at]), 0, 1)}%`;
    [handle.ariaValueMin, handle.ariaValueMax] = [data.edges[0], data.edges.at(-1)];
    handle.setAttribute("aria-valuenow", lines[at]);
    handle.setAttribute("aria-valuetext", short(lines[at]));
    const name = data.labels[zone ? ["review", "reject"][at] : "one"];
    handle.setAttribute("aria-label", name);
    handle.firstChild.textContent = `${name} ${short(lines[at])}`;
    handle.classList.toggle("flipped", part(data, lines[at]) > 0.6);
  });
  room.area.style.left = `${100 * within(part(data, lines[0]), 0, 1)}%`;
  room.area.style.right = `${100 - 100 * within(part(data, lines[1]), 0, 1)}%`;
  room.toggle.setAttribute("aria-pressed", String(zone));
  paintCounts(room, zone);
}

function paintCounts(room, zone) {
  const { data, lines } = room;
  const columns = zone ? ["passed", "byHand", "rejected"] : ["passed", "rejected"];
  const limits = [-Infinity, ...lines.slice(zone ? 0 : 1), Infinity];
  room.table.replaceChildren();
  const head = made("tr", made("thead", room.table));
  for (const name of ["", ...columns]) made("th", head, "", data.labels[name] ?? "").scope = "col";
  const body = made("tbody", room.table);
  for (const kind of ["good", "defective"]) {
    const row = made("tr", body);
    made("th", row, "", data.labels[kind]).scope = "row";
    columns.forEach((column, at) => {
      const count = above(data[kind], limits[at]) - above(data[kind], limits[at + 1]);
      const button = made("button", made("td", row, `${kind} ${column}`), "", String(count));
      button.type = "button";
      button.disabled = !count;
      button.setAttribute("aria-label", `${data.labels[kind]}, ${data.labels[column]}: ${count}`);
      const ends = [limits[at], limits[at + 1]].map(String);
      button.onclick = () => room.send("open", [...ends, kind, "within"]);
    });
  }
  const all = data.good.length + data.defective.length;
  const [share, low, high] = data.promised[above(data.held, lines[0])];
  const toReview = ["good", "defective"].reduce(
    (sum, kind) => sum + above(data[kind], lines[0]) - above(data[kind], lines[1]),
    0,
  );
  const values = {
    missed: data.defective.length - above(data.defective, lines[0]),
    defective: data.defective.length,
    alarms: above(data.good, lines[1]),
    good: data.good.length,
    review: all ? ((100 * toReview) / all).toFixed(1) : "0",
    ...{ share, low, high, count: data.held.length },
  };
  room.said.replaceChildren();
  made("p", room.said, "", filled(data.labels[zone ? "sumZone" : "sum"], values));
  made("p", room.said, "", filled(data.labels.promise, values));
}

function move(room, at, value) {
  const { edges } = room.data;
  const [low, high] = room.lines;
  const to = within(value, edges[0], edges.at(-1));
  if (!room.zone) room.lines = [to, to];
  else room.lines = at === 0 ? [Math.min(to, high), high] : [low, Math.max(to, low)];
  paintLines(room);
}

function furnish(room, parent) {
  room.root = parent.querySelector(".score-lines");
  room.root.replaceChildren();
  const plot = made("div", room.root, "plot");
  room.area = made("div", plot, "zone");
  room.bars = made("div", plot, "bars");
  room.axis = made("div", room.root, "axis");
  room.unit = made("p", room.root, "unit");
  room.legend = made("p", room.root, "legend");
  room.toggle = made("button", room.root, "toggle");
  room.toggle.type = "button";
  room.toggle.onclick = () => {
    const [low, high] = room.lines;
    const top = room.data.edges[room.data.edges.length - 1];
    room.zone = !room.zone;
    room.lines = room.zone ? [low, low + (top - low) / 4] : [high, high];
    paintLines(room);
    room.send("lines", room.lines);
  };
  room.table = made("table", room.root);
  room.said = made("div", room.root, "said");
  room.said.setAttribute("aria-live", "polite");
  room.handles = [0, 1].map((at) => {
    const handle = made("div", plot, "handle");
    made("span", handle, "name");
    handle.tabIndex = 0;
    handle.setAttribute("role", "slider");
    handle.onpointerdown = (event) => {
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
    };
    handle.onpointermove = (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = plot.getBoundingClientRect();
      const { edges } = room.data;
      const across = (event.clientX - box.left) / box.width;
      move(room, at, edges[0] + across * (edges.at(-1) - edges[0]));
    };
    handle.onlostpointercapture = () => room.send("lines", room.lines);
    handle.onkeydown = (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const { edges } = room.data;
      move(room, at, room.lines[at] + (by * (edges.at(-1) - edges[0])) / STEPS);
      clearTimeout(room.telling);
      room.telling = setTimeout(() => room.send("lines", room.lines), 400);
    };
    return handle;
  });
}

export default function ({ data, parentElement, setTriggerValue }) {
  let room = rooms.get(parentElement);
  if (!room?.root?.isConnected) {
    room = {};
    furnish(room, parentElement);
    rooms.set(parentElement, room);
  }
  room.send = setTriggerValue;
  if (String(room.data?.lines) !== String(data.lines)) {
    room.lines = data.lines;
    room.zone = data.lines[0] < data.lines[1];
  }
  room.data = data;
  room.toggle.textContent = data.labels.zone;
  room.legend.replaceChildren();
  for (const kind of ["good", "defective", "held"]) {
    made("span", room.legend, kind, `${data.labels[kind]} (${data[kind].length})`);
  }
  room.axis.replaceChildren();
  for (const tick of data.ticks) {
    made("span", room.axis, "", short(tick)).style.left = `${100 * part(data, tick)}%`;
  }
  paintBars(room);
  paintLines(room);
}
