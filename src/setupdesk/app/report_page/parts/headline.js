// Headline: what was asked, the verdict with its uncertainty, and the figures.
const VERDICTS = {
  positive: "Positive",
  negative: "Negative",
  undecided: "Undecided",
  too_few: "Too few",
  no_trades: "No trades",
};
const of = report.statistics;

function headline() {
  const request = run.request;
  const period = request.start ? `${request.start} to ${request.end} inclusive` : "now";
  const chosen = Object.entries({ ...request.options, ...request.extra });
  const said = chosen.filter(([, value]) => value !== null && value !== false && value !== "");
  const asked = `${run.run_id}, asked by ${run.user} through ${run.door}, ${(run.accepted_at ?? "").slice(0, 16).replace("T", " ")} UTC`;
  return el(
    "header",
    {},
    el("div.badges", {}, badges()),
    el(
      "h1",
      {},
      request.setup_id,
      el("span.market", {}, ` ${request.symbol} ${request.timeframe}`),
    ),
    el("p.period", {}, setup?.title?.en ? `${setup.title.en}. ` : "", period),
    el(
      "p.muted.small",
      {},
      asked,
      said.length ? `. Options: ${sayAny(Object.fromEntries(said))}` : "",
    ),
  );
}

function badges() {
  const code = report.verdict.code;
  const lookAhead = report.look_ahead;
  return [
    el(`span.badge.verdict-${code}`, {}, VERDICTS[code] ?? sayTitle(code)),
    report.simulated && el("span.badge.alarm", {}, "Simulated market"),
    lookAhead && el(lookAhead.moved ? "span.badge.alarm" : "span.badge", {}, sayLookAhead()),
  ];
}

function sayLookAhead() {
  const { checked, moved } = report.look_ahead;
  return `Look-ahead: ${checked} checked, ${moved} moved`;
}

function frames() {
  const alarms = report.notes.filter((note) => note.severity === "alarm");
  const warnings = report.data_quality?.warnings ?? [];
  return [
    report.simulated && frame("Simulated market", "No exchange made these bars."),
    alarms.map((note) => frame("Do not trust this", note.sentence)),
    report.look_ahead?.moved > 0 && frame("Look-ahead", report.look_ahead.sentence),
    warnings.map((sentence) => frame("Warning", sentence)),
    report.live && frame("Live scan", report.live.sentence, "plain"),
  ];
}

function frame(title, sentence, tone = "alarm") {
  return el(`p.frame.${tone}`, {}, el("b", {}, title), " ", sentence);
}

function verdict() {
  const cautions = report.notes.filter((note) => note.severity === "caution");
  const { sentence, sample_size: sampleSize, expectation } = report.verdict;
  return el(
    "section.verdict",
    {},
    el("p.sentence", {}, sentence),
    el("p", {}, sampleSize),
    cautions.map((note) => el("p.caution", {}, note.sentence)),
    el("p.muted.small", {}, expectation),
    cards(),
  );
}

function cards() {
  const even = of.breakeven ? `, ${of.breakeven} even` : "";
  const factor = of.profit_factor_note ?? `payoff ${fixed(of.payoff)}`;
  const reach = Math.max(0.5, ...(of.expectancy_interval ?? [0]).map(Math.abs)) * 1.1;
  return el(
    "div.cards",
    {},
    card(
      "Total",
      sayR(of.total_r),
      `after ${fixed(of.costs_r_total, 1)}R of costs`,
      toneOf(of.total_r),
    ),
    card(
      "Expectancy",
      sayR(of.expectancy_r),
      `95 %: ${saySpan(of.expectancy_interval)}`,
      toneOf(of.expectancy_r),
      interval(of.expectancy_interval, of.expectancy_r, [-reach, reach]),
    ),
    card(
      "Win rate",
      sayPercent(of.win_rate),
      `95 %: ${saySpan(of.win_rate_interval, sayPercent)}`,
      "",
      interval(of.win_rate_interval, of.win_rate, [0, 1], null),
    ),
    card("Profit factor", fixed(of.profit_factor), factor),
    card(
      "Max drawdown",
      isNumber(of.max_drawdown_r) ? `${fixed(of.max_drawdown_r)}R` : NOTHING,
      `${sayCount(of.longest_drawdown_trades, "trade")}, ${sayCount(of.longest_drawdown_days, "day")} long`,
    ),
    card("Trades", fixed(of.trades, 0), `${of.wins} won, ${of.losses} lost${even}`),
  );
}

function card(label, value, below, tone, drawing) {
  return el(
    "div.figure",
    {},
    el("span.label", {}, label),
    el("b", { class: tone || null }, value),
    el("span.below", {}, below),
    drawing,
  );
}

// A figure with its interval on the scale [low, high]; the line is nought.
function interval(span, middle, [low, high], nought = 0) {
  if (!span || !isNumber(middle) || !(high > low)) return el("div.interval.empty");
  const place = (value) =>
    Math.min(100, Math.max(0, (100 * (value - low)) / (high - low))).toFixed(2);
  const from = place(span[0]);
  const to = place(span[1]);
  const sure = nought === null ? "" : span[0] > nought ? ".up" : span[1] < nought ? ".down" : "";
  return el(
    "div.interval",
    { title: `${fixed(middle, 3)}, 95 % interval ${fixed(span[0], 3)} to ${fixed(span[1], 3)}` },
    nought !== null && el("i.nought", { style: `left:${place(nought)}%` }),
    el(`i.span${sure}`, { style: `left:${from}%;width:${(to - from).toFixed(2)}%` }),
    el(`i.dot${sure}`, { style: `left:${place(middle)}%` }),
  );
}

function figures() {
  const likely = of.likely_drawdown_r;
  const rows = [
    ["Average win, loss", `${sayR(of.avg_win_r)}, ${sayR(of.avg_loss_r)}`],
    ["Best, worst", `${sayR(of.best_r)}, ${sayR(of.worst_r)}`],
    ["Longest streak", `${of.max_consecutive_wins} won, ${of.max_consecutive_losses} lost`],
    [
      "Drawdown, shuffled",
      likely ? `${fixed(likely[0], 1)}R typical, ${fixed(likely[2], 1)}R at 99 %` : NOTHING,
    ],
    ["Recovery factor", fixed(of.recovery_factor)],
    ["SQN, t", `${fixed(of.sqn)}, ${fixed(of.t_stat)}`],
    ["Sharpe, Sortino", `${fixed(of.sharpe)}, ${fixed(of.sortino)}`],
    ["Calmar", fixed(of.calmar)],
    [`At ${fixed(100 * of.risk, 1)} % risk`, compounded()],
    ["Mean MAE, MFE", `${points(of.mae_r)}, ${points(of.mfe_r)}`],
    ["MAE won, MFE lost", `${points(of.mae_of_winners_r)}, ${points(of.mfe_of_losers_r)}`],
    ["Edge ratio", fixed(of.edge_ratio)],
    ["Average hold", sayMinutes(of.avg_hold_minutes)],
    ["Exits", sayAny(of.exit_reasons)],
    ["In a trade", `${sayPercent(of.exposure)} of the bars`],
    ["Sessions traded", `${of.sessions_traded} of ${of.sessions}`],
  ];
  const firm = report.notes.filter((note) => note.severity === "plain");
  return section(
    "More figures",
    pairs(rows),
    firm.length && el("h3", {}, "How firm it is"),
    el(
      "ul",
      {},
      firm.map((note) => el("li", {}, note.sentence)),
    ),
  );
}

const points = (r) => (isNumber(r) ? `${fixed(r)}R` : NOTHING);

function compounded() {
  if (!isNumber(of.final_equity)) return NOTHING;
  return `${signed(100 * (of.final_equity - 1), 1)} %, drawdown ${fixed(of.max_drawdown_pct, 1)} %`;
}
