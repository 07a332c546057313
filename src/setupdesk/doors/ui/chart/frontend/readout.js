// Readout: the bar under the pointer, its levels and its trade, as text over the chart.
import { inkOfLevel } from "./marks.js";

export class Readout {
  constructor(holder) {
    this.node = holder.appendChild(document.createElement("div"));
    this.node.className = "readout";
  }

  // Without a row: the chosen trade, or the newest bar.
  show(row, { rows, picture, clock, inks, chosen }) {
    if (!rows?.length) return;
    const at = row ?? chosen?.from ?? rows.length - 1;
    const price = (value) => value.toFixed(picture.bars.decimals);
    this.node.replaceChildren(
      ...this.tellBar(rows[at], clock, inks, price),
      ...this.tellLevels(at, picture, inks, price),
      ...this.tellTrades(at, picture, price),
    );
  }

  tellBar({ time, open, high, low, close }, clock, inks, price) {
    const ink = close >= open ? inks.candleUp : inks.candleDown;
    const prices = { O: open, H: high, L: low, C: close };
    return [
      part(clock.tell(time)),
      ...Object.entries(prices).map(([name, value]) => part(`${name} ${price(value)}`, ink)),
    ];
  }

  tellLevels(row, picture, inks, price) {
    return picture.levels
      .filter(({ from, to }) => row >= from && row <= to)
      .map(({ name, price: at }) => part(`${name} ${price(at)}`, inkOfLevel(name, picture, inks)));
  }

  tellTrades(row, { trades, words }, price) {
    const say = (code) => words[code] ?? code;
    const at = (name, value) => (value === null ? "" : ` ${say(name)} ${price(value)}`);
    return trades
      .filter(({ from, to }) => row >= from && row <= to)
      .map(({ number, side, entry, stop, target }) =>
        part(`#${number} ${say(side)} ${price(entry)}${at("stop", stop)}${at("target", target)}`),
      );
  }
}

function part(text, ink) {
  const node = document.createElement("span");
  node.textContent = text;
  if (ink) node.style.color = ink;
  return node;
}
