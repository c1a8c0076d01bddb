"use strict";
(() => {
  const table = document.getElementById("glance");
  const controls = document.getElementById("controls");
  const find = document.getElementById("find");
  const tier = document.getElementById("tier");
  const said = document.getElementById("said");
  const bodies = [...table.tBodies];
  const clusters = (body) => [...body.rows].filter((row) => !row.classList.contains("tier"));
  const all = bodies.flatMap(clusters).length;

  const filter = () => {
    const wanted = find.value.trim().toLowerCase();
    let shown = 0;
    for (const body of bodies) {
      let here = 0;
      for (const row of clusters(body)) {
        row.hidden = !row.dataset.name.includes(wanted);
        here += !row.hidden;
      }
      body.hidden = !here || (tier.value !== "" && body.dataset.tier !== tier.value);
      shown += body.hidden ? 0 : here;
    }
    said.textContent = shown === all ? "" : `${shown} of ${all} clusters`;
  };

  const order = (column, kind, up) => {
    const value = (row) => row.cells[column].dataset.value;
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      const found = kind === "number" ? Number(x) - Number(y) : x.localeCompare(y);
      return up ? found : -found;
    };
    for (const body of bodies) body.append(...clusters(body).sort(compare));
  };

  for (const head of table.tHead.rows[0].cells) {
    const kind = head.dataset.sort;
    if (!kind) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const up = now ? now === "descending" : kind === "text";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      order(head.cellIndex, kind, up);
      const how = kind === "text" ? (up ? "A to Z" : "Z to A") : up ? "smallest first" : "largest first";
      said.textContent = `Each tier by ${button.textContent.trim().toLowerCase()}, ${how}`;
    });
  }
  find.addEventListener("input", filter);
  tier.addEventListener("change", filter);
  table.classList.add("sortable");
  controls.hidden = false;
})();
