// Clock: moments of the chart, which are UTC seconds, in the zone of the market.
export class Clock {
  constructor(zone, language, minutes) {
    this.minutes = minutes;
    this.format = new Intl.DateTimeFormat(language, {
      timeZone: zone,
      hourCycle: "h23",
      weekday: "short",
      year: "numeric",
      day: "2-digit",
      month: "short",
      hour: "2-digit",
      minute: "2-digit",
    });
    this.known = new Map();
  }

  // A formatter takes long, and the axis asks for the same moments again and again.
  parts(seconds) {
    if (!this.known.has(seconds)) {
      const parts = this.format.formatToParts(seconds * 1000);
      this.known.set(seconds, Object.fromEntries(parts.map((part) => [part.type, part.value])));
    }
    return this.known.get(seconds);
  }

  tell(seconds) {
    const { weekday, day, month, year, hour, minute } = this.parts(seconds);
    return `${weekday} ${day} ${month} ${year} ${hour}:${minute}`;
  }

  // Kinds below three begin a year, a month or a day.
  mark(seconds, kind) {
    const { day, month, year, hour, minute } = this.parts(seconds);
    if (kind < 2) return `${month} ${year}`;
    const isDay = kind === 2 || this.minutes >= 1440 || `${hour}${minute}` === "0000";
    return isDay ? `${day} ${month}` : `${hour}:${minute}`;
  }
}
