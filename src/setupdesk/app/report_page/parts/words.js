// Words: figures and times as text, and elements that hold text and never markup.
const told = JSON.parse(document.getElementById("report").textContent);
const { run, report, setup, candles } = told;
const NOTHING = "--";
const MINUS = "\u2212";

function el(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  fill(node, classes, attributes);
  node.append(...children.flat(9).filter((child) => child || child === 0));
  return node;
}

function svg(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(node, classes, attributes);
  node.append(...children.flat(9).filter((child) => child));
  return node;
}

function fill(node, classes, attributes) {
  if (classes.length) node.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(key, value);
  }
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

function fixed(value, digits = 2) {
  if (!isNumber(value)) return NOTHING;
  const text = Math.abs(value).toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  const isNought = !/[1-9]/.test(text);
  return value < 0 && !isNought ? MINUS + text : text;
}

function signed(value, digits = 2) {
  const text = fixed(value, digits);
  return isNumber(value) && value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

const sayR = (value, digits = 2) => (isNumber(value) ? `${signed(value, digits)}R` : NOTHING);
const sayPercent = (value, digits = 1) =>
  isNumber(value) ? `${fixed(100 * value, digits)} %` : NOTHING;
const saySpan = (span, say = sayR) => (span ? `${say(span[0])} to ${say(span[1])}` : NOTHING);
const sayCount = (count, noun) => `${fixed(count, 0)} ${noun}${count === 1 ? "" : "s"}`;
const toneOf = (value) => (!isNumber(value) || value === 0 ? "" : value > 0 ? "up" : "down");

function sayMinutes(minutes) {
  if (!isNumber(minutes)) return NOTHING;
  const whole = Math.round(minutes);
  const hours = Math.floor(whole / 60);
  return hours ? `${hours} h ${whole % 60} min` : `${whole} min`;
}

function sayPrice(price) {
  if (!isNumber(price)) return NOTHING;
  return candles.decimals === undefined ? String(price) : price.toFixed(candles.decimals);
}

function sayTitle(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function sayAny(value) {
  if (value === null || value === undefined || value === "") return NOTHING;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(sayAny).join(", ") || "none";
  if (typeof value === "object") {
    const parts = Object.entries(value).map(
      ([key, one]) => `${key.replaceAll("_", " ")} ${sayAny(one)}`,
    );
    return parts.join(", ") || "none";
  }
  return String(value);
}

const clock = (iso) => iso.slice(11, 16);
const utcClock = (iso) => `${iso.slice(11, 16)}Z`;
const toSeconds = (iso) => Date.parse(iso) / 1000;

function section(title, ...children) {
  return el("section.card", {}, el("h2", {}, title), ...children);
}

function pairs(rows) {
  return el(
    "dl.pairs",
    {},
    rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}
