// Breakdowns: the same average in parts of the trades, each with its interval on one scale.
const HEADINGS = {
  weekday: "Weekday of the entry",
  side: "Side",
  hour: "Hour of the entry",
  month: "Month",
  level: "Level",
  size: "Size of the session's range, in ATR",
  half: "Half of the period",
};

function breakdowns() {
  const parts = Object.entries(report.breakdowns).filter(([, cells]) => cells.length);
  if (!parts.length) return null;
  const all = parts.flatMap(([, cells]) => cells);
  const ends = all
    .filter((cell) => !cell.small)
    .flatMap((cell) => cell.interval ?? [cell.expectancy_r]);
  const reach =
    Math.max(0.5, ...(ends.length ? ends : all.map((cell) => cell.expectancy_r)).map(Math.abs)) *
    1.15;
  return section(
    "Breakdowns",
    el(
      "p.muted.small",
      {},
      "Expectancy with its 95 % interval; the line is zero. Grey rows have few trades: read nothing into them. Intervals of grey rows may reach beyond the scale. Among many rows, some look good by luck.",
    ),
    el(
      "div.breakdowns",
      {},
      parts.map(([name, cells]) => breakdown(name, cells, [-reach, reach])),
    ),
  );
}

function breakdown(name, cells, range) {
  const heads = ["Trades", "Won", "Expectancy", "", "Total"];
  return el(
    "table.breakdown",
    {},
    el("caption", {}, HEADINGS[name] ?? sayTitle(name)),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("td"),
        heads.map((head) => el("th.number", { scope: "col" }, head)),
      ),
    ),
    el(
      "tbody",
      {},
      cells.map((cell) =>
        el(
          cell.small ? "tr.small-cell" : "tr",
          {},
          el("th", { scope: "row" }, cell.label),
          el("td.number", {}, fixed(cell.trades, 0)),
          el("td.number", {}, fixed(cell.wins, 0)),
          el("td.number", {}, sayR(cell.expectancy_r)),
          el("td.drawing", {}, interval(cell.interval, cell.expectancy_r, range)),
          el("td.number", {}, sayR(cell.total_r, 1)),
        ),
      ),
    ),
  );
}
