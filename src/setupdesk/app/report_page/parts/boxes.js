// Boxes: rectangles behind the candles, {from, to, high, low, fill, lines: [[price, colour]]}.
// Without prices, one is as high as the chart. The web desk imports them too.
export class Boxes {
  constructor() {
    this.boxes = [];
  }

  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { chart, series, requestUpdate });
  }

  show(boxes) {
    this.boxes = boxes;
    this.requestUpdate?.();
  }

  paneViews() {
    return [
      {
        zOrder: () => "bottom",
        renderer: () => ({
          draw: (target) => target.useBitmapCoordinateSpace((space) => this.draw(space)),
        }),
      },
    ];
  }

  draw({ context, bitmapSize, horizontalPixelRatio: across, verticalPixelRatio: down }) {
    const half = this.chart.timeScale().options().barSpacing / 2;
    const x = (time, shift) =>
      Math.round((this.chart.timeScale().timeToCoordinate(time) + shift) * across);
    const y = (price) => Math.round(this.series.priceToCoordinate(price) * down);
    for (const box of this.boxes) {
      const [left, right] = [x(box.from, -half), x(box.to, half)];
      if (right < 0 || left > bitmapSize.width) continue;
      const [top, bottom] =
        box.high === undefined ? [0, bitmapSize.height] : [y(box.high), y(box.low)];
      context.fillStyle = box.fill;
      context.fillRect(left, top, right - left, bottom - top);
      for (const [price, ink] of box.lines ?? []) {
        context.fillStyle = ink;
        context.fillRect(
          left,
          y(price) - Math.floor(down / 2),
          right - left,
          Math.max(1, Math.round(1.5 * down)),
        );
      }
    }
  }
}
