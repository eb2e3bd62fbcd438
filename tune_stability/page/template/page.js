"use strict";
const { studies, reloadSeconds } = JSON.parse(document.getElementById("study-data").textContent);
const pictures = JSON.parse(document.getElementById("picture-data").textContent);
const root = document.documentElement;
const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// The first wins; what only the second has is added.
function merged(first, second) {
  const both = { ...second, ...first };
  for (const key of Object.keys(second))
    if (isObject(first[key]) && isObject(second[key])) both[key] = merged(first[key], second[key]);
  return both;
}

function themed(layout) {
  const axis = { gridcolor: css("--line"), linecolor: css("--line"), zerolinecolor: css("--line"), automargin: true };
  const common = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: css("--ink"), family: getComputedStyle(document.body).fontFamily, size: 13 },
    margin: { l: 60, r: 20, t: 24, b: 50 },
    hoverlabel: { font: { size: 13 } },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    xaxis: axis,
    yaxis: axis,
    dragmode: false,
  };
  for (const key of Object.keys(layout)) if (/^[xy]axis\d+$/.test(key)) common[key] = axis;
  return merged(layout, common);
}

function draw(place, width) {
  const { data, layout } = pictures[Number(place.dataset.picture)];
  const options = { displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
  // Plotly keeps what it is given and writes into it, so it gets copies.
  Plotly.react(place, structuredClone(data), { ...themed(structuredClone(layout)), width }, options);
  const isNew = !place.dataset.drawn;
  place.dataset.drawn = root.dataset.theme;
  const study = studies[Number(place.closest("[data-study]").dataset.study)];
  if (isNew) place.on("plotly_click", (event) => show(study, event.points[0].customdata));
}

// A picture is drawn when it comes near the screen, so that the first screen is there at once.
const near = new IntersectionObserver(
  // Each in a task of its own, so that the first is seen before the next is drawn.
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => setTimeout(() => drawOnce(entry.target))),
  { rootMargin: "300px" },
);
function drawOnce(place) {
  if (place.dataset.drawn !== root.dataset.theme) draw(place);
}
const isShown = (place) => place.offsetParent !== null;
const places = [...document.querySelectorAll(".picture")];
places.forEach((place) => near.observe(place));
// One that is shown again may have been drawn for a window of another width.
const sized = new ResizeObserver((entries) =>
  entries.map((entry) => entry.target).filter((place) => place.dataset.drawn && isShown(place)).forEach((place) => Plotly.Plots.resize(place)),
);
places.forEach((place) => sized.observe(place));

function setRule(rule) {
  for (const part of document.querySelectorAll("[data-rule]")) part.hidden = part.dataset.rule !== rule;
}
const rules = document.getElementById("rules");
rules.addEventListener("change", (event) => setRule(event.target.value));

document.addEventListener("change", (event) => {
  const options = event.target.matches(".choice select") ? event.target.closest(".choice").querySelectorAll(":scope > .option") : [];
  options.forEach((option, place) => (option.hidden = place !== event.target.selectedIndex));
});

function setTheme(theme) {
  root.dataset.theme = theme;
  // Hidden ones follow when they are shown.
  places.filter((place) => place.dataset.drawn && isShown(place)).forEach(drawOnce);
}
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
setTheme(prefersDark.matches ? "dark" : "light");
prefersDark.addEventListener("change", () => setTheme(prefersDark.matches ? "dark" : "light"));
document.getElementById("theme").addEventListener("click", () => setTheme(root.dataset.theme === "dark" ? "light" : "dark"));

// Paper is light, and 680 pixels are its width between margins.
let onScreen;
addEventListener("beforeprint", () => {
  onScreen = root.dataset.theme;
  root.dataset.theme = "light";
  places.filter(isShown).forEach((place) => draw(place, Math.min(place.clientWidth, 680)));
});
addEventListener("afterprint", () => {
  root.dataset.theme = onScreen;
  for (const place of places.filter(isShown)) {
    draw(place);
    Plotly.Plots.resize(place);
  }
});

// What was clicked is a trial's id, or recipe|source|config_index of an arm's configuration.
function rowsOf(study, key) {
  const columns = study.trials.columns;
  const all = columns.trial_id.map((_, row) => row);
  if (!key.includes("|")) return all.filter((row) => columns.trial_id[row] === key);
  // The name of a recipe may have a bar itself.
  const [, recipe, source, index] = key.match(/^([^]*)\|([^|]*)\|([^|]*)$/);
  return all.filter(
    (row) => columns.recipe[row] === recipe && columns.source[row] === source && String(columns.config_index[row]) === index,
  );
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// The same from a table, for who has no mouse.
document.addEventListener("click", (event) => {
  const place = event.target.closest("[data-key]");
  if (place) show(studies[Number(place.closest("[data-study]").dataset.study)], place.dataset.key);
});

function show(study, key) {
  if (typeof key !== "string") return;
  const rows = rowsOf(study, key);
  const body = document.getElementById("trial-rows");
  const { trial_id, ...others } = study.trials.columns;
  document.getElementById("trial-title").textContent = rows.length === 1 ? `Trial ${trial_id[rows[0]]}` : `${rows.length} trials`;
  body.replaceChildren();
  if (rows.length === 0) body.append(element("p", `This page of a large study does not carry these rows: load_results(${JSON.stringify(study.place)}) has them (${key}).`));
  else {
    const table = element("table");
    for (const [name, values] of [["trial_id", trial_id], ...Object.entries(others)]) {
      if (rows.every((row) => values[row] === null)) continue;
      const line = element("tr");
      line.append(element("th", name.replaceAll("_", " "), { scope: "row" }), ...rows.map((row) => element("td", values[row] ?? "–")));
      table.append(line);
    }
    const scroll = element("div", undefined, { class: "scroll", tabindex: "0" });
    scroll.append(table);
    body.append(scroll, ...rows.map((row) => command(study.commands[trial_id[row]])));
  }
  document.getElementById("trial").showModal();
}

function command(text) {
  const line = element("p", undefined, { class: "command" });
  const copy = element("button", "Copy", { type: "button" });
  copy.addEventListener("click", () => {
    navigator.clipboard.writeText(text).then(() => (copy.textContent = "Copied"));
  });
  line.append(element("code", text), copy);
  return line;
}

// The page of a running study opens itself anew, where and as it was.
if (reloadSeconds > 0) {
  const kept = JSON.parse(sessionStorage.getItem("tune_stability") ?? "null");
  if (kept) {
    const chosen = rules.querySelector(`input[value="${CSS.escape(kept.rule)}"]`);
    if (chosen) chosen.checked = true;
    if (chosen) setRule(kept.rule);
    setTheme(kept.theme);
    scrollTo(0, kept.top);
  }
  setInterval(() => {
    if (document.getElementById("trial").open) return;
    const rule = rules.querySelector("input:checked").value;
    sessionStorage.setItem("tune_stability", JSON.stringify({ rule, theme: root.dataset.theme, top: scrollY }));
    location.reload();
  }, 1000 * reloadSeconds);
}
