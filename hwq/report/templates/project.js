// The page of a project.

const CAUSES = Object.keys(DATA.causes);
const ON_CHIP = DATA.layers.filter((layer) => layer.cycles !== null);
const TOTAL = ON_CHIP.reduce((sum, layer) => sum + layer.cycles, 0);
const LOST = Object.fromEntries(CAUSES.map((cause) => [cause, ON_CHIP.reduce((sum, layer) => sum + (layer.causes[cause] ?? 0), 0)]));
const tone = (cause) => (cause === "useful" ? color("accent") : color(`loss-${CAUSES.indexOf(cause)}`));

function drawCycles() {
  const share = $("measure").value === "share";
  const names = ON_CHIP.map((layer) => plain(layer.name));
  const places = names.map((_, index) => index);
  const bar = (more) => ({ type: "bar", orientation: "h", y: places, hovertemplate: "%{text}<extra></extra>", textposition: "none", ...more });
  const parts = CAUSES.filter((cause) => LOST[cause]).map((cause) => {
    const cycles = ON_CHIP.map((layer) => layer.causes[cause] ?? 0);
    return bar({
      name: title(cause),
      x: ON_CHIP.map((layer, index) => (share ? cycles[index] / layer.cycles : cycles[index])),
      text: ON_CHIP.map((layer, index) =>
        `<b>${names[index]}</b> on the ${plain(layer.place)}<br>${title(cause).toLowerCase()}: ${count(cycles[index])} of ` +
        `${count(layer.cycles)} cycles, ${percent(cycles[index] / layer.cycles)}`),
      marker: { color: tone(cause), line: { width: 0 } },
    });
  });
  const use = bar({
    name: "Utilization",
    showlegend: false,
    xaxis: "x2",
    x: ON_CHIP.map((layer) => layer.utilization),
    text: ON_CHIP.map((layer, index) => `<b>${names[index]}</b><br>utilization ${layer.macs ? percent(layer.utilization) : "of no multiplier"}`),
    marker: { color: color("accent") },
  });
  // Layers from top to bottom, as the network runs.
  Plotly.react(
    "cycles-plot",
    [...parts, use],
    layout({
      barmode: "stack",
      bargap: 0.28,
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", xanchor: "left", traceorder: "normal" },
      xaxis: ruler(share ? "share of the layer's cycles" : "cycles", { domain: [0, 0.7], tickformat: share ? ".0%" : "," }),
      xaxis2: ruler("utilization of the array", { domain: [0.74, 1], tickformat: ".0%", dtick: 0.25, range: [0, 1.03 * Math.max(1, ...ON_CHIP.map((layer) => layer.utilization ?? 0))] }),
      yaxis: ruler("", { tickvals: places, ticktext: names, range: [names.length - 0.5, -0.5], showgrid: false }),
    }),
    CONFIG,
  );
}

function setUpCycles() {
  $("measure").addEventListener("change", drawCycles);
  $("cycles-plot").style.height = `${Math.max(18, 1.75 * ON_CHIP.length + 7)}rem`;
  $("cycles-lead").textContent =
    `${count(LOST.useful)} of ${count(TOTAL)} cycles, ${percent(LOST.useful / TOTAL)}, do what counts. ` +
    (DATA.whole ? "The network runs by one START." : "The host computes layers in between; the cycles are those of all layers on chip.");
  drawing("cycles", drawCycles);
  const rows = CAUSES.filter((cause) => LOST[cause]).map((cause) => {
    const swatch = make("i", { class: "swatch", style: `background:${cause === "useful" ? "var(--accent)" : `var(--loss-${CAUSES.indexOf(cause)})`}` });
    return [make("span", {}, swatch, title(cause)), count(LOST[cause]), percent(LOST[cause] / TOTAL), DATA.causes[cause]];
  });
  table(
    $("causes-table"),
    [{ title: "Cause" }, { title: "Cycles", number: true }, { title: "Share", number: true }, { title: "Meaning", text: true }],
    rows,
    { total: ["All", count(TOTAL), "", ""] },
  );
}

function setUpLayers() {
  const columns = ["Layer", "Operator", "Runs on", "Output", "MACs", "Cycles", "Share", "Utilization", ""].map((heading, index) => ({
    title: heading,
    number: index > 3 && index < 8,
    text: index === 8,
  }));
  const number = (value, text) => ({ shown: value === null || value === 0 ? "" : text(value), value: value || null });
  const rows = DATA.layers.map((layer) => [
    layer.name,
    layer.op,
    layer.place,
    layer.output,
    number(layer.macs, count),
    number(layer.cycles, count),
    number(layer.cycles && layer.cycles / TOTAL, percent),
    number(layer.utilization, percent),
    layer.reason,
  ]);
  const all = DATA.figures.utilization.value;
  table($("layers-table"), columns, rows, {
    page: 1000,
    sortable: true,
    total: ["All", "", "", "", count(DATA.macs), count(TOTAL), "", percent(all), ""],
  });
}

function setUpMemories() {
  const columns = ["Memory", "Words", "Bits of a word", "Bytes", "Used", "", ""].map((heading, index) => ({ title: heading, number: index > 0 && index < 6 }));
  const rows = DATA.memories.map(({ name, words, bits, bytes, used }) => {
    const part = used === null ? null : used / bytes;
    const meter = part === null ? "" : make("span", { class: "meter" }, make("i", { style: `width:${100 * part}%` }));
    return [title(name), count(words), count(bits), count(bytes), used === null ? "" : count(used), part === null ? "" : percent(part), meter];
  });
  table($("memories-table"), columns, rows, {
    total: ["All", "", "", count(DATA.figures.memory.value), count(DATA.figures.memory_used.value), "", ""],
  });
}

function setUpCertificate() {
  if (!DATA.certificate.length) {
    $("certificate").hidden = true;
    return;
  }
  const columns = ["Layer", "Accumulator needs", "has", "Sums of passes need", "have", "In any order", "Order", ""].map((heading, index) => ({
    title: heading,
    number: index > 0 && index < 6,
  }));
  const rows = DATA.certificate.map((found) => [
    found.name,
    String(found.accumulator),
    String(found.accumulator_width),
    found.psum === null ? "" : String(found.psum),
    found.psum === null ? "" : String(found.psum_width ?? "exact"),
    String(found.any_order),
    found.order_matters ? "matters" : "any",
    make("span", { class: found.safe ? "good" : "bad" }, found.safe ? "safe" : "not safe"),
  ]);
  table($("certificate-table"), columns, rows, { page: 1000 });
}

function setUpHead() {
  const { cycles, latency, utilization, memory, host_layers: host } = DATA.figures;
  $("subtitle").textContent = `${DATA.network} on an array of ${DATA.array}, with ${DATA.engines.join(", ")}`;
  cards(
    [count(cycles.value), "cycles of an inference"],
    [`${format(latency.text, latency.value)} ms`, `at ${DATA.clock_mhz} MHz`],
    [percent(utilization.value), "of the array used"],
    [count(DATA.macs), "MACs"],
    [count(memory.value), "bytes of memory"],
    [count(host.value), host.value === 1 ? "layer left to the host" : "layers left to the host"],
  );
}

setUpHead();
setUpCycles();
setUpLayers();
setUpMemories();
setUpCertificate();
table($("arithmetic-table"), [{ title: "Key" }, { title: "Value", text: true }], Object.entries(DATA.arithmetic).map(([key, value]) => [key, label(value)]));
$("project-yaml").append(code(`${DATA.project}.yaml`, DATA.yaml));
explain(DATA.figures);
finish();
