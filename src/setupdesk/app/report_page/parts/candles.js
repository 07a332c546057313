// Candles: the bars of one day with its levels, and each trade with its stop and its target.
class CandleChart {
  constructor(holder, onTrade) {
    const { createChart, createSeriesMarkers, CandlestickSeries } = LightweightCharts;
    const local = new Intl.DateTimeFormat("en-GB", {
      timeZone: report.zone,
      hourCycle: "h23",
      weekday: "short",
      day: "2-digit",
      month: "short",
      hour: "2-digit",
      minute: "2-digit",
    });
    const parts = (seconds) =>
      Object.fromEntries(
        local.formatToParts(seconds * 1000).map((part) => [part.type, part.value]),
      );
    const tell = (seconds) => {
      const { weekday, day, month, hour, minute } = parts(seconds);
      return `${weekday} ${day} ${month} ${hour}:${minute}`;
    };
    const mark = (seconds) => {
      const { day, month, hour, minute } = parts(seconds);
      return candles.minutes >= 1440 || `${hour}${minute}` === "0000"
        ? `${day} ${month}`
        : `${hour}:${minute}`;
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
    this.zoom();
  }

  // The session and what led to it; of many bars, those around the trade.
  zoom() {
    const place = (seconds) => this.rows.findLastIndex((bar) => bar.time <= seconds);
    const [lead, most] = isNarrow() ? [6, 70] : [24, 160];
    const [entry, exit] = this.trade
      ? [this.trade.entry_at, this.trade.exit_at].map((at) => place(toSeconds(at)))
      : [Infinity, 0];
    let from = Math.min(place(this.day.opens) - lead, entry - lead);
    let to = this.rows.length + 1;
    if (to - from > most && this.trade) {
      const room = Math.max(lead, (most - (exit - entry)) / 2);
      [from, to] = [Math.max(-1, entry - room), Math.min(to, exit + room)];
    }
    this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(-1, from), to });
  }

  showAll() {
    this.chart.timeScale().fitContent();
  }

  widen(range) {
    if (!range?.priceRange || !this.trade) return range;
    const prices = [this.trade.stop, this.trade.target, this.trade.entry, this.trade.exit].filter(
      isNumber,
    );
    const { minValue, maxValue } = range.priceRange;
    return {
      ...range,
      priceRange: {
        minValue: Math.min(minValue, ...prices),
        maxValue: Math.max(maxValue, ...prices),
      },
    };
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
    this.series.applyOptions({
      upColor: up,
      downColor: down,
      wickUpColor: up,
      wickDownColor: down,
      borderVisible: false,
    });
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
    this.boxes.show(
      [this.session(), ...trades.flatMap((trade) => this.box(trade))].filter(Boolean),
    );
    this.markers.setMarkers(
      trades.flatMap((trade) => this.marks(trade)).sort((one, other) => one.time - other.time),
    );
    this.drawLevels();
    this.drawTags();
  }

  session() {
    const inside = this.rows.filter(
      (bar) => bar.time >= this.day.opens && bar.time < this.day.closes,
    );
    return (
      inside.length && { from: inside[0].time, to: inside.at(-1).time, fill: colour("session") }
    );
  }

  box(trade) {
    const [from, to] = [trade.entry_at, trade.exit_at].map(
      (at) => nearestBar(this.rows, toSeconds(at)).time,
    );
    const far = isNumber(trade.target) ? trade.target : trade.exit;
    const faint = this.trade && trade !== this.trade ? "-faint" : "";
    const part = (price, name) => ({
      from,
      to,
      high: Math.max(trade.entry, price),
      low: Math.min(trade.entry, price),
      fill: colour(`${name}-box${faint}`),
      lines: [
        [price, colour(name)],
        [trade.entry, colour("muted")],
      ],
    });
    return [part(far, "up"), part(trade.stop, "down")];
  }

  marks(trade) {
    const long = trade.side === "long";
    const entered = nearestBar(this.rows, toSeconds(trade.entry_at)).time;
    const left = nearestBar(this.rows, toSeconds(trade.exit_at)).time;
    return [
      {
        time: entered,
        position: long ? "belowBar" : "aboveBar",
        shape: long ? "arrowUp" : "arrowDown",
        color: colour("accent"),
        text: `#${trade.number} ${trade.side}`,
      },
      {
        time: left,
        position: long ? "aboveBar" : "belowBar",
        shape: "circle",
        color: colour(toneOf(trade.r) || "muted"),
        text: `${trade.exit_reason} ${sayR(trade.r)}`,
        size: 0.8,
      },
    ];
  }

  drawLevels() {
    this.lines.forEach((line) => this.chart.removeSeries(line));
    const inks = ["level-1", "level-2", "level-3", "level-4"].map(colour);
    this.lines = this.levels().map(({ name, price, from, to }, place) => {
      const line = this.chart.addSeries(LightweightCharts.LineSeries, {
        color: inks[place % inks.length],
        lineWidth: 1,
        title: isNarrow() ? "" : name,
        priceLineVisible: false,
        crosshairMarkerVisible: false,
        priceFormat: { type: "price", precision: candles.decimals, minMove: candles.tick },
      });
      const times = this.rows.map((bar) => bar.time).filter((time) => time >= from && time < to);
      line.setData(times.map((time) => ({ time, value: price })));
      return line;
    });
  }

  // Those of the session from where they are known, and the one at which the trade triggered.
  levels() {
    const session = report.sessions.find((one) => one.day === this.day.day);
    const from = session?.known_at ? toSeconds(session.known_at) : this.day.opens;
    const named = Object.entries(session?.levels ?? {}).map(([name, price]) => ({
      name,
      price,
      from,
      to: this.day.closes,
    }));
    const trigger = this.trade && report.candidates[this.trade.candidate - 1];
    if (trigger && !named.some(({ price }) => price === trigger.level_price)) {
      const to = toSeconds(this.trade.exit_at) + 60 * candles.minutes;
      named.push({
        name: trigger.level,
        price: trigger.level_price,
        from: toSeconds(trigger.started_at),
        to,
      });
    }
    return named.filter(({ price }) => this.isNear(price));
  }

  // Ranges and ATRs are levels too, but no prices: they lie far from the bars.
  isNear(price) {
    const highest = Math.max(...this.rows.map((bar) => bar.high));
    const lowest = Math.min(...this.rows.map((bar) => bar.low));
    const slack = (highest - lowest) / 2;
    return isNumber(price) && price >= lowest - slack && price <= highest + slack;
  }

  drawTags() {
    this.tags.forEach((tag) => this.series.removePriceLine(tag));
    const tell = (title, price, ink) =>
      this.series.createPriceLine({
        title: isNarrow() ? "" : title,
        price,
        color: ink,
        lineVisible: false,
        axisLabelVisible: true,
      });
    const wanted = this.trade
      ? [
          ["stop", this.trade.stop, colour("down")],
          ["target", this.trade.target, colour("up")],
          ["entry", this.trade.entry, colour("muted")],
        ]
      : [];
    this.tags = wanted.filter(([, price]) => isNumber(price)).map((tag) => tell(...tag));
  }

  find(time, onTrade) {
    const isAt = (at) => nearestBar(this.rows, toSeconds(at)).time === time;
    const hit = report.trades.find(
      (trade) => trade.day === this.day.day && (isAt(trade.entry_at) || isAt(trade.exit_at)),
    );
    if (hit) onTrade(hit.number);
  }
}
