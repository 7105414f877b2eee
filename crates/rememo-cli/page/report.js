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

// A long name is broken after a dot or an underscore, where it has one.
function breakable(text) {
  const pieces = text.split(/(?<=[._])/);
  return pieces.flatMap((piece, at) => (at ? [element("wbr"), piece] : [piece]));
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

// A chart, with its numbers in a table for whoever cannot see it; as high as its lines, if it has any.
function chart(into, label, configure, columns, rows, lines = 0) {
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${label}. The table below has the numbers.`);
  const frame = element("div", { className: "chart" }, canvas);
  // Beside them are an axis, and a legend that takes several lines on a phone.
  if (lines) frame.style.height = `${1.35 * lines + 7}rem`;
  into.append(frame);
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

// Columns: [heading, how to get the value, how to write it, what it looks like]; numbers are set to the right.
function table(into, columns, rows) {
  const body = element("tbody");
  const isNumber = columns.map(([, value]) => rows.some((row) => typeof value(row) === "number"));
  const fill = () => {
    body.replaceChildren(...rows.map((row) => element("tr", {}, ...columns.map(([, value, write, kind], at) => {
      const text = write ? write(value(row)) : value(row) ?? "";
      const className = kind ?? (isNumber[at] ? "number" : at === 0 ? "name" : "");
      return element("td", { className }, ...breakable(text));
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
  ], [...data.functions], rows.length);
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

// For each function, those that it uses, but for what it uses through another one of them.
function uses(rows) {
  const called = new Map(rows.map((row) => [row.function, row.calls.filter((name) => name !== row.function)]));
  const through = (name, other) => called.get(other)?.includes(name) && !called.get(name)?.includes(other);
  return rows.flatMap((row) => {
    const names = called.get(row.function).filter((name) => called.has(name));
    const direct = names.filter((name) => !names.some((other) => through(name, other)));
    return direct.map((name) => [name, row]);
  });
}

// Whether code that a function is made of was what changed last.
const codeChanged = (row) => row.last_reason === "state changed";

function box(row) {
  const [first, ...more] = row.last_changes;
  const why = codeChanged(row) && first ? `changed: ${short(first)}${more.length ? `, ${more.length} more` : ""}` : row.last_reason ?? "";
  const lines = [short(row.function), why];
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = getComputedStyle(document.body).font;
  const width = Math.max(...lines.map((line) => pen.measureText(line).width)) + 24;
  return { row, lines, width, height: 56 };
}

function drawn(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The functions that use one another, with arrows to those that use; `choose` is told of a click.
function graph(into, rows, choose) {
  const edges = uses(rows);
  const joined = new Set(edges.flatMap(([name, row]) => [name, row.function]));
  if (!joined.size) return;
  const plan = new dagre.graphlib.Graph();
  plan.setGraph({ rankdir: innerWidth < 640 ? "TB" : "LR", nodesep: 16, ranksep: 40, marginx: 4, marginy: 4 });
  for (const row of rows) if (joined.has(row.function)) plan.setNode(row.function, box(row));
  for (const [name, row] of edges) {
    const ways = [name, ...(codeChanged(plan.node(name).row) ? plan.node(name).row.last_changes : [])];
    plan.setEdge(name, row.function, { strong: codeChanged(row) && ways.some((way) => row.last_changes.includes(way)) });
  }
  dagre.layout(plan);
  const { width, height } = plan.graph();
  // It is made smaller to fit, as far as it can be read; and scrolled beyond that.
  const scale = Math.min(1, Math.max(0.7, (into.clientWidth - 34) / width));
  const picture = drawn("svg", { width: width * scale, height: height * scale, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Graph of the functions: arrows lead to those that use them" });
  const tip = drawn("path", { d: "M0 0 8 4 0 8z" });
  picture.append(drawn("defs", {}, drawn("marker", { id: "tip", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" }, tip)));
  for (const edge of plan.edges()) {
    const { points, strong } = plan.edge(edge);
    const d = points.map(({ x, y }, at) => `${at ? "L" : "M"}${x} ${y}`).join(" ");
    picture.append(drawn("path", { d, class: strong ? "edge strong" : "edge", "marker-end": "url(#tip)" }));
  }
  for (const name of plan.nodes()) {
    const { row, lines, x, y, width: wide, height: high } = plan.node(name);
    const says = `${row.function}, ${row.last_reason ?? "never ran"}${row.last_changes.length ? `: ${row.last_changes.join(", ")}` : ""}`;
    const node = drawn("g", { class: codeChanged(row) ? "node strong" : "node", tabindex: 0, role: "button", "aria-label": says },
      drawn("title", {}, says),
      drawn("rect", { x: x - wide / 2, y: y - high / 2, width: wide, height: high, rx: 6 }),
      drawn("text", { x, y: y - 6 }, lines[0]),
      drawn("text", { x, y: y + 16, class: "faint" }, lines[1]));
    node.addEventListener("click", () => choose(row.function));
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        choose(row.function);
      }
    });
    picture.append(node);
  }
  into.append(element("p", { className: "note", textContent: "Arrows lead to the functions that use another one. What ran last because code changed is drawn strong, with the way that the change took. Of many functions, the 60 that saved most are looked at." }));
  into.append(element("div", { className: "scroll graph" }, picture));
}

function functions() {
  const into = section("Functions, and what last changed");
  // Those that saved most: a graph of more cannot be read.
  graph(into, data.functions.slice(0, 60), (name) => {
    search.value = search.value === name ? "" : name;
    filter();
  });
  const search = element("input", { type: "search", placeholder: "Filter by name" });
  search.setAttribute("aria-label", "Filter functions by name");
  into.append(search);
  const { body } = table(into, [
    ["Function", (row) => row.function],
    ["Saved", (row) => row.saved_seconds, time],
    ["Last ran because", (row) => row.last_reason ?? ""],
    ["Changed", (row) => row.last_changes.join(", "), undefined, "listed"],
    ["When", (row) => (row.last_at ?? "").replace("T", " ").replace("Z", ""), undefined, "date"],
    ["Calls memoized", (row) => row.calls.join(", "), undefined, "listed"],
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
    ["Stored", (row) => row.created.slice(0, 10), undefined, "date"],
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
