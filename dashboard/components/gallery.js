// A grid of picture buttons. Names come from disk, so they are only ever set as text.

const PARTS = ["thumbnail", "mark", "label", "score"];

function newTile(name) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.name = name;
  for (const part of PARTS) {
    const span = document.createElement("span");
    span.className = part;
    button.append(span);
  }
  return button;
}

function fill(button, tile) {
  const [thumbnail, mark, label, score] = button.children;
  button.className = tile.defective ? "defective" : "good";
  button.setAttribute("aria-label", tile.about);
  button.title = tile.name;
  mark.textContent = tile.mark;
  label.textContent = tile.label;
  score.textContent = tile.score;
  if (button.dataset.picture === tile.picture) return;
  button.dataset.picture = tile.picture;
  thumbnail.replaceChildren();
  if (tile.picture) {
    const picture = document.createElement("img");
    picture.src = tile.picture;
    picture.alt = "";
    picture.draggable = false;
    thumbnail.append(picture);
  }
}

function choose(gallery, name) {
  for (const button of gallery.children) {
    const chosen = button.dataset.name === name;
    button.setAttribute("aria-current", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  }
  if (gallery.children.length && !gallery.querySelector('[tabindex="0"]')) {
    gallery.children[0].tabIndex = 0;
  }
}

function bringIntoView(gallery, button) {
  if (!button) return;
  const box = gallery.getBoundingClientRect();
  const tile = button.getBoundingClientRect();
  if (tile.top < box.top) gallery.scrollTop += tile.top - box.top - 8;
  if (tile.bottom > box.bottom) gallery.scrollTop += tile.bottom - box.bottom + 8;
}

function moveFocus(gallery, event) {
  const tiles = [...gallery.children];
  const at = tiles.findIndex((tile) => tile === event.target.closest("button"));
  if (at < 0) return;
  const perRow = tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
  const goal = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at - perRow,
    ArrowDown: at + perRow,
    Home: 0,
    End: tiles.length - 1,
  }[event.key];
  if (goal === undefined) return;
  event.preventDefault();
  if (!tiles[goal]) return;
  tiles[at].tabIndex = -1;
  tiles[goal].tabIndex = 0;
  tiles[goal].focus({ preventScroll: true });
  bringIntoView(gallery, tiles[goal]);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const gallery = parentElement.querySelector(".gallery");
  const known = new Map([...gallery.children].map((tile) => [tile.dataset.name, tile]));
  const tiles = data.tiles.map((tile) => {
    const button = known.get(tile.name) ?? newTile(tile.name);
    fill(button, tile);
    return button;
  });
  const sameOrder =
    tiles.length === gallery.children.length &&
    tiles.every((tile, at) => tile === gallery.children[at]);
  if (!sameOrder) gallery.replaceChildren(...tiles);
  gallery.setAttribute("aria-label", data.label);
  gallery.style.setProperty("--aspect", String(data.aspect));

  const mark = () => {
    const name = document.documentElement.dataset.sample; // as the viewer shows it
    choose(gallery, name);
    bringIntoView(gallery, gallery.querySelector('[aria-current="true"]'));
  };
  requestAnimationFrame(mark);
  const alone = new AbortController();
  document.addEventListener("sample-shown", mark, { signal: alone.signal });
  gallery.onkeydown = (event) => moveFocus(gallery, event);
  gallery.onclick = (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (event.detail) button.blur(); // clicked, not by key: arrows step in the viewer again
    choose(gallery, button.dataset.name);
    setTriggerValue("picked", button.dataset.name);
  };
  return () => alone.abort();
}
