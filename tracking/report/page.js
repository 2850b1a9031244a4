// Draws the figures of a report, and sorts its tables. It needs no network.
(function () {
  "use strict";
  const given = JSON.parse(document.getElementById("data").textContent);
  const NARROW = 600; // pixels of a figure below which texts and margins are small

  function layoutOf(plot, width) {
    const layout = Object.assign({}, plot.layout, {template: given.template, autosize: true});
    if (width < NARROW) {
      layout.font = Object.assign({}, layout.font, {size: 10});
      layout.margin = Object.assign({t: 16, r: 8, b: 40, l: 40}, layout.margin);
    }
    return layout;
  }

  async function draw(element) {
    const plot = given.plots[element.id];
    await Plotly.newPlot(element, plot.data, layoutOf(plot, element.clientWidth), given.config);
    addButtons(element);
  }

  // The entries of a legend: the name and the places of all traces that a click there hides.
  function groupsOf(data) {
    const groups = new Map();
    data.forEach((trace, place) => {
      const key = trace.legendgroup || trace.name;
      if (!groups.has(key)) groups.set(key, {name: trace.name, places: []});
      groups.get(key).places.push(place);
    });
    return Array.from(groups.values()).filter((group) => group.name);
  }

  // Buttons that do what a click in the legend does, since no keyboard reaches the legend.
  function addButtons(element) {
    const groups = groupsOf(element.data);
    if (element.layout.showlegend === false || groups.length < 2) return;
    const details = document.createElement("details");
    details.className = "groups";
    details.append(document.createElement("summary"));
    details.firstChild.textContent = "Show or hide";
    const tellers = [];
    for (const {name, places} of groups) {
      const button = document.createElement("button");
      button.type = "button";
      // Plotly has names as HTML; as a text it is what plotly shows.
      button.textContent = new DOMParser().parseFromString(name, "text/html").body.textContent;
      const isShown = () => ![false, "legendonly"].includes(element.data[places[0]].visible);
      button.addEventListener("click", () =>
        Plotly.restyle(element, {visible: isShown() ? "legendonly" : true}, places));
      tellers.push(() => button.setAttribute("aria-pressed", isShown()));
      details.append(button);
    }
    const tellAll = () => tellers.forEach((tell) => tell());
    tellAll();
    // One listener for all buttons: plotly warns of a leak where a plot has more than ten.
    element.on("plotly_restyle", tellAll);
    element.closest("figure").querySelector("figcaption").before(details);
  }

  // One figure a turn, so that the page answers while they are drawn.
  async function drawAll() {
    for (const element of document.querySelectorAll(".plot")) {
      await draw(element);
      await new Promise((next) => setTimeout(next, 0));
    }
    document.documentElement.dataset.drawn = "all";
  }

  // What a cell is sorted by: a number where it has one, else its text; null where it is empty.
  function keyOf(cell) {
    const text = cell.dataset.v === undefined ? cell.textContent : cell.dataset.v;
    if (text === "") return null;
    return isNaN(Number(text)) ? text : Number(text);
  }

  function compare(one, other) {
    if (typeof one === typeof other) return one < other ? -1 : one > other ? 1 : 0;
    return typeof one === "number" ? -1 : 1;
  }

  function sort(head) {
    const table = head.closest("table");
    const place = head.cellIndex;
    const turned = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", turned ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [keyOf(row.cells[place]), row]);
    rows.sort(([one], [other]) => {
      if (one === null || other === null) return (one === null) - (other === null);
      return turned ? compare(other, one) : compare(one, other);
    });
    body.append(...rows.map(([, row]) => row));
  }

  for (const head of document.querySelectorAll(".sortable th")) {
    head.querySelector("button").addEventListener("click", () => sort(head));
  }
  drawAll();
})();
