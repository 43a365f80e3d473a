const binary = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimal = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];

/** A quantity of Kubernetes as a number: `1.5Gi`, `500m`, `2`. The schema has seen to its form; anything else is NaN. */
export function quantityOf(quantity: string | number): number {
  if (typeof quantity === 'number') return quantity;
  const [, digits, suffix = ''] = /^([0-9.]+(?:[eE][-+]?[0-9]+)?)([a-zA-Z]*)$/.exec(quantity) ?? [];
  const factor = binary.includes(suffix)
    ? 1024 ** (binary.indexOf(suffix) + 1)
    : 1000 ** (decimal.indexOf(suffix) - decimal.indexOf(''));
  return decimal.includes(suffix) || binary.includes(suffix) ? Number(digits) * factor : Number.NaN;
}
