// From values to places on a chart. Pure.

/** About `most` round values from 0 (or `low`) to at least `high`. */
export function ticks(high, most = 4, low = 0) {
  const top = high > low ? high : low + 1;
  const rough = (top - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const found = [];
  for (let n = 0; n <= Math.ceil((top - low) / step - 1e-9); n += 1) found.push(low + n * step);
  return found;
}

/** Round times between two, at most so many; seconds since the epoch. */
export function times(from, to, most = 6) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400];
  const step = steps.find((n) => (to - from) / n <= most) ?? 86_400;
  const zone = new Date(from * 1000).getTimezoneOffset() * 60;
  const found = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) found.push(at);
  return found;
}

/** A place for each value of `from`..`to` on `start`..`end`. */
export function linear(from, to, start, end) {
  const width = to - from || 1;
  return (value) => start + ((value - from) / width) * (end - start);
}

/** An SVG path over points; a null makes a gap, a point alone a short line. */
export function path(points) {
  let text = "";
  points.forEach((point, n) => {
    if (!point) return;
    const [x, y] = point.map((value) => Math.round(value * 10) / 10);
    if (points[n - 1]) text += `L${x} ${y}`;
    else text += points[n + 1] ? `M${x} ${y}` : `M${x - 1.5} ${y}h3`;
  });
  return text;
}

/** The areas under the points, down to `floor`. */
export function area(points, floor) {
  let text = "";
  let first = null;
  points.forEach((point, n) => {
    if (!point) return;
    const [x, y] = point.map((value) => Math.round(value * 10) / 10);
    if (!points[n - 1]) {
      first = x;
      text += `M${x} ${floor}L${x} ${y}`;
    } else text += `L${x} ${y}`;
    if (!points[n + 1]) text += `L${x} ${floor}L${first} ${floor}Z`;
  });
  return text;
}

/** At most so many values: the largest of each stretch, null where all of it is unknown. */
export function thinned(values, most) {
  if (values.length <= most) return values;
  const found = [];
  for (let n = 0; n < most; n += 1) {
    const piece = values.slice(Math.floor((n * values.length) / most), Math.floor(((n + 1) * values.length) / most));
    const seen = piece.filter((value) => value !== null && value !== undefined);
    found.push(seen.length ? Math.max(...seen) : null);
  }
  return found;
}
