// Equity: the sum of R after each trade, and how far it lies below its highest.
const MANY = 400;

function equity(choose) {
  const holder = el("div.equity");
  const say = el("p.readout.muted", {}, "Point at the curve to read it; click to see the trade.");
  if (!report.equity.length) {
    return section("Equity", el("p.muted", {}, "There is no trade, so there is nothing to draw."));
  }
  let width = 0;
  new ResizeObserver(() => {
    if (holder.clientWidth === width) return;
    width = holder.clientWidth;
    holder.replaceChildren(drawEquity(width, say, choose));
  }).observe(holder);
  return section("Equity and drawdown, R", say, holder);
}

function drawEquity(width, say, choose) {
  const box = { left: 46, right: width - 74, top: 10, bottom: 196, under: 216, floor: 282 };
  const line = withDrawdown(report.equity);
  const times = line.map((point) => point.at);
  const x = scale([Math.min(...times), Math.max(...times)], [box.left, box.right]);
  const sums = line.map((point) => point.r);
  const [lowest, highest] = [Math.min(0, ...sums), Math.max(0, ...sums)];
  const y = scale(highest > lowest ? [lowest, highest] : [-1, 1], [box.bottom, box.top]);
  const deepest = Math.max(...line.map((point) => point.below));
  const z = scale([0, deepest || 1], [box.under, box.floor]);
  const path = line
    .map((point, place) => `${place ? "L" : "M"}${x(point.at).toFixed(1)} ${y(point.r).toFixed(1)}`)
    .join("");
  const water = line
    .map((point) => `L${x(point.at).toFixed(1)} ${z(point.below).toFixed(1)}`)
    .join("");
  const last = line.at(-1);
  const ends = [x(times[0]).toFixed(1), x(last.at).toFixed(1)];
  const mark = svg("g.mark");
  const drawing = svg(
    "svg",
    {
      viewBox: `0 0 ${width} 306`,
      width,
      height: 306,
      role: "img",
      "aria-label": `Equity ends at ${sayR(last.r)}`,
    },
    grid(y, z, deepest, box),
    months(times[0], last.at, x, box),
    svg("path.area", { d: `${path}L${ends[1]} ${y(0)}L${ends[0]} ${y(0)}Z` }),
    svg("path.curve", { d: path }),
    svg("path.water", { d: `M${ends[0]} ${box.under}${water}L${ends[1]} ${box.under}Z` }),
    line.length < MANY &&
      line.slice(1).map((point) =>
        svg(`circle.${toneOf(point.gain) || "even"}`, {
          cx: x(point.at),
          cy: y(point.r),
          r: 2.4,
        }),
      ),
    text(sayR(last.r), box.right + 6, y(last.r) + 4, `end ${toneOf(last.r)}`),
    mark,
  );
  follow(drawing, line, { x, y, box, mark, say, choose });
  return drawing;
}

function withDrawdown(rows) {
  let [peak, before] = [0, 0];
  const traded = rows.map((row) => {
    const gain = row.r - before;
    before = row.r;
    peak = Math.max(peak, row.r);
    return { at: Date.parse(row.at), r: row.r, gain, below: peak - row.r, trade: row.trade };
  });
  const first = report.trades[0];
  return [
    {
      at: Math.min(Date.parse(first.entry_at), traded[0].at),
      r: 0,
      gain: 0,
      below: 0,
      trade: null,
    },
    ...traded,
  ];
}

function scale([low, high], [from, to]) {
  const size = high - low || 1;
  return (value) => from + ((value - low) / size) * (to - from);
}

function text(words, x, y, kind, anchor = "start") {
  const node = svg("text", { x, y, class: kind, "text-anchor": anchor });
  node.textContent = words;
  return node;
}

function steps(low, high, count) {
  const rough = (high - low) / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * size).find((one) => one >= rough);
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high; at += 1) found.push(at * step);
  return found;
}

function grid(y, z, deepest, box) {
  const sums = report.equity.map((point) => point.r);
  const [low, high] = [Math.min(0, ...sums), Math.max(0, ...sums)];
  const row = (at, kind, words) => [
    svg(`line.${kind}`, { x1: box.left, x2: box.right, y1: at, y2: at }),
    text(words, box.left - 8, at + 4, "axis", "end"),
  ];
  return [
    steps(low, high > low ? high : low + 1, 4).map((at) =>
      row(y(at), at ? "rule" : "nought", signed(at, at % 1 ? 1 : 0)),
    ),
    row(z(0), "nought", ""),
    deepest > 0 && row(z(deepest), "rule", `${MINUS}${fixed(deepest, 1)}`),
    text("Drawdown", box.right + 6, box.under + 4, "axis"),
  ];
}

function months(first, last, x, box) {
  const found = [];
  const at = new Date(first);
  at.setUTCDate(1);
  at.setUTCHours(0, 0, 0, 0);
  for (; at.getTime() <= last; at.setUTCMonth(at.getUTCMonth() + 1)) found.push(at.getTime());
  const inside = found.filter((time) => time >= first);
  const every = Math.ceil(inside.length / Math.max(1, Math.floor((box.right - box.left) / 80)));
  return inside
    .filter((_, place) => place % every === 0)
    .map((time) => [
      svg("line.rule", { x1: x(time), x2: x(time), y1: box.top, y2: box.floor }),
      text(new Date(time).toISOString().slice(0, 7), x(time), box.floor + 18, "axis", "middle"),
    ]);
}

function follow(drawing, line, { x, y, box, mark, say, choose }) {
  const nearest = (event) => {
    const frame = drawing.getBoundingClientRect();
    const at = ((event.clientX - frame.left) / frame.width) * drawing.viewBox.baseVal.width;
    const off = (point) => Math.abs(x(point.at) - at);
    return line.slice(1).reduce((best, point) => (off(point) < off(best) ? point : best));
  };
  drawing.addEventListener("pointermove", (event) => {
    const point = nearest(event);
    const trade = report.trades[point.trade - 1];
    mark.replaceChildren(
      svg("line.cursor", { x1: x(point.at), x2: x(point.at), y1: box.top, y2: box.floor }),
      svg("circle.cursor", { cx: x(point.at), cy: y(point.r), r: 5 }),
    );
    say.textContent = `#${trade.number}, ${trade.day} ${trade.side}: ${sayR(trade.r)}. Sum ${sayR(point.r)}, ${fixed(point.below)}R below the highest.`;
  });
  drawing.addEventListener("click", (event) => choose(nearest(event).trade));
}
