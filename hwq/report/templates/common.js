"use strict";
// What the pages share: their data, formats, colors, plots, and what only one plot of is wanted.

const DATA = JSON.parse(document.getElementById("data").textContent);
const PICTURE = new URLSearchParams(location.hash.slice(1)).get("picture");
const $ = (id) => document.getElementById(id);

/** An element with attributes (functions are listeners) and children, texts among them. */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

// One for all: making one takes far longer than using it.
const NUMBERS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 20 });
const count = (value) => NUMBERS.format(value);
const percent = (part, digits = 1) => `${(100 * part).toFixed(digits)}%`;
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
const title = (name) => (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");

const FORMS = {};

/** A figure in the words of Python's formats that its metric has: {:,}, {:.2%}, {:.4g}. */
function format(text, value) {
  if (value === null || value === undefined) return "";
  const [, digits, kind] = (FORMS[text] ??= /^\{:,?(?:\.(\d+)([%g]))?\}$/.exec(text));
  if (kind === "%") return percent(value, Number(digits));
  return count(kind === "g" ? Number(value.toPrecision(Number(digits))) : value);
}

/** A value of an axis as hwq's tables show it. */
const label = (value) => String(value);

/** Text that plotly shows as it stands, and does not read as markup. */
const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

const WEBGL = (() => {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl"));
  } catch {
    return false;
  }
})();

/** An axis of a plot in the page's colors. */
function ruler(text, more = {}) {
  return {
    title: { text: plain(text), standoff: 0.6 * rem() },
    gridcolor: color("grid"),
    linecolor: color("line"),
    zeroline: false,
    automargin: true,
    ...more,
  };
}

/** A layout in the page's colors, with more of one's own. */
function layout(more) {
  return {
    font: { family: getComputedStyle(document.body).fontFamily, size: 0.86 * rem(), color: color("text") },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 3.6 * rem(), r: rem(), t: 0.8 * rem(), b: 3 * rem() },
    hovermode: "closest",
    hoverlabel: {
      bgcolor: color("panel"),
      bordercolor: color("line"),
      align: "left",
      font: { color: color("text"), size: 0.86 * rem() },
    },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: color("faint"), activecolor: color("accent") },
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", xanchor: "left" },
    ...more,
  };
}

const CONFIG = {
  responsive: true,
  displaylogo: false,
  displayModeBar: PICTURE ? false : "hover",
  // These and no others: some versions of plotly offer to send the data away.
  modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
  plotlyServerURL: "",
};

// Every plot that has been drawn by the function that does it; all are drawn anew where the colors change.
const drawn = [];

// The plots one after the other, with the page shown in between.
let turn = Promise.resolve();

/** Draw a plot once its section is seen, and the first one of a page at once; `ready` is called then. */
function drawing(section, draw, ready = () => {}) {
  const begin = () => {
    turn = turn
      .then(() => new Promise((resolve) => setTimeout(resolve, 20)))
      .then(() => {
        drawn.push(draw);
        draw();
        ready();
        $(section).dataset.drawn = "";
      });
  };
  if (!PICTURE && begun++ === 0) return begin();
  const seen = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      begin();
    },
    { threshold: 0.1 },
  );
  seen.observe($(section));
}
let begun = 0;

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((draw) => draw()));
let width = innerWidth;
addEventListener("resize", () => {
  // Where the letters grow with the window, those of the plots do too.
  if (innerWidth !== width) requestAnimationFrame(() => drawn.forEach((draw) => draw()));
  width = innerWidth;
});

function options(select, names, chosen, text = (name) => name) {
  select.replaceChildren(...names.map((name) => make("option", { value: name, selected: name === chosen }, text(name))));
}

/** A definition list of [term, text] pairs. */
const definitions = (pairs) => make("dl", {}, ...pairs.flatMap(([t, d]) => [make("dt", {}, t), make("dd", {}, d)]));

/** A block of text below its name and a button that copies it. */
function code(name, text) {
  const button = make("button", { type: "button", click: copy }, "Copy");
  async function copy(event) {
    event.stopPropagation();
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Files may not reach the clipboard everywhere; the older way asks nobody.
      const area = make("textarea", {});
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    button.textContent = done ? "Copied" : "Select and copy";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }
  return make("div", { class: "code" }, make("p", {}, name, button), make("pre", {}, text));
}

function cards(...pairs) {
  $("cards").append(...pairs.map(([value, text]) => make("div", { class: "card" }, make("b", {}, value), make("span", {}, text))));
}

/** The table of what the figures are. */
function explain(figures) {
  const rows = Object.values(figures).map((figure) => [
    figure.title,
    ...("more" in figure ? [figure.more ? "more" : "less"] : []),
    figure.evidence,
    figure.meaning,
  ]);
  const better = rows.length && rows[0].length > 3 ? [{ title: "Better" }] : [];
  table($("figures-table"), [{ title: "Figure" }, ...better, { title: "Known as" }, { title: "Meaning", text: true }], rows);
  $("figures-table").append(
    make("p", { class: "lead" }, "modelled: computed by the emulator and the schedule. synthesised: said by a synthesis. " +
      "proven: seen in the Verilog, bit by bit and cycle by cycle."),
  );
}

/** After everything is drawn: links to the sections, or the one that a picture is wanted of. */
function finish() {
  $("nav").append(
    ...[...document.querySelectorAll("section:not([hidden])")].map((section) =>
      make("a", { href: `#${section.id}` }, section.dataset.title),
    ),
  );
  $("footer").textContent = `hwq ${DATA.hwq}`;
}
if (PICTURE) {
  document.body.classList.add("picture");
  $(PICTURE).classList.add("shown");
}
