// Strokes are kept here while the page reruns; Python gets a copy after each one.
const rooms = new WeakMap();

const rounded = (value) => Math.round(value * 10) / 10;

function paint(room) {
  const { canvas, picture, strokes, drawing } = room;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (picture.complete && picture.naturalWidth) context.drawImage(picture, 0, 0);
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of drawing ? [...strokes, drawing] : strokes) {
    const [first, ...rest] = stroke.points;
    context.strokeStyle = stroke.colour;
    context.lineWidth = stroke.width;
    context.beginPath();
    context.moveTo(...first);
    if (!rest.length) context.lineTo(...first);
    for (const point of rest) context.lineTo(...point);
    context.stroke();
  }
  room.undo.disabled = room.clear.disabled = !strokes.length;
}

function changed(room, strokes) {
  room.strokes = strokes;
  paint(room);
  room.send(strokes);
}

function pointAt(room, event) {
  const { canvas } = room;
  const box = canvas.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * canvas.width;
  const y = ((event.clientY - box.top) / box.height) * canvas.height;
  return [rounded(within(x, 0, canvas.width)), rounded(within(y, 0, canvas.height))];
}

function furnish(room, parent) {
  room.canvas = parent.querySelector("canvas");
  room.width = parent.querySelector(".width input");
  room.colour = parent.querySelector(".colour input");
  room.undo = parent.querySelector(".undo");
  room.clear = parent.querySelector(".clear");
  const { canvas } = room;

  canvas.onpointerdown = (event) => {
    if (room.drawing || event.button !== 0 || room.strokes.length >= room.limits.strokes) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    room.pointer = event.pointerId;
    room.drawing = {
      points: [pointAt(room, event)],
      width: Number(room.width.value),
      colour: room.colour.value.toLowerCase(),
    };
    paint(room);
  };
  canvas.onpointermove = (event) => {
    if (!room.drawing || event.pointerId !== room.pointer) return;
    const { points } = room.drawing;
    const [x, y] = pointAt(room, event);
    const [lastX, lastY] = points[points.length - 1];
    if (points.length >= room.limits.points || Math.hypot(x - lastX, y - lastY) < 1) return;
    points.push([x, y]);
    paint(room);
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => {
    if (!room.drawing || event.pointerId !== room.pointer) return;
    const done = room.drawing;
    room.drawing = null;
    changed(room, [...room.strokes, done]);
  };
  room.undo.onclick = () => changed(room, room.strokes.slice(0, -1));
  room.clear.onclick = () => changed(room, []);
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  let room = rooms.get(parentElement);
  if (!room || !parentElement.contains(room.canvas)) {
    room = { strokes: [], drawing: null, picture: new Image() };
    room.limits = data.limits;
    furnish(room, parentElement);
    room.width.min = data.limits.least;
    room.width.max = data.limits.most;
    room.width.value = data.start.width;
    room.colour.value = data.start.colour;
    room.picture.onload = () => paint(room);
    rooms.set(parentElement, room);
  }
  room.send = (strokes) => setStateValue("strokes", strokes);
  const { labels } = data;
  room.canvas.setAttribute("aria-label", labels.canvas);
  parentElement.querySelector(".width span").textContent = labels.width;
  parentElement.querySelector(".colour span").textContent = labels.colour;
  room.undo.textContent = labels.undo;
  room.clear.textContent = labels.clear;
  if (room.picture.src !== data.picture) {
    room.canvas.width = data.width;
    room.canvas.height = data.height;
    room.picture.src = data.picture;
  }
  paint(room);
}
