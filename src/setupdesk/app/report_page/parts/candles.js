// Candles: the bars of one day with its levels, and each trade with its stop and its target.
const hasCandles = typeof candles !== "string";
const days = hasCandles ? candles.days.map(([day, first, stop, opens, closes]) => ({ day, first, stop, opens, closes })) : [];
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

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const nearestBar = (rows, seconds) => rows.findLast((bar) => bar.time <= seconds) ?? rows[0];

// Rectangles behind the candles: {from, to, high, low, fill, lines: [[price, colour]]}.
class Boxes {
  constructor() {
    this.boxes = [];
  }

  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { chart, series, requestUpdate });
  }

  show(boxes) {
    this.boxes = boxes;
    this.requestUpdate?.();
  }

  paneViews() {
    return [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => target.useBitmapCoordinateSpace((space) => this.draw(space)) }) }];
  }

  draw({ context, bitmapSize, horizontalPixelRatio: across, verticalPixelRatio: down }) {
    const half = this.chart.timeScale().options().barSpacing / 2;
    const x = (time, shift) => Math.round((this.chart.timeScale().timeToCoordinate(time) + shift) * across);
    const y = (price) => Math.round(this.series.priceToCoordinate(price) * down);
    for (const box of this.boxes) {
      const [left, right] = [x(box.from, -half), x(box.to, half)];
      const [top, bottom] = box.high === undefined ? [0, bitmapSize.height] : [y(box.high), y(box.low)];
      context.fillStyle = box.fill;
      context.fillRect(left, top, right - left, bottom - top);
      for (const [price, ink] of box.lines ?? []) {
        context.fillStyle = ink;
        context.fillRect(left, y(price) - Math.floor(down / 2), right - left, Math.max(1, Math.round(1.5 * down)));
      }
    }
  }
}

class CandleChart {
  constructor(holder, onTrade) {
    const { createChart, createSeriesMarkers, CandlestickSeries } = LightweightCharts;
    const local = new Intl.DateTimeFormat("en-GB", { timeZone: report.zone, hourCycle: "h23", weekday: "short", day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" });
    const parts = (seconds) => Object.fromEntries(local.formatToParts(seconds * 1000).map((part) => [part.type, part.value]));
    const tell = (seconds) => {
      const { weekday, day, month, hour, minute } = parts(seconds);
      return `${weekday} ${day} ${month} ${hour}:${minute}`;
    };
    const mark = (seconds) => {
      const { day, month, hour, minute } = parts(seconds);
      return candles.minutes >= 1440 || `${hour}${minute}` === "0000" ? `${day} ${month}` : `${hour}:${minute}`;
    };
    this.chart = createChart(holder, {
      autoSize: true,
      layout: { attributionLogo: true, fontFamily: "system-ui, sans-serif" },
      localization: { timeFormatter: tell },
      timeScale: { timeVisible: true, tickMarkFormatter: mark, rightOffset: 1 },
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false },
    });
    this.series = this.chart.addSeries(CandlestickSeries, {
      priceFormat: { type: "price", precision: candles.decimals, minMove: candles.tick },
      priceLineVisible: false,
      lastValueVisible: false,
      autoscaleInfoProvider: (original) => this.widen(original()),
    });
    this.boxes = new Boxes();
    this.series.attachPrimitive(this.boxes);
    this.markers = createSeriesMarkers(this.series, []);
    this.lines = [];
    this.tags = [];
    this.chart.subscribeClick(({ time }) => this.find(time, onTrade));
    this.paint();
    dark.addEventListener("change", () => this.paint());
    this.picture = el("div.paper");
    holder.after(this.picture);
    addEventListener("beforeprint", () => this.print());
    addEventListener("afterprint", () => this.dress("screen"));
  }

  show(day, trade) {
    this.day = day;
    this.trade = trade;
    this.rows = bars.slice(day.first, day.stop);
    this.series.setData(this.rows);
    this.draw();
    this.chart.timeScale().fitContent();
    const opens = this.rows.findIndex((bar) => bar.time >= day.opens);
    const from = Math.max(-0.5, opens - (innerWidth < 700 ? 6 : 24));
    this.chart.timeScale().setVisibleLogicalRange({ from, to: this.rows.length + 1 });
  }

  widen(range) {
    if (!range?.priceRange || !this.trade) return range;
    const prices = [this.trade.stop, this.trade.target, this.trade.entry, this.trade.exit].filter(isNumber);
    const { minValue, maxValue } = range.priceRange;
    return { ...range, priceRange: { minValue: Math.min(minValue, ...prices), maxValue: Math.max(maxValue, ...prices) } };
  }

  paint() {
    const line = { color: colour("rule") };
    this.chart.applyOptions({
      layout: { background: { type: "solid", color: colour("card") }, textColor: colour("muted") },
      grid: { vertLines: line, horzLines: line },
      timeScale: { borderColor: colour("rule") },
      rightPriceScale: { borderColor: colour("rule") },
    });
    const [up, down] = [colour("candle-up"), colour("candle-down")];
    this.series.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false });
    if (this.rows?.length) this.draw();
  }

  // Paper is white, and a chart would not be drawn anew in time: a picture of it is printed.
  print() {
    this.dress("paper");
    this.picture.replaceChildren(this.chart.takeScreenshot());
  }

  dress(medium) {
    document.documentElement.dataset.medium = medium;
    this.paint();
  }

  draw() {
    const trades = report.trades.filter((trade) => trade.day === this.day.day);
    this.boxes.show([this.session(), ...trades.flatMap((trade) => this.box(trade))].filter(Boolean));
    this.markers.setMarkers(trades.flatMap((trade) => this.marks(trade)).sort((one, other) => one.time - other.time));
    this.drawLevels();
    this.drawTags();
  }

  session() {
    const inside = this.rows.filter((bar) => bar.time >= this.day.opens && bar.time < this.day.closes);
    return inside.length && { from: inside[0].time, to: inside.at(-1).time, fill: colour("session") };
  }

  box(trade) {
    const [from, to] = [trade.entry_at, trade.exit_at].map((at) => nearestBar(this.rows, toSeconds(at)).time);
    const far = isNumber(trade.target) ? trade.target : trade.exit;
    const faint = this.trade && trade !== this.trade ? "-faint" : "";
    const part = (price, name) => ({
      from,
      to,
      high: Math.max(trade.entry, price),
      low: Math.min(trade.entry, price),
      fill: colour(`${name}-box${faint}`),
      lines: [[price, colour(name)], [trade.entry, colour("muted")]],
    });
    return [part(far, "up"), part(trade.stop, "down")];
  }

  marks(trade) {
    const long = trade.side === "long";
    const entered = nearestBar(this.rows, toSeconds(trade.entry_at)).time;
    const left = nearestBar(this.rows, toSeconds(trade.exit_at)).time;
    return [
      { time: entered, position: long ? "belowBar" : "aboveBar", shape: long ? "arrowUp" : "arrowDown", color: colour("accent"), text: `#${trade.number} ${trade.side}` },
      { time: left, position: long ? "aboveBar" : "belowBar", shape: "circle", color: colour(toneOf(trade.r) || "muted"), text: `${trade.exit_reason} ${sayR(trade.r)}`, size: 0.8 },
    ];
  }

  drawLevels() {
    this.lines.forEach((line) => this.chart.removeSeries(line));
    const session = report.sessions.find((one) => one.day === this.day.day);
    const known = session?.known_at ? toSeconds(session.known_at) : this.day.opens;
    const times = this.rows.map((bar) => bar.time).filter((time) => time >= known && time < this.day.closes);
    const inks = ["level-1", "level-2", "level-3", "level-4"].map(colour);
    this.lines = times.length ? this.levels(session).map(([name, price], place) => {
      const line = this.chart.addSeries(LightweightCharts.LineSeries, {
        color: inks[place % inks.length],
        lineWidth: 1,
        title: innerWidth < 700 ? "" : name,
        priceLineVisible: false,
        crosshairMarkerVisible: false,
        priceFormat: { type: "price", precision: candles.decimals, minMove: candles.tick },
      });
      line.setData(times.map((time) => ({ time, value: price })));
      return line;
    }) : [];
  }

  // Ranges and ATRs are levels too, but no prices: they lie far from the bars.
  levels(session) {
    const highest = Math.max(...this.rows.map((bar) => bar.high));
    const lowest = Math.min(...this.rows.map((bar) => bar.low));
    const slack = (highest - lowest) / 2;
    const isNear = ([, value]) => isNumber(value) && value >= lowest - slack && value <= highest + slack;
    return Object.entries(session?.levels ?? {}).filter(isNear);
  }

  drawTags() {
    this.tags.forEach((tag) => this.series.removePriceLine(tag));
    const tell = (title, price, ink) => this.series.createPriceLine({ title: innerWidth < 700 ? "" : title, price, color: ink, lineVisible: false, axisLabelVisible: true });
    const wanted = this.trade
      ? [["stop", this.trade.stop, colour("down")], ["target", this.trade.target, colour("up")], ["entry", this.trade.entry, colour("muted")]]
      : [];
    this.tags = wanted.filter(([, price]) => isNumber(price)).map((tag) => tell(...tag));
  }

  find(time, onTrade) {
    const isAt = (at) => nearestBar(this.rows, toSeconds(at)).time === time;
    const hit = report.trades.find((trade) => trade.day === this.day.day && (isAt(trade.entry_at) || isAt(trade.exit_at)));
    if (hit) onTrade(hit.number);
  }
}
