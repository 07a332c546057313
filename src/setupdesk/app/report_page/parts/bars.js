// Bars: those of each day, as prices again, and what is asked of them.
const hasCandles = typeof candles !== "string";
const days = hasCandles
  ? candles.days.map(([day, first, stop, opens, closes]) => ({ day, first, stop, opens, closes }))
  : [];
const bars = hasCandles ? readBars() : [];
const dark = matchMedia("(prefers-color-scheme: dark)");

function readBars() {
  const { bars: flat, tick, minutes, decimals } = candles;
  const price = (ticks) => Number((ticks * tick).toFixed(decimals));
  const found = [];
  let minute = candles.start - minutes;
  let last = 0;
  for (let place = 0; place < flat.length; place += 5) {
    minute += minutes + flat[place];
    const open = last + flat[place + 1];
    const close = open + flat[place + 4];
    found.push({
      time: minute * 60,
      open: price(open),
      high: price(Math.max(open, close) + flat[place + 2]),
      low: price(Math.min(open, close) - flat[place + 3]),
      close: price(close),
    });
    last = close;
  }
  return found;
}

const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const isNarrow = () => innerWidth < 700;
const nearestBar = (rows, seconds) => rows.findLast((bar) => bar.time <= seconds) ?? rows[0];
