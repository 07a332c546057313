// Bars: packed columns of minutes and ticks, as candles with the very prices of the desk.
export function readBars({ columns, count, step, decimals }) {
  const bytes = Uint8Array.from(atob(columns), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const at = (column, row) => view.getInt32(4 * (column * count + row), true);
  // Whole numbers over a power of ten: the nearest float, as if the price had been read as text.
  const scale = 10 ** decimals;
  const price = (column, row) => (at(column, row) * step) / scale;
  return Array.from({ length: count }, (_, row) => ({
    time: at(0, row) * 60,
    open: price(1, row),
    high: price(2, row),
    low: price(3, row),
    close: price(4, row),
  }));
}
