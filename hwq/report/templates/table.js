// Tables: sorted by a click on a heading, a page at a time where they are long, with rows that open.

/**
 * Fill `place` with a table.
 *
 * `columns` have a `title` and may be `number` or `text` (long). Rows are lists of cells: texts, elements, null, or
 * {shown, value} where they are sorted by something else than what is shown. `detail(row)` makes what a click opens.
 */
function table(place, columns, rows, { detail = null, page = 25, total = null, sortable = false } = {}) {
  let order = rows.map((_, index) => index);
  let sorted = null;
  let first = 0;
  const kind = (column) => (column.number ? "number" : column.text ? "text" : "");
  const value = (row, index) => {
    const cell = rows[row][index];
    return cell !== null && typeof cell === "object" && "shown" in cell ? cell.value : cell;
  };
  const shown = (cell) => (cell !== null && typeof cell === "object" && "shown" in cell ? cell.shown : cell);

  function sort(index) {
    const down = sorted?.index === index && !sorted.down;
    sorted = { index, down };
    // Cells that say nothing come last, whichever way.
    order = rows.map((_, row) => row).sort((a, b) => {
      const [x, y] = [value(a, index), value(b, index)];
      if (x === y) return a - b;
      if (x === null || y === null) return x === null ? 1 : -1;
      const less = typeof x === typeof y ? x < y : String(x) < String(y);
      return less === down ? 1 : -1;
    });
    first = 0;
    draw();
  }

  function heading(column, index) {
    const arrow = sorted?.index === index ? (sorted.down ? " ↓" : " ↑") : "";
    const text = column.title + arrow;
    const inside = sortable ? make("button", { type: "button", click: () => sort(index) }, text) : text;
    return make("th", { class: kind(column), scope: "col" }, inside);
  }

  const line = (cells, attributes) =>
    make("tr", attributes, ...cells.map((cell, index) => make("td", { class: kind(columns[index]) }, shown(cell) ?? "")));

  function body(row) {
    if (!detail) return line(rows[row], {});
    const opened = () => {
      const next = made.nextElementSibling;
      if (next?.dataset.of) next.remove();
      else {
        const inside = make("div", { class: "inside" }, detail(row));
        made.after(make("tr", { "data-of": row + 1 }, make("td", { class: "detail", colspan: columns.length }, inside)));
      }
    };
    const keys = (event) => {
      if (event.target !== made || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      opened();
    };
    const made = line(rows[row], { class: "click", tabindex: 0, click: opened, keydown: keys });
    return made;
  }

  function draw() {
    const head = make("thead", {}, make("tr", {}, ...columns.map(heading)));
    const foot = total ? [line(total, { class: "total" })] : [];
    const inside = make("tbody", {}, ...order.slice(first, first + page).map(body), ...foot);
    place.replaceChildren(make("div", { class: "scroll" }, make("table", {}, head, inside)));
    if (rows.length <= page) return;
    const turn = (by) => () => {
      first += by;
      draw();
    };
    const last = Math.min(first + page, rows.length);
    place.append(
      make(
        "div",
        { class: "pages" },
        make("button", { type: "button", disabled: first === 0, click: turn(-page) }, "Previous"),
        make("button", { type: "button", disabled: last === rows.length, click: turn(page) }, "Next"),
        `${count(first + 1)} to ${count(last)} of ${count(rows.length)}`,
      ),
    );
  }
  draw();
}
