/** `12.5/min`; `3/h` where a minute sees less than one. */
export function rateText(perMinute: number): string {
  const [rate, unit] = perMinute >= 1 ? [perMinute, 'min'] : [perMinute * 60, 'h'];
  return `${Number(rate.toPrecision(3))}/${unit}`;
}
