import { endOfGap, instantsOf, type Stretch } from './zone-table.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;
const months = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const weekdays = 'SUN MON TUE WED THU FRI SAT'.split(' ');

type Fields = [string, string, string, string, string];

export type CronCase = {
  readonly cron: readonly string[];
  readonly blackoutDates?: readonly string[];
  readonly gap?: 'skip';
  readonly overlap?: 'second' | 'both';
};

/** Every tick in `[from, to)`, by asking each wall-clock minute which instants it stands for. */
export function ticksOf(one: CronCase, stretches: readonly Stretch[], from: number, to: number): number[] {
  const found = one.cron.flatMap((text) => ticksOfText(text, one, stretches, from, to));
  return [...new Set(found)].filter((at) => at >= from && at < to).sort((a, b) => a - b);
}

function ticksOfText(text: string, one: CronCase, stretches: readonly Stretch[], from: number, to: number): number[] {
  const fields = text.split(' ') as Fields;
  const times = minutesOf(fields);
  const isRealTime = fields[0].startsWith('*') || fields[1].startsWith('*');
  const policy = isRealTime ? { gap: 'skip', overlap: 'both' } : { gap: 'shift', overlap: 'first', ...one };
  const first = Math.floor(from / dayMs) - 2;
  const days = Array.from({ length: Math.ceil((to - from) / dayMs) + 5 }, (_, i) => (first + i) * dayMs);
  const isBlack = (day: number) => one.blackoutDates?.some((date) => Date.parse(date) === day) ?? false;
  return days
    .filter((day) => !isBlack(day) && isOn(new Date(day), fields))
    .flatMap((day) => times.flatMap((minute) => instantsFor(day + minute * minuteMs, stretches, policy)));
}

function instantsFor(wall: number, stretches: readonly Stretch[], policy: { gap: string; overlap: string }): number[] {
  const instants = instantsOf(wall, stretches);
  if (instants.length === 0) return policy.gap === 'shift' ? [endOfGap(wall, stretches)] : [];
  if (policy.overlap === 'both') return instants;
  return [policy.overlap === 'first' ? instants[0]! : instants.at(-1)!];
}

function minutesOf([minute, hour]: readonly string[]): number[] {
  const minutes = numbers(minute ?? '*', 0, 59, []);
  return [...numbers(hour ?? '*', 0, 23, [])].flatMap((h) => [...minutes].map((m) => h * 60 + m));
}

function isOn(day: Date, [, , dayOfMonth, month, dayOfWeek]: Fields): boolean {
  if (!numbers(month, 1, 12, months).has(day.getUTCMonth() + 1)) return false;
  const isDay = dayOfMonth.split(',').some((part) => isDayOfMonth(day, part));
  const isWeekday = dayOfWeek.split(',').some((part) => isDayOfWeek(day, part));
  return dayOfMonth.startsWith('*') || dayOfWeek.startsWith('*') ? isDay && isWeekday : isDay || isWeekday;
}

function isDayOfMonth(day: Date, part: string): boolean {
  if (part === 'L') return new Date(day.getTime() + dayMs).getUTCDate() === 1;
  return numbers(part, 1, 31, []).has(day.getUTCDate());
}

function isDayOfWeek(day: Date, part: string): boolean {
  const nth = /^(\w+)#(\d)$/.exec(part);
  if (nth) return isDayOfWeek(day, nth[1] ?? '') && Math.ceil(day.getUTCDate() / 7) === Number(nth[2]);
  const last = /^(\d)L$/.exec(part);
  if (last)
    return isDayOfWeek(day, last[1] ?? '') && new Date(day.getTime() + 7 * dayMs).getUTCMonth() !== day.getUTCMonth();
  const on = numbers(part, 0, 7, weekdays);
  return on.has(day.getUTCDay()) || (day.getUTCDay() === 0 && on.has(7));
}

/** Lists, ranges, steps and names of one field. */
function numbers(field: string, least: number, most: number, names: readonly string[]): Set<number> {
  const number = (text: string) => {
    const index = names.indexOf(text.toUpperCase());
    return index < 0 ? Number(text) : index + least;
  };
  return new Set(
    field.split(',').flatMap((part) => {
      const [range = '*', step = '1'] = part.split('/');
      const [low = '0', high] = range === '*' ? [String(least), String(most)] : range.split('-');
      const end = high === undefined ? (part.includes('/') ? most : number(low)) : number(high);
      const all = [];
      for (let n = number(low); n <= end; n += Number(step)) all.push(n);
      return all;
    }),
  );
}
