// Trades: every one in a list, and the one that was chosen on its candles.
const COLUMNS = [
  { name: "#", key: "number", show: (trade) => String(trade.number) },
  { name: "Day", key: "day", show: (trade) => trade.day },
  { name: "Side", key: "side", show: (trade) => trade.side },
  { name: "Level", key: "level", show: (trade) => trade.level, wide: true },
  {
    name: "Entry",
    key: "entry_at",
    show: (trade) => moment(trade.day, trade.entry_local, trade.entry_at),
  },
  {
    name: "Exit",
    key: "exit_at",
    show: (trade) => moment(trade.day, trade.exit_local, trade.exit_at),
    wide: true,
  },
  {
    name: "Entered at",
    key: "entry",
    show: (trade) => sayPrice(trade.entry),
    number: true,
    wide: true,
  },
  { name: "Stop", key: "stop", show: (trade) => sayPrice(trade.stop), number: true, wide: true },
  {
    name: "Target",
    key: "target",
    show: (trade) => sayPrice(trade.target),
    number: true,
    wide: true,
  },
  { name: "Left at", key: "exit", show: (trade) => sayPrice(trade.exit), number: true, wide: true },
  { name: "By", key: "exit_reason", show: (trade) => reason(trade) },
  { name: "MAE", key: "mae_r", show: (trade) => points(trade.mae_r), number: true, wide: true },
  { name: "MFE", key: "mfe_r", show: (trade) => points(trade.mfe_r), number: true, wide: true },
  {
    name: "Costs",
    key: "costs_r",
    show: (trade) => points(trade.costs_r),
    number: true,
    wide: true,
  },
  {
    name: "R",
    key: "r",
    show: (trade) => el("b", { class: toneOf(trade.r) || null }, sayR(trade.r)),
    number: true,
  },
];

function moment(day, local, utc) {
  const date = local.slice(0, 10) === day ? "" : `${local.slice(5, 10)} `;
  return [date, clock(local), el("span.utc", {}, ` ${utcClock(utc)}`)];
}

function reason(trade) {
  if (trade.resolved) return `${trade.exit_reason} \u2020`;
  return trade.ambiguous ? `${trade.exit_reason} *` : trade.exit_reason;
}

function compare(one, other) {
  if (one === null || other === null) return (one === null) - (other === null);
  return one < other ? -1 : one > other ? 1 : 0;
}

class Trades {
  constructor() {
    this.sorted = { key: "number", falls: false };
    this.body = el("tbody");
    this.heads = COLUMNS.map((column) =>
      el(
        `th${kinds(column)}`,
        { scope: "col" },
        el("button.plain", { type: "button", onclick: () => this.sort(column.key) }, column.name),
      ),
    );
    this.rows = new Map(report.trades.map((trade) => [trade.number, this.row(trade)]));
    this.readout = el("p.readout", { "aria-live": "polite" });
    this.picker = el("select", {
      "aria-label": "Day",
      onchange: () => this.chooseDay(this.picker.value),
    });
    this.holder = el("div.candles");
    this.top = el(
      "section.card.trades",
      { id: "trades" },
      el("h2", {}, "Trades on their candles"),
      ...this.candles(),
      this.list(),
    );
    this.order();
  }

  candles() {
    if (!hasCandles) return [el("p.frame.plain", { id: "no-candles" }, candles), this.readout];
    if (!days.length) return [el("p.muted", {}, "There is no day to show candles of.")];
    const traded = new Set(report.trades.map((trade) => trade.day));
    this.picker.append(
      ...days.map(({ day }) => el("option", { value: day }, traded.has(day) ? `${day} *` : day)),
    );
    const step = (by) => () => this.step(by);
    const left = candles.left_out
      ? el(
          "p.muted.small",
          {},
          `So that the file stays small, ${sayCount(candles.left_out, "day")} without candles: those without a trade, and the oldest, first.`,
        )
      : null;
    return [
      el(
        "div.toolbar",
        {},
        el(
          "button",
          { type: "button", onclick: step(-1), disabled: report.trades.length ? null : "" },
          "\u2039 Trade",
        ),
        el(
          "button",
          { type: "button", onclick: step(1), disabled: report.trades.length ? null : "" },
          "Trade \u203a",
        ),
        this.picker,
        el("button", { type: "button", onclick: () => this.chart.showAll() }, "Whole day"),
        this.readout,
      ),
      this.holder,
      el(
        "p.muted.small",
        {},
        `Hours of ${report.zone}. The session is shaded; levels begin where they are known. Green and red are target and stop of a trade. * days with a trade.`,
      ),
      left,
    ];
  }

  list() {
    const clocks = el(
      "p.muted.small",
      {},
      `Times of ${report.zone}, UTC beside them (Z). * stop and target were in one bar: the stop counts. \u2020 finer bars settled that.`,
    );
    if (!report.trades.length) return el("p.muted", {}, "There is no trade to list.");
    return [
      el(
        "div.scroll",
        { tabindex: 0 },
        el("table.list", {}, el("thead", {}, el("tr", {}, this.heads)), this.body),
      ),
      clocks,
    ];
  }

  row(trade) {
    const cells = COLUMNS.map((column) => el(`td${kinds(column)}`, {}, column.show(trade)));
    return el(
      "tr",
      {
        tabindex: 0,
        onclick: () => this.choose(trade.number),
        onkeydown: (event) => {
          if (event.key === "Enter") this.choose(trade.number);
        },
      },
      cells,
    );
  }

  sort(key) {
    this.sorted = { key, falls: this.sorted.key === key && !this.sorted.falls };
    this.order();
  }

  order() {
    const { key, falls } = this.sorted;
    const ordered = report.trades.toSorted(
      (one, other) => (falls ? -1 : 1) * compare(one[key], other[key]) || one.number - other.number,
    );
    this.ordered = ordered.map((trade) => trade.number);
    this.body.replaceChildren(...this.ordered.map((number) => this.rows.get(number)));
    COLUMNS.forEach((column, place) => {
      const state = column.key === key ? (falls ? "descending" : "ascending") : "none";
      this.heads[place].setAttribute("aria-sort", state);
    });
  }

  choose(number, moves = true) {
    const trade = report.trades[number - 1];
    if (!trade) return;
    this.rows.forEach((row, one) => row.classList.toggle("chosen", one === number));
    this.chosen = number;
    this.readout.replaceChildren(...sayTrade(trade));
    this.draw(trade.day, trade);
    this.reveal(this.rows.get(number));
    if (moves && !this.isInSight()) this.top.scrollIntoView({ block: "start" });
  }

  reveal(row) {
    const frame = row.closest(".scroll");
    const below = row.offsetTop + row.offsetHeight - frame.clientHeight;
    if (row.offsetTop < frame.scrollTop + 40 || below > frame.scrollTop) {
      frame.scrollTop = row.offsetTop - frame.clientHeight / 2;
    }
  }

  isInSight() {
    const { top } = this.top.getBoundingClientRect();
    const { bottom } = this.holder.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  }

  chooseDay(day) {
    const trade = report.trades.find((one) => one.day === day);
    if (trade) this.choose(trade.number, false);
    else this.showDay(day);
  }

  showDay(day) {
    this.rows.forEach((row) => row.classList.remove("chosen"));
    this.readout.replaceChildren(`${day}: no trade.`);
    this.draw(day, null);
  }

  draw(day, trade) {
    const shown = days.find((one) => one.day === day);
    if (!hasCandles) return;
    this.holder.classList.toggle("absent", !shown);
    if (!shown) return;
    this.picker.value = day;
    this.chart ??= new CandleChart(this.holder, (number) => this.choose(number));
    this.chart.show(shown, trade);
    this.holder.dataset.day = day;
  }

  step(by) {
    const place = this.ordered.indexOf(this.chosen) + by;
    this.choose(this.ordered[(place + this.ordered.length) % this.ordered.length]);
  }

  start() {
    const asked = /^#trade-(\d+)$/.exec(location.hash);
    if (asked && report.trades[asked[1] - 1]) this.choose(Number(asked[1]));
    else if (report.trades.length) this.choose(report.trades.length, false);
    else if (days.length) this.showDay(days.at(-1).day);
  }
}

const kinds = (column) => `${column.number ? ".number" : ""}${column.wide ? ".wide" : ""}`;

function sayTrade(trade) {
  const rest = `${trade.level}, ${clock(trade.entry_local)} to ${clock(trade.exit_local)}, by ${trade.exit_reason}`;
  return [
    el("b", {}, `#${trade.number} ${trade.day} ${trade.side} `),
    el("b", { class: toneOf(trade.r) || null }, sayR(trade.r)),
    ` ${rest}`,
  ];
}
