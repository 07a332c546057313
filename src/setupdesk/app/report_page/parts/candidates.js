// Candidates: how many were left after each question, and for each one all that was asked of it.
const PAGE = 25;

function funnel() {
  const { candidates, steps: asked, sessions, skipped, reasons, sentence } = report.funnel;
  const whole = Math.max(1, candidates);
  const rows = [["candidates", candidates], ...asked.map((step) => [step.passed, step.left])];
  const missed = Object.values(skipped).reduce((sum, count) => sum + count, 0);
  return section(
    "Why candidates were refused",
    el("p", {}, `${sayCount(sessions, "session")}, ${missed} skipped. `, sentence),
    el(
      "div.funnel",
      {},
      rows.map(([name, left]) =>
        el(
          "div",
          {},
          el("span.name", {}, name),
          el("span.bar", {}, el("i", { style: `width:${((100 * left) / whole).toFixed(2)}%` })),
          el("b", {}, fixed(left, 0)),
        ),
      ),
    ),
    reasons.length &&
      el(
        "div.scroll-x",
        {},
        el(
          "table.reasons",
          {},
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              ["Reason", "Count", "What it means"].map((head) => el("th", { scope: "col" }, head)),
            ),
          ),
          el(
            "tbody",
            {},
            reasons.map((one) =>
              el(
                "tr",
                {},
                el("td", {}, el("code", {}, one.code), one.of === "session" ? " (sessions)" : ""),
                el("td.number", {}, fixed(one.count, 0)),
                el(
                  "td",
                  {},
                  one.sentence,
                  one.example ? el("span.muted", {}, ` Such as: ${one.example}.`) : "",
                ),
              ),
            ),
          ),
        ),
      ),
  );
}

class Candidates {
  constructor(trades) {
    this.trades = trades;
    this.list = el("div.candidates");
    this.more = el("button", { type: "button", onclick: () => this.showMore() });
    this.chips = ["all", ...Object.keys(report.funnel.verdicts)].map((code) => this.chip(code));
    this.top = section(
      "Candidates and their evidence",
      el("div.chips", {}, this.chips),
      this.list,
      this.more,
    );
    this.choose("all");
  }

  chip(code) {
    const count = code === "all" ? report.candidates.length : report.funnel.verdicts[code];
    return el(
      "button.chip",
      { type: "button", "data-code": code, onclick: () => this.choose(code) },
      `${code.replaceAll("_", " ")} ${fixed(count, 0)}`,
    );
  }

  choose(code) {
    this.found = report.candidates.filter((one) => code === "all" || one.verdict === code);
    this.shown = 0;
    this.list.replaceChildren(
      ...(this.found.length ? [] : [el("p.muted", {}, "Nothing triggered.")]),
    );
    this.chips.forEach((chip) => chip.setAttribute("aria-pressed", chip.dataset.code === code));
    this.showMore();
  }

  showMore() {
    const next = this.found.slice(this.shown, this.shown + PAGE);
    this.list.append(...next.map((one) => this.describe(one)));
    this.shown += next.length;
    this.more.hidden = this.shown >= this.found.length;
    this.more.textContent = `${Math.min(PAGE, this.found.length - this.shown)} more of ${this.found.length - this.shown}`;
  }

  describe(one) {
    const trade = report.trades.find((each) => each.candidate === one.number);
    const summary = el(
      "summary",
      {},
      el(
        "span.when",
        {},
        `${one.day} ${clock(one.known_local)}`,
        el("span.utc", {}, ` ${utcClock(one.known_at)}`),
      ),
      el(`span.side.${one.side}`, {}, one.side),
      el("span.level", {}, `${one.level} ${sayPrice(one.level_price)}`),
      el(`span.verdict${trade ? ".traded" : ""}`, {}, one.verdict.replaceAll("_", " ")),
      el(
        "span.detail.muted",
        {},
        trade
          ? [`trade ${trade.number}, `, el("b", { class: toneOf(trade.r) || null }, sayR(trade.r))]
          : one.detail,
      ),
    );
    const details = el("details", {}, summary);
    details.addEventListener(
      "toggle",
      () =>
        details.open && details.children.length === 1 && details.append(this.evidence(one, trade)),
    );
    return details;
  }

  evidence(one, trade) {
    const look = trade ? () => this.trades.choose(trade.number) : () => this.look(one.day);
    const canLook = days.some(({ day }) => day === one.day);
    return el(
      "div.evidence",
      {},
      el(
        "ol",
        {},
        one.evidence.map((asked) =>
          el(
            asked.met ? "li.met" : "li.unmet",
            {},
            el("b", {}, asked.met ? "\u2713 " : "\u2717 ", asked.name),
            el("span", {}, ` ${asked.text}`),
            asked.at ? el("span.utc", {}, ` ${utcClock(asked.at)}`) : "",
          ),
        ),
      ),
      !one.evidence.length && el("p.muted", {}, "Nothing was written down."),
      canLook &&
        el(
          "button",
          { type: "button", onclick: look },
          trade ? `Trade ${trade.number} on its candles` : "The candles of this day",
        ),
    );
  }

  look(day) {
    this.trades.showDay(day);
    this.trades.top.scrollIntoView({ block: "start" });
  }
}
