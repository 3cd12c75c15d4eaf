// The cell of a confusion matrix under the mouse or the finger, or that the arrow keys reach, by name.
for (const svg of document.querySelectorAll("svg.matrix")) {
  const said = svg.closest("section").querySelector("output"), mark = svg.querySelector(".mark");
  const [left, top, side] = svg.dataset.grid.split(" ").map(Number);
  const rows = [...svg.querySelectorAll("text.row title")].map(title => title.textContent);
  const cells = Object.fromEntries([...svg.querySelectorAll("[data-at]")].map(cell => [cell.dataset.at, cell]));
  let at = [0, 0];
  const show = (row, column) => {
    if (row < 0 || column < 0 || row >= rows.length || column >= rows.length) return;
    at = [row, column];
    const cell = cells[`${row},${column}`];
    said.textContent = cell ? cell.querySelector("title").textContent : `\u2068${rows[row]}\u2069 \u2192 \u2068${rows[column]}\u2069: 0`;
    mark.setAttribute("x", left + column * side);
    mark.setAttribute("y", top + row * side);
    mark.removeAttribute("visibility");
  };
  const point = event => {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    show(Math.floor((place.y - top) / side), Math.floor((place.x - left) / side));
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("keydown", event => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (step) { event.preventDefault(); show(at[0] + step[0], at[1] + step[1]); }
  });
}
