"use strict";
// Everything from the cache is put in place as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const sections = document.getElementById("sections");
const charts = [];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function time(seconds) {
  if (!(seconds > 0)) return "0 s";
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1], ["ms", 1e-3], ["µs", 1e-6]];
  const [unit, of] = units.find(([, of]) => seconds >= of) ?? ["ns", 1e-9];
  const number = seconds / of;
  return `${number >= 100 ? Math.round(number) : Number(number.toPrecision(3))} ${unit}`;
}

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit += 1) bytes /= 1024;
  return `${unit ? Number(bytes.toPrecision(3)) : bytes} ${units[unit]}`;
}

const count = (number) => number.toLocaleString("en");

// The end of a name says most of it; on a phone there is room for little.
function short(name) {
  const most = innerWidth < 640 ? 18 : 32;
  return name.length > most ? `…${name.slice(1 - most)}` : name;
}

// Decimal, for a logarithmic axis has its marks at powers of ten.
function power(bytes) {
  const units = [["GB", 1e9], ["MB", 1e6], ["kB", 1e3], ["B", 1]];
  const [unit, of] = units.find(([, of]) => bytes >= of) ?? ["B", 1];
  return `${bytes / of} ${unit}`;
}

function section(title, note) {
  const id = `s${sections.childElementCount}`;
  const made = element("section", {}, element("h2", { id, textContent: title }));
  made.setAttribute("aria-labelledby", id);
  if (note) made.append(element("p", { className: "note", textContent: note }));
  sections.append(made);
  return made;
}

// A chart, with its numbers in a table for whoever cannot see it.
function chart(into, label, configure, columns, rows) {
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${label}. The table below has the numbers.`);
  into.append(element("div", { className: "chart" }, canvas));
  const details = element("details", {}, element("summary", { textContent: "The numbers" }));
  into.append(details);
  table(details, columns, rows);
  charts.push({ canvas, configure });
}

function draw() {
  Chart.defaults.color = color("faint");
  Chart.defaults.borderColor = color("line");
  Chart.defaults.font.family = "system-ui, sans-serif";
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  for (const one of charts) {
    one.drawn?.destroy();
    one.drawn = new Chart(one.canvas, one.configure());
  }
}

// Columns: [heading, how to get the value, how to write it]; numbers are set to the right.
function table(into, columns, rows) {
  const body = element("tbody");
  const isNumber = columns.map(([, value]) => rows.some((row) => typeof value(row) === "number"));
  const fill = () => {
    body.replaceChildren(...rows.map((row) => element("tr", {}, ...columns.map(([, value, write], at) => {
      const cell = element("td", { textContent: write ? write(value(row)) : value(row) ?? "" });
      cell.className = isNumber[at] ? "number" : at === 0 ? "name" : "";
      return cell;
    }))));
  };
  const heads = columns.map(([heading, value], at) => {
    const button = element("button", { type: "button", textContent: heading });
    const head = element("th", { scope: "col", className: isNumber[at] ? "number" : "" }, button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === (isNumber[at] ? "descending" : "ascending");
      const descending = isNumber[at] ? !down : down;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
      rows.sort((one, other) => order(value(one) ?? "", value(other) ?? "") * (descending ? -1 : 1));
      fill();
    });
    return head;
  });
  const made = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
  fill();
  const box = element("div", { className: "scroll", tabIndex: 0 }, made);
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", `Table: ${columns.map(([heading]) => heading).join(", ")}`);
  into.append(box);
  return { made, body };
}

function bars(stacked, x, y, more = {}) {
  return {
    interaction: { mode: "index", axis: more.indexAxis === "y" ? "y" : "x", intersect: false },
    scales: { x: { stacked, ...x }, y: { stacked, ...y } },
    ...more,
  };
}

function head() {
  document.title = `Rememo report: ${data.dir}`;
  document.getElementById("about").textContent =
    `by the cache in ${data.dir}, as of ${data.made.replace("T", " ").replace("Z", "")}`;
  const calls = data.total.hits + data.ran;
  const figures = [
    ["Time saved", time(data.total.saved_seconds)],
    ["Hits", count(data.total.hits)],
    ["Hit rate", calls ? `${Math.floor((100 * data.total.hits) / calls)}%` : "–"],
    ["Calls that ran", count(data.ran)],
    ["Entries", count(data.entries)],
    [`Size, of ${size(data.max_bytes)}`, size(data.bytes)],
  ];
  document.getElementById("figures").append(...figures.map(([name, value]) =>
    element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: value }))));
}

function byDay() {
  const days = data.days;
  const ran = (day) => Object.values(day.misses).reduce((sum, number) => sum + number, 0);
  chart(section("Time saved, by day"), "Bars: time saved on each day", () => ({
    type: "bar",
    data: {
      labels: days.map((day) => day.day),
      datasets: [{ label: "saved", data: days.map((day) => day.saved_seconds), backgroundColor: color("saved"), maxBarThickness: 48 }],
    },
    options: bars(false, {}, { beginAtZero: true, ticks: { callback: time } }, {
      plugins: { legend: { display: false }, tooltip: { callbacks: { label: (item) => `saved ${time(item.raw)}` } } },
    }),
  }), [["Day", (day) => day.day], ["Saved", (day) => day.saved_seconds, time]], [...days]);
  const kinds = [["hits", "hit", (day) => day.hits], ["ran", "a", ran], ["evicted", "e", (day) => day.evicted]];
  chart(section("Hits, runs and evictions, by day"), "Bars: how many calls hit and ran, and how many results went for want of room", () => ({
    type: "bar",
    data: {
      labels: days.map((day) => day.day),
      datasets: kinds.map(([label, shade, value]) => ({ label, data: days.map(value), backgroundColor: color(shade), maxBarThickness: 32 })),
    },
    options: bars(false, {}, { beginAtZero: true, ticks: { precision: 0 } }),
  }), [["Day", (day) => day.day], ...kinds.map(([label, , value]) => [label, value, count])], [...days]);
}

function byReason() {
  const rows = data.functions.slice(0, 15);
  const reasons = [...new Set(data.functions.flatMap((row) => Object.keys(row.misses)))].sort();
  const shades = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const into = section("Hits, and why calls ran, by function", "The functions that saved most; all of them are in the table.");
  chart(into, "Bars: hits of each function, and its runs by their reasons", () => ({
    type: "bar",
    data: {
      labels: rows.map((row) => short(row.function)),
      datasets: [
        { label: "hits", data: rows.map((row) => row.hits), backgroundColor: color("hit") },
        ...reasons.map((reason, at) => ({
          label: reason,
          data: rows.map((row) => row.misses[reason] ?? 0),
          backgroundColor: color(shades[at % shades.length]),
        })),
      ],
    },
    options: bars(true, { beginAtZero: true, ticks: { precision: 0 } }, { ticks: { autoSkip: false } }, { indexAxis: "y" }),
  }), [
    ["Function", (row) => row.function],
    ["hits", (row) => row.hits, count],
    ...reasons.map((reason) => [reason, (row) => row.misses[reason] ?? 0, count]),
  ], [...data.functions]);
}

function sizeAgainstCost() {
  const rows = data.stored;
  const into = section("Size against cost, by function", "What is stored now: to the right is large, above is slow to compute. Best kept is what lies above and to the left.");
  const log = (title, write) => ({ type: "logarithmic", title: { display: true, text: title }, ticks: { callback: write, maxTicksLimit: 7 } });
  chart(into, "Points: bytes and computing time of what is stored for each function", () => ({
    type: "scatter",
    data: {
      datasets: [{
        label: "functions",
        data: rows.map((row) => ({ x: Math.max(row.bytes, 1), y: Math.max(row.computed_seconds, 1e-7), row })),
        backgroundColor: color("hit"),
        pointRadius: 6,
        pointHoverRadius: 9,
      }],
    },
    options: {
      scales: { x: log("size", power), y: log("time to compute", time) },
      plugins: {
        legend: { display: false },
        tooltip: { callbacks: { label: ({ raw }) => `${short(raw.row.function)}: ${size(raw.row.bytes)}, ${time(raw.row.computed_seconds)}` } },
      },
    },
  }), [
    ["Function", (row) => row.function],
    ["Entries", (row) => row.entries, count],
    ["Size", (row) => row.bytes, size],
    ["To compute", (row) => row.computed_seconds, time],
    ["Uses", (row) => row.uses, count],
  ], [...rows]);
}

function functions() {
  const into = section("Functions, and what last changed");
  const search = element("input", { type: "search", placeholder: "Filter by name" });
  search.setAttribute("aria-label", "Filter functions by name");
  into.append(search);
  const { body } = table(into, [
    ["Function", (row) => row.function],
    ["Saved", (row) => row.saved_seconds, time],
    ["Last ran because", (row) => row.last_reason ?? ""],
    ["Changed", (row) => row.last_changes.join(", ")],
    ["When", (row) => (row.last_at ?? "").replace("T", " ").replace("Z", "")],
    ["Calls memoized", (row) => row.calls.join(", ")],
  ], [...data.functions]);
  const filter = () => {
    const wanted = search.value.toLowerCase();
    for (const row of body.rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
  };
  search.addEventListener("input", filter);
  into.addEventListener("click", filter);
}

function slowest() {
  const rows = data.functions.filter((row) => row.overhead_seconds > 0);
  if (!rows.length) return;
  const into = section("Slowest lookups", "What calls cost besides their runs: on average, and by what it was spent on.");
  rows.sort((one, other) => other.overhead_per_call - one.overhead_per_call);
  table(into, [
    ["Function", (row) => row.function],
    ["A call costs", (row) => row.overhead_per_call, time],
    ["In all", (row) => row.overhead_seconds, time],
    ["Mostly", (row) => row.overhead_mostly],
  ], rows.slice(0, 20));
}

function notWorthKeeping() {
  const into = section("Entries not worth keeping", "Never used again since they were stored, and the least time to compute for what room they take. They are the first to go when room is needed.");
  if (!data.idle.length) {
    into.append(element("p", { textContent: "There are none: everything was used again." }));
    return;
  }
  table(into, [
    ["Function", (row) => row.function],
    ["Entry", (row) => row.key.slice(0, 12)],
    ["Size", (row) => row.bytes, size],
    ["To compute", (row) => row.compute_seconds, time],
    ["Stored", (row) => row.created.slice(0, 10)],
  ], [...data.idle]);
}

head();
if (data.functions.length) {
  byDay();
  byReason();
}
if (data.stored.length) sizeAgainstCost();
if (data.functions.length) {
  functions();
  slowest();
}
if (data.entries) notWorthKeeping();
if (!sections.childElementCount) {
  sections.append(element("p", { textContent: "Nothing was called yet." }));
}
draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
