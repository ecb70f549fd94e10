// The page of a sweep.

const FIGURES = DATA.figures;
const NAMES = Object.keys(FIGURES);
const POINTS = DATA.numbers.length;
const INDICES = Array.from({ length: POINTS }, (_, index) => index);
const FRONT = new Set(DATA.front);
/** Points from which on plots are drawn by the graphics processor, and lines that parallel coordinates have at most. */
const MANY = 1500;
const MOST_UPRIGHTS = 11;

const choice = (axes, axis, index) => axes[axis].values[axes[axis].codes[index]];
const chosen = (axes, axis, index) => choice(axes, axis, index).map(label).join("");
const status = (index) => (FRONT.has(index) ? "front" : DATA.meeting[index] ? "meeting" : "missing");
const varied = (name) => name in FIGURES && new Set(FIGURES[name].values).size > 1;
const figure = (name, index) => format(FIGURES[name].text, FIGURES[name].values[index]);

/** The project of a point: the lines that all have, and its own. */
function yaml(index) {
  const { shapes, shape, row } = DATA.projects;
  const { lines, vary } = shapes[shape[index]];
  const own = (column) => column.values[column.codes[row[index]]];
  return lines.map((line, number) => (number in vary ? own(vary[number]) : line)).join("\n");
}

/** Choices of an axis in the order of plots: numbers by size, others as they come. */
function ordered(axis) {
  const values = DATA.axes[axis].values.map((value, code) => ({ value, code }));
  const numbers = values.filter(({ value }) => typeof value[0] === "number").sort((a, b) => a.value[0] - b.value[0]);
  return [...numbers, ...values.filter(({ value }) => typeof value[0] !== "number")];
}

/** By point where its choice of an axis lies, with the ticks that name it. */
function places(axis) {
  const order = ordered(axis);
  const place = [];
  order.forEach(({ code }, index) => (place[code] = index));
  return {
    values: DATA.axes[axis].codes.map((code) => place[code]),
    tickvals: order.map((_, index) => index),
    ticktext: order.map(({ value }) => (value.length ? label(value[0]) : "–")),
  };
}

/** Values and ruler of a figure or an axis. */
function dimension(name) {
  if (name in FIGURES) {
    const { values, title: text, text: form } = FIGURES[name];
    return { values, ruler: ruler(text, { tickformat: form.endsWith("%}") ? ".2~%" : "," }) };
  }
  const { values, tickvals, ticktext } = places(name);
  return { values, ruler: ruler(name, { tickvals, ticktext: ticktext.map(plain) }) };
}

const HOVER = INDICES.map((index) => {
  const axes = DATA.varying.filter((axis) => choice(DATA.axes, axis, index).length);
  const lines = [
    ...axes.map((axis) => `${plain(axis)}: ${plain(chosen(DATA.axes, axis, index))}`),
    ...NAMES.map((name) => `${FIGURES[name].title}: ${figure(name, index)}`),
  ];
  return `<b>Point ${count(DATA.numbers[index])}</b><br>${lines.join("<br>")}`;
});

// -- trade-offs ------------------------------------------------------------------------------------------------------

let selected = DATA.front[0] ?? 0;

/** Of the points that meet the constraints those that no other one beats in these two figures, as a stair. */
function stair(across, up) {
  if (!(across in FIGURES && up in FIGURES)) return [];
  const cost = (name, index) => FIGURES[name].values[index] * (FIGURES[name].more ? -1 : 1);
  const known = (index) => DATA.meeting[index] && [across, up].every((name) => FIGURES[name].values[index] !== null);
  const order = INDICES.filter(known).sort((a, b) => cost(across, a) - cost(across, b) || cost(up, a) - cost(up, b));
  let best = Infinity;
  return order.filter((index) => cost(up, index) < best && ((best = cost(up, index)), true));
}

function drawFront() {
  const [across, up] = [$("across").value, $("up").value];
  const [x, y] = [dimension(across), dimension(up)];
  const type = POINTS > MANY && WEBGL ? "scattergl" : "scatter";
  const of = (kind) => INDICES.filter((index) => status(index) === kind);
  const trace = (name, indices, marker, more = {}) => ({
    type,
    mode: "markers",
    name,
    x: indices.map((index) => x.values[index]),
    y: indices.map((index) => y.values[index]),
    customdata: indices,
    text: indices.map((index) => HOVER[index]),
    hovertemplate: "%{text}<extra></extra>",
    marker: { line: { width: 0 }, ...marker },
    showlegend: indices.length > 0,
    ...more,
  });
  const size = 0.55 * rem();
  const steps = stair(across, up);
  Plotly.react(
    "front-plot",
    [
      trace("best in these two", steps, {}, {
        mode: "lines",
        hoverinfo: "skip",
        hovertemplate: null,
        line: { color: color("accent"), width: 1.5, dash: "dot", shape: "hv" },
        showlegend: steps.length > 1,
      }),
      trace("misses a constraint", of("missing"), { size: 0.9 * size, color: color("mark-faint") }),
      trace("other points", of("meeting"), { size, color: color("mark") }),
      trace("front of the sweep", of("front"), { size: 1.3 * size, color: color("accent"), line: { width: 1, color: color("panel") } }),
      trace("chosen", PICTURE || !POINTS ? [] : [selected], {
        size: 2.2 * size,
        color: "rgba(0,0,0,0)",
        line: { color: color("text"), width: 1.5 },
      }, { hoverinfo: "skip", hovertemplate: null, showlegend: false }),
    ],
    layout({ xaxis: x.ruler, yaxis: y.ruler }),
    CONFIG,
  );
}

/** A point in full: what it chose, its figures, its project. */
function point(index) {
  const words = { front: "on the front", meeting: "beaten by others", missing: "misses a constraint" };
  const badge = make("span", { class: `badge ${FRONT.has(index) ? "good" : ""}` }, words[status(index)]);
  const axes = Object.keys(DATA.axes).filter((axis) => choice(DATA.axes, axis, index).length);
  return make(
    "div",
    {},
    make("h3", {}, `Point ${count(DATA.numbers[index])}`, badge),
    definitions(axes.map((axis) => [axis, chosen(DATA.axes, axis, index)])),
    definitions(NAMES.map((name) => [FIGURES[name].title, figure(name, index)])),
    code("Project", yaml(index)),
    make("p", { class: "lead" }, "Paths in it are relative to the folder of the results."),
  );
}

function select(index) {
  selected = index;
  $("chosen").replaceChildren(point(index));
}

/** Two figures to begin with: the first objectives, or what else there is. */
function beginning() {
  const vary = NAMES.filter(varied);
  const order = [...new Set([...DATA.objectives, ...vary.filter((name) => ["accuracy", "cycles"].includes(name)), ...vary, ...NAMES])];
  return { up: order[0], across: order[1] ?? order[0] };
}

function setUpFront() {
  const { across, up } = beginning();
  const names = [...NAMES, ...DATA.varying];
  const text = (name) => FIGURES[name]?.title ?? name;
  options($("across"), names, across, text);
  options($("up"), names, up, text);
  $("across").addEventListener("change", drawFront);
  $("up").addEventListener("change", drawFront);
  const objectives = DATA.objectives.map((name) => `${FIGURES[name].more ? "highest" : "lowest"} ${FIGURES[name].title.toLowerCase()}`);
  const conditions = DATA.constraints.length ? `, where ${DATA.constraints.join(" and ")}` : "";
  $("front-lead").textContent =
    `The front of the sweep: ${objectives.join(", ")}${conditions}. A click on a point shows its project.`;
  select(selected);
  drawing("front", drawFront, () =>
    $("front-plot").on("plotly_click", ({ points: [clicked] }) => {
      select(clicked.customdata);
      drawFront();
    }),
  );
}

// -- parallel coordinates --------------------------------------------------------------------------------------------

/** Points that are lines: the front, and so many of the others, evenly over the sweep, that lines can be told apart. */
const PARALLEL = (() => {
  const others = INDICES.filter((index) => !FRONT.has(index));
  const step = Math.ceil(others.length / MANY) || 1;
  return [...DATA.front.slice(0, MANY), ...others.filter((_, place) => place % step === 0)];
})();

/** Figures that are uprights: objectives first, of cycles and latency one, and no more in all than can be read. */
function uprights() {
  const twin = DATA.objectives.includes("latency") ? "cycles" : "latency";
  const found = new Set([...DATA.objectives, ...NAMES.filter((name) => name !== twin)].filter(varied));
  return [...found].slice(0, Math.max(DATA.objectives.length, MOST_UPRIGHTS - DATA.varying.length));
}

function drawParallel() {
  // The front last, above the others.
  const order = [...PARALLEL].sort((a, b) => FRONT.has(a) - FRONT.has(b));
  const pick = (values) => order.map((index) => values[index]);
  const short = (axis) => {
    const last = axis.split(".").at(-1);
    return DATA.varying.filter((other) => other.split(".").at(-1) === last).length > 1 ? axis : last;
  };
  const axes = DATA.varying.map((axis) => {
    const { values, tickvals, ticktext } = places(axis);
    const some = Math.ceil(tickvals.length / 24);
    const kept = (list) => list.filter((_, index) => index % some === 0);
    return { label: plain(short(axis)), values: pick(values), tickvals: kept(tickvals), ticktext: kept(ticktext).map(plain) };
  });
  const figures = uprights().map((name) => ({
    label: FIGURES[name].title,
    // What is not known lies at the bottom.
    values: pick(FIGURES[name].values).map((value) => value ?? NaN),
    tickformat: FIGURES[name].text.endsWith("%}") ? ".1~%" : ",",
  }));
  Plotly.react(
    "parallel-plot",
    [
      {
        type: "parcoords",
        dimensions: [...axes, ...figures],
        labelangle: axes.length + figures.length > 7 ? -18 : 0,
        labelfont: { color: color("text"), size: 0.82 * rem() },
        // Legible above lines of any color.
        tickfont: { color: color("text"), size: 0.75 * rem(), shadow: `0 0 3px ${color("panel")}, 0 0 2px ${color("panel")}` },
        rangefont: { color: "rgba(0,0,0,0)", size: 1 },
        line: {
          color: order.map((index) => Number(FRONT.has(index))),
          cmin: 0,
          cmax: 1,
          colorscale: [[0, color("mark-faint")], [1, color("accent")]],
        },
        unselected: { line: { color: color("grid"), opacity: 0.5 } },
      },
    ],
    layout({ margin: { l: 5 * rem(), r: 5 * rem(), t: 4.6 * rem(), b: 1.5 * rem() } }),
    { ...CONFIG, displayModeBar: false },
  );
}

function setUpParallel() {
  if (PARALLEL.length < POINTS) {
    const front = PARALLEL.filter((index) => FRONT.has(index)).length;
    $("parallel-lead").append(` Drawn are ${count(front)} points of the front and ${count(PARALLEL.length - front)} of the others.`);
  }
  if (WEBGL) drawing("parallel", drawParallel);
  else $("parallel-plot").replaceWith(make("p", { class: "note" }, "This browser has no WebGL, which this plot needs."));
}

// -- by axis ---------------------------------------------------------------------------------------------------------

/** The value below which a part of a sorted list is. */
function quantile(list, part) {
  const place = part * (list.length - 1);
  const low = Math.floor(place);
  return list[low] + (place - low) * ((list[low + 1] ?? list[low]) - list[low]);
}

function drawAxis(div, axis) {
  const name = $("axes-figure").value;
  const { ruler: upright, values } = dimension(name);
  const { values: at, tickvals, ticktext } = places(axis);
  const groups = tickvals.map(() => []);
  INDICES.forEach((index) => values[index] !== null && groups[at[index]].push(values[index]));
  groups.forEach((group) => group.sort((a, b) => a - b));
  const stroke = (low, high, width, tone) => ({
    type: "scatter",
    mode: "lines",
    hoverinfo: "skip",
    x: tickvals.flatMap((place) => [place, place, null]),
    y: groups.flatMap((group) => (group.length ? [quantile(group, low), quantile(group, high), null] : [null, null, null])),
    line: { width, color: color(tone) },
  });
  const form = (value) => format(FIGURES[name].text, value);
  const medians = {
    type: "scatter",
    mode: "markers",
    x: tickvals,
    y: groups.map((group) => (group.length ? quantile(group, 0.5) : null)),
    marker: { size: 0.55 * rem(), color: color("accent") },
    text: groups.map((group, place) =>
      group.length
        ? `<b>${plain(ticktext[place])}</b>, ${plural(group.length, "point")}<br>highest ${form(group.at(-1))}` +
          `<br>median ${form(quantile(group, 0.5))}<br>lowest ${form(group[0])}`
        : "",
    ),
    hovertemplate: "%{text}<extra></extra>",
  };
  const known = values.filter((value) => value !== null);
  const [least, most] = known.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  const room = 0.06 * (most - least || Math.abs(most) || 1);
  const some = Math.ceil(tickvals.length / 16);
  const kept = (list) => list.filter((_, index) => index % some === 0);
  Plotly.react(
    div,
    [stroke(0, 1, 0.14 * rem(), "mark"), stroke(0.25, 0.75, 0.5 * rem(), "mark-faint"), medians],
    layout({
      showlegend: false,
      xaxis: ruler(axis, { tickvals: kept(tickvals), ticktext: kept(ticktext).map(plain), range: [-0.5, tickvals.length - 0.5], showgrid: false }),
      yaxis: { ...upright, range: [least - room, most + room] },
    }),
    { ...CONFIG, displayModeBar: false },
  );
}

function setUpAxes() {
  if (!DATA.varying.length) {
    $("axes").hidden = true;
    return;
  }
  const first = varied("accuracy") ? "accuracy" : ([...DATA.objectives, ...NAMES].find(varied) ?? NAMES[0]);
  options($("axes-figure"), NAMES, first, (name) => FIGURES[name].title);
  const divs = DATA.varying.map((axis) => [make("div", { class: "plot small" }), axis]);
  $("axes-plots").append(...divs.map(([div]) => div));
  const draw = () => divs.forEach(([div, axis]) => drawAxis(div, axis));
  $("axes-figure").addEventListener("change", draw);
  drawing("axes", draw);
}

// -- tables ----------------------------------------------------------------------------------------------------------

const axisCell = (axes, axis, index) => {
  const [value] = choice(axes, axis, index);
  return { shown: chosen(axes, axis, index), value: typeof value === "number" ? value : value === undefined ? null : label(value) };
};

function setUpPoints() {
  const numeric = (axis) => DATA.axes[axis].values.every((value) => typeof value[0] !== "string");
  const columns = [
    { title: "Point", number: true },
    { title: "Front" },
    ...DATA.varying.map((axis) => ({ title: axis, number: numeric(axis) })),
    ...NAMES.map((name) => ({ title: FIGURES[name].title, number: true })),
  ];
  const draw = () => {
    const shown = $("only-front").checked ? DATA.front : INDICES;
    const rows = shown.map((index) => [
      { shown: count(DATA.numbers[index]), value: DATA.numbers[index] },
      { shown: FRONT.has(index) ? make("span", { class: "star", title: "on the front" }, "★") : "", value: FRONT.has(index) ? 0 : null },
      ...DATA.varying.map((axis) => axisCell(DATA.axes, axis, index)),
      ...NAMES.map((name) => ({ shown: figure(name, index), value: FIGURES[name].values[index] })),
    ]);
    table($("points-table"), columns, rows, { detail: (row) => point(shown[row]), sortable: true });
  };
  $("only-front").checked = DATA.front.length > 0 && POINTS > 25;
  $("only-front").addEventListener("change", draw);
  draw();
}

function setUpFailed() {
  const { numbers, axes, errors, reasons } = DATA.failed;
  if (!numbers.length) {
    $("failed").hidden = true;
    return;
  }
  table(
    $("failed-reasons"),
    [{ title: "Points", number: true }, { title: "Error", text: true }],
    reasons.map(({ error, points }) => [count(points), error]),
    { page: 10 },
  );
  const columns = [{ title: "Point", number: true }, ...DATA.varying.map((axis) => ({ title: axis })), { title: "Error", text: true }];
  const rows = numbers.map((number, index) => [
    { shown: count(number), value: number },
    ...DATA.varying.map((axis) => axisCell(axes, axis, index)),
    errors.values[errors.codes[index]],
  ]);
  table($("failed-table"), columns, rows, { sortable: true, page: 10 });
}

// -- the page --------------------------------------------------------------------------------------------------------

function setUpHead() {
  const { total, done, failed } = DATA.counts;
  const left = total - done - failed;
  $("subtitle").textContent = [
    `${plural(total, "point")} over ${DATA.varying.join(", ") || "no axis"}`,
    `latency at ${DATA.clock_mhz} MHz`,
    ...(left ? [`${count(left)} not evaluated yet`] : []),
  ].join(" · ");
  $("objection").hidden = !DATA.objection;
  $("objection").textContent = DATA.objection;
  const best = DATA.objectives.map((name) => {
    const known = DATA.front.map((index) => FIGURES[name].values[index]);
    const value = FIGURES[name].more ? Math.max(...known) : Math.min(...known);
    return [format(FIGURES[name].text, value), `${FIGURES[name].more ? "highest" : "lowest"} ${FIGURES[name].title.toLowerCase()}`];
  });
  cards(
    [count(done), "points evaluated"],
    ...(failed ? [[count(failed), "points failed"]] : []),
    [count(DATA.front.length), "on the front"],
    ...(DATA.front.length ? best : []),
  );
}

setUpHead();
if (POINTS) {
  setUpFront();
  setUpParallel();
  setUpAxes();
  setUpPoints();
} else {
  for (const id of ["front", "parallel", "axes", "points", "figures"]) $(id).hidden = true;
}
setUpFailed();
explain(FIGURES);
finish();
