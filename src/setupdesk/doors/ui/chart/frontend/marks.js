// Marks: sessions, levels and trades as boxes and markers. Rows become the times of their bars.
const signed = (r) => `${r > 0 ? "+" : ""}${r.toFixed(2)}R`.replace("-", "\u2212");
const toneOf = (r, inks) => (r > 0 ? inks.up : r < 0 ? inks.down : inks.muted);

export function drawBoxes(picture, rows, inks) {
  const sessions = picture.sessions.map(([from, to]) => ({ from, to, fill: inks.session }));
  const levels = picture.levels.map((level) => drawLevel(level, picture, inks));
  const trades = picture.trades.flatMap((trade) => drawTrade(trade, picture.chosen, inks));
  const atTimes = (box) => ({ ...box, from: rows[box.from].time, to: rows[box.to].time });
  return [...sessions, ...levels, ...trades].map(atTimes);
}

export function inkOfLevel(name, picture, inks) {
  const names = [...new Set(picture.levels.map((level) => level.name))];
  return inks.levels[names.indexOf(name) % inks.levels.length];
}

function drawLevel({ name, price, from, to }, picture, inks) {
  const lines = [[price, inkOfLevel(name, picture, inks)]];
  return { from, to, high: price, low: price, fill: "transparent", lines };
}

function drawTrade({ number, from, to, entry, exit, stop, target }, chosen, inks) {
  const isFaint = chosen !== null && number !== chosen;
  const part = (price, ink, fill) => ({
    from,
    to,
    high: Math.max(entry, price),
    low: Math.min(entry, price),
    fill,
    lines: [
      [price, ink],
      [entry, inks.muted],
    ],
  });
  return [
    part(target ?? exit, inks.up, isFaint ? inks.upFaint : inks.upBox),
    part(stop, inks.down, isFaint ? inks.downFaint : inks.downBox),
  ];
}

export function drawMarkers({ trades, alerts, words }, rows, inks) {
  const say = (code) => words[code] ?? code;
  const marks = [
    ...trades.flatMap((trade) => markTrade(trade, say, inks)),
    ...alerts.map((alert) => markAlert(alert, say, inks)),
  ];
  return marks
    .sort((one, other) => one.row - other.row)
    .map(({ row, ...mark }) => ({ ...mark, time: rows[row].time }));
}

function markTrade({ number, side, from, to, r, exit_reason: reason }, say, inks) {
  const isLong = side === "long";
  const entered = {
    id: String(number),
    row: from,
    position: isLong ? "belowBar" : "aboveBar",
    shape: isLong ? "arrowUp" : "arrowDown",
    color: inks.accent,
    text: `#${number} ${say(side)}`,
  };
  const left = {
    id: String(number),
    row: to,
    position: isLong ? "aboveBar" : "belowBar",
    shape: "circle",
    color: toneOf(r, inks),
    text: `${say(reason)} ${signed(r)}`,
    size: 0.8,
  };
  return [entered, left];
}

// An alert without a trade: one that may still become one is amber, any other is muted.
function markAlert({ number, row, side, isOpen }, say, inks) {
  const isLong = side === "long";
  return {
    id: String(number),
    row,
    position: isLong ? "belowBar" : "aboveBar",
    shape: isLong ? "arrowUp" : "arrowDown",
    color: isOpen ? inks.amber : inks.muted,
    text: isOpen ? `#${number} ${say(side)}, ${say("open")}` : `#${number}`,
    size: isOpen ? 1 : 0.6,
  };
}
