/** The marks of an axis: round numbers, few of them. */

/** @returns multiples of 1, 2 or 5 times a power of ten, all within the range, at most about `count` */
export function linearTicks(from: number, to: number, count: number): number[] {
  const span = to - from;
  if (!(span > 1e-290) || !Number.isFinite(span)) return Number.isFinite(from) ? [from] : [];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough) ?? 10 * power;
  const ticks: number[] = [];
  for (let nth = Math.ceil(from / step - 1e-9); ticks.length < count + 2; nth += 1) {
    const tick = nth * step;
    if (tick > to + step * 1e-9) break;
    ticks.push(Number(tick.toPrecision(12)));
  }
  return ticks;
}

/**
 * @param from the range, as powers of ten
 * @returns powers of ten, thinned out to about `count`; with 2 and 5 times them where there are few
 */
export function logTicks(from: number, to: number, count: number): number[] {
  const [low, high] = [Math.floor(from), Math.ceil(to)];
  const every = Math.max(1, Math.ceil((high - low) / count));
  const times = high - low <= 2 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = low; power <= high; power += every)
    for (const one of times) ticks.push(Number((one * 10 ** power).toPrecision(6)));
  return ticks.filter((tick) => Math.log10(tick) >= from - 1e-9 && Math.log10(tick) <= to + 1e-9);
}
