// The candle chart of a run or a watch: bars, sessions and levels, and trades with stops and targets.
import "../setupdesk.vendor/lightweight-charts.js";
import { Boxes } from "../setupdesk.parts/boxes.js";
import { readBars } from "./bars.js";
import { Clock } from "./clock.js";
import { findInks } from "./inks.js";
import { drawBoxes, drawMarkers, inkOfLevel } from "./marks.js";
import { Readout } from "./readout.js";

const { createChart, createSeriesMarkers, CandlestickSeries } = globalThis.LightweightCharts;
const FIRST_VIEW = 240;
const ROOM = 24;
const AROUND_TRADE = 120;
const FEW_BARS = 2000;

export class CandleChart {
  constructor(holder) {
    this.began = performance.now();
    this.holder = holder;
    this.paper = holder.appendChild(document.createElement("div"));
    this.paper.className = "paper";
    this.readout = new Readout(holder);
    this.chart = createChart(this.paper, {
      autoSize: true,
      layout: { attributionLogo: true },
      crosshair: { mode: 0 },
      timeScale: { timeVisible: true, rightOffset: 4, minBarSpacing: 0.02 },
    });
    this.series = this.chart.addSeries(CandlestickSeries, {
      borderVisible: false,
      priceLineVisible: false,
      lastValueVisible: false,
      autoscaleInfoProvider: (original) => this.widen(original()),
    });
    this.boxes = new Boxes();
    this.series.attachPrimitive(this.boxes);
    this.markers = createSeriesMarkers(this.series, [], { autoScale: false });
    this.tags = [];
    this.chart.subscribeCrosshairMove(({ logical }) => this.read(logical));
    this.chart.subscribeClick((click) => this.click(click));
    holder.addEventListener("transitionend", () => this.paint());
  }

  show(picture) {
    this.began ??= performance.now();
    this.holder.style.height = `${picture.height}px`;
    const hasOtherBars = picture.bars.columns !== this.picture?.bars.columns;
    const hasOtherTrade = picture.chosen !== this.picture?.chosen;
    const goesOn = Boolean(picture.subject) && picture.subject === this.picture?.subject;
    const view = goesOn && hasOtherBars ? this.findView() : undefined;
    this.picture = picture;
    if (hasOtherBars) this.load();
    this.paint();
    if (view) this.keep(view);
    const isNew = hasOtherBars && !view;
    if (isNew || (hasOtherTrade && picture.chosen !== this.clicked)) this.jump(isNew);
    this.clicked = undefined;
    this.read();
    requestAnimationFrame(() => requestAnimationFrame(() => this.tellDrawn()));
  }

  load() {
    const { bars, zone, language, minutes } = this.picture;
    const clock = new Clock(zone, language, minutes);
    this.clock = clock;
    this.rows = readBars(bars);
    this.chart.applyOptions({
      localization: { timeFormatter: (seconds) => clock.tell(seconds) },
      timeScale: { tickMarkFormatter: (seconds, kind) => clock.mark(seconds, kind) },
    });
    this.series.applyOptions({
      priceFormat: {
        type: "price",
        precision: bars.decimals,
        minMove: bars.step / 10 ** bars.decimals,
      },
    });
    this.series.setData(this.rows);
  }

  findView() {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    return range && this.rows.length ? { range, rows: this.rows } : undefined;
  }

  // What was looked at stays where it was; who looks at the newest bar goes on with the new ones.
  keep({ range, rows }) {
    const last = rows.length - 1;
    const place = this.rows.findLastIndex(({ time }) => time <= rows[last].time);
    if (place < 0) return this.jump(true);
    const added = range.to >= last ? this.rows.length - 1 - place : 0;
    const moved = place - last + added;
    this.chart
      .timeScale()
      .setVisibleLogicalRange({ from: range.from + moved, to: range.to + moved });
  }

  // What tests and benchmarks wait for, and what they look at.
  tellDrawn() {
    const now = performance.now();
    const range = this.chart.timeScale().getVisibleLogicalRange();
    const shown = range && { from: Math.round(range.from), to: Math.round(range.to) };
    Object.assign(this.holder.dataset, shown, {
      bars: this.rows.length,
      chosen: this.picture.chosen ?? "",
      theme: this.inks.isDark ? "dark" : "light",
      drawn: now,
      took: now - this.began,
    });
    this.began = undefined;
  }

  get chosen() {
    const { trades, alerts, chosen } = this.picture;
    const marked = alerts.map(({ number, row }) => ({ number, from: row, to: row }));
    return [...trades, ...marked].find(({ number }) => number === chosen);
  }

  // To the chosen trade; without one, a chart that is new shows its newest bars.
  jump(isNew) {
    const trade = this.chosen;
    const scale = this.chart.timeScale();
    if (trade) {
      const room = Math.max(ROOM, (AROUND_TRADE - (trade.to - trade.from)) / 2);
      scale.setVisibleLogicalRange({ from: trade.from - room, to: trade.to + room });
      this.series.priceScale().applyOptions({ autoScale: true });
      if (!isNew) this.holder.scrollIntoView({ block: "nearest", behavior: "smooth" });
    } else if (isNew) {
      const last = this.rows.length;
      scale.setVisibleLogicalRange({ from: last - FIRST_VIEW, to: last + 4 });
    }
  }

  // Stops and targets belong into view, where few enough bars are shown to see them.
  widen(info) {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    if (!info?.priceRange || !range || range.to - range.from > FEW_BARS) return info;
    const shown = this.picture.trades.filter(({ from, to }) => to >= range.from && from <= range.to);
    const prices = shown.flatMap(({ stop, target }) => [stop, target ?? stop]);
    const { minValue, maxValue } = info.priceRange;
    const priceRange = {
      minValue: Math.min(minValue, ...prices),
      maxValue: Math.max(maxValue, ...prices),
    };
    return { ...info, priceRange };
  }

  paint() {
    if (!this.picture) return;
    this.inks = findInks(this.holder);
    const { ground, text, rule, candleUp, candleDown } = this.inks;
    this.chart.applyOptions({
      layout: {
        background: { type: "solid", color: ground },
        textColor: text,
        fontFamily: getComputedStyle(this.holder).fontFamily,
      },
      grid: { vertLines: { color: rule }, horzLines: { color: rule } },
      timeScale: { borderColor: rule },
      rightPriceScale: { borderColor: rule },
    });
    this.series.applyOptions({
      upColor: candleUp,
      wickUpColor: candleUp,
      downColor: candleDown,
      wickDownColor: candleDown,
    });
    this.boxes.show(drawBoxes(this.picture, this.rows, this.inks));
    this.markers.setMarkers(drawMarkers(this.picture, this.rows, this.inks));
    this.tag();
    this.holder.dataset.theme = this.inks.isDark ? "dark" : "light";
  }

  // The prices of the chosen trade, and the names of the levels of a watch, on the axis.
  tag() {
    this.tags.forEach((tag) => this.series.removePriceLine(tag));
    const { entry, stop, target } = this.chosen ?? {};
    const { muted, up, down } = this.inks;
    const prices = [
      [entry, muted],
      [stop, down],
      [target, up],
    ];
    const levels = this.picture.levels
      .filter((level) => level.isNamed)
      .map(({ name, price }) => [price, inkOfLevel(name, this.picture, this.inks), name]);
    this.tags = [...prices, ...levels]
      .filter(([price]) => Number.isFinite(price))
      .map(([price, color, title = ""]) =>
        this.series.createPriceLine({ price, color, title, lineVisible: false }),
      );
  }

  read(logical) {
    const row = this.rows?.[Math.round(logical)] ? Math.round(logical) : undefined;
    this.readout.show(row, this);
  }

  // A marker has the number of its trade; else the trade that was open at the bar.
  click({ hoveredObjectId, logical }) {
    const isOpen = ({ from, to }) => logical >= from - 1 && logical <= to + 1;
    const number = hoveredObjectId ?? this.picture.trades.find(isOpen)?.number;
    if (number === undefined || number === this.picture.chosen) return;
    this.clicked = Number(number);
    this.onTrade(this.clicked);
  }

  close() {
    this.chart.remove();
    this.holder.remove();
  }
}
