import type { CronCase } from './cron-table.ts';

const minutes = ['0', '30', '15,45', '5', '59', '*/15', '*', '0-10/5'];
const hours = ['*', '0', '1', '2', '3', '23', '0-3', '1,2', '*/6', '2-22/4', '12'];
const days = [
  '* * *',
  '* * 1-5',
  '1 * *',
  'L * *',
  '29 2 *',
  '31 * *',
  '15 JAN,JUL *',
  '* * SUN',
  '* * 5L',
  '* * 1#1',
  '* * THU#3',
  '13 * 5',
  '*/2 * 0',
  '1-7 * */2',
  '* MAR-APR 6,0',
  '30 10-11 *',
];
const policies: Omit<CronCase, 'cron'>[] = [
  {},
  { gap: 'skip' },
  { overlap: 'second' },
  { overlap: 'both' },
  { gap: 'skip', overlap: 'both' },
];

/** Two hundred cron calendars: every field's forms with each other in turn, every policy, several texts, dates left out. */
export const cronCases: readonly CronCase[] = Array.from({ length: 200 }, (_, i) => {
  const pick = <Item>(list: readonly Item[], step: number): Item =>
    list[(i * step + Math.floor(i / list.length)) % list.length]!;
  const text = (shift: number) => `${pick(minutes, 3 + shift)} ${pick(hours, 5 + shift)} ${pick(days, 7 + shift)}`;
  const cron = i % 7 === 0 ? [text(0), text(2)] : [text(0)];
  const blackout = i % 11 === 0 ? { blackoutDates: ['2020-03-29', '2020-11-01', '2020-12-31', '2024-02-29'] } : {};
  return { cron, ...pick(policies, 1), ...blackout };
});

/** At most this often a day, so that ten years can be walked. */
export const rareCases = cronCases.filter(({ cron }) => cron.every((text) => !/^\S*\*/.test(text)));
