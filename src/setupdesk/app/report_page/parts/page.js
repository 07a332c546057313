// The page, in the order in which a report is read.
const trades = new Trades();
document
  .getElementById("page")
  .replaceChildren(
    ...[
      headline(),
      frames(),
      verdict(),
      equity((number) => trades.choose(number)),
      trades.top,
      breakdowns(),
      figures(),
      funnel(),
      new Candidates(trades).top,
      making(),
      footer(),
    ]
      .flat(9)
      .filter(Boolean),
  );
trades.start();
addEventListener("hashchange", () => trades.start());
document.documentElement.dataset.ready = "yes";
