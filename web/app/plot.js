// Lines in SVG. Axes are said in words, in the place where they hold.

const NS = "http://www.w3.org/2000/svg";

function make(name, attributes, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/**
 * Draws lines. `lines` are lists of [x, y], the last of them the present one; `rules` are horizontal lines `{y, text}`.
 * @param {HTMLElement} host
 */
export function plot(host, { lines, x: [x0, x1], y: [y0, y1], rules = [], label, mark }) {
  const width = host.clientWidth || 420;
  const height = host.firstElementChild?.clientHeight || 112;
  const [top, bottom] = [8, 20];
  const px = (x) => ((x - x0) / (x1 - x0 || 1)) * (width - 12) + 6;
  const py = (y) => top + (1 - (y - y0) / (y1 - y0 || 1)) * (height - top - bottom);
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  for (const { y, text } of rules) {
    svg.append(make("line", { class: "axis", x1: 0, x2: width, y1: py(y), y2: py(y) }));
    if (text) svg.append(make("text", { x: width, y: py(y) - 5, "text-anchor": "end" }, text));
  }
  lines.forEach((points, i) => {
    const last = i === lines.length - 1;
    if (!points.length) return;
    const path = points.map(([x, y], at) => `${at ? "L" : "M"}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join("");
    svg.append(make("path", { class: last ? "line" : "line old", d: path }));
  });
  const at = mark ?? lines.at(-1)?.at(-1);
  if (at) svg.append(make("circle", { class: "dot", cx: px(at[0]), cy: py(at[1]), r: 5 }));
  host.replaceChildren(svg);
}
