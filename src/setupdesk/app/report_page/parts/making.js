// Making: the rules and costs behind the figures, the bars, and all that makes it repeatable.
const COSTS = {
  slippage: "Slippage, points",
  commission: "Commission, a lot and side",
  swap: "Swap, points, long and short",
};

function making() {
  return el("div.columns", {}, rules(), costs(), quality(), provenance());
}

function rules() {
  return section(
    "Fill rules",
    el(
      "ol",
      {},
      (report.fill_rules ?? []).map((rule) => el("li", {}, rule)),
    ),
  );
}

function costs() {
  const { spread, ...others } = report.costs ?? {};
  const rows = [
    ...(spread ?? []).map(([from, size]) => [`Spread from ${from}`, `${sayAny(size)} points`]),
    ...Object.entries(others).map(([name, value]) => [
      COSTS[name] ?? sayTitle(name),
      sayAny(value),
    ]),
    ["Charged in all", points(of.costs_r_total)],
    ["Charged a trade", isNumber(of.costs_r_mean) ? `${fixed(of.costs_r_mean, 3)}R` : NOTHING],
    ["Share of the total before them", sayPercent(of.costs_share)],
  ];
  return section("Costs", pairs(rows));
}

function quality() {
  const { sentence, warnings, ...others } = report.data_quality ?? {};
  return section(
    "Data quality",
    sentence && el("p", {}, `${sentence}.`),
    (warnings ?? []).map((warning) => el("p.caution", {}, warning)),
    pairs([
      ...Object.entries(others).map(([name, value]) => [sayTitle(name), sayAny(value)]),
      ["Look-ahead", report.look_ahead?.sentence ?? "not checked in this run"],
    ]),
  );
}

function provenance() {
  const { bars_sources: sources, ...others } = report.provenance ?? {};
  const { bars_timeframe: stored } = others;
  const asked = run.request.timeframe;
  return section(
    "Provenance",
    stored &&
      stored !== asked &&
      el("p", {}, `The ${asked} bars are made from stored ${stored} bars.`),
    pairs(
      Object.entries(others).map(([name, value]) => [
        sayTitle(name),
        /hash|fingerprint/.test(name) ? el("code", {}, sayAny(value)) : sayAny(value),
      ]),
    ),
    (sources ?? []).map((source) =>
      el(
        "details",
        {},
        el("summary", {}, source.source_file ?? "source"),
        pairs(Object.entries(source).map(([name, value]) => [sayTitle(name), sayAny(value)])),
      ),
    ),
  );
}

function footer() {
  return el(
    "footer.muted.small",
    {},
    el(
      "p",
      {},
      `Made by Setupdesk ${told.version} from ${run.run_id}. A setup is a hypothesis: this is no advice.`,
    ),
    el(
      "p",
      {},
      "Charts: TradingView Lightweight Charts\u2122, Copyright (c) 2026 TradingView, Inc. ",
      el(
        "a",
        { href: "https://www.tradingview.com/", rel: "noreferrer" },
        "https://www.tradingview.com/",
      ),
    ),
  );
}
