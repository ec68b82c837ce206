// What several components need; it stands before each of them.

const within = (value, least, most) => Math.min(Math.max(value, least), most);

function made(name, parent, className = "", text = "") {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  parent.append(node);
  return node;
}

