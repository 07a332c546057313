// The component: one chart for as long as it stays on the page, however often the page runs again.
import { CandleChart } from "./candle_chart.js";

const charts = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const chart = charts.get(parentElement) ?? open(parentElement);
  chart.onTrade = (number) => setTriggerValue("trade", number);
  chart.show(data);
  return () => {
    charts.delete(parentElement);
    chart.close();
  };
}

function open(parent) {
  const holder = document.createElement("div");
  holder.className = "chart";
  parent.append(holder);
  const chart = new CandleChart(holder);
  charts.set(parent, chart);
  return chart;
}
