// Inks: the colours of the chart on a light and on a dark page.
const LIGHT = {
  muted: "#667080", rule: "#e6e8ec", accent: "#2a62d9", up: "#0b8a6a", down: "#d5323d", amber: "#a86200",
  candleUp: "#1f9d82", candleDown: "#e0555e", session: "rgba(42, 98, 217, 0.05)",
  upBox: "rgba(11, 138, 106, 0.17)", downBox: "rgba(213, 50, 61, 0.17)",
  upFaint: "rgba(11, 138, 106, 0.08)", downFaint: "rgba(213, 50, 61, 0.08)",
  levels: ["#2a62d9", "#8a4fd0", "#a86200", "#667080"],
};
const DARK = {
  muted: "#8d97a6", rule: "#232a34", accent: "#6f9bff", up: "#2fbf99", down: "#f2616b", amber: "#e0a13a",
  candleUp: "#2aa58a", candleDown: "#e0555e", session: "rgba(111, 155, 255, 0.06)",
  upBox: "rgba(47, 191, 153, 0.2)", downBox: "rgba(242, 97, 107, 0.2)",
  upFaint: "rgba(47, 191, 153, 0.09)", downFaint: "rgba(242, 97, 107, 0.09)",
  levels: ["#6f9bff", "#b88bf0", "#e0a13a", "#8d97a6"],
};

// The page's own ground and text, and the set that is read on such a ground.
export function findInks(node) {
  const style = getComputedStyle(node);
  const [red, green, blue] = style.backgroundColor.match(/[\d.]+/g).map(Number);
  const isDark = 0.3 * red + 0.6 * green + 0.1 * blue < 128;
  return { ...(isDark ? DARK : LIGHT), ground: style.backgroundColor, text: style.color, isDark };
}
