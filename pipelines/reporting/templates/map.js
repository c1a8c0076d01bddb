// The map of hexagons: figures beside it, the arrow keys, and coming nearer. Without this script it still is a map.
"use strict";
for (const map of document.querySelectorAll(".hexmap")) {
  const svg = map.querySelector(".map-svg");
  if (!svg) continue;
  const picture = map.querySelector(".map-picture"), says = map.querySelector(".map-says");
  const group = svg.querySelector(".map-cells"), cells = [...group.children];
  const [, , WIDTH, HEIGHT] = svg.getAttribute("viewBox").split(" ").map(Number);
  const MOST = 24, STEP = 2;
  let view = { x: 0, y: 0, size: 1 }, here = null, middles = null;

  map.querySelector(".map-live").hidden = false;
  svg.setAttribute("role", "group");
  group.setAttribute("role", "listbox");
  group.setAttribute("aria-label", "Hexagons; arrow keys go to the next one, Escape leaves");
  for (const cell of cells) {
    cell.setAttribute("role", "option");
    cell.setAttribute("tabindex", "-1");
    cell.setAttribute("aria-selected", "false");
  }
  cells.at(-1).setAttribute("tabindex", "0");

  const label = (cell) => cell.querySelector("title").textContent;
  const middle = (cell) => {
    middles ??= new Map(cells.map((each) => {
      const box = each.getBBox();
      return [each, [box.x + box.width / 2, box.y + box.height / 2]];
    }));
    return middles.get(cell);
  };
  // A cell that has the focus is read out by its name: the text beside the map is read out only for the pointer.
  const show = (cell, live) => {
    says.setAttribute("aria-live", live);
    here?.classList.remove("here");
    here = cell;
    cell.classList.add("here");
    says.textContent = label(cell);
  };

  const look = (x, y, size) => {
    size = Math.min(1, Math.max(1 / MOST, size));
    const width = WIDTH * size, height = HEIGHT * size;
    view = { size, x: Math.min(WIDTH - width, Math.max(0, x)), y: Math.min(HEIGHT - height, Math.max(0, y)) };
    svg.setAttribute("viewBox", [view.x, view.y, width, height].map((number) => number.toFixed(2)).join(" "));
    map.classList.toggle("map-moved", size < 1);
  };
  const scaled = (cell) => {
    const scale = Number(/scale\(([^)]+)\)/.exec(group.getAttribute("transform"))[1]);
    return middle(cell).map((number) => number * scale);
  };
  const zoom = (times) => {
    const [x, y] = here ? scaled(here) : [view.x + WIDTH * view.size / 2, view.y + HEIGHT * view.size / 2];
    const size = Math.min(1, Math.max(1 / MOST, view.size * times));
    look(x - WIDTH * size / 2, y - HEIGHT * size / 2, size);
  };
  const keepInView = (cell) => {
    const [x, y] = scaled(cell), width = WIDTH * view.size, height = HEIGHT * view.size;
    if (x < view.x || y < view.y || x > view.x + width || y > view.y + height) look(x - width / 2, y - height / 2, view.size);
  };
  const go = (cell) => {
    for (const other of group.querySelectorAll("[tabindex='0'], [aria-selected=true]")) {
      other.setAttribute("tabindex", "-1");
      other.setAttribute("aria-selected", "false");
    }
    cell.setAttribute("tabindex", "0");
    cell.setAttribute("aria-selected", "true");
    keepInView(cell);
    cell.focus({ preventScroll: true });
  };

  // The nearest hexagon in a quarter of the compass; what lies off the axis counts as twice as far.
  const toward = (from, east, south) => {
    const [x, y] = middle(from);
    let best = null, least = Infinity;
    for (const cell of cells) {
      const [otherX, otherY] = middle(cell);
      const along = (otherX - x) * east + (otherY - y) * south;
      const across = Math.abs((otherX - x) * south) + Math.abs((otherY - y) * east);
      const far = along + 2 * across;
      if (along > 0.5 && across <= along && far < least) [best, least] = [cell, far];
    }
    return best;
  };
  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  group.addEventListener("focusin", (event) => show(event.target, "off"));
  group.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = WAYS[event.key];
    if (way) {
      const next = toward(event.target, ...way);
      if (next) go(next);
    } else if (event.key === "Home" || event.key === "End") go(cells.at(event.key === "Home" ? -1 : 0));
    else if (event.key === "+" || event.key === "=") zoom(1 / STEP);
    else if (event.key === "-") zoom(STEP);
    else if (event.key === "Escape") {
      look(0, 0, 1);
      map.querySelector("[data-map=nearer]").focus();
    } else return;
    event.preventDefault();
  });

  group.addEventListener("pointerover", (event) => {
    if (event.target.parentNode === group && !group.contains(document.activeElement)) show(event.target, "polite");
  });
  group.addEventListener("click", (event) => {
    if (event.target.parentNode === group) go(event.target);
  });
  map.querySelector(".map-buttons").addEventListener("click", (event) => {
    const what = event.target.dataset.map;
    if (what === "nearer") zoom(1 / STEP);
    else if (what === "farther") zoom(STEP);
    else if (what === "whole") look(0, 0, 1);
  });

  let held = null;
  picture.addEventListener("pointerdown", (event) => {
    if (view.size < 1 && event.button === 0) held = { x: event.clientX, y: event.clientY, view };
  });
  addEventListener("pointermove", (event) => {
    if (!held) return;
    const perPixel = 1 / svg.getScreenCTM().a;
    look(held.view.x - (event.clientX - held.x) * perPixel, held.view.y - (event.clientY - held.y) * perPixel, view.size);
  });
  addEventListener("pointerup", () => { held = null; });
  addEventListener("pointercancel", () => { held = null; });
}
