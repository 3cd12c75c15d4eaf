// The cell of a confusion matrix under the mouse or the finger, or that the arrow keys reach, by name.
for (const svg of document.querySelectorAll("svg.cells")) {
  const section = svg.closest("section"), said = section.querySelector("output"), mark = svg.querySelector(".mark");
  const side = Number(svg.dataset.side);
  const rows = [...section.querySelectorAll(".rows title")].map(title => title.textContent);
  const cells = Object.fromEntries([...svg.querySelectorAll("[data-at]")].map(cell => [cell.dataset.at, cell]));
  let at = [0, 0];
  const show = (row, column) => {
    if (row < 0 || column < 0 || row >= rows.length || column >= rows.length) return;
    at = [row, column];
    const cell = cells[`${row},${column}`];
    said.textContent = cell ? cell.querySelector("title").textContent : `\u2068${rows[row]}\u2069 \u2192 \u2068${rows[column]}\u2069: 0`;
    mark.setAttribute("x", column * side);
    mark.setAttribute("y", row * side);
    mark.removeAttribute("visibility");
  };
  const point = event => {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    show(Math.floor(place.y / side), Math.floor(place.x / side));
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("keydown", event => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (step) { event.preventDefault(); show(at[0] + step[0], at[1] + step[1]); }
  });
}

// Moving clips stop where a reader has asked for less motion, and by a button: each then shows its first frame.
const stop = document.querySelector(".stop"), clips = [...document.querySelectorAll("img.clip")];
if (stop) {
  let stopped = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const freeze = clip => {
    if (!stopped || clip.dataset.moving || !clip.naturalWidth) return;
    const still = document.createElement("canvas");
    still.width = clip.naturalWidth;
    still.height = clip.naturalHeight;
    still.getContext("2d").drawImage(clip, 0, 0);
    clip.dataset.moving = clip.src;
    clip.src = still.toDataURL();
  };
  const apply = () => {
    stop.textContent = stopped ? "Let the clips move" : "Stop the clips";
    for (const clip of clips) {
      if (stopped) freeze(clip);
      else if (clip.dataset.moving) { clip.src = clip.dataset.moving; delete clip.dataset.moving; }
    }
  };
  for (const clip of clips) clip.addEventListener("load", () => freeze(clip));
  stop.addEventListener("click", () => { stopped = !stopped; apply(); });
  stop.hidden = false;
  apply();
}

// What is folded away is printed, too.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(each => { each.open = true; }));
