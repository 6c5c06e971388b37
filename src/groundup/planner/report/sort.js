// Tables with more than three rows are sorted by a click on a head; without script they stay as written.
document.querySelectorAll("table").forEach(function (table) {
  var body = table.tBodies[0];
  if (!body || body.rows.length < 4) return;
  table.querySelectorAll("thead th").forEach(function (head, column) {
    var down = false;
    function value(row) {
      var cell = row.cells[column];
      if (!cell) return "";
      if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
      return cell.textContent.trim().toLowerCase();
    }
    function sort() {
      down = !down;
      Array.from(body.rows).sort(function (a, b) {
        var x = value(a), y = value(b);
        var numbers = typeof x === "number" && typeof y === "number";
        var order = numbers ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
        return down ? order : -order;
      }).forEach(function (row) { body.appendChild(row); });
      table.querySelectorAll("thead th").forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "ascending" : "descending");
    }
    head.classList.add("sortable");
    head.tabIndex = 0;
    head.addEventListener("click", sort);
    head.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(); }
    });
  });
});
