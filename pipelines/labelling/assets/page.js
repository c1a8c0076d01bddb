// The page's own behaviour: keys, judging without a reload, and parts that come when they are ready.
// The server draws everything: what comes back replaces the elements with the same ids.
"use strict";

const byId = (id) => document.getElementById(id);
const STILL_WRITING = "input:not([type=checkbox]), textarea, select";
let sending = false; // a judgement is on its way
let waiting = null; // the judgement that another window's word stood against
let timer = 0;
let viewTimer = 0;

async function ask(address, body) {
  const options = { headers: { "Firmscope-Part": "1" }, credentials: "same-origin" };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(address, options);
  return { status: answer.status, text: await answer.text() };
}

function put(html) {
  const came = new DOMParser().parseFromString(html, "text/html");
  for (const fresh of [...came.body.children]) {
    const held = fresh.id && byId(fresh.id);
    if (held) {
      held.replaceWith(document.adoptNode(fresh));
    }
  }
}

function warn(text) {
  byId("alert").replaceChildren();
  if (text) {
    const line = document.createElement("p");
    line.className = "caution";
    line.textContent = text;
    byId("alert").append(line);
  }
}

function tell(text) {
  byId("said").textContent = text;
}

async function load(id, address) {
  const part = byId(id);
  const from = address || (part && part.dataset.src);
  if (!part || !from) return;
  const came = await ask(from).catch(() => null);
  if (came && came.status === 200 && byId(id)) {
    put(came.text);
    const again = byId(id).dataset.again;
    if (again) setTimeout(() => load(id), Number(again));
  }
}

function sectorQuery() {
  const form = byId("judge");
  return form ? `sector=${encodeURIComponent(form.dataset.sector)}&mode=${encodeURIComponent(form.dataset.mode)}` : "";
}

function refreshPanels() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    load("progress", `/progress?${sectorQuery()}`);
    if (byId("members-panel")?.open) load("members", `/members?${sectorQuery()}`);
  }, 150);
}

function arrived(remember) {
  const firm = byId("firm");
  if (!firm) return;
  const here = location.pathname + location.search;
  if (remember && firm.dataset.address && firm.dataset.address !== here) history.pushState(null, "", firm.dataset.address);
  const name = byId("firm-name");
  document.title = `${name.textContent} - firmscope`;
  scrollTo(0, 0);
  document.querySelector(".side")?.scrollTo(0, 0);
  name.focus({ preventScroll: true });
  clearTimeout(viewTimer);
  viewTimer = setTimeout(() => load("view"), 350); // not for firms that are judged at once
  if (firm.dataset.again) setTimeout(() => go(location.pathname + location.search, false), Number(firm.dataset.again));
}

async function go(address, remember) {
  const came = await ask(address).catch(() => null);
  if (!came || came.status !== 200) {
    warn(came ? came.text : "The page's server does not answer. Is it still running?");
    return;
  }
  warn("");
  put(came.text);
  arrived(remember);
}

async function send(address, body, said) {
  if (sending) return;
  sending = true;
  document.body.classList.add("sending");
  try {
    const came = await ask(address, body);
    if (came.status === 200) {
      warn("");
      put(came.text);
      arrived(true);
      tell(`${said} Now: ${byId("firm-name").textContent}`);
      refreshPanels();
    } else if (came.status === 409) {
      waiting = body;
      put(came.text);
      byId("clash").showModal();
    } else {
      warn(came.text);
    }
  } catch {
    warn("No answer came. Nothing is lost: press the key again, a judgement that did arrive is not written twice.");
  } finally {
    sending = false;
    document.body.classList.remove("sending");
  }
}

function judge(label, stay) {
  const form = byId("judge");
  if (!form || !form.dataset.firm) return;
  const chosen = [...form.querySelectorAll("input[name=sector]:checked")];
  if (!chosen.length) {
    warn("No sector is ticked: tick one with its number key.");
    return;
  }
  const body = {
    click: form.dataset.click,
    firm: form.dataset.firm,
    sector: form.dataset.sector,
    mode: form.dataset.mode,
    why: form.dataset.why,
    digest: form.dataset.digest,
    note: byId("note").value,
    labels: Object.fromEntries(chosen.map((box) => [box.value, label])),
    seen: Object.fromEntries(chosen.map((box) => [box.value, box.dataset.seen])),
    stay,
  };
  send("/judge", body, `Said: ${label}.`);
}

function move(action) {
  const { click, firm, sector, mode } = byId("judge").dataset;
  if (action === "undo") send("/undo", { click, sector, mode }, "Taken back.");
  else send("/skip", { firm, sector, mode }, "Passed over.");
}

async function show(address) {
  await load("results", address);
  const results = byId("results");
  if (results.firstElementChild) {
    results.hidden = false;
    scrollTo(0, 0);
    (results.querySelector(".hits a") || results.querySelector("button")).focus();
  }
}

function insist() {
  const body = structuredClone(waiting);
  for (const row of document.querySelectorAll("#clash tr[data-sector]")) body.seen[row.dataset.sector] = row.dataset.held;
  byId("clash").close();
  send("/judge", body, "Said instead.");
}

const KEYS = {
  i: () => judge("include", false),
  x: () => judge("exclude", false),
  u: () => judge("unsure", false),
  I: () => judge("include", true),
  X: () => judge("exclude", true),
  U: () => judge("unsure", true),
  z: () => move("undo"),
  n: () => move("next"),
  m: () => byId("note")?.focus(),
  s: () => byId("similar")?.click(),
  "/": () => byId("words")?.focus(),
  "?": () => byId("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  const writing = event.target.closest?.(STILL_WRITING);
  if (event.key === "Escape" && (writing || !byId("results").hidden)) {
    byId("results").hidden = true;
    byId("firm-name")?.focus();
    return;
  }
  if (writing || !byId("judge")) return;
  const box = document.querySelector(`#judge input[data-key="${CSS.escape(event.key)}"]`);
  const action = box ? () => box.click() : !event.repeat && Object.hasOwn(KEYS, event.key) && KEYS[event.key];
  if (action) {
    event.preventDefault();
    action();
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button, a[data-swap]");
  if (!button) return;
  if (button.matches("a[data-swap]")) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    byId("results").hidden = true;
    go(button.getAttribute("href"), true);
  } else if (button.dataset.label) judge(button.dataset.label, event.shiftKey);
  else if (button.dataset.do === "keep") {
    byId("clash").close();
    go(location.pathname + location.search, false);
  } else if (button.dataset.do === "insist") insist();
  else if (button.dataset.do) move(button.dataset.do);
  else if (button.id === "similar") show(button.dataset.src);
  else if (button.id === "close-results") byId("results").hidden = true;
  else if (button.id === "open-help") byId("help").showModal();
  else if (button.id === "close-help") byId("help").close();
  else if (button.id === "change-coder") location.assign("/who");
  else if (button.id === "retrain") {
    ask("/retrain", { sector: byId("judge").dataset.sector }).then((came) => {
      if (came.status === 200) load("retraining", `/retraining?${sectorQuery()}`);
      else warn(came.text);
    });
  }
});

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (event.target.id === "search") {
    show(`/search?${new URLSearchParams(new FormData(event.target))}`);
  } else if (event.target.id === "who") {
    const came = await ask("/coder", { name: byId("name").value });
    if (came.status === 200) location.assign("/");
    else warn(came.text);
  }
});

function choose() {
  const query = new URLSearchParams({ sector: byId("sector").value, mode: byId("mode").value });
  location.assign(`/?${query}`);
}

document.addEventListener("change", (event) => {
  if (event.target.matches("#sector, #mode")) choose();
});

document.addEventListener("toggle", (event) => {
  if (!event.target.open) return;
  if (event.target.id === "members-panel") load("members", `/members?${sectorQuery()}`);
  if (event.target.id === "retrain-panel") load("retraining", `/retraining?${sectorQuery()}`);
}, true);

addEventListener("popstate", () => go(location.pathname + location.search, false));

const judging = byId("judge")?.dataset;
if (judging && (judging.sector !== byId("sector").value || judging.mode !== byId("mode").value)) {
  choose(); // chosen before this script was there
} else if (byId("firm")) {
  history.replaceState(null, "", byId("firm").dataset.address || location.href);
  arrived(false);
  load("progress");
}
